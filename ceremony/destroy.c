/* ceremony/destroy.c - `cardkeys destroy PLAN KEY/VERSION`: takes a key off its tokens, by two officers who type its label. */
#include <string.h>

#include "base/args.h"
#include "ceremony/closing.h"
#include "ceremony/commands.h"
#include "ceremony/dual_control.h"
#include "ceremony/journal.h"
#include "ceremony/place.h"
#include "ceremony/plan_lint.h"
#include "ceremony/sitting.h"
#include "hsm/objects.h"

/* The key on one of its tokens. It may be wrong in any way: it is to go. And it may be gone, with nothing in the log of that: a
 * sitting was killed before it could write it down, or somebody with the PIN took it off. */
struct copy {
    struct place place;
    bool is_lost; /* not there, but the log has it */
};

static bool open_copy(struct ceremony *c, const struct plan_key *k, size_t i, struct copy *copy,
                      struct err *err)
{
    bool has = false;
    if (!place_open(c, k, i, &copy->place, err) || !journal_has_copy(c, k, k->tokens[i], &has, err))
        return false;
    copy->is_lost = has && !copy->place.there;
    return true;
}

/* How many of its copies here there are still to destroy, or to write down. */
static bool find(struct ceremony *c, const struct plan_key *k, size_t *found, struct err *err)
{
    struct copy copy;
    *found = 0;
    for (size_t i = 0; i < k->token_count; i++) {
        if (!plan_token_is_at(c->plan, k->tokens[i], c->site)) continue;
        if (!open_copy(c, k, i, &copy, err)) return false;
        *found += copy.place.there || copy.is_lost;
    }
    return true;
}

static bool remove_all(struct ceremony *c, const struct plan_key *k, const struct officers *two,
                       struct err *err)
{
    struct copy copy;
    const struct place *p = &copy.place;
    for (size_t i = 0; i < k->token_count; i++) {
        if (!plan_token_is_at(c->plan, k->tokens[i], c->site)) continue;
        if (!open_copy(c, k, i, &copy, err)) return false;
        if (!p->there && !copy.is_lost) continue;
        if (p->there && !hsm_key_remove(p->token, k->label, err)) return false;
        if (!journal_destroy(c->journal, k, k->tokens[i], two, err)) return false;
        printf("%s%s: %s on %s\n", c->plan->test ? "TEST  " : "",
               copy.is_lost ? "was gone already" : "destroyed", p->name, p->token_name);
    }
    return true;
}

static bool destroy(const char *path, const char *name, const struct sitting_options *o, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct sitting s = SITTING_NONE;
    const struct plan_key *k = NULL;
    struct officers two;
    char what[160], full[PLAN_KEY_NAME_MAX], question[DIALOGUE_LINE_MAX];
    size_t found = 0;
    bool ok = false;

    if (!plan_lint_load(&plan, path, err)) return false;
    if (!plan_key_find(plan, name, &k, err)) goto out;
    if (k->version && !strchr(name, '/')) {
        err_set(err, ERR_CONFIG, "which version? Name it: cardkeys destroy %s %s/VERSION", path, k->name);
        goto out;
    }
    if (!sitting_begin(&s, &c, plan, o, err)) goto out;
    if (!find(&c, k, &found, err)) goto out;
    if (found == 0) {
        err_set(err, ERR_TOKEN, "key %s is on none of its tokens here", plan_key_name(k, full));
        goto out;
    }
    snprintf(what, sizeof(what), "destroy key %s on %zu token%s, for ever", plan_key_name(k, full), found,
             found == 1 ? "" : "s");
    if (!dual_control(&c, what, &two, err)) goto out;
    snprintf(question, sizeof(question), "Type the key's label (cardkeys show says it) to %s:", what);
    if (!dialogue_types(&c.dialogue, question, k->label, err)) goto out;
    ok = remove_all(&c, k, &two, err) && closing_sign_if_open(&c, err);
out:
    sitting_end(&s, &c);
    plan_free(plan);
    if (ok) fprintf(stderr, "Take the key out of the plan, or cardkeys run would make it again.\n");
    return ok;
}

static int command_destroy(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *operands[2] = {NULL, NULL};
    struct sitting_options o = {.site = NULL};
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "only on the tokens at this site of the plan", {.text = &o.site}},
        {"yes", ARG_FLAG, NULL, "ask nothing: for TEST plans", {.flag = &o.yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&destroy_command, argc, argv, options, count, operands, &status)) return status;
    return destroy(operands[0], operands[1], &o, &err) ? 0 : args_fail(&destroy_command, &err);
}

const struct arg_command destroy_command = {
    "cardkeys", "destroy", "PLAN KEY", 2, "two officers take a key off its tokens", command_destroy};
