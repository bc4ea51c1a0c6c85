/* ceremony/show.c - `cardkeys show PLAN KEY` and `cardkeys kcv PLAN KEY`: one key of a plan, as it is on its tokens. */
#include <inttypes.h>
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/journal.h"
#include "ceremony/key_story.h"
#include "ceremony/place.h"
#include "ceremony/plan_lint.h"

enum show_what { SHOW_ALL, SHOW_CHECK_VALUE };

static void show_life(const struct plan_key *k)
{
    if (k->not_before || k->not_after)
        printf("used          from %s to %s\n", k->not_before ? k->not_before : "now on",
               k->not_after ? k->not_after : "no end");
    if (k->limit.blocks)
        printf("limit         %" PRIu64 " blocks, then %s\n", k->limit.blocks,
               k->limit.stop ? "stop" : "warn");
    if (k->keep) printf("may not be destroyed: it leaves only with its token\n");
    for (size_t i = 0; i < k->hand_over_count; i++)
        printf("handed over   to %s under %s: %s\n", k->hand_overs[i].to, k->hand_overs[i].under,
               k->hand_overs[i].path);
}

static const char *const origins[] = {[ORIGIN_GENERATE] = "generated on its token",
                                      [ORIGIN_COMPONENTS] = "from components",
                                      [ORIGIN_KEY_BLOCK] = "by a partner, who sends it in a key block"};

static void show_head(const struct plan *p, const struct plan_key *k)
{
    char name[PLAN_KEY_NAME_MAX];
    printf("%skey           %s\n", p->test ? "TEST  " : "", plan_key_name(k, name));
    dialogue_result("purpose       ", key_story_purpose(k));
    printf("role          %s\nalgorithm     %s", k->role, k->algorithm);
    if (k->bits) printf(", %u bits, exponent %lu", k->bits, k->exponent);
    printf("\nlabel         %s\nmade          %s\n", k->label, origins[k->origin]);
    show_life(k);
}

static bool show_place(struct ceremony *c, const struct plan_key *k, size_t i, enum show_what what,
                       struct err *err)
{
    struct place p;
    struct check_value check = {{0}, 0};
    char text[CHECK_VALUE_TEXT], head[80], state[CHECK_VALUE_TEXT + 80];
    if (!place_open(c, k, i, &p, err)) return false;
    if (p.there && !place_look(c, &p, &check, err)) return false;
    if (p.there) check_value_text(&check, text);
    if (what == SHOW_CHECK_VALUE) {
        printf("%s\t%s\n", k->tokens[i], p.there ? text : "-");
        return true;
    }
    snprintf(head, sizeof(head), "on %-10s ", k->tokens[i]);
    snprintf(state, sizeof(state), "%s, %s%s", k->token_roles[i],
             p.there ? "there, attributes as the role says, check value " : "not there", p.there ? text : "");
    dialogue_result(head, state);
    return true;
}

static bool show(const char *path, const char *name, enum show_what what, const char *site, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    const struct plan_key *k = NULL;
    if (!plan_lint_load(&plan, path, err)) return false;
    bool ok = plan_key_find(plan, name, &k, err) && ceremony_init(&c, plan, site, false, err);
    if (ok && what == SHOW_ALL) show_head(plan, k);
    for (size_t i = 0; ok && i < k->token_count; i++) {
        if (plan_token_is_at(plan, k->tokens[i], site)) ok = show_place(&c, k, i, what, err);
    }
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int run(int argc, char **argv, const struct arg_command *command, enum show_what what)
{
    struct err err = ERR_INIT;
    const char *operands[2] = {NULL, NULL}, *site = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "only the tokens at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    int status = 0;
    if (!args_begin(command, argc, argv, options, count, operands, &status)) return status;
    return show(operands[0], operands[1], what, site, &err) ? 0 : args_fail(command, &err);
}

static int command_show(int argc, char **argv)
{
    return run(argc, argv, &show_command, SHOW_ALL);
}

static int command_kcv(int argc, char **argv)
{
    return run(argc, argv, &kcv_command, SHOW_CHECK_VALUE);
}

const struct arg_command show_command = {
    "cardkeys", "show", "PLAN KEY", 2, "everything about one key of a plan", command_show};
const struct arg_command kcv_command = {
    "cardkeys", "kcv", "PLAN KEY", 2, "a key's check value, from each of its tokens", command_kcv};
