/* ceremony/key_block_command.c - `cardkeys key-block export PLAN KEY` and `key-block import PLAN KEY FILE`. */
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/outfile.h"
#include "ceremony/closing.h"
#include "ceremony/commands.h"
#include "ceremony/journal.h"
#include "ceremony/key_block.h"
#include "ceremony/output.h"
#include "ceremony/plan_lint.h"
#include "ceremony/sitting.h"

/* NAME, where the plan has one version, or NAME/VERSION. */
static const struct plan_key *find_key(const struct plan *p, const char *name, struct err *err)
{
    const struct plan_key *found = NULL;
    char full[PLAN_KEY_NAME_MAX];
    for (size_t i = 0; i < p->key_count; i++) {
        const struct plan_key *key = &p->keys[i];
        if (strcmp(plan_key_name(key, full), name) == 0) return key;
        if (strcmp(key->name, name) != 0) continue;
        if (found) {
            err_set(err, ERR_CONFIG, "the plan has several versions of key '%s': name one, as %s", name,
                    full);
            return NULL;
        }
        found = key;
    }
    if (!found) err_set(err, ERR_CONFIG, "the plan has no key '%s'", name);
    return found;
}

/* An option of exactly so many characters; NULL stays NULL. */
static bool check_len(const char *text, size_t len, const char *option, struct err *err)
{
    return !text || strlen(text) == len ||
           err_set(err, ERR_CONFIG, "--%s takes %zu character%s, not '%s'", option, len, len == 1 ? "" : "s",
                   text);
}

/* Both commands: a plan, two of its keys, and what one of the functions does with them. */
struct request {
    const char *plan, *key, *under;
    struct key_block_order order;
    const char *file; /* written, or read */
    struct sitting_options sitting;
};
typedef bool work_fn(struct ceremony *c, const struct request *r, struct err *err);

static void show(const struct ceremony *c, const struct request *r, const struct key_block_result *result,
                 const char *what)
{
    const struct key_block_header *h = &result->header;
    char key[PLAN_KEY_NAME_MAX], under[PLAN_KEY_NAME_MAX], check[CHECK_VALUE_TEXT];
    check_value_text(&result->check, check);
    printf(
        "%s%s %s, under %s: version %c, usage %s, algorithm %c, mode %c, exportability %c, check value %s\n",
        c->plan->test ? "TEST  " : "", plan_key_name(r->order.key, key), what,
        plan_key_name(r->order.kbpk, under), h->version, h->usage, h->algorithm, h->mode, h->exportability,
        check);
}

/* The exception that was taken is written down. */
static bool note(struct ceremony *c, const struct request *r, const char *direction, struct err *err)
{
    char name[PLAN_KEY_NAME_MAX];
    return journal_note(c->journal, direction, "key", plan_key_name(r->order.key, name), err);
}

/* On which of its tokens the log does not know the key: it came now, or a sitting was killed before it wrote that down. */
static bool write_down_import(struct ceremony *c, const struct request *r,
                              const struct key_block_result *result, struct err *err)
{
    const struct plan_key *k = r->order.key;
    bool noted = false, has = false;
    for (size_t i = 0; i < k->token_count; i++) {
        const struct journal_key entry = {k, k->tokens[i], k->token_roles[i], "key block", &result->check};
        if (!journal_has_copy(c, k, k->tokens[i], &has, err)) return false;
        if (has) continue;
        if (!noted && !note(c, r, "key-block-import", err)) return false;
        noted = true;
        if (!journal_key(c->journal, &entry, err)) return false;
    }
    return closing_sign_if_open(c, err);
}

static bool do_export(struct ceremony *c, const struct request *r, struct err *err)
{
    struct key_block_result result;
    struct step_result step;
    struct buf text;
    bool ok = false;
    buf_init(&text, KEY_BLOCK_MAX + 1);
    if (!outfile_is_new(r->file, err)) goto out; /* before custodians type */
    if (!key_block_export(c, &r->order, &text, &result, err)) goto out;
    buf_put_text(&text, "\n");
    if (!note(c, r, "key-block-export", err)) goto out; /* first: no block is anywhere without its line */
    if (!output_put(r->file, &text, OUTPUT_KEEP, &step, err)) goto out;
    if (!closing_sign_if_open(c, err)) goto out;
    show(c, r, &result, "exported");
    ok = true;
out:
    buf_release(&text);
    return ok;
}

static bool do_import(struct ceremony *c, const struct request *r, struct err *err)
{
    struct key_block_result result;
    struct buf text;
    bool ok = false;
    buf_init(&text, KEY_BLOCK_MAX + 2);
    if (!file_read_all(r->file, KEY_BLOCK_MAX + 2, &text, err)) goto out;
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        buf_truncate(&text, text.len - 1);
    if (!key_block_import(c, &r->order, (const char *)text.data, text.len, &result, err)) {
        err_prefix(err, "%s", r->file);
        goto out;
    }
    ok = write_down_import(c, r, &result, err);
    if (ok) show(c, r, &result, result.was_there ? "already there" : "imported");
out:
    buf_release(&text);
    return ok;
}

static bool with_plan(struct request *r, work_fn *work, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {.tokens = NULL};
    struct sitting sitting = SITTING_NONE;
    bool ok = false;
    if (!r->under) return err_set(err, ERR_CONFIG, "--under is missing: the KBPK, a key of the plan");
    if (!plan_lint_load(&plan, r->plan, err)) return false;
    if (!(r->order.key = find_key(plan, r->key, err))) goto out;
    if (!(r->order.kbpk = find_key(plan, r->under, err))) goto out;
    if (!sitting_begin(&sitting, &c, plan, &r->sitting, err)) goto out;
    ok = work(&c, r, err);
out:
    sitting_end(&sitting, &c);
    plan_free(plan);
    return ok;
}

#define UNDER_OPTION(into_text)                                                                              \
    {                                                                                                        \
        "under", ARG_TEXT, "KBPK", "the key that protects the block, of role kbpk",                          \
        {                                                                                                    \
            .text = (into_text)                                                                              \
        }                                                                                                    \
    }
static const struct arg_command export_usage = {
    .program = "cardkeys",
    .name = "key-block export",
    .operands = "PLAN KEY",
    .operand_count = 2,
    .help = "write a key whose components are entered now into a key block",
};
static const struct arg_command import_usage = {
    .program = "cardkeys",
    .name = "key-block import",
    .operands = "PLAN KEY FILE",
    .operand_count = 3,
    .help = "put the key of a key block onto its tokens",
};

static int run_export(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct request r = {.plan = NULL};
    const char *operands[2] = {NULL}, *mode = NULL, *exportability = NULL;
    bool help = false;
    const struct arg_option options[] = {
        UNDER_OPTION(&r.under),
        {"output", ARG_TEXT, "FILE", "the block's file; it must not be there", {.text = &r.file}},
        {"usage", ARG_TEXT, "E0", "what the key is for; needed for masters", {.text = &r.order.usage}},
        {"mode", ARG_TEXT, "X", "mode of use; default: what the receiver needs", {.text = &mode}},
        {"exportability",
         ARG_TEXT,
         "N",
         "of the key at the receiver: N (default), S or E",
         {.text = &exportability}},
        {"key-version", ARG_TEXT, "NN", "default: the version in the plan", {.text = &r.order.key_version}},
        {"check-values",
         ARG_FLAG,
         NULL,
         "add the check values of key and KBPK (KC, KP)",
         {.flag = &r.order.check_values}},
        {"site", ARG_TEXT, "NAME", "at this site of the plan", {.text = &r.sitting.site}},
        {"yes", ARG_FLAG, NULL, "ask nothing: for TEST plans", {.flag = &r.sitting.yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    int status = 0;
    if (!args_begin(&export_usage, argc, argv, options, count, operands, &status)) return status;
    bool ok = check_len(r.order.usage, 2, "usage", &err) && check_len(mode, 1, "mode", &err) &&
              check_len(exportability, 1, "exportability", &err) &&
              check_len(r.order.key_version, 2, "key-version", &err);
    if (ok && !r.file) ok = err_set(&err, ERR_CONFIG, "--output is missing: the block's file");
    r.plan = operands[0];
    r.key = operands[1];
    r.order.mode = mode ? mode[0] : 0;
    r.order.exportability = exportability ? exportability[0] : 0;
    ok = ok && with_plan(&r, do_export, &err);
    return ok ? 0 : args_fail(&export_usage, &err);
}

static int run_import(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct request r = {.plan = NULL};
    const char *operands[3] = {NULL};
    bool help = false;
    const struct arg_option options[] = {
        UNDER_OPTION(&r.under),
        {"site", ARG_TEXT, "NAME", "at this site of the plan", {.text = &r.sitting.site}},
        {"yes", ARG_FLAG, NULL, "ask nothing: for TEST plans", {.flag = &r.sitting.yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    int status = 0;
    if (!args_begin(&import_usage, argc, argv, options, count, operands, &status)) return status;
    r.plan = operands[0];
    r.key = operands[1];
    r.file = operands[2];
    bool ok = with_plan(&r, do_import, &err);
    return ok ? 0 : args_fail(&import_usage, &err);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} directions[] = {{"export", run_export}, {"import", run_import}};
enum { DIRECTIONS = sizeof(directions) / sizeof(directions[0]) };

static int command_key_block(int argc, char **argv)
{
    struct err err = ERR_INIT;
    char help[] = "--help";
    for (size_t i = 0; argc > 1 && i < DIRECTIONS; i++) {
        if (strcmp(argv[1], directions[i].name) == 0) return directions[i].run(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], help) == 0) {
        for (size_t i = 0; i < DIRECTIONS; i++) {
            char *ask[] = {argv[0], help, NULL};
            printf("%s", i ? "\n" : "");
            directions[i].run(2, ask);
        }
        return 0;
    }
    err_set(&err, ERR_CONFIG, "say key-block export or key-block import; see cardkeys key-block --help");
    return args_report("cardkeys", &err);
}

const struct arg_command key_block_command = {
    .program = "cardkeys",
    .name = "key-block",
    .operands = "export|import PLAN KEY",
    .operand_count = 2,
    .help = "a key in a key block of TR-31 / X9.143, out or in",
    .run = command_key_block,
};
