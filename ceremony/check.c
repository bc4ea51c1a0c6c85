/* ceremony/check.c - `cardkeys check PLAN`: the plan's rules, its tokens, and what is on them; changes nothing. */
#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/plan_lint.h"
#include "ceremony/step.h"

struct tally {
    size_t to_do, there;
};

static void show(void *context, size_t number, size_t count, const char *what, const struct step_result *r)
{
    struct tally *t = context;
    printf("%2zu/%zu  %-44s %s%s%s\n", number, count, what, step_state_text(r->state),
           r->detail[0] ? ": " : "", r->detail);
    t->to_do += r->state == STEP_TO_DO;
    t->there += r->state == STEP_THERE;
}

static bool check(const char *path, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {0};
    struct tally t = {0, 0};
    bool ok = false;

    if (!plan_lint_load(&plan, path, err)) return false;
    if (!ceremony_init(&c, plan, stderr, false, err)) goto out;
    if (!steps_each(&c, STEP_LOOK, show, &t, err)) goto out;
    printf("%s: %s plan; %zu there, %zu to be made\n", path, plan->test ? "TEST" : "production", t.there,
           t.to_do);
    ok = true;
out:
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

int command_check(int argc, char **argv)
{
    struct err err = ERR_INIT;
    const char *path = NULL;
    bool help = false;
    const struct arg_option options[] = {{"help", ARG_FLAG, NULL, "show this", {.flag = &help}}};
    const struct arg_command usage = {"check", "PLAN", 1,
                                      "read a plan and look at its tokens; changes nothing", NULL};
    if (!args_parse(argc, argv, options, 1, &path, 1, &err)) return args_report("cardkeys check", &err);
    if (help) {
        args_usage(stdout, "cardkeys", &usage, options, 1);
        return 0;
    }
    return check(path, &err) ? 0 : args_report("cardkeys check", &err);
}
