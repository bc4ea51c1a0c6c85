#include "bureau/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"

enum { AUTHORITY_MAX = 160 };

struct remake {
    uint64_t record;
    char authority[AUTHORITY_MAX];
};

struct ledger {
    struct journal *journal;
    struct registry *registry;
    uint8_t first_job[JOB_ID_LEN], pass[JOB_ID_LEN];
    clock_fn *now;
    void *now_context;
    struct remake *remakes; /* by record, rising; of each the last */
    size_t remake_count;
};

static const enum record_event outcome_events[] = {
    [CARD_MADE] = EVENT_MADE,
    [CARD_UNTOUCHED] = EVENT_UNTOUCHED,
    [CARD_HALF_DONE] = EVENT_HALF_DONE,
    [CARD_SPOILED] = EVENT_SPOILED,
};

const struct journal_book *ledger_book(const struct ledger *l)
{
    return journal_book(l->journal);
}

struct registry *ledger_registry(struct ledger *l)
{
    return l->registry;
}

void ledger_card_text(const struct card_id *id, char text[LEDGER_CARD_TEXT])
{
    snprintf(text, LEDGER_CARD_TEXT, "unidentified");
    if (id->len > 0) hex_write(text, LEDGER_CARD_TEXT, id->bytes, id->len, true);
}

static bool note(struct ledger *l, const struct card_group *card, struct record_note *n, struct err *err)
{
    n->time = l->now(l->now_context);
    if (registry_append(l->registry, card, l->pass, n, err)) return true;
    err_prefix(err, "books");
    return false;
}

/* ---- opening ---- */

static bool take_remake(void *context, const struct registry_event *e, struct err *err)
{
    struct ledger *l = context;
    if (e->note.event != EVENT_REMAKE) return true;
    bool again = l->remake_count > 0 && l->remakes[l->remake_count - 1].record == e->number;
    if (!again) {
        struct remake *more = reallocarray(l->remakes, l->remake_count + 1, sizeof(*more));
        if (!more) return err_set_no_memory(err);
        l->remakes = more;
        l->remake_count++;
    }
    struct remake *r = &l->remakes[l->remake_count - 1];
    r->record = e->number;
    /* Sequence numbers of the books are given once: a list that came twice counts once for each. */
    snprintf(r->authority, sizeof(r->authority), "%.120s #%" PRIu64, e->note.text ? e->note.text : "remake",
             e->sequence);
    return true;
}

static struct card_group group_of(const struct ledger *l, uint64_t record)
{
    struct card_group card = {.number = record};
    memcpy(card.job_id, l->first_job, JOB_ID_LEN);
    return card;
}

/* The books' last event of a record that was under way when the last run was killed may lack. */
static bool follow(struct ledger *l, const struct journal_record *r, struct err *err)
{
    const struct card_group card = group_of(l, r->number);
    struct record_status status;
    char serial[LEDGER_CARD_TEXT];

    if (!registry_record_state(l->registry, &card, &status, err)) return false;
    bool under_way = status.state == RECORD_UNDER_WAY || status.state == RECORD_REPEATED;
    if (!under_way || !r->known) return true;
    ledger_card_text(&r->attempt, serial);
    struct record_note known = {.event = EVENT_CARD, .serial = serial};
    struct record_note ended = {.event = outcome_events[r->outcome], .serial = serial};
    return note(l, &card, &known, err) && (!r->ended || note(l, &card, &ended, err));
}

/* … and so may the last destruction. New books beside an old journal do not know the card. */
static bool follow_destruction(struct ledger *l, struct err *err)
{
    const struct journal_destruction *last = journal_book_last_destruction(journal_book(l->journal));
    const struct journal_record *r = journal_book_find(journal_book(l->journal), last->record);
    const struct card_group card = group_of(l, last->record);
    struct record_status status;
    char serial[LEDGER_CARD_TEXT];

    if (!r) return true;
    if (!registry_record_state(l->registry, &card, &status, err)) return false;
    if (status.events == 0 || status.destroyed >= r->destroyed) return true;
    ledger_card_text(&last->card, serial);
    struct record_note n = {.event = EVENT_DESTROYED, .serial = serial, .text = last->reason};
    return note(l, &card, &n, err);
}

static bool follow_journal(struct ledger *l, struct err *err)
{
    const struct journal_book *b = journal_book(l->journal);
    for (size_t i = 0; i < JOURNAL_RECENT; i++) {
        const struct journal_record *r = journal_book_recent(b, i);
        if (r && !follow(l, r, err)) return false;
    }
    return follow_destruction(l, err);
}

bool ledger_catch_up(struct registry *books, const char *books_path, const struct job_group *job,
                     clock_fn *now, void *now_context, struct err *err)
{
    struct ledger l = {.registry = books, .now = now, .now_context = now_context};
    char *path = NULL;

    memcpy(l.first_job, job_group_first_job(job), JOB_ID_LEN);
    memcpy(l.pass, job->job_id, JOB_ID_LEN);
    if (!journal_path(books_path, l.first_job, &path, err)) return false;
    bool idle = access(path, F_OK) == 0 && !journal_is_held(path);
    bool ok = !idle ||
              (journal_open(&l.journal, path, l.first_job, now, now_context, err) && follow_journal(&l, err));
    journal_free(l.journal);
    free(path);
    return ok;
}

bool ledger_open(struct ledger **out, const char *books_path, const struct job_group *job, clock_fn *now,
                 void *now_context, uint64_t *recovered, struct err *err)
{
    struct ledger *l = calloc(1, sizeof(*l));
    char *path = NULL;

    if (!l) return err_set_no_memory(err);
    l->now = now;
    l->now_context = now_context;
    memcpy(l->first_job, job_group_first_job(job), JOB_ID_LEN);
    memcpy(l->pass, job->job_id, JOB_ID_LEN);
    bool ok = journal_path(books_path, l->first_job, &path, err) &&
              registry_open(&l->registry, books_path, err) &&
              journal_open(&l->journal, path, l->first_job, now, now_context, err) &&
              follow_journal(l, err) && registry_begin_run(l->registry, now(now_context), recovered, err) &&
              registry_walk_events(l->registry, l->first_job, take_remake, l, err);
    free(path);
    if (!ok) {
        ledger_free(l);
        return false;
    }
    *out = l;
    return true;
}

void ledger_free(struct ledger *l)
{
    if (!l) return;
    journal_free(l->journal);
    registry_close(l->registry);
    free(l->remakes);
    free(l);
}

/* ---- events ---- */

static int compare_record(const void *key, const void *element)
{
    uint64_t a = *(const uint64_t *)key, b = ((const struct remake *)element)->record;
    return a < b ? -1 : a > b;
}

const char *ledger_remake_allowed(const struct ledger *l, uint64_t record)
{
    const struct remake *r = l->remake_count > 0
                                 ? bsearch(&record, l->remakes, l->remake_count, sizeof(*r), compare_record)
                                 : NULL;
    return r && !journal_book_used(journal_book(l->journal), record, r->authority) ? r->authority : "";
}

bool ledger_outcome(struct ledger *l, const struct card_group *card, const struct journal_ending *ending,
                    struct err *err)
{
    const struct journal_record *r = journal_book_find(journal_book(l->journal), card->number);
    bool was_known = r && r->known;
    char serial[LEDGER_CARD_TEXT];

    if (was_known) ledger_card_text(&r->attempt, serial);
    struct record_note n = {.event = outcome_events[ending->outcome],
                            .serial = was_known ? serial : NULL,
                            .text = ending->reason[0] ? ending->reason : ending->what};
    return journal_outcome(l->journal, ending, err) && note(l, card, &n, err);
}

/* The books do not take it: the journal hears that the card stays as it was. */
static bool take_back(struct ledger *l, uint64_t record, struct err *err)
{
    struct err second = ERR_INIT;
    const struct journal_ending ending = {record, CARD_UNTOUCHED, "", "", err->text, 0, 0, NULL};
    if (err->kind == ERR_INPUT && !journal_outcome(l->journal, &ending, &second)) *err = second;
    return false;
}

bool ledger_begin(struct ledger *l, const struct ledger_begin *what, struct card_id *expected,
                  struct err *err)
{
    const struct card_group *card = what->card;
    const struct journal_begin begin = {card->number, what->reader, what->atr, what->atr_len,
                                        ledger_remake_allowed(l, card->number)};
    char atr[2 * 64 + 1];

    if (!bytes_equal(card->job_id, JOB_ID_LEN, l->first_job, JOB_ID_LEN))
        return err_set(err, ERR_INPUT, "record %" PRIu64 ": its CARD group is of another job", card->number);
    if (!journal_begin(l->journal, &begin, expected, err)) return false;
    hex_write(atr, sizeof(atr), what->atr, what->atr_len < 64 ? what->atr_len : 64, true);
    struct record_note n = {.event = EVENT_BEGUN, .atr = atr, .reader = what->reader};
    return note(l, card, &n, err) || take_back(l, card->number, err);
}

bool ledger_known(struct ledger *l, const struct card_group *card, const struct card_id *id, unsigned retries,
                  struct err *err)
{
    char serial[LEDGER_CARD_TEXT];

    if (!journal_known(l->journal, card->number, id, retries, err)) return false;
    ledger_card_text(id, serial);
    struct record_note n = {.event = EVENT_CARD, .serial = serial};
    return note(l, card, &n, err);
}

bool ledger_module(struct ledger *l, uint64_t record, const char *mic, bool done, const char *reason,
                   struct err *err)
{
    return journal_module(l->journal, record, mic, done, reason, err);
}

bool ledger_destroy(struct ledger *l, uint64_t record, const struct card_id *id, const char *reason,
                    struct err *err)
{
    const struct card_group card = group_of(l, record);
    char serial[LEDGER_CARD_TEXT];

    ledger_card_text(id, serial);
    struct record_note n = {.event = EVENT_DESTROYED, .serial = serial, .text = reason};
    return journal_book_may_destroy(journal_book(l->journal), record, id, err) &&
           registry_may_append(l->registry, &card, l->pass, &n, err) &&
           journal_destroy(l->journal, record, id, reason, err) && note(l, &card, &n, err);
}
