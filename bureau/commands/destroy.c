/* cardbureau destroy FILE --card HEX | --record N … --reason WORD: books cards that the operator has destroyed, or is about to. Their
 * records go onto other cards only by a remake list. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/hex.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"
#include "bureau/ledger.h"
#include "formats/line_value.h"

enum { CARDS_MAX = 2 * ARG_LIST_MAX };

struct options {
    const char *settings, *reason;
    struct arg_list cards, records;
    bool yes, help;
};

/* A card to be booked, and the record that it has or had. */
struct chosen {
    uint64_t record;
    struct card_id card;
};

struct destroy {
    const char *path;
    const struct options *options;
    char reason[JOURNAL_REASON_MAX + 1];
    struct bureau *settings;
    struct mic_file *file;
    struct ledger *ledger;
    struct chosen chosen[CARDS_MAX];
    size_t count;
};

/* ---- before ---- */

static bool check_options(struct destroy *d, struct err *err)
{
    const struct options *o = d->options;
    if (!o->settings) return err_set(err, ERR_CONFIG, "name the bureau's settings: --settings FILE");
    if (o->cards.count + o->records.count == 0)
        return err_set(err, ERR_CONFIG, "name the card, as status does: --card HEX, or --record N");
    if (!o->reason) return err_set(err, ERR_CONFIG, "say why, in one word: --reason WORD");
    if (!line_value_text(o->reason, strlen(o->reason), JOURNAL_REASON_MAX, LINE_VALUE_WORD, d->reason, err) ||
        strcmp(o->reason, "-") == 0)
        return err_set(err, ERR_CONFIG, "--reason is one word of a-z, 0-9 and -, of at most %d characters",
                       JOURNAL_REASON_MAX);
    return o->yes || isatty(STDIN_FILENO) ||
           err_set(err, ERR_CONFIG, "nobody to ask whether the cards are destroyed: call it with --yes");
}

static bool open_books(struct destroy *d, struct err *err)
{
    char *journal = NULL;
    bool there = false;
    uint64_t recovered = 0;

    if (!bureau_load(&d->settings, d->options->settings, err) || !unsigned_file_open(&d->file, d->path, err))
        return false;
    const struct job_group *job = &mic_file_summary(d->file)->job;
    bool ok = journal_find(d->settings, job, &journal, &there, err);
    free(journal);
    if (ok && !there) ok = err_set(err, ERR_INPUT, "%s: no card of this job was begun", d->path);
    return ok && ledger_open(&d->ledger, d->settings->books_path, job, clock_now, NULL, &recovered, err);
}

/* ---- which cards ---- */

static bool choose(struct destroy *d, const struct chosen *c, struct err *err)
{
    for (size_t i = 0; i < d->count; i++) {
        if (d->chosen[i].record == c->record && card_id_equal(&d->chosen[i].card, &c->card))
            return err_set(err, ERR_CONFIG, "record %" PRIu64 ": its card is named twice", c->record);
    }
    if (!journal_book_may_destroy(ledger_book(d->ledger), c->record, &c->card, err)) return false;
    d->chosen[d->count++] = *c;
    return true;
}

static bool choose_card(struct destroy *d, const char *text, struct err *err)
{
    struct err unused = ERR_INIT;
    const size_t digits = strlen(text);
    struct chosen c = {.card = {.len = (uint8_t)(digits / 2)}};
    if (digits > (size_t)2 * CARD_ID_MAX || !hex_read_exact(text, digits, c.card.bytes, digits / 2, &unused))
        return err_set(err, ERR_CONFIG, "--card %s is not the hex of a card's serial number", text);
    c.record = journal_book_record_on(ledger_book(d->ledger), &c.card);
    if (c.record > 0) return choose(d, &c, err);
    return err_set(err, ERR_INPUT, "card %s has no record of this job, and had none", text);
}

static bool choose_record(struct destroy *d, const char *text, struct err *err)
{
    struct err unused = ERR_INIT;
    struct chosen c = {.record = 0};
    if (!line_value_number(text, strlen(text), INT64_MAX, &c.record, &unused))
        return err_set(err, ERR_CONFIG, "--record %s is no record number", text);
    const struct journal_record *r = journal_book_find(ledger_book(d->ledger), c.record);
    if (r) c.card = r->card;
    return choose(d, &c, err);
}

static bool choose_all(struct destroy *d, struct err *err)
{
    const struct options *o = d->options;
    for (size_t i = 0; i < o->cards.count; i++) {
        if (!choose_card(d, o->cards.items[i], err)) return false;
    }
    for (size_t i = 0; i < o->records.count; i++) {
        if (!choose_record(d, o->records.items[i], err)) return false;
    }
    return true;
}

/* ---- booking ---- */

static bool is_its_card(const struct destroy *d, const struct chosen *c)
{
    const struct journal_record *r = journal_book_find(ledger_book(d->ledger), c->record);
    return r && card_id_equal(&r->card, &c->card);
}

static void show(const struct destroy *d, const struct chosen *c)
{
    const struct journal_record *r = journal_book_find(ledger_book(d->ledger), c->record);
    char card[LEDGER_CARD_TEXT];
    ledger_card_text(&c->card, card);
    if (is_its_card(d, c))
        fprintf(stderr, "card %s: record %" PRIu64 ", %s\n", card, c->record, journal_state_name(r->state));
    else
        fprintf(stderr, "card %s: the card of record %" PRIu64 " before it was made again\n", card,
                c->record);
}

static bool agree(const struct destroy *d, struct err *err)
{
    char answer[16];
    for (size_t i = 0; i < d->count; i++)
        show(d, &d->chosen[i]);
    if (d->options->yes) return true;
    fprintf(stderr, "Book as destroyed? It cannot be taken back. [yes/no] ");
    bool ok = fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0;
    return ok || err_set(err, ERR_INTERRUPTED, "nothing was booked");
}

static bool book(struct destroy *d, struct err *err)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct chosen *c = &d->chosen[i];
        char card[LEDGER_CARD_TEXT];
        ledger_card_text(&c->card, card);
        if (!ledger_destroy(d->ledger, c->record, &c->card, d->reason, err)) return false;
        printf("card %s is booked as destroyed%s\n", card,
               is_its_card(d, c) ? "; its record goes onto another card only by a remake list" : "");
    }
    return true;
}

static int run(const char *path, const struct options *o)
{
    struct destroy d = {.path = path, .options = o};
    struct err err = ERR_INIT;
    bool ok = check_options(&d, &err) && open_books(&d, &err) && choose_all(&d, &err) && agree(&d, &err) &&
              book(&d, &err);
    ledger_free(d.ledger);
    mic_file_free(d.file);
    bureau_free(d.settings);
    return ok ? 0 : args_fail(&destroy_command, &err);
}

static int command_destroy(int argc, char **argv)
{
    int status = 0;
    struct options o = {.yes = false};
    const char *path = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"card", ARG_LIST, "HEX", "a card, as status names it; again for more", {.list = &o.cards}},
        {"record", ARG_LIST, "N", "the card that this record is on; again for more", {.list = &o.records}},
        {"reason", ARG_TEXT, "WORD", "why: one word, for the return file", {.text = &o.reason}},
        {"yes", ARG_FLAG, NULL, "do not ask", {.flag = &o.yes}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&destroy_command, argc, argv, options, count, &path, &status)) return status;
    return run(path, &o);
}

const struct arg_command destroy_command = {"cardbureau",   "destroy", "FILE", 1, "book cards as destroyed",
                                            command_destroy};
