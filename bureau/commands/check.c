/* cardbureau check FILE --settings BUREAU.yaml: a whole file verified with the bureau's keys, before any card is made. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/progress.h"
#include "bureau/bound.h"
#include "bureau/check_pool.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/check_report.h"
#include "bureau/commands/commands.h"
#include "bureau/incoming.h"
#include "bureau/pin_once.h"
#include "config/certificate_file.h"

enum { WORKERS_DEFAULT_MAX = 8 };

struct options {
    const char *settings, *records;
    bool keys_only, incomplete_set, json, help;
    uint64_t workers;
};

struct check {
    const char *path;
    const struct options *options;
    struct bureau *settings;
    struct token_process *processes[CHECK_WORKERS_MAX];
    size_t process_count;
    struct incoming *file;
    struct registry *books;
    struct emv_ca_key *ca_keys;
    struct public_check *records;
    struct check_pool *pool;
    struct check_report report;
    struct ways ways;
    struct progress progress;
};

/* ---- before the first record ---- */

static void warn(const struct bureau *settings)
{
    struct buf findings;
    buf_init(&findings, 1 << 16);
    bureau_lint(settings, &findings);
    const char *text = buf_text(&findings);
    if (text) fputs(text, stderr);
    buf_release(&findings);
}

static bool load_ca_keys(struct check *c, struct err *err)
{
    const size_t count = c->settings->ca_count;
    c->ca_keys = calloc(count + 1, sizeof(*c->ca_keys));
    struct ca_key_file *file = calloc(1, sizeof(*file));
    bool ok = (c->ca_keys && file) || err_set_no_memory(err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = ca_key_file_load(c->settings->ca_paths[i], file, err);
        if (ok) c->ca_keys[i] = file->key;
    }
    free(file);
    return ok && public_check_new(&c->records, c->ca_keys, count, err);
}

static size_t worker_count(const struct check *c)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (c->options->workers) return (size_t)c->options->workers;
    return cores < 1 ? 1 : cores > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : (size_t)cores;
}

static bool start_process(struct check *c, const struct secret *pin, struct err *err)
{
    int pin_fd = -1;
    if (!pin_once_pipe(pin, &pin_fd, err) ||
        !token_process_start_with(&c->processes[c->process_count], c->settings, pin_fd, err))
        return false;
    c->process_count++;
    return true;
}

static bool start_processes(struct check *c, struct err *err)
{
    const size_t count = worker_count(c);
    struct secret pin = SECRET_NONE;
    if (count > CHECK_WORKERS_MAX)
        return err_set(err, ERR_CONFIG, "--workers is at most %d", CHECK_WORKERS_MAX);
    bool ok = pin_once_get(&pin, c->settings, err);
    while (ok && c->process_count < count)
        ok = start_process(c, &pin, err);
    secret_release(&pin);
    return ok;
}

/* Books are asked before the long work, too; a shard that comes before its set is whole is noted all the same at the end. */
static bool ask_books(struct check *c, unsigned flags, struct err *err)
{
    if (registry_accept_file(c->books, incoming_summary(c->file), flags, &c->report.counts, err)) return true;
    err_prefix(err, "%s", c->path);
    return false;
}

static bool prepare(struct check *c, struct err *err)
{
    if (!bureau_load(&c->settings, c->options->settings, err)) return false;
    warn(c->settings);
    return load_ca_keys(c, err) && start_processes(c, err) &&
           incoming_open(&c->file, c->settings, c->processes[0], c->path, err) &&
           registry_open(&c->books, c->settings->books_path, err) &&
           ask_books(c, REGISTRY_LOOK_ONLY | REGISTRY_INCOMPLETE_SET, err) &&
           check_pool_new(&c->pool, c->processes, c->process_count, c->options->keys_only, err);
}

/* ---- records ---- */

static bool check_record(struct check *c, const struct mic_record *record, const struct card_group *card,
                         struct err *err)
{
    const char *chip_mic = incoming_summary(c->file)->job.chip_mic;
    struct card_id due;
    if (!bound_read(c->settings, record, &due, err) ||
        !public_check_record(c->records, record, card, chip_mic, err)) {
        err_prefix(err, "record %" PRIu64 " at offset %" PRIu64, card->number, record->offset);
        return false;
    }
    return check_pool_put(c->pool, record->bytes, record->len, card->number, record->offset, err);
}

/* The first record that is refused ends it, whichever of the checks is ahead: those handed over before it have a say first. */
static bool check_record_or_earlier(struct check *c, const struct mic_record *record,
                                    const struct card_group *card, struct err *err)
{
    struct err earlier = ERR_INIT;
    if (check_record(c, record, card, err)) return true;
    if (!check_pool_finish(c->pool, &earlier)) *err = earlier;
    return false;
}

static bool check_records(struct check *c, struct err *err)
{
    struct mic_record *record = calloc(1, sizeof(*record));
    struct check_report *r = &c->report;
    struct card_group card;
    bool end = false, ok = record != NULL || err_set_no_memory(err);

    while (ok && !end) {
        ok = incoming_next(c->file, record, &card, &end, err);
        if (!ok || end) break;
        if (card.number < r->first || card.number > r->last) continue;
        ok = check_record_or_earlier(c, record, &card, err);
        if (!ok) err_prefix(err, "%s", c->path);
        if (ok) progress_update(&c->progress, ++r->checked, clock_monotonic_ms());
    }
    free(record);
    if (!ok || check_pool_finish(c->pool, err)) return ok;
    err_prefix(err, "%s", c->path);
    return false;
}

/* Each token process has seen a part of the records. */
static bool collect_ways(struct check *c, struct err *err)
{
    for (size_t i = 0; i < c->process_count; i++) {
        if (!token_process_ways(c->processes[i], &c->ways, err)) return false;
    }
    ways_sort(&c->ways);
    return true;
}

/* How many records that will be. */
static uint64_t expected(const struct check *c)
{
    const struct mic_file_summary *s = incoming_summary(c->file);
    const struct check_report *r = &c->report;
    return r->last - r->first < s->count ? r->last - r->first + 1 : s->count;
}

static bool check_all(struct check *c, struct err *err)
{
    struct check_report *r = &c->report;
    const uint64_t started = clock_monotonic_ms();

    progress_init(&c->progress, stderr, isatty(STDERR_FILENO), "records", expected(c), started);
    const bool ok = check_records(c, err);
    progress_finish(&c->progress, r->checked, clock_monotonic_ms());
    r->took_ms = clock_monotonic_ms() - started;
    if (!ok) return false;
    const struct public_counts *n = public_check_counts(c->records);
    if (n->no_ca_key && c->settings->ca_count)
        return err_set(err, ERR_INPUT,
                       "%s: certificates of %" PRIu64 " entries cannot be checked: 'ca_keys' has none for %s",
                       c->path, n->no_ca_key, n->missing_ca);
    if (r->checked || !c->options->records) return true;
    return err_set(err, ERR_INPUT, "%s: none of the records %s is in this file", c->path,
                   c->options->records);
}

static bool check(struct check *c, struct err *err)
{
    const struct options *o = c->options;
    struct check_report *r = &c->report;

    if (!range_read(o->records, &r->first, &r->last, err)) return false;
    if (!prepare(c, err) || !check_all(c, err) || !collect_ways(c, err)) return false;
    r->keys_only = o->keys_only;
    r->whole = !o->keys_only && !o->records;
    const unsigned flags =
        (r->whole ? 0u : REGISTRY_LOOK_ONLY) | (o->incomplete_set ? REGISTRY_INCOMPLETE_SET : 0u);
    if (!ask_books(c, flags, err)) return false;
    r->path = c->path;
    r->file = incoming_summary(c->file);
    r->records = public_check_counts(c->records);
    r->ways = &c->ways;
    return check_report_print(r, o->json, err);
}

static void release(struct check *c)
{
    check_pool_free(c->pool);
    public_check_free(c->records);
    registry_close(c->books);
    incoming_free(c->file);
    /* The last first: each was forked with the ends of those before it open. */
    while (c->process_count)
        token_process_free(c->processes[--c->process_count]);
    free(c->ca_keys);
    ways_release(&c->ways);
    bureau_free(c->settings);
    free(c);
}

static int run(const char *path, const struct options *o)
{
    struct err err = ERR_INIT;
    struct check *c = calloc(1, sizeof(*c));
    bool ok = false;

    if (c) {
        c->path = path;
        c->options = o;
        ok = check(c, &err);
        release(c);
    } else {
        err_set_no_memory(&err);
    }
    return ok ? 0 : args_fail(&check_command, &err);
}

static int command_check(int argc, char **argv)
{
    int status = 0;
    struct options o = {.json = false};
    struct err err = ERR_INIT;
    const char *path = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"records", ARG_TEXT, "A-B", "only these record numbers", {.text = &o.records}},
        {"keys-only", ARG_FLAG, NULL, "only unwrap secrets and compare check values", {.flag = &o.keys_only}},
        {"incomplete-set",
         ARG_FLAG,
         NULL,
         "accept a shard before the others are here",
         {.flag = &o.incomplete_set}},
        {"workers", ARG_NUMBER, "N", "token processes (default: one per core)", {.number = &o.workers}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&check_command, argc, argv, options, count, &path, &status)) return status;
    if (!o.settings) {
        err_set(&err, ERR_CONFIG, "name the bureau's settings: --settings FILE");
        return args_fail(&check_command, &err);
    }
    return run(path, &o);
}

const struct arg_command check_command = {
    "cardbureau", "check", "FILE", 1, "verify a MIC file with all its keys, before any card is made",
    command_check};
