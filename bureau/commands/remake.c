/* cardbureau remake LIST --settings BUREAU.yaml: takes the issuer's remake list. Its records may then be put on new cards. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/clock.h"
#include "bureau/commands/commands.h"
#include "bureau/remake.h"
#include "bureau/trust.h"

struct options {
    const char *settings;
    bool help;
};

struct command {
    struct bureau *settings;
    struct token_process *process;
    struct trust *trust;
    struct remake_list *list;
    struct registry *books;
};

/* The token is asked only where the issuer's keys are on it. */
static bool begin(struct command *c, const char *path, const struct options *o, struct err *err)
{
    struct reader *r = NULL;
    return bureau_load(&c->settings, o->settings, err) &&
           (c->settings->trusted_count == 0 || token_process_start(&c->process, c->settings, err)) &&
           trust_new(&c->trust, c->settings, c->process, err) && reader_open(&r, path, err) &&
           remake_list_open(&c->list, r, c->trust->keys, c->trust->count, err) &&
           registry_open(&c->books, c->settings->books_path, err);
}

static bool take(struct command *c, const char *path, struct err *err)
{
    struct remake_counts counts = {0, 0};
    if (!remake_take(c->books, c->list, clock_now(NULL), &counts, err)) {
        err_prefix(err, "%s", path);
        return false;
    }
    const struct remake_head *head = remake_list_head(c->list);
    printf("%s: remake list %" PRIu64 " of job '%s': %" PRIu64 " records may be put on new cards", path,
           head->serial, head->job_name, counts.noted);
    if (counts.noted_before) printf(", %" PRIu64 " were noted before", counts.noted_before);
    putchar('\n');
    return true;
}

static int run(const char *path, const struct options *o)
{
    struct command c = {.settings = NULL};
    struct err err = ERR_INIT;
    bool ok = begin(&c, path, o, &err) && take(&c, path, &err);
    registry_close(c.books);
    remake_list_free(c.list);
    trust_free(c.trust);
    token_process_free(c.process);
    bureau_free(c.settings);
    return ok ? 0 : args_fail(&remake_command, &err);
}

static int command_remake(int argc, char **argv)
{
    int status = 0;
    struct options o = {.settings = NULL};
    struct err err = ERR_INIT;
    const char *path = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&remake_command, argc, argv, options, count, &path, &status)) return status;
    if (o.settings) return run(path, &o);
    err_set(&err, ERR_CONFIG, "name the bureau's settings: --settings FILE");
    return args_fail(&remake_command, &err);
}

const struct arg_command remake_command = {
    "cardbureau", "remake", "LIST", 1, "take the issuer's list of records to be made again", command_remake};
