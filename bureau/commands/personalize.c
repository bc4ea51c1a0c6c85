/* cardbureau personalize FILE, cardbureau redo FILE: cards from a sealed MIC file, in PC/SC readers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"
#include "bureau/commands/make_cards.h"
#include "bureau/commands/repeat_modules.h"

enum { FAILURES_DEFAULT = 3 };

struct options {
    const char *settings, *records;
    struct arg_list readers;
    uint64_t count, retries, failures;
    bool incomplete_set, json, help;
};

struct run {
    const struct arg_command *command;
    const char *path;
    const struct options *options;
    struct card_file file;
    struct ledger *ledger;
    struct record_source *source;
    struct repeat_modules modules;
    struct make_cards cards;
    uint64_t recovered;
};

/* ---- before the first card ---- */

/* The whole file was checked before, and its books do not speak against it. */
static bool ask_books(const struct run *r, bool redo, struct err *err)
{
    const bool modules = redo && journal_book_lacking(ledger_book(r->ledger)) > 0;
    const unsigned flags = REGISTRY_LOOK_ONLY | (r->options->incomplete_set ? REGISTRY_INCOMPLETE_SET : 0u) |
                           (modules ? REGISTRY_NOTHING_LEFT : 0u);
    struct registry_counts counts;

    if (!registry_accept_file(ledger_registry(r->ledger), incoming_summary(r->file.file), flags, &counts,
                              err))
        return false;
    return counts.seen_before ||
           err_set(err, ERR_INPUT, "was not checked as a whole yet: cardbureau check %s --settings %s",
                   r->path, r->options->settings);
}

static bool check_range(const struct run *r, const struct record_choice *choice, struct err *err)
{
    const struct mic_file_summary *s = incoming_summary(r->file.file);
    return (choice->first <= mic_file_last_record(s) && choice->last >= s->job.first_record) ||
           err_set(err, ERR_INPUT, "none of the records %s is in this file", r->options->records);
}

static bool prepare(struct run *r, bool redo, struct err *err)
{
    struct record_choice choice = {.redo = redo};

    if (!range_read(r->options->records, &choice.first, &choice.last, err) ||
        !card_file_open(&r->file, r->options->settings, r->path, err))
        return false;
    if (!ledger_open(&r->ledger, r->file.settings->books_path, &incoming_summary(r->file.file)->job,
                     clock_now, NULL, &r->recovered, err))
        return false;
    if (!check_range(r, &choice, err) || !ask_books(r, redo, err)) {
        err_prefix(err, "%s", r->path);
        return false;
    }
    r->modules = (struct repeat_modules){.settings = r->file.settings,
                                         .ledger = r->ledger,
                                         .file = r->file.file,
                                         .first = choice.first,
                                         .last = choice.last};
    return record_source_new(&r->source, r->file.file, r->ledger, &choice, err) &&
           (!redo || repeat_modules(&r->modules, err));
}

/* ---- the run ---- */

static void report(const struct run *r)
{
    const struct make_cards *m = &r->cards;
    if (r->options->json)
        printf("{\"made\":%" PRIu64 ",\"untouched\":%" PRIu64 ",\"half_done\":%" PRIu64
               ",\"spoiled\":%" PRIu64 ",\"modules_failed\":%" PRIu64 ",\"modules_repeated\":%" PRIu64 "}\n",
               m->posts.made, m->untouched, m->half_done, m->spoiled, m->modules_failed, r->modules.done);
    else
        printf("%" PRIu64 " cards made; %" PRIu64 " half-done, %" PRIu64 " spoiled, %" PRIu64
               " left as they were; %" PRIu64 " modules failed, %" PRIu64 " repeated\n",
               m->posts.made, m->half_done, m->spoiled, m->untouched, m->modules_failed, r->modules.done);
    if (m->half_done + m->spoiled + m->untouched + m->modules_failed > 0)
        fprintf(stderr, "what is left to do: cardbureau status %s --settings %s\n", r->path,
                r->options->settings);
}

static bool judge(const struct run *r, struct err *err)
{
    const struct make_cards *m = &r->cards;
    const uint64_t unfinished = m->half_done + m->spoiled + m->modules_failed + m->left;
    if (m->posts.interrupted)
        return err_set(err, ERR_INTERRUPTED,
                       "interrupted after %" PRIu64 " cards; go on with: cardbureau %s %s --settings %s",
                       m->posts.made, r->command->name, r->path, r->options->settings);
    if (m->posts.stopping) {
        *err = m->posts.why;
        err_prefix(err, "%" PRIu64 " cards in a row were not made, the last because of", m->posts.failures);
        return false;
    }
    if (unfinished > 0 && m->token.kind != ERR_NONE) {
        *err = m->token;
        err_prefix(err, "%" PRIu64 " cards are not finished, the token has failed", unfinished);
        return false;
    }
    return unfinished == 0 ||
           err_set(err, ERR_INPUT, "done, but %" PRIu64 " cards are not finished", unfinished);
}

/* Where modules alone were to be repeated no reader is needed. */
static bool start(struct run *r, bool redo, struct err *err)
{
    struct make_cards *m = &r->cards;
    bool has = false;

    m->modules_failed = r->modules.failed;
    m->posts.interrupted = m->posts.stopping = r->modules.interrupted;
    if (redo && (m->posts.interrupted || !record_source_has(r->source, &has, err)))
        return m->posts.interrupted;
    return (redo && !has) || posts_start(&m->posts, m->settings, &r->file.pin, &r->options->readers, err);
}

static bool work(struct run *r, bool redo, struct err *err)
{
    const struct options *o = r->options;
    struct make_cards *m = &r->cards;

    if (!prepare(r, redo, err)) return false;
    if (r->recovered > 0)
        fprintf(stderr, "%" PRIu64 " cards were under way when the last run ended\n", r->recovered);
    m->settings = r->file.settings;
    m->ledger = r->ledger;
    m->source = r->source;
    m->retries = (unsigned)o->retries;
    m->posts.limit = o->count;
    m->posts.failures_max = o->failures ? o->failures : FAILURES_DEFAULT;
    m->redo = redo;
    const bool started = start(r, redo, err);
    card_file_forget_pin(&r->file);
    if (!started) return false;
    progress_init(&m->posts.progress, stderr, isatty(STDERR_FILENO), "cards", o->count, clock_monotonic_ms());
    bool ok = make_cards(m, err);
    progress_finish(&m->posts.progress, m->posts.made, clock_monotonic_ms());
    report(r);
    return ok && judge(r, err);
}

static int run(const struct arg_command *command, const char *path, const struct options *o, bool redo)
{
    struct err err = ERR_INIT;
    struct run *r = calloc(1, sizeof(*r));
    bool ok = false;

    if (r) {
        r->command = command;
        r->path = path;
        r->options = o;
        ok = work(r, redo, &err);
        posts_end(&r->cards.posts);
        record_source_free(r->source);
        ledger_free(r->ledger);
        card_file_close(&r->file);
        free(r);
    } else {
        err_set_no_memory(&err);
    }
    return ok ? 0 : args_fail(command, &err);
}

static int parse_and_run(int argc, char **argv, const struct arg_command *command, bool redo)
{
    int status = 0;
    struct options o = {.json = false};
    const char *path = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"reader",
         ARG_LIST,
         "PATTERN",
         "readers by name, as the shell matches names (default: readers: of the settings)",
         {.list = &o.readers}},
        {"records", ARG_TEXT, "A-B", "only these record numbers", {.text = &o.records}},
        {"count", ARG_NUMBER, "N", "end after so many cards", {.number = &o.count}},
        {"retries",
         ARG_NUMBER,
         "N",
         "try cards again that have refused their key up to N times",
         {.number = &o.retries}},
        {"failures",
         ARG_NUMBER,
         "N",
         "end when so many cards in a row were not made (default: 3)",
         {.number = &o.failures}},
        {"incomplete-set",
         ARG_FLAG,
         NULL,
         "make a shard's cards before the others are here",
         {.flag = &o.incomplete_set}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(command, argc, argv, options, count, &path, &status)) return status;
    return run(command, path, &o, redo);
}

static int command_personalize(int argc, char **argv)
{
    return parse_and_run(argc, argv, &personalize_command, false);
}

static int command_redo(int argc, char **argv)
{
    return parse_and_run(argc, argv, &redo_command, true);
}

const struct arg_command personalize_command = {
    "cardbureau", "personalize", "FILE", 1, "make cards in readers", command_personalize};
const struct arg_command redo_command = {
    "cardbureau", "redo", "FILE", 1, "repeat what was begun and is not made", command_redo};
