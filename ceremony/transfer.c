/* ceremony/transfer.c - `cardkeys export PLAN KEY` and `cardkeys import PLAN FILE`: one key's way out and in, as steps of
 * their own beside `run`. */
#include <string.h>

#include "base/args.h"
#include "base/outfile.h"
#include "ceremony/closing.h"
#include "ceremony/commands.h"
#include "ceremony/hand_over.h"
#include "ceremony/journal.h"
#include "ceremony/lead.h"
#include "ceremony/plan_lint.h"
#include "ceremony/sitting.h"
#include "formats/handover.h"

typedef bool transfer_fn(struct ceremony *c, const char *what, struct err *err);

/* Leads through the step that makes this key, which writes its hand-over files. */
static bool export_key(struct ceremony *c, const char *name, struct err *err)
{
    struct step_walk walk = {0, 0, 0};
    struct step s;
    struct step_result r = {STEP_TO_DO, ""};
    const struct plan_key *k = NULL;
    char full[PLAN_KEY_NAME_MAX], due[200];
    bool found = false;
    if (!plan_key_find(c->plan, name, &k, err)) return false;
    if (!k->hand_over_count)
        return err_set(err, ERR_CONFIG, "the plan says no hand_over for key %s", plan_key_name(k, full));
    snprintf(due, sizeof(due), "key %s on ", plan_key_name(k, full));
    while (!found && step_next(c->plan, c->site, &walk, &s))
        found = strncmp(s.what, due, strlen(due)) == 0;
    if (!found || !s.here) return err_set(err, ERR_CONFIG, "key %s is not made at this site", full);
    if (!step_do(c, STEP_LOOK, &s, &r, err)) return false;
    if (r.state == STEP_THERE)
        return err_set(
            err, ERR_TOKEN,
            "key %s is on its token already, and leaves it only in the sitting in which it is made: a later "
            "partner gets a new version (cardkeys rotate)",
            full);
    if (!lead_step(c, &s, &r, err)) return false;
    if (r.state == STEP_WAITING) return err_set(err, ERR_TOKEN, "key %s still waits %s", full, r.detail);
    for (size_t i = 0; i < k->hand_over_count; i++)
        printf("%swritten: %s for %s, %s\n", c->plan->test ? "TEST  " : "", k->hand_overs[i].path,
               k->hand_overs[i].to, r.detail);
    return true;
}

/* Which hand-over of the plan the file claims to be: its index among them. */
static bool find_hand_over(const struct ceremony *c, const char *path, size_t *index, struct err *err)
{
    struct handover f;
    struct buf text;
    buf_init(&text, HANDOVER_TEXT_MAX);
    bool ok =
        file_read_all(path, HANDOVER_TEXT_MAX, &text, err) && handover_parse(text.data, text.len, &f, err);
    if (!ok) err_prefix(err, "%s", path);
    buf_release(&text);
    if (!ok) return false;
    for (size_t i = 0; i < hand_over_count(c->plan); i++) {
        const struct hand_over h = hand_over_at(c->plan, i);
        const char *site = plan_token_site(c->plan, h.how->to);
        if (strcmp(h.key->name, f.key) != 0 || h.key->version != f.version || strcmp(site, f.receiver) != 0)
            continue;
        if (!plan_token_is_at(c->plan, h.how->to, c->site)) continue;
        *index = i;
        return true;
    }
    return err_set(err, ERR_INTEGRITY, "%s: the plan has no hand-over of key %s/%u to '%s' here", path, f.key,
                   (unsigned)f.version, f.receiver);
}

static bool import_file(struct ceremony *c, const char *path, struct err *err)
{
    size_t index = 0;
    struct place p;
    struct check_value check;
    struct step_story story = {"", "", "", "", ""};
    char text[CHECK_VALUE_TEXT], name[PLAN_KEY_NAME_MAX];
    if (!find_hand_over(c, path, &index, err)) return false;
    const struct hand_over h = hand_over_at(c->plan, index);
    if (c->dialogue.asks) {
        hand_over_tell(c->plan, index, &story);
        dialogue_say(&c->dialogue, "\nHand-over of %s to %s", plan_key_name(h.key, name), h.how->to);
        lead_tell(c, &story);
    }
    if (!dialogue_go_on(&c->dialogue, "take it in", err) || !place_open(c, h.key, h.place, &p, err))
        return false;
    if (p.there)
        return err_set(err, ERR_INTEGRITY, "%s: key %s is on token '%s' already; a file is taken in once",
                       path, plan_key_name(h.key, name), h.how->to);
    if (!hand_over_take_in(c, &h, path, &check, err)) return false;
    check_value_text(&check, text);
    printf("%staken in: %s on %s as %s, check value %s\n", c->plan->test ? "TEST  " : "",
           plan_key_name(h.key, name), h.how->to, h.key->token_roles[h.place], text);
    return true;
}

static bool transfer(transfer_fn *fn, const char *const operands[2], const struct sitting_options *o,
                     struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct sitting s = SITTING_NONE;
    if (!plan_lint_load(&plan, operands[0], err)) return false;
    bool ok =
        sitting_begin(&s, &c, plan, o, err) && fn(&c, operands[1], err) && closing_sign_if_open(&c, err);
    sitting_end(&s, &c);
    plan_free(plan);
    return ok;
}

static int run(int argc, char **argv, const struct arg_command *command, transfer_fn *fn)
{
    struct err err = ERR_INIT;
    const char *operands[2] = {NULL, NULL};
    struct sitting_options o = {.site = NULL};
    bool help = false;
    int status = 0;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "at this site of the plan", {.text = &o.site}},
        {"yes", ARG_FLAG, NULL, "ask nothing: for TEST plans", {.flag = &o.yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(command, argc, argv, options, count, operands, &status)) return status;
    return transfer(fn, operands, &o, &err) ? 0 : args_fail(command, &err);
}

static int command_export(int argc, char **argv)
{
    return run(argc, argv, &export_command, export_key);
}

static int command_import(int argc, char **argv)
{
    return run(argc, argv, &import_command, import_file);
}

const struct arg_command export_command = {
    "cardkeys", "export", "PLAN KEY", 2, "make a key and write its hand-over files", command_export};
const struct arg_command import_command = {
    "cardkeys", "import", "PLAN FILE", 2, "take a key in from a hand-over file", command_import};
