/* ceremony/run.c - `cardkeys run PLAN`: every step of the plan that is not done yet, in order. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/plan_lint.h"
#include "ceremony/step.h"

/* A SIGTERM during a hidden prompt must end the prompt, so that echo comes back on: the handler has nothing to do but
 * to make the read return. Outside of prompts cardkeys keeps no state that a second run would not find. */
static void end_the_read(int signal_number)
{
    (void)signal_number;
}

static bool let_prompts_end(struct err *err)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = end_the_read;
    action.sa_flags = (int)SA_RESETHAND; /* a second SIGTERM ends the program wherever it is */
    sigemptyset(&action.sa_mask);
    return sigaction(SIGTERM, &action, NULL) == 0 || err_set(err, ERR_INTERNAL, "sigaction fails");
}

static bool agree(const struct plan *p, bool yes, struct err *err)
{
    char answer[16];
    fprintf(stderr, "%sCeremony '%s': %zu tokens, %zu keys, %zu certificates.\n", p->test ? "TEST. " : "",
            p->name, p->token_count, p->key_count, p->certificate_count);
    if (yes) return true;
    if (!isatty(STDIN_FILENO))
        return err_set(err, ERR_CONFIG, "nobody to ask whether to go on: call it with --yes");
    fprintf(stderr, "Make what is not there yet? [y/N] ");
    bool ok =
        fgets(answer, sizeof(answer), stdin) && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
    return ok || err_set(err, ERR_INTERRUPTED, "nothing was made");
}

struct tally {
    const struct plan *plan;
    size_t made, there, waiting;
};

static void show(void *context, size_t number, size_t count, const char *what, const struct step_result *r)
{
    struct tally *t = context;
    printf("%s%2zu/%zu  %-44s %s%s%s\n", t->plan->test ? "TEST  " : "", number, count, what,
           step_state_text(r->state), r->detail[0] ? ": " : "", r->detail);
    fflush(stdout);
    t->made += r->state == STEP_MADE;
    t->there += r->state == STEP_THERE;
    t->waiting += r->state == STEP_WAITING;
}

static bool run(const char *path, bool yes, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {0};
    bool ok = false;

    if (!plan_lint_load(&plan, path, err)) return false;
    struct tally t = {plan, 0, 0, 0};
    if (!agree(plan, yes, err)) goto out;
    if (!let_prompts_end(err)) goto out;
    if (!ceremony_init(&c, plan, stderr, true, err)) goto out;
    if (!steps_each(&c, STEP_RUN, show, &t, err)) goto out;
    printf("%s%zu made, %zu already there, %zu waiting for others\n", plan->test ? "TEST  " : "", t.made,
           t.there, t.waiting);
    ok = true;
out:
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

int command_run(int argc, char **argv)
{
    struct err err = ERR_INIT;
    const char *path = NULL;
    bool yes = false, help = false;
    const struct arg_option options[] = {
        {"yes", ARG_FLAG, NULL, "do not ask before making keys", {.flag = &yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    const struct arg_command usage = {"run", "PLAN", 1,
                                      "make or import every key of a plan that is not there yet", NULL};
    if (!args_parse(argc, argv, options, count, &path, 1, &err)) return args_report("cardkeys run", &err);
    if (help) {
        args_usage(stdout, "cardkeys", &usage, options, count);
        return 0;
    }
    if (run(path, yes, &err)) return 0;
    int status = args_report("cardkeys run", &err);
    if (err.kind == ERR_INTERRUPTED)
        fprintf(stderr, "What was made stays. To go on: cardkeys run %s\n", path);
    return status;
}
