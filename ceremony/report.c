/* ceremony/report.c - `cardkeys report PLAN`: what happened, by whom, when, with check values and hashes, as a text that the
 * site's signing pair signs in the token. */
#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/output.h"
#include "ceremony/place.h"
#include "ceremony/plan_lint.h"
#include "ceremony/report_text.h"
#include "hsm/crypto.h"

enum { REPORT_MAX = 16 << 20 };
/* Its terminating zero is the separator. */
static const char context[] = "cardprep-report-1";

static bool sign(struct ceremony *c, const struct buf *text, struct buf *signature, struct err *err)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site);
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct buf message;
    if (!key) return err_set(err, ERR_CONFIG, "a report is signed: the plan has no signing-pair here");
    buf_init(&message, REPORT_MAX + sizeof(context));
    buf_put(&message, context, sizeof(context));
    buf_put(&message, text->data, text->len);
    bool ok = buf_ok(&message, "report", err) && place_find_pair(c, key->name, &t, &pair, err) &&
              hsm_sign_sha256(t, &pair.private_key, message.data, message.len, signature, err);
    buf_release(&message);
    return ok;
}

/* The signature first: a report that is there is signed. */
static bool write_both(const char *path, const struct buf *text, const struct buf *signature, struct err *err)
{
    char signature_path[4096];
    int n = snprintf(signature_path, sizeof(signature_path), "%s.sig", path);
    if (n < 0 || (size_t)n >= sizeof(signature_path))
        return err_set(err, ERR_CONFIG, "the report's path is too long");
    if (!output_write(signature_path, signature, OUTPUT_REPLACE, err) ||
        !output_write(path, text, OUTPUT_REPLACE, err))
        return false;
    printf("%s\n%s\n", path, signature_path);
    return true;
}

static bool report(const char *path, const char *site, const char *output, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct buf text, signature;
    buf_init(&text, REPORT_MAX);
    buf_init(&signature, HSM_MODULUS_MAX);
    bool ok = plan_lint_load(&plan, path, err) && ceremony_init(&c, plan, site, false, err) &&
              report_text(&c, &text, err) && sign(&c, &text, &signature, err) &&
              write_both(output ? output : plan->report_file, &text, &signature, err);
    buf_release(&signature);
    buf_release(&text);
    if (c.tokens) ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int command_report(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *path = NULL, *site = NULL, *output = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"output", ARG_TEXT, "FILE", "write here instead of where the plan says", {.text = &output}},
        {"site", ARG_TEXT, "NAME", "the tokens and the signer at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&report_command, argc, argv, options, count, &path, &status)) return status;
    return report(path, site, output, &err) ? 0 : args_fail(&report_command, &err);
}

const struct arg_command report_command = {
    "cardkeys", "report", "PLAN", 1, "what happened, signed in the token", command_report};
