/* bureau/journal_book.h - what the lines of a card journal add up to: which record is on which card, which may be begun, and on
 * which card. Pure: no file (journal.h), no card. docs/formats/journal.md has the rules.
 *
 * A card's life in the journal is begun, known (it has told its KEYDATA; nothing on it has changed yet), outcome. A card that
 * was begun and never known is as it was. One that was known and has no outcome is treated as half-done. */
#ifndef BUREAU_JOURNAL_BOOK_H
#define BUREAU_JOURNAL_BOOK_H

#include "bureau/module_names.h"
#include "bureau/token_process.h"

enum { CARD_ID_MAX = 16 };
/* A card, by what it tells in its first answer to INITIALIZE UPDATE: its KEYDATA. Of length 0: it told nothing. */
struct card_id {
    uint8_t bytes[CARD_ID_MAX];
    uint8_t len;
};
bool card_id_equal(const struct card_id *a, const struct card_id *b);

enum journal_event_kind {
    JOURNAL_BEGUN,
    JOURNAL_KNOWN,
    JOURNAL_OUTCOME,
    JOURNAL_MODULE,
    JOURNAL_DESTRUCTION
};
struct journal_event {
    enum journal_event_kind kind;
    uint64_t record;
    /* Texts are borrowed; "" where there is none. */
    const char *time;      /* when it is read back */
    const char *reader;    /* begun */
    const char *atr;       /* begun: hex */
    const char *authority; /* begun: the remake list that allows another card, docs/formats/journal.md */
    struct card_id card;   /* known, outcome, destruction */
    enum card_outcome outcome;
    const char *serial; /* outcome */
    const char *what;   /* outcome: the last command, in words */
    const char *reason; /* outcome, module: why it failed; destruction: why */
    uint64_t commands, ms;
    const char *module; /* module: its MIC */
    const char
        *modules; /* outcome made: MICs of the modules that now get their groups, with blanks between */
    bool done;    /* module */
};

enum journal_state {
    JOURNAL_FREE,      /* never begun, or no card of it was changed */
    JOURNAL_UNKNOWN,   /* nobody wrote down how the card ended */
    JOURNAL_HALF_DONE, /* can be repeated on the same card */
    JOURNAL_MADE,
    JOURNAL_SPOILED,
    JOURNAL_DESTROYED, /* the card that it was on is destroyed */
    JOURNAL_STATES
};
const char *journal_state_name(enum journal_state state);

struct journal_record {
    uint64_t number;
    enum journal_state state;
    struct card_id card; /* unless free: the card that it is on */
    uint32_t begun;      /* how often */
    uint64_t authority;  /* digest of the last remake list that was used; 0: none */
    uint32_t destroyed;  /* how many of its cards */
    uint64_t
        lacks; /* modules, as bits: of a made card, not done, be it that they failed or were never asked */
    bool modules_missing; /* any of them */
    /* The last attempt. */
    bool open; /* it has no outcome yet, and may get one */
    bool known, ended;
    enum card_outcome outcome; /* if ended */
    struct card_id attempt;    /* if known */
    uint64_t attempt_authority;
};
enum { JOURNAL_RECENT = 64 /* more than there are stations */ };

struct journal_book;
MUST_CHECK bool journal_book_new(struct journal_book **out, struct err *err);
void journal_book_free(struct journal_book *b); /* NULL is fine */

/* Takes one event in. False: it cannot follow what is there (ERR_INTEGRITY), as a record that is made a second time without
 * authority; memory. */
MUST_CHECK bool journal_book_apply(struct journal_book *b, const struct journal_event *e, struct err *err);
/* After the last line: what is open was left by a program that was killed. */
void journal_book_close_open(struct journal_book *b);

/* May a card be begun for the record? authority: of a remake list that allows another card, or "". *expected: of length 0, any
 * card; else this one only. False (ERR_INPUT): why not. */
MUST_CHECK bool journal_book_may_begin(const struct journal_book *b, uint64_t record, const char *authority,
                                       struct card_id *expected, struct err *err);
/* May the record that was begun go onto this card? Cards that refused a key up to `retries` times may be tried again. False
 * (ERR_INPUT): another one is expected; it holds another record; it has refused its key more often. */
MUST_CHECK bool journal_book_may_use(const struct journal_book *b, uint64_t record,
                                     const struct card_id *card, unsigned retries, struct err *err);
/* May the card be booked as destroyed? It is the one that the record is on, or was on before a remake. False (ERR_INPUT): the record has
 * a card under way, or none that was changed; it is another record's card, or destroyed already. */
MUST_CHECK bool journal_book_may_destroy(const struct journal_book *b, uint64_t record,
                                         const struct card_id *card, struct err *err);
/* The record that the card holds, or held when it was destroyed; 0: none. */
uint64_t journal_book_record_on(const struct journal_book *b, const struct card_id *card);
/* How often the card has refused its key since it was last changed. */
unsigned journal_book_refusals(const struct journal_book *b, const struct card_id *card);

/* NULL: never begun. Borrowed until the next event. */
const struct journal_record *journal_book_find(const struct journal_book *b, uint64_t record);
/* Has the record got a card by this authority? */
bool journal_book_used(const struct journal_book *b, uint64_t record, const char *authority);
/* Has the record's card been made, and this module not taken its group since? */
bool journal_book_lacks(const struct journal_book *b, uint64_t record, const char *mic);
size_t journal_book_lacking(const struct journal_book *b); /* records that lack any */
/* One of those that the last lines are about, i below JOURNAL_RECENT; NULL: there are not so many. Some may come twice. */
const struct journal_record *journal_book_recent(const struct journal_book *b, size_t i);
size_t journal_book_count(const struct journal_book *b);
/* The last destruction; record 0: there was none. */
enum { JOURNAL_REASON_MAX = 32 };
struct journal_destruction {
    uint64_t record;
    struct card_id card;
    char reason[JOURNAL_REASON_MAX + 1];
};
const struct journal_destruction *journal_book_last_destruction(const struct journal_book *b);

#endif
