/* ceremony/rotate.c - `cardkeys rotate PLAN KEY`: the next version of a key, beside the old one. The plan gains its entry, the
 * log says what follows what, and then the ceremony goes on as `run` does. */
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/dual_control.h"
#include "ceremony/evidence.h"
#include "ceremony/journal.h"
#include "ceremony/output.h"
#include "ceremony/plan_entry.h"
#include "ceremony/plan_lint.h"
#include "ceremony/sitting.h"

enum { PLAN_MAX = 1 << 20, ENTRY_MAX = 1 << 14 };

static void show_entry(const struct dialogue *d, struct buf *entry)
{
    if (!d->terminal) return;
    fprintf(d->terminal, "\nThe plan gains this entry; dates are yours to add, before or after:\n\n%s\n",
            buf_text(entry));
    fflush(d->terminal);
}

/* A text that is no good plan is never written. */
static bool is_good_plan(const struct plan *p, const struct buf *text, struct err *err)
{
    struct plan *next = NULL;
    bool ok = plan_parse(&next, p->path, text->data, text->len, err) && plan_lint(next, err);
    plan_free(next);
    if (!ok) err_prefix(err, "with the new entry");
    return ok;
}

/* Dates are the officers' to write into the plan, and a key is best made with them. */
static bool ask_whether_now(const struct ceremony *c, bool *now, struct err *err)
{
    *now = true;
    return !c->dialogue.asks ||
           dialogue_agrees(
               &c->dialogue,
               "The plan has its new entry. Shall the key be made now? (no: to add dates to the entry first; "
               "'cardkeys run' makes it later)",
               now, err);
}

static bool change(struct ceremony *c, const struct plan_key *k, struct err *err)
{
    struct buf entry, text;
    struct officers two = {"", ""};
    char what[PLAN_KEY_NAME_MAX + 40], name[PLAN_KEY_NAME_MAX];
    bool yes = true, ok = false;
    buf_init(&entry, ENTRY_MAX);
    buf_init(&text, PLAN_MAX);
    if (!plan_entry_next(c->plan, k, &entry, err)) goto out;
    if (!plan_entry_insert(c->plan, k, &entry, &text, err)) goto out;
    if (!is_good_plan(c->plan, &text, err)) goto out;
    show_entry(&c->dialogue, &entry);
    snprintf(what, sizeof(what), "let %s be followed by version %u", plan_key_name(k, name), k->version + 1U);
    if (c->plan->dual_control && !dual_control(c, what, &two, err)) goto out;
    if (!c->plan->dual_control && c->dialogue.asks &&
        !dialogue_agrees(&c->dialogue, "Write it into the plan?", &yes, err))
        goto out;
    if (!yes) {
        err_set(err, ERR_INTERRUPTED, "nothing was changed");
        goto out;
    }
    ok = journal_rotate(c->journal, k, k->version + 1U, &two, err) &&
         output_write(c->plan->path, &text, OUTPUT_REPLACE, err);
out:
    buf_release(&text);
    buf_release(&entry);
    return ok;
}

static bool rotate(const char *path, const char *name, const struct sitting_options *o, bool *now,
                   struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct sitting s = SITTING_NONE;
    const struct plan_key *k = NULL, *newest = NULL;
    bool ok = false;
    if (!plan_lint_load(&plan, path, err)) return false;
    if (!plan_key_find(plan, name, &k, err) || !plan_key_find(plan, k->name, &newest, err)) goto out;
    if (newest != k) {
        err_set(err, ERR_CONFIG, "version %u of key '%s' follows it already", newest->version, k->name);
        goto out;
    }
    ok = sitting_begin(&s, &c, plan, o, err) && change(&c, k, err) && ask_whether_now(&c, now, err);
out:
    sitting_end(&s, &c);
    plan_free(plan);
    return ok;
}

static int command_rotate(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *operands[2] = {NULL, NULL};
    struct sitting_options o = {.site = NULL};
    bool help = false, now = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "at this site of the plan", {.text = &o.site}},
        {"yes", ARG_FLAG, NULL, "ask nothing: for TEST plans", {.flag = &o.yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&rotate_command, argc, argv, options, count, operands, &status)) return status;
    if (!rotate(operands[0], operands[1], &o, &now, &err)) return args_fail(&rotate_command, &err);
    if (!now) return 0;
    o.goes_on = true;
    return run_plan(operands[0], &o);
}

const struct arg_command rotate_command = {
    "cardkeys", "rotate", "PLAN KEY", 2, "make the next version of a key beside the old one", command_rotate};
