/* ceremony/audit.c - `cardkeys audit verify PLAN`: is the plan's audit log whole? Needs no token; with --token it opens the
 * plan's tokens and compares the log's end with what they keep. */
#include <inttypes.h>
#include <string.h>

#include "base/args.h"
#include "ceremony/audit_check.h"
#include "ceremony/commands.h"
#include "ceremony/plan_lint.h"
#include "ceremony/tokens.h"

static bool open_signing_token(struct ceremony *c, struct err *err)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site);
    struct hsm_token *t = NULL;
    if (!key)
        return err_set(err, ERR_CONFIG, "the plan has no signing pair here, so no token keeps the log's end");
    return tokens_open_named(c, key->tokens[0], &t, err);
}

/* A chain that nobody's signature holds proves nothing. */
static bool some_closing_verified(const struct plan *p, const struct audit_check *check, struct err *err)
{
    const struct audit_verified *v = &check->found;
    return v->closings == 0 || v->closings_good > 0 ||
           err_set(err, ERR_INTEGRITY,
                   "%s: none of its %" PRIu64
                   " closings could be verified: no public file of a signing pair that closed it is here",
                   p->audit_log, v->closings);
}

static bool verify(const char *path, const char *site, bool token, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct audit_check check;
    char text[AUDIT_CHECK_TEXT], head[1024];
    if (!plan_lint_load(&plan, path, err)) return false;
    bool ok = ceremony_init(&c, plan, site, false, err) && (!token || open_signing_token(&c, err)) &&
              audit_check_plan(&c, &check, err) && some_closing_verified(plan, &check, err);
    if (ok) {
        audit_check_describe(&check, text);
        snprintf(head, sizeof(head), "%s: ", plan->audit_log);
        dialogue_result(head, text);
    }
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int command_audit(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *operands[2] = {NULL, NULL}, *site = NULL;
    bool help = false, token = false;
    const struct arg_option options[] = {
        {"token",
         ARG_FLAG,
         NULL,
         "open the token and compare the log's end with what it keeps",
         {.flag = &token}},
        {"site", ARG_TEXT, "NAME", "the token at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&audit_command, argc, argv, options, count, operands, &status)) return status;
    if (strcmp(operands[0], "verify") != 0) {
        err_set_text(&err, ERR_CONFIG, "unknown word '%s': cardkeys audit verify PLAN", operands[0]);
        return args_fail(&audit_command, &err);
    }
    return verify(operands[1], site, token, &err) ? 0 : args_fail(&audit_command, &err);
}

const struct arg_command audit_command = {
    "cardkeys", "audit", "verify PLAN", 2, "check the audit log's chain and signatures", command_audit};
