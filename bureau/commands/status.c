/* cardbureau status FILE: what became of each record, by the journal of cards. It needs no token, and may be asked while cards
 * are made. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/hex.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"

enum { CARD_TEXT = 2 * CARD_ID_MAX + 1 };

struct options {
    const char *settings, *records;
    bool all, json, help;
};

struct status {
    const char *path;
    const struct options *options;
    struct bureau *settings;
    struct mic_file *file;
    struct journal *journal; /* NULL: no card was begun */
    uint64_t first, last;
    uint64_t counts[JOURNAL_STATES];
    json_t *list;
};

static bool open_file(struct status *s, struct err *err)
{
    if (!s->options->settings) return err_set(err, ERR_CONFIG, "name the bureau's settings: --settings FILE");
    return range_read(s->options->records, &s->first, &s->last, err) &&
           bureau_load(&s->settings, s->options->settings, err) && unsigned_file_open(&s->file, s->path, err);
}

static bool open_journal(struct status *s, struct err *err)
{
    const struct job_group *job = &mic_file_summary(s->file)->job;
    char *path = NULL;
    bool there = false;

    bool ok = journal_find(s->settings, job, &path, &there, err) &&
              (!there || journal_open_reading(&s->journal, path, job_group_first_job(job), err));
    free(path);
    return ok;
}

static bool put_json(struct status *s, const struct journal_record *r, const char *card, struct err *err)
{
    json_t *o = json_pack("{s:I, s:s, s:s, s:I, s:b}", "record", (json_int_t)r->number, "state",
                          journal_state_name(r->state), "card", card, "begun", (json_int_t)r->begun,
                          "modules_failed", r->modules_missing);
    return (o && json_array_append_new(s->list, o) == 0) || err_set_no_memory(err);
}

/* Records that are made and complete, or were never begun, are only counted, unless all are wanted. */
static bool show(struct status *s, const struct card_group *group, struct err *err)
{
    const struct journal_record never = {.number = group->number, .state = JOURNAL_FREE};
    const struct journal_record *found =
        s->journal ? journal_book_find(journal_book(s->journal), group->number) : NULL;
    const struct journal_record *r = found ? found : &never;
    char card[CARD_TEXT];

    s->counts[r->state]++;
    bool plain =
        (r->state == JOURNAL_MADE && !r->modules_missing) || (r->state == JOURNAL_FREE && r->begun == 0);
    if (plain && !s->options->all) return true;
    hex_write(card, sizeof(card), r->card.bytes, r->card.len, true);
    if (s->options->json) return put_json(s, r, card, err);
    printf("record %" PRIu64 ": %s%s%s%s\n", r->number, journal_state_name(r->state),
           r->card.len > 0 ? ", card " : "", card, r->modules_missing ? ", a module has failed" : "");
    return true;
}

static bool show_all(struct status *s, struct err *err)
{
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    bool end = false, ok = record != NULL || err_set_no_memory(err);

    while (ok && !end) {
        ok = mic_file_next(s->file, record, &card, &end, err);
        if (ok && !end && card.number >= s->first && card.number <= s->last) ok = show(s, &card, err);
    }
    free(record);
    return ok;
}

static bool put_counts(struct status *s, struct err *err)
{
    if (!s->options->json) {
        for (int i = JOURNAL_FREE; i < JOURNAL_STATES; i++)
            printf("%s%" PRIu64 " %s", i > JOURNAL_FREE ? ", " : "", s->counts[i],
                   journal_state_name((enum journal_state)i));
        putchar('\n');
        return true;
    }
    json_t *root = json_pack("{s:O}", "records", s->list);
    bool ok = root != NULL;
    for (int i = JOURNAL_FREE; ok && i < JOURNAL_STATES; i++)
        ok = json_object_set_new(root, journal_state_name((enum journal_state)i),
                                 json_integer((json_int_t)s->counts[i])) == 0;
    ok = ok && json_dumpf(root, stdout, JSON_INDENT(1)) == 0 && putchar('\n') == '\n';
    json_decref(root);
    return ok || err_set(err, ERR_FILE, "standard output cannot be written");
}

static int run(struct status *s)
{
    struct err err = ERR_INIT;
    s->list = json_array();
    bool ok = s->list != NULL || err_set_no_memory(&err);
    ok = ok && open_file(s, &err) && open_journal(s, &err) && show_all(s, &err) && put_counts(s, &err);
    json_decref(s->list);
    journal_free(s->journal);
    mic_file_free(s->file);
    bureau_free(s->settings);
    return ok ? 0 : args_fail(&status_command, &err);
}

static int command_status(int argc, char **argv)
{
    int status = 0;
    struct options o = {.json = false};
    struct status s = {.options = &o};
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"records", ARG_TEXT, "A-B", "only these record numbers", {.text = &o.records}},
        {"all", ARG_FLAG, NULL, "list made and untouched records too", {.flag = &o.all}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&status_command, argc, argv, options, count, &s.path, &status)) return status;
    return run(&s);
}

const struct arg_command status_command = {
    .program = "cardbureau",
    .name = "status",
    .operands = "FILE",
    .operand_count = 1,
    .help = "what became of each record",
    .run = command_status,
};
