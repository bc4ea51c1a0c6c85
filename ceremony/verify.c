/* ceremony/verify.c - `cardkeys verify PLAN`: are tokens, files and audit log what the plan says, all of it and nothing
 * else? Goes on after each finding. */
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/audit_check.h"
#include "ceremony/journal.h"
#include "ceremony/place.h"
#include "ceremony/plan_lint.h"
#include "ceremony/step.h"
#include "ceremony/trust.h"
#include "hsm/objects.h"

struct findings {
    const struct ceremony *c;
    const struct plan_token *token; /* of which objects are looked at */
    size_t count, right, waiting;   /* what is waited for is a finding, too */
    enum err_kind kind;             /* of the first, or that something was tampered with */
};

static void tell(const char *head, const char *what, const char *why)
{
    char text[ERR_TEXT_MAX + 256];
    snprintf(text, sizeof(text), "%s%s%s", what, what[0] ? ": " : "", why);
    dialogue_result(head, text);
}

static void find(struct findings *f, enum err_kind kind, const char *what, const char *why)
{
    tell("WRONG  ", what, why);
    if (f->count++ == 0 || kind == ERR_INTEGRITY) f->kind = kind;
}

static void right(const char *what, const char *detail)
{
    char head[256];
    snprintf(head, sizeof(head), "right  %-44s ", what);
    dialogue_result(head, detail);
}

/* Every step of the plan that is done here must be done. False: whoever was asked for a PIN left. */
static bool look_at_steps(struct ceremony *c, struct findings *f, struct err *left)
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
            find(f, err.kind, "", err.text); /* which begins with the step */
        } else if (r.state == STEP_THERE || r.state == STEP_READY) {
            right(s.what, r.detail);
            f->right++;
        } else if (r.state == STEP_WAITING) {
            tell("waits  ", s.what, r.detail);
            f->waiting++;
        } else if (r.state != STEP_ELSEWHERE) {
            char why[sizeof(r.detail) + 16];
            snprintf(why, sizeof(why), "not done yet%s%s", r.detail[0] ? ": " : "", r.detail);
            find(f, ERR_TOKEN, s.what, why);
        }
    }
    return true;
}

/* Of this label and class: a secret key beside a pair of the same name is one too many. */
static bool is_planned(const struct findings *f, const struct hsm_object_seen *o)
{
    const struct plan *p = f->c->plan;
    for (size_t i = 0; i < p->key_count; i++) {
        for (size_t t = 0; t < p->keys[i].token_count; t++) {
            if (strcmp(p->keys[i].label, o->label) == 0 &&
                strcmp(p->keys[i].tokens[t], f->token->name) == 0 &&
                (p->keys[i].bits == 0) == (o->class == HSM_OBJECT_SECRET))
                return true;
        }
    }
    for (size_t i = 0; i < p->trust_count; i++) {
        char due[96];
        snprintf(due, sizeof(due), TRUST_LABEL_PREFIX "%s", p->trusts[i].signer);
        if (strcmp(p->trusts[i].at, f->token->name) == 0 && strcmp(o->label, due) == 0 &&
            o->class == HSM_OBJECT_PUBLIC)
            return true;
    }
    return false;
}

static bool look_at_object(void *context, const struct hsm_object_seen *o, struct err *err)
{
    struct findings *f = context;
    char what[160];
    (void)err;
    if (is_planned(f, o)) return true;
    snprintf(what, sizeof(what), "token %s, %s '%s'", f->token->name, hsm_object_class_name(o->class),
             o->label);
    find(f, ERR_TOKEN, what, "the plan knows no such key");
    return true;
}

static void look_at_tokens(struct ceremony *c, struct findings *f)
{
    for (size_t i = 0; i < c->plan->token_count; i++) {
        struct err err = ERR_INIT;
        f->token = &c->plan->tokens[i];
        if (!c->tokens[i].open) continue;
        size_t before = f->count;
        if (!hsm_objects_each(c->tokens[i].open, look_at_object, f, &err))
            find(f, err.kind, f->token->name, err.text);
        if (f->count == before) right(f->token->name, "no other key");
    }
}

/* One that cannot be read is one finding, and not one with every key. */
static void read_log_first(struct ceremony *c)
{
    struct audit_check check;
    struct err err = ERR_INIT;
    c->no_log = !audit_check_plan(c, &check, &err);
}

static void look_at_log(struct ceremony *c, struct findings *f)
{
    struct audit_check check;
    struct err err = ERR_INIT;
    char text[AUDIT_CHECK_TEXT];
    if (!audit_check_plan(c, &check, &err)) {
        find(f, err.kind, "audit log", err.text);
        return;
    }
    audit_check_describe(&check, text);
    right("audit log", text);
}

static bool verify(const char *path, const char *site, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    if (!plan_lint_load(&plan, path, err)) return false;
    bool ok = ceremony_init(&c, plan, site, false, err);
    struct findings f = {.c = &c};
    if (ok) read_log_first(&c);
    /* A PIN may have to be typed; nothing else is asked. */
    ok = ok && look_at_steps(&c, &f, err);
    if (ok) {
        look_at_tokens(&c, &f);
        look_at_log(&c, &f);
        printf("%s%s: %zu right, %zu wrong", plan->test ? "TEST  " : "", path, f.right, f.count);
        printf(f.waiting ? ", %zu waiting\n" : "\n", f.waiting);
        if (f.count)
            ok = err_set(err, f.kind, "%zu finding%s", f.count, f.count == 1 ? "" : "s");
        else if (f.waiting)
            ok = err_set(err, ERR_TOKEN, "%zu step%s for somebody outside", f.waiting,
                         f.waiting == 1 ? " waits" : "s wait");
    }
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int command_verify(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *path = NULL, *site = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "only the tokens and files at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&verify_command, argc, argv, options, count, &path, &status)) return status;
    return verify(path, site, &err) ? 0 : args_fail(&verify_command, &err);
}

const struct arg_command verify_command = {
    "cardkeys", "verify", "PLAN", 1, "compare tokens, files and audit log with the plan", command_verify};
