/* ceremony/check.c - `cardkeys check PLAN`: everything that can be wrong before people travel: the plan's rules, its dates,
 * its tokens and what they lack, what is on them already, whether the script can be printed. Changes nothing. */
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "ceremony/commands.h"
#include "ceremony/plan_lint.h"
#include "ceremony/plan_needs.h"
#include "ceremony/script_pages.h"
#include "ceremony/step.h"

enum { PDF_MAX = 16 << 20 };

struct tally {
    size_t to_do, there, wrong;
    enum err_kind kind; /* of the first that is wrong */
    const char *token;  /* that is looked at */
};

static void wrong(struct tally *t, const struct err *err)
{
    dialogue_result("WRONG  ", err->text);
    if (t->wrong++ == 0) t->kind = err->kind;
}

/* Goes on behind a step that is wrong, so that one check names all. False: whoever was asked for a PIN left. */
static bool look_at_steps(struct ceremony *c, struct tally *t, struct err *left)
{
    struct step_walk walk = {0, 0, 0};
    struct step s;
    while (step_next(c->plan, c->site, &walk, &s)) {
        struct step_result r;
        struct err err = ERR_INIT;
        if (!step_do(c, STEP_LOOK, &s, &r, &err)) {
            if (err.kind == ERR_INTERRUPTED) {
                *left = err;
                return false;
            }
            wrong(t, &err);
            continue;
        }
        step_print(&s, &r);
        t->to_do += r.state == STEP_TO_DO;
        t->there += r.state == STEP_THERE;
    }
    return true;
}

static void lack(void *context, const struct plan_key *key, const struct hsm_ability_row *ability,
                 const char *why)
{
    struct tally *t = context;
    struct err err = ERR_INIT;
    char name[PLAN_KEY_NAME_MAX];
    err_set_text(&err, ERR_TOKEN, "token '%s' cannot %s, which key %s needs there: %s", t->token,
                 ability->name, plan_key_name(key, name), why);
    wrong(t, &err);
}

/* Only an open token can be tried; one that the plan will initialise is like others of its module (cardkeys doctor). */
static void look_at_tokens(struct ceremony *c, struct tally *t)
{
    for (size_t i = 0; i < c->plan->token_count; i++) {
        struct err err = ERR_INIT;
        struct hsm_token *token = c->tokens[i].open;
        char text[256];
        t->token = c->plan->tokens[i].name;
        if (c->tokens[i].absent) {
            snprintf(text, sizeof(text),
                     "token '%s' is not there yet: try another of its module with cardkeys doctor", t->token);
            dialogue_result("note   ", text);
        }
        if (!token) continue;
        if (hsm_probe(token, true, &err))
            plan_needs_each_lack(c->plan, i, hsm_token_profile(token), lack, t);
        else
            wrong(t, &err);
    }
}

static void look_at_dates(const struct plan *p, struct tally *t)
{
    char today[CLOCK_TEXT_LEN + 1];
    struct err err = ERR_INIT;
    if (!clock_text(clock_now(NULL), today, &err)) {
        wrong(t, &err);
        return;
    }
    today[10] = 0;
    for (size_t i = 0; i < p->key_count; i++) {
        char name[PLAN_KEY_NAME_MAX];
        if (!p->keys[i].not_after || strcmp(p->keys[i].not_after, today) >= 0) continue;
        err_set_text(&err, ERR_CONFIG, "%s:%u: key %s ended on %s", p->path, p->keys[i].line,
                     plan_key_name(&p->keys[i], name), p->keys[i].not_after);
        wrong(t, &err);
    }
}

/* A name that no printer has a letter for shows here, and not on the day. */
static void look_at_script(const struct plan *p, const char *site, struct tally *t)
{
    struct err err = ERR_INIT;
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    if (!script_pages(p, site, &pdf, &err)) {
        err_prefix(&err, "the script cannot be printed");
        wrong(t, &err);
    }
    buf_release(&pdf);
}

static bool check(const char *path, const char *site, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct tally t = {0, 0, 0, ERR_NONE, NULL};

    if (!plan_lint_load(&plan, path, err)) return false;
    bool ok = ceremony_init(&c, plan, site, false, err);
    if (ok) {
        look_at_dates(plan, &t);
        look_at_script(plan, site, &t);
        ok = look_at_steps(&c, &t, err);
    }
    if (ok) {
        look_at_tokens(&c, &t);
        printf("%s: %s plan; %zu there, %zu to be made", path, plan->test ? "TEST" : "production", t.there,
               t.to_do);
        printf(t.wrong ? ", %zu wrong\n" : "\n", t.wrong);
        if (t.wrong) ok = err_set(err, t.kind, "%zu finding%s", t.wrong, t.wrong == 1 ? "" : "s");
    }
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int command_check(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *path = NULL, *site = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "only what is done at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&check_command, argc, argv, options, count, &path, &status)) return status;
    return check(path, site, &err) ? 0 : args_fail(&check_command, &err);
}

const struct arg_command check_command = {
    .program = "cardkeys",
    .name = "check",
    .operands = "PLAN",
    .operand_count = 1,
    .help = "everything that can be wrong before people travel; changes nothing",
    .run = command_check,
};
