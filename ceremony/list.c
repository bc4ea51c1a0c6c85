/* ceremony/list.c - `cardkeys list`: the keys of a plan as they are on its tokens, or the tokens that a module shows. */
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/plan_lint.h"
#include "ceremony/step.h"
#include "hsm/tokens.h"

static void show_token(void *context, const char *label, const char *serial, const char *model)
{
    (void)context;
    if (label[0])
        printf("%-20s serial %s  %s\n", label, serial, model); /* an empty slot of a soft token has none */
}

/* Of all steps only the keys are wanted. */
static void show_key(void *context, const struct step *s, const struct step_result *r)
{
    (void)context;
    if (strcmp(s->row->name, "key") == 0)
        printf("%-44s %s\n", s->what + 4, r->state == STEP_THERE ? r->detail : step_state_text(r->state));
}

static bool list_plan(const char *path, const char *site, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {0};
    bool ok = false;

    if (!plan_lint_load(&plan, path, err)) return false;
    if (!ceremony_init(&c, plan, site, false, err)) goto out;
    ok = steps_each(&c, STEP_LOOK, show_key, NULL, err);
out:
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

/* The operand is left out when a module is named. */
static bool names_module(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--module", 8) == 0) return true;
    }
    return false;
}

static int command_list(int argc, char **argv)
{
    struct err err = ERR_INIT;
    const char *path = NULL, *module = NULL, *parameters = NULL, *site = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"module", ARG_TEXT, "PATH", "list this PKCS#11 module's tokens instead", {.text = &module}},
        {"parameters", ARG_TEXT, "TEXT", "what the module wants at its start (NSS)", {.text = &parameters}},
        {"site", ARG_TEXT, "NAME", "only the keys at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_parse(argc, argv, options, count, &path, names_module(argc, argv) ? 0 : 1, &err))
        return args_fail(&list_command, &err);
    if (help) {
        args_usage(stdout, &list_command, options, count);
        return 0;
    }
    bool ok =
        module ? hsm_token_list(module, parameters, show_token, NULL, &err) : list_plan(path, site, &err);
    return ok ? 0 : args_fail(&list_command, &err);
}

const struct arg_command list_command = {
    .program = "cardkeys",
    .name = "list",
    .operands = "PLAN | --module PATH",
    .operand_count = 1,
    .help = "list a plan's keys with check values, or a module's tokens",
    .run = command_list,
};
