/* ceremony/run.c - `cardkeys run PLAN`: leads through every step of the plan that is not done yet, in order. */
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/journal.h"
#include "ceremony/lead.h"
#include "ceremony/plan_lint.h"
#include "ceremony/sitting.h"

struct report {
    const struct plan *plan;
    const struct ceremony *ceremony;
};

static void show(void *context, const struct step *s, const struct step_result *r)
{
    const struct report *t = context;
    if (r->state == STEP_ELSEWHERE) return;
    if (t->plan->test) fputs("TEST  ", stdout);
    step_print(s, r);
}

/* *begun: from then on there is something to go on with. */
static bool run(const char *path, const struct sitting_options *o, bool *begun, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct sitting sitting = SITTING_NONE;
    struct lead_tally t = {0, 0, 0, 0};
    bool ok = false;

    if (!plan_lint_load(&plan, path, err)) return false;
    struct report report = {plan, &c};
    if (!sitting_begin(&sitting, &c, plan, o, err)) goto out;
    *begun = true;
    if (!lead_through(&c, show, &report, &t, err)) goto out;
    printf("%s%zu made, %zu already there, %zu waiting for others", plan->test ? "TEST  " : "", t.made,
           t.there, t.waiting);
    if (t.elsewhere) printf(", %zu at other sites", t.elsewhere);
    printf("\n");
    if (t.waiting)
        fprintf(stderr, "When that is there, go on: cardkeys run%s%s %s\n", o->site ? " --site " : "",
                o->site ? o->site : "", path);
    ok = true;
out:
    sitting_end(&sitting, &c);
    plan_free(plan);
    return ok;
}

int run_plan(const char *path, const struct sitting_options *o)
{
    struct err err = ERR_INIT;
    bool begun = false;
    if (run(path, o, &begun, &err)) return 0;
    int status = args_fail(&run_command, &err);
    if (begun && err.kind != ERR_CONFIG)
        fprintf(stderr, "What was made stays. To go on: cardkeys run%s%s %s\n", o->site ? " --site " : "",
                o->site ? o->site : "", path);
    return status;
}

static int command_run(int argc, char **argv)
{
    int status = 0;
    const char *path = NULL;
    struct sitting_options o = {.yes = false};
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "only what is done at this site of the plan", {.text = &o.site}},
        {"yes", ARG_FLAG, NULL, "ask nothing: for TEST plans", {.flag = &o.yes}},
        {"log-is-lost",
         ARG_FLAG,
         NULL,
         "two officers go on without the audit log that the token knows of",
         {.flag = &o.log_is_lost}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&run_command, argc, argv, options, count, &path, &status)) return status;
    return run_plan(path, &o);
}

const struct arg_command run_command = {
    "cardkeys", "run", "PLAN", 1, "lead through the steps of a plan that are not done yet", command_run};
