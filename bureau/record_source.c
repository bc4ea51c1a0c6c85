#include "bureau/record_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that wait, rising. */
struct numbers {
    uint64_t *at;
    size_t count, room;
};

struct record_source {
    struct incoming *file;
    const struct ledger *ledger;
    struct record_choice choice;
    struct mic_record *record; /* that was read last */
    struct card_group card;
    bool read, end;         /* one was; the file's end came behind it */
    uint64_t handed;        /* in the file's order, everything up to here */
    struct numbers waiting; /* given back */
    bool ahead;             /* `card` is the next one in order, and was not handed out */
};

/* ---- numbers ---- */

static bool numbers_add(struct numbers *n, uint64_t number, struct err *err)
{
    size_t at = n->count;
    if (n->count == n->room) {
        size_t room = n->room > 0 ? 2 * n->room : 16;
        uint64_t *more = reallocarray(n->at, room, sizeof(*more));
        if (!more) return err_set_no_memory(err);
        n->at = more;
        n->room = room;
    }
    while (at > 0 && n->at[at - 1] > number)
        at--;
    memmove(&n->at[at + 1], &n->at[at], (n->count - at) * sizeof(*n->at));
    n->at[at] = number;
    n->count++;
    return true;
}

static void numbers_remove(struct numbers *n, uint64_t number)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->at[i] != number) continue;
        n->count--;
        memmove(&n->at[i], &n->at[i + 1], (n->count - i) * sizeof(*n->at));
        return;
    }
}

/* ---- choosing ---- */

static bool is_wanted(const struct record_source *s, uint64_t number)
{
    const struct journal_record *r = journal_book_find(ledger_book(s->ledger), number);

    if (number < s->choice.first || number > s->choice.last || (r && r->open)) return false;
    if (!s->choice.redo) return !r || r->state == JOURNAL_FREE;
    if (!r) return false;
    if (r->state == JOURNAL_FREE || r->state == JOURNAL_UNKNOWN || r->state == JOURNAL_HALF_DONE) return true;
    return ledger_remake_allowed(s->ledger, number)[0] != 0;
}

bool record_source_new(struct record_source **out, struct incoming *file, const struct ledger *ledger,
                       const struct record_choice *choice, struct err *err)
{
    struct record_source *s = calloc(1, sizeof(*s));
    if (s) s->record = calloc(1, sizeof(*s->record));
    if (!s || !s->record) {
        free(s);
        return err_set_no_memory(err);
    }
    s->file = file;
    s->ledger = ledger;
    s->choice = *choice;
    *out = s;
    return true;
}

void record_source_free(struct record_source *s)
{
    if (!s) return;
    free(s->waiting.at);
    free(s->record);
    free(s);
}

/* ---- reading ---- */

static bool read_one(struct record_source *s, struct err *err)
{
    if (!incoming_next(s->file, s->record, &s->card, &s->end, err)) return false;
    s->read = !s->end;
    return true;
}

static bool start_over(struct record_source *s, struct err *err)
{
    if (!incoming_rewind(s->file, err)) return false;
    s->read = s->end = false;
    return true;
}

/* Reads until this record stands in s->record. */
static bool read_number(struct record_source *s, uint64_t number, bool *found, struct err *err)
{
    if (s->read && s->card.number == number) {
        *found = true;
        return true;
    }
    if ((s->end || (s->read && s->card.number > number)) && !start_over(s, err)) return false;
    while (!s->end && !(s->read && s->card.number >= number))
        if (!read_one(s, err)) return false;
    *found = s->read && s->card.number == number;
    return true;
}

/* The next in the file's order; s->ahead says whether there is one. */
static bool look_ahead(struct record_source *s, struct err *err)
{
    if (s->ahead) return true;
    if (s->read && s->card.number != s->handed && !start_over(s, err)) /* a single one was looked up */
        return false;
    while (!s->end) {
        if (!read_one(s, err)) return false;
        if (s->end || s->card.number <= s->handed) continue;
        s->ahead = is_wanted(s, s->card.number);
        if (s->ahead) return true;
        s->handed = s->card.number;
    }
    return true;
}

bool record_source_has(struct record_source *s, bool *has, struct err *err)
{
    *has = s->waiting.count > 0;
    if (*has) return true;
    if (!look_ahead(s, err)) return false;
    *has = s->ahead;
    return true;
}

static void offer(const struct record_source *s, struct offered_record *out)
{
    *out = (struct offered_record){s->card, s->record->bytes, s->record->len, s->record};
}

bool record_source_each(struct record_source *s,
                        bool (*take)(void *context, const struct offered_record *r, struct err *err),
                        void *context, struct err *err)
{
    struct offered_record offered;
    bool ok = start_over(s, err);

    s->ahead = false; /* it is found again */
    while (ok && !s->end) {
        ok = read_one(s, err);
        if (!ok || s->end) continue;
        offer(s, &offered);
        ok = take(context, &offered, err);
    }
    return ok && start_over(s, err);
}

bool record_source_next(struct record_source *s, struct offered_record *out, struct err *err)
{
    bool has = false;

    if (s->waiting.count > 0) return record_source_take(s, s->waiting.at[0], &has, out, err);
    if (!record_source_has(s, &has, err)) return false;
    if (!has) return err_set(err, ERR_INTERNAL, "no record is left");
    s->handed = s->card.number;
    s->ahead = false;
    offer(s, out);
    return true;
}

bool record_source_is_left(const struct record_source *s, uint64_t number)
{
    for (size_t i = 0; i < s->waiting.count; i++)
        if (s->waiting.at[i] == number) return true;
    return number > s->handed && is_wanted(s, number);
}

bool record_source_take(struct record_source *s, uint64_t number, bool *found, struct offered_record *out,
                        struct err *err)
{
    bool in_file = false;

    *found = false;
    if (!record_source_is_left(s, number)) return true;
    numbers_remove(&s->waiting, number);
    s->ahead = false; /* it is found again */
    if (!read_number(s, number, &in_file, err)) return false;
    if (!in_file) return true;
    *found = true;
    offer(s, out);
    return true;
}

bool record_source_give_back(struct record_source *s, uint64_t number, struct err *err)
{
    return numbers_add(&s->waiting, number, err);
}
