#include "bureau/journal_book.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "bureau/slots.h"

enum { FIRST_ROOM = 64 };

struct card_row {
    struct card_id id;
    uint64_t record; /* that it holds; 0: none */
    unsigned refusals;
    bool destroyed;
};

struct journal_book {
    struct journal_record *records;
    size_t record_count, record_room;
    struct slots by_number;
    struct card_row *cards;
    size_t card_count, card_room;
    struct slots by_card;
    struct module_names modules;
    size_t lacking;                  /* records that lack any of them */
    uint64_t recent[JOURNAL_RECENT]; /* a ring */
    size_t recent_count;
    struct journal_destruction last_destruction;
};

static const char *const state_names[] = {
    [JOURNAL_FREE] = "free", [JOURNAL_UNKNOWN] = "unknown", [JOURNAL_HALF_DONE] = "half-done",
    [JOURNAL_MADE] = "made", [JOURNAL_SPOILED] = "spoiled", [JOURNAL_DESTROYED] = "destroyed",
};
const char *journal_state_name(enum journal_state state)
{
    return state_names[state];
}

bool card_id_equal(const struct card_id *a, const struct card_id *b)
{
    return bytes_equal(a->bytes, a->len, b->bytes, b->len);
}

/* ---- finding ---- */

static bool same_record(const void *array, uint32_t position, const void *key)
{
    return ((const struct journal_record *)array)[position].number == *(const uint64_t *)key;
}

static bool same_card(const void *array, uint32_t position, const void *key)
{
    return card_id_equal(&((const struct card_row *)array)[position].id, key);
}

static struct slots_key key_of_record(const struct journal_book *b, const uint64_t *number)
{
    return (struct slots_key){slots_hash(number, sizeof(*number)), number, b->records, same_record};
}

static struct slots_key key_of_card(const struct journal_book *b, const struct card_id *id)
{
    return (struct slots_key){slots_hash(id->bytes, id->len), id, b->cards, same_card};
}

static bool array_grow(void **array, size_t *room, size_t count, size_t size, struct err *err)
{
    if (count < *room) return true;
    size_t more = *room > 0 ? 2 * *room : FIRST_ROOM;
    void *larger = count < UINT32_MAX / 2 ? reallocarray(*array, more, size) : NULL;
    if (!larger) return err_set_no_memory(err);
    *array = larger;
    *room = more;
    return true;
}

static struct journal_record *record_of(const struct journal_book *b, uint64_t number)
{
    const struct slots_key key = key_of_record(b, &number);
    uint32_t at = 0;
    return slots_find(&b->by_number, &key, &at) ? &b->records[at] : NULL;
}

static struct card_row *card_of(const struct journal_book *b, const struct card_id *id)
{
    const struct slots_key key = key_of_card(b, id);
    uint32_t at = 0;
    return id->len > 0 && slots_find(&b->by_card, &key, &at) ? &b->cards[at] : NULL;
}

static struct journal_record *add_record(struct journal_book *b, uint64_t number, struct err *err)
{
    void *array = b->records;
    bool ok = array_grow(&array, &b->record_room, b->record_count, sizeof(*b->records), err);
    b->records = array;
    const struct slots_key key = key_of_record(b, &number);
    if (!ok || !slots_add(&b->by_number, &key, (uint32_t)b->record_count, err)) return NULL;
    b->records[b->record_count] = (struct journal_record){.number = number};
    return &b->records[b->record_count++];
}

static struct card_row *add_card(struct journal_book *b, const struct card_id *id, struct err *err)
{
    void *array = b->cards;
    bool ok = array_grow(&array, &b->card_room, b->card_count, sizeof(*b->cards), err);
    b->cards = array;
    const struct slots_key key = key_of_card(b, id);
    if (!ok || !slots_add(&b->by_card, &key, (uint32_t)b->card_count, err)) return NULL;
    b->cards[b->card_count] = (struct card_row){.id = *id};
    return &b->cards[b->card_count++];
}

/* ---- life ---- */

bool journal_book_new(struct journal_book **out, struct err *err)
{
    *out = calloc(1, sizeof(**out));
    return *out || err_set_no_memory(err);
}

void journal_book_free(struct journal_book *b)
{
    if (!b) return;
    free(b->records);
    slots_release(&b->by_number);
    free(b->cards);
    slots_release(&b->by_card);
    free(b);
}

const struct journal_record *journal_book_find(const struct journal_book *b, uint64_t record)
{
    return record_of(b, record);
}

const struct journal_record *journal_book_recent(const struct journal_book *b, size_t i)
{
    return i < b->recent_count ? record_of(b, b->recent[i]) : NULL;
}

bool journal_book_lacks(const struct journal_book *b, uint64_t record, const char *mic)
{
    const struct journal_record *r = record_of(b, record);
    return r && r->state == JOURNAL_MADE && (r->lacks & module_names_find(&b->modules, mic)) != 0;
}

size_t journal_book_lacking(const struct journal_book *b)
{
    return b->lacking;
}

size_t journal_book_count(const struct journal_book *b)
{
    return b->record_count;
}

const struct journal_destruction *journal_book_last_destruction(const struct journal_book *b)
{
    return &b->last_destruction;
}

/* ---- rules ---- */

/* Digest of an authority's name; 0 for none. */
static uint64_t authority_of(const char *authority)
{
    return authority[0] ? slots_hash(authority, strlen(authority)) | 1 : 0;
}

bool journal_book_used(const struct journal_book *b, uint64_t record, const char *authority)
{
    const struct journal_record *r = record_of(b, record);
    return r && r->authority == authority_of(authority);
}

static void card_text(const struct card_id *id, char text[2 * CARD_ID_MAX + 1])
{
    hex_write(text, 2 * CARD_ID_MAX + 1, id->bytes, id->len, false);
}

/* What is written nowhere else: the attempt ended without a word. */
static void settle(struct journal_book *b, struct journal_record *r, enum journal_state state)
{
    struct card_row *card = card_of(b, &r->attempt);
    if (card) {
        card->record = r->number;
        card->refusals = 0;
    }
    r->state = state;
    r->card = r->attempt;
    if (r->attempt_authority) r->authority = r->attempt_authority;
}

static void set_lacks(struct journal_book *b, struct journal_record *r, uint64_t modules)
{
    b->lacking += (modules != 0) - (size_t)(r->lacks != 0);
    r->lacks = modules;
    r->modules_missing = modules != 0;
}

static void close_attempt(struct journal_book *b, struct journal_record *r)
{
    if (r->open && r->known) settle(b, r, JOURNAL_UNKNOWN);
    r->open = false;
}

void journal_book_close_open(struct journal_book *b)
{
    for (size_t i = 0; i < b->record_count; i++)
        close_attempt(b, &b->records[i]);
}

bool journal_book_may_begin(const struct journal_book *b, uint64_t record, const char *authority,
                            struct card_id *expected, struct err *err)
{
    const struct journal_record *r = record_of(b, record);
    uint64_t allowed = authority_of(authority);
    char card[2 * CARD_ID_MAX + 1];

    expected->len = 0;
    if (r && r->open) return err_set(err, ERR_INPUT, "record %" PRIu64 ": a card of it is under way", record);
    if (!r || r->state == JOURNAL_FREE) return true;
    if (allowed && allowed != r->authority) return true;
    card_text(&r->card, card);
    if (r->state == JOURNAL_MADE || r->state == JOURNAL_SPOILED || r->state == JOURNAL_DESTROYED)
        return err_set(err, ERR_INPUT,
                       "record %" PRIu64 ": card %s of it is %s; another card needs a remake list", record,
                       card, journal_state_name(r->state));
    if (r->card.len == 0)
        return err_set(
            err, ERR_INPUT,
            "record %" PRIu64
            ": it was begun on a card that told nothing of itself; another card needs a remake list",
            record);
    *expected = r->card;
    return true;
}

bool journal_book_may_use(const struct journal_book *b, uint64_t record, const struct card_id *card,
                          unsigned retries, struct err *err)
{
    const struct journal_record *r = record_of(b, record);
    const struct card_row *row = card_of(b, card);
    char given[2 * CARD_ID_MAX + 1], due[2 * CARD_ID_MAX + 1];

    card_text(card, given);
    if (!r || !r->open) return err_set(err, ERR_INTERNAL, "record %" PRIu64 " was not begun", record);
    bool another_allowed = r->attempt_authority != 0 && r->attempt_authority != r->authority;
    bool same_only = r->state != JOURNAL_FREE && !another_allowed;
    card_text(&r->card, due);
    if (same_only && !card_id_equal(&r->card, card))
        return err_set(err, ERR_INPUT,
                       "record %" PRIu64 ": it was begun on card %s and may go on no other, this is card %s",
                       record, due, given);
    if (row && row->destroyed)
        return err_set(err, ERR_INPUT, "card %s is booked as destroyed: it takes no record", given);
    const bool card_is_over = r->state == JOURNAL_MADE || r->state == JOURNAL_SPOILED;
    const bool given_up = card_id_equal(&r->card, card) ? card_is_over : row && row->record == record;
    if (another_allowed && given_up)
        return err_set(err, ERR_INPUT, "record %" PRIu64 ": a remake needs another card than %s", record,
                       given);
    if (row && row->record != 0 && row->record != record)
        return err_set(err, ERR_INPUT, "card %s holds record %" PRIu64, given, row->record);
    if (row && row->refusals > retries)
        return err_set(err, ERR_INPUT,
                       "card %s has refused its key %u time%s; it is not tried again without --retries",
                       given, row->refusals, row->refusals == 1 ? "" : "s");
    return true;
}

bool journal_book_may_destroy(const struct journal_book *b, uint64_t record, const struct card_id *card,
                              struct err *err)
{
    const struct journal_record *r = record_of(b, record);
    const struct card_row *row = card_of(b, card);
    char given[2 * CARD_ID_MAX + 1];

    card_text(card, given);
    if (r && r->open) return err_set(err, ERR_INPUT, "record %" PRIu64 ": a card of it is under way", record);
    if (!r || r->state == JOURNAL_FREE)
        return err_set(err, ERR_INPUT, "record %" PRIu64 ": no card of it was changed", record);
    bool is_on = card_id_equal(&r->card, card); /* also one that told nothing of itself */
    if ((is_on && r->state == JOURNAL_DESTROYED) || (row && row->record == record && row->destroyed))
        return err_set(err, ERR_INPUT, "record %" PRIu64 ": card %s of it is destroyed already", record,
                       given);
    return is_on || (row && row->record == record) ||
           err_set(err, ERR_INPUT, "record %" PRIu64 ": it is not on card %s and never was", record, given);
}

uint64_t journal_book_record_on(const struct journal_book *b, const struct card_id *card)
{
    const struct card_row *row = card_of(b, card);
    return row ? row->record : 0;
}

unsigned journal_book_refusals(const struct journal_book *b, const struct card_id *card)
{
    const struct card_row *row = card_of(b, card);
    return row ? row->refusals : 0;
}

/* ---- events ---- */

static bool apply_begun(struct journal_book *b, const struct journal_event *e, struct err *err)
{
    struct journal_record *r = record_of(b, e->record);
    struct card_id expected;

    if (r) close_attempt(b, r);
    if (!journal_book_may_begin(b, e->record, e->authority, &expected, err)) {
        err->kind = ERR_INTEGRITY;
        return false;
    }
    if (!r) r = add_record(b, e->record, err);
    if (!r) return false;
    r->open = true;
    r->known = r->ended = false;
    r->attempt.len = 0;
    r->attempt_authority = authority_of(e->authority);
    r->begun++;
    return true;
}

static bool apply_known(struct journal_book *b, const struct journal_event *e, struct err *err)
{
    struct journal_record *r = record_of(b, e->record);
    if (!journal_book_may_use(b, e->record, &e->card, UINT32_MAX, err)) {
        err->kind = ERR_INTEGRITY;
        return false;
    }
    if (e->card.len > 0 && !card_of(b, &e->card) && !add_card(b, &e->card, err)) return false;
    r->known = true;
    r->attempt = e->card;
    return true;
}

static bool apply_outcome(struct journal_book *b, const struct journal_event *e, struct err *err)
{
    static const enum journal_state states[] = {
        [CARD_MADE] = JOURNAL_MADE, [CARD_HALF_DONE] = JOURNAL_HALF_DONE, [CARD_SPOILED] = JOURNAL_SPOILED};
    struct journal_record *r = record_of(b, e->record);

    if (!r || !r->open)
        return err_set(err, ERR_INTEGRITY, "record %" PRIu64 ": an outcome of no card", e->record);
    if (e->outcome != CARD_UNTOUCHED && !r->known)
        return err_set(err, ERR_INTEGRITY, "record %" PRIu64 ": card %s before it was known", e->record,
                       card_outcome_name(e->outcome));
    struct card_row *card = card_of(b, &r->attempt);
    uint64_t modules = 0;
    if (e->outcome == CARD_MADE && e->modules && !module_names_add(&b->modules, e->modules, &modules, err))
        return false;
    if (e->outcome != CARD_UNTOUCHED) {
        settle(b, r, states[e->outcome]);
        set_lacks(b, r, modules);
    } else if (r->known && card) {
        card->refusals++;
    }
    r->open = false;
    r->ended = true;
    r->outcome = e->outcome;
    return true;
}

static bool apply_module(struct journal_book *b, const struct journal_event *e, struct err *err)
{
    struct journal_record *r = record_of(b, e->record);
    if (!r) return err_set(err, ERR_INTEGRITY, "record %" PRIu64 ": a module of no card", e->record);
    uint64_t module = 0;
    if (!module_names_add(&b->modules, e->module, &module, err)) return false;
    set_lacks(b, r, e->done ? r->lacks & ~module : r->lacks | module);
    return true;
}

static bool apply_destruction(struct journal_book *b, const struct journal_event *e, struct err *err)
{
    struct journal_record *r = record_of(b, e->record);
    struct card_row *row = card_of(b, &e->card);
    struct journal_destruction *last = &b->last_destruction;

    if (r) close_attempt(b, r);
    if (!journal_book_may_destroy(b, e->record, &e->card, err) || !r) {
        err->kind = ERR_INTEGRITY;
        return false;
    }
    if (row) row->destroyed = true;
    if (card_id_equal(&r->card, &e->card)) r->state = JOURNAL_DESTROYED;
    r->destroyed++;
    *last = (struct journal_destruction){.record = e->record, .card = e->card};
    snprintf(last->reason, sizeof(last->reason), "%s", e->reason);
    return true;
}

bool journal_book_apply(struct journal_book *b, const struct journal_event *e, struct err *err)
{
    static bool (*const apply[])(struct journal_book *, const struct journal_event *, struct err *) = {
        [JOURNAL_BEGUN] = apply_begun,
        [JOURNAL_KNOWN] = apply_known,
        [JOURNAL_OUTCOME] = apply_outcome,
        [JOURNAL_MODULE] = apply_module,
        [JOURNAL_DESTRUCTION] = apply_destruction,
    };
    if (!apply[e->kind](b, e, err)) return false;
    b->recent[b->recent_count++ % JOURNAL_RECENT] = e->record;
    return true;
}
