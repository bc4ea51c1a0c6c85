/* ceremony/doctor.c - `cardkeys doctor`: what a token really does, by trying it. Leaves nothing on the token. The trials
 * are in hsm/examine/; here they are run and shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/doctor_report.h"
#include "hsm/tokens.h"
#include "hsm/pin.h"
#include "hsm/probe.h"

/* The one token of the module, when none was named. */
struct only {
    size_t count;
    char label[64];
    bool ok; /* else err says why not */
    struct err err;
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

/* In a child, because not every module can be loaded a second time in one process, nor in a fork of such a process. */
static bool list_tokens(const char *module, const char *parameters, struct only *out, struct err *err)
{
    int ends[2];
    if (pipe(ends) != 0) return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    pid_t child = fork();
    if (child == 0) {
        struct only found = {.count = 0};
        found.ok = hsm_token_list(module, parameters, count_token, &found, &found.err);
        _exit(write(ends[1], &found, sizeof(found)) == (ssize_t)sizeof(found) ? 0 : 1);
    }
    close(ends[1]);
    bool heard = child > 0 && read(ends[0], out, sizeof(*out)) == (ssize_t)sizeof(*out);
    close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
    if (!heard) return err_set(err, ERR_TOKEN, "%s: the module fails while it lists its tokens", module);
    if (!out->ok) *err = out->err;
    return out->ok;
}

struct request {
    const char *module, *parameters, *token, *pin, *programs;
    bool json;
};

/* "prep,bureau" as a set. */
static bool read_programs(const char *text, unsigned *out, struct err *err)
{
    *out = text ? 0 : HSM_FOR_ALL;
    while (text && *text) {
        size_t len = strcspn(text, ",");
        unsigned program = doctor_program(text, len);
        if (!program)
            return err_set(err, ERR_CONFIG,
                           "--for %.*s: one or more of prep, ceremony, bureau, with commas between", (int)len,
                           text);
        *out |= program;
        text += len + (text[len] == ',');
    }
    return *out != 0 || err_set(err, ERR_CONFIG, "--for names no program");
}

static bool choose(const struct request *r, struct only *only, struct err *err)
{
    if (!r->module)
        return err_set(err, ERR_CONFIG, "which module? --module PATH, as in --module %s",
                       "/usr/lib/softhsm/libsofthsm2.so");
    if (!r->token && !list_tokens(r->module, r->parameters, only, err)) return false;
    if (!r->token && only->count != 1)
        return err_set(err, ERR_CONFIG,
                       "the module shows %zu tokens: name one with --token (cardkeys list --module %s)",
                       only->count, r->module);
    return true;
}

static bool examine(const struct request *r, bool *all_run, struct err *err)
{
    struct only only = {.count = 0};
    struct hsm_pin_source source;
    struct secret pin = SECRET_NONE;
    struct hsm_token *t = NULL;
    struct doctor_report report = {.programs = HSM_FOR_ALL};
    char whose[96];
    bool ok = false;

    if (!read_programs(r->programs, &report.programs, err)) return false;
    if (!choose(r, &only, err)) return false;
    struct hsm_token_choice choice = {
        .module = r->module, .parameters = r->parameters, .label = r->token ? r->token : only.label};
    snprintf(whose, sizeof(whose), "token '%s'", choice.label);
    report.outcomes = calloc(hsm_trial_count(), sizeof(*report.outcomes));
    if (!report.outcomes) {
        err_set_no_memory(err);
        goto out;
    }
    if (!hsm_pin_source_read(r->pin ? r->pin : "prompt", &source, err)) goto out;
    if (!hsm_pin_get(&source, whose, &pin, err)) goto out;
    /* Before this process loads the module; this tries the PIN, too. */
    if (!hsm_examine_processes(&choice, &pin, report.outcomes, err)) goto out;
    if (!hsm_token_open(&t, &choice, HSM_LOGIN_USER, &pin, 0, err)) goto out;
    if (!hsm_examine(t, report.programs, report.outcomes, err)) goto out;
    report.token = t;
    *all_run = doctor_all_run(&report);
    ok = r->json ? doctor_print_json(&report, err) : doctor_print(&report, err);
out:
    hsm_token_close(t);
    secret_release(&pin);
    free(report.outcomes);
    return ok;
}

static int command_doctor(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    struct request r = {NULL, NULL, NULL, NULL, NULL, false};
    bool help = false, all_run = false;
    const struct arg_option options[] = {
        {"module", ARG_TEXT, "PATH", "the PKCS#11 module", {.text = &r.module}},
        {"parameters", ARG_TEXT, "TEXT", "what the module wants at its start (NSS)", {.text = &r.parameters}},
        {"token", ARG_TEXT, "LABEL", "which token; needed when there are several", {.text = &r.token}},
        {"pin", ARG_TEXT, "SOURCE", "prompt (default), file:PATH, fd:N or credential:NAME", {.text = &r.pin}},
        {"for",
         ARG_TEXT,
         "PROGRAMS",
         "of prep, ceremony and bureau, those that matter",
         {.text = &r.programs}},
        {"json", ARG_FLAG, NULL, "for machines", {.flag = &r.json}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&doctor_command, argc, argv, options, count, NULL, &status)) return status;
    if (!examine(&r, &all_run, &err)) return args_fail(&doctor_command, &err);
    return all_run ? 0 : err_exit_status(ERR_TOKEN);
}

const struct arg_command doctor_command = {
    "cardkeys", "doctor", "--module PATH", 0, "try what a token can do", command_doctor};
