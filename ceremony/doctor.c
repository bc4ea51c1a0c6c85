/* ceremony/doctor.c - `cardkeys doctor`: what a token really does, by trying it. Leaves nothing on the token. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "hsm/tokens.h"
#include "hsm/pin.h"
#include "hsm/probe.h"

/* The one token of the module, when none was named. */
struct only {
    size_t count;
    char label[64];
};

static void count_token(void *context, const char *label, const char *serial, const char *model)
{
    struct only *o = context;
    (void)serial;
    (void)model;
    if (!label[0]) return; /* an empty slot of a soft token */
    snprintf(o->label, sizeof(o->label), "%s", label);
    o->count++;
}

static void print_table(const struct hsm_token *t, const struct hsm_profile *p)
{
    printf("token     %s, serial %s\n          %s\n\n", hsm_token_label(t), hsm_token_serial(t),
           hsm_token_model(t));
    for (int a = 0; a < HSM_ABILITY_COUNT; a++) {
        const struct hsm_ability_row *row = hsm_ability_row((enum hsm_ability)a);
        printf("%-3s  %-28s %s%s%s\n", p->can[a] ? "yes" : "no", row->name, row->help,
               p->why[a][0] ? "\n       " : "", p->why[a]);
    }
    printf("\nRFC 5649 by mechanism 0x%lX%s\n", p->kwp_mechanism,
           p->kwp_pads_to_8 ? ", keys padded with zeros to a multiple of 8 first" : "");
    printf("DES keys get odd parity from the token: %s\n", p->forces_des_parity ? "yes" : "no");
    printf("CKA_CHECK_VALUE right after a derivation: %s (it is never used)\n",
           p->check_value_after_derive ? "yes" : "no");
    puts("Whoever holds the user PIN can derive card keys in clear on a token without derive templates, soft "
         "tokens among\n"
         "them: what is left is a user id of its own, a folder of mode 0700 and a PIN by credential "
         "(docs/THREATS.md).");
}

static bool print_json(const struct hsm_token *t, const struct hsm_profile *p, struct err *err)
{
    json_t *abilities = json_object();
    for (int a = 0; a < HSM_ABILITY_COUNT; a++)
        json_object_set_new(abilities, hsm_ability_row((enum hsm_ability)a)->name,
                            json_pack("{s:b, s:s}", "can", p->can[a], "why", p->why[a]));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:o, s:I, s:b, s:b, s:b}", "label", hsm_token_label(t), "serial",
                  hsm_token_serial(t), "model", hsm_token_model(t), "abilities", abilities, "kwp_mechanism",
                  (json_int_t)p->kwp_mechanism, "kwp_pads_to_8", p->kwp_pads_to_8, "forces_des_parity",
                  p->forces_des_parity, "check_value_after_derive", p->check_value_after_derive);
    if (!root) return err_set_no_memory(err);
    int failed = json_dumpf(root, stdout, JSON_INDENT(1));
    json_decref(root);
    puts("");
    return failed == 0 || err_set(err, ERR_FILE, "standard output");
}

struct request {
    const char *module, *parameters, *token, *pin;
    bool json;
};

static bool examine(const struct request *r, struct err *err)
{
    struct only only = {0, ""};
    struct hsm_pin_source source;
    struct secret pin = SECRET_NONE;
    struct hsm_token *t = NULL;
    char whose[96];
    bool ok = false;

    if (!r->module)
        return err_set(err, ERR_CONFIG, "which module? --module PATH, as in --module %s",
                       "/usr/lib/softhsm/libsofthsm2.so");
    if (!r->token && !hsm_token_list(r->module, r->parameters, count_token, &only, err)) return false;
    if (!r->token && only.count != 1)
        return err_set(err, ERR_CONFIG,
                       "the module shows %zu tokens: name one with --token (cardkeys list --module %s)",
                       only.count, r->module);
    struct hsm_token_choice choice = {
        .module = r->module, .parameters = r->parameters, .label = r->token ? r->token : only.label};
    snprintf(whose, sizeof(whose), "token '%s'", choice.label);
    if (!hsm_pin_source_read(r->pin ? r->pin : "prompt", &source, err)) goto out;
    if (!hsm_pin_get(&source, whose, &pin, err)) goto out;
    if (!hsm_token_open(&t, &choice, HSM_LOGIN_USER, &pin, 0, err)) goto out;
    if (!hsm_probe(t, true, err)) goto out;
    if (r->json) {
        ok = print_json(t, hsm_token_profile(t), err);
    } else {
        print_table(t, hsm_token_profile(t));
        ok = true;
    }
out:
    hsm_token_close(t);
    secret_release(&pin);
    return ok;
}

int command_doctor(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct request r = {NULL, NULL, NULL, NULL, false};
    bool help = false;
    const struct arg_option options[] = {
        {"module", ARG_TEXT, "PATH", "the PKCS#11 module", {.text = &r.module}},
        {"parameters", ARG_TEXT, "TEXT", "what the module wants at its start (NSS)", {.text = &r.parameters}},
        {"token", ARG_TEXT, "LABEL", "which token; needed when there are several", {.text = &r.token}},
        {"pin", ARG_TEXT, "SOURCE", "prompt (default), file:PATH, fd:N or credential:NAME", {.text = &r.pin}},
        {"json", ARG_FLAG, NULL, "for machines", {.flag = &r.json}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    const struct arg_command usage = {"doctor", "--module PATH", 0, "try what a token can do", NULL};
    if (!args_parse(argc, argv, options, count, NULL, 0, &err)) return args_report("cardkeys doctor", &err);
    if (help) {
        args_usage(stdout, "cardkeys", &usage, options, count);
        return 0;
    }
    return examine(&r, &err) ? 0 : args_report("cardkeys doctor", &err);
}
