/* bureau/ledger.h - a run's cards in journal and books: one call for each thing that happens, in an order that a kill cannot
 * confuse. The journal (journal.h) is written first and decides; the books (registry.h) follow it, one event behind at most, and
 * are brought up to it when the next run begins. */
#ifndef BUREAU_LEDGER_H
#define BUREAU_LEDGER_H

#include "bureau/journal.h"
#include "bureau/registry.h"

struct ledger;
/* What the books call a card: its KEYDATA in hex, or that it told nothing of itself. */
enum { LEDGER_CARD_TEXT = 2 * CARD_ID_MAX + 1 };
void ledger_card_text(const struct card_id *id, char text[LEDGER_CARD_TEXT]);

/* For the records of this file. It takes journal and books for this run alone, brings the books up to the journal, and closes what a
 * killed run left. *recovered: records that were left under way. False: as journal_open, registry_open, registry_begin_run. */
MUST_CHECK bool ledger_open(struct ledger **out, const char *books_path, const struct job_group *job,
                            clock_fn *now, void *now_context, uint64_t *recovered, struct err *err);
void ledger_free(struct ledger *l); /* NULL is fine */
/* Brings open books up to the journal of this file's records, for who only reads them: the last run may have been killed between the two.
 * Does nothing where there is no journal, or while a run works on it, which has done so. False: as journal_open; ERR_FILE. */
MUST_CHECK bool ledger_catch_up(struct registry *books, const char *books_path, const struct job_group *job,
                                clock_fn *now, void *now_context, struct err *err);

const struct journal_book *ledger_book(const struct ledger *l);
struct registry *ledger_registry(struct ledger *l);
/* The name of the remake list that allows another card for the record and has not been used; "" if there is none. */
const char *ledger_remake_allowed(const struct ledger *l, uint64_t record);

struct ledger_begin {
    const struct card_group *card;
    const char *reader;
    const uint8_t *atr;
    size_t atr_len;
};
/* Each is on disk when it returns true. False: ERR_INPUT, the record or the card must not be used (nothing is begun then); any
 * other kind: the run has to end. */
MUST_CHECK bool ledger_begin(struct ledger *l, const struct ledger_begin *what, struct card_id *expected,
                             struct err *err);
MUST_CHECK bool ledger_known(struct ledger *l, const struct card_group *card, const struct card_id *id,
                             unsigned retries, struct err *err);
MUST_CHECK bool ledger_outcome(struct ledger *l, const struct card_group *card,
                               const struct journal_ending *ending, struct err *err);
MUST_CHECK bool ledger_module(struct ledger *l, uint64_t record, const char *mic, bool done,
                              const char *reason, struct err *err);
/* A card of the record is destroyed: the one that it is on, or was on before. A card that told nothing of itself: of length 0. */
MUST_CHECK bool ledger_destroy(struct ledger *l, uint64_t record, const struct card_id *card,
                               const char *reason, struct err *err);

#endif
