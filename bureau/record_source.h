/* bureau/record_source.h - which record the next card gets: in the order of the file, each compared with its digest again.
 *
 * A new run takes records that are free; a redo takes those that were begun and are not made: half-done ones for their own
 * cards, free ones, and those for which the issuer allows another card. */
#ifndef BUREAU_RECORD_SOURCE_H
#define BUREAU_RECORD_SOURCE_H

#include "bureau/incoming.h"
#include "bureau/ledger.h"

struct record_source;

struct record_choice {
    uint64_t first, last; /* numbers */
    bool redo;
};
/* Borrows file and ledger. */
MUST_CHECK bool record_source_new(struct record_source **out, struct incoming *file,
                                  const struct ledger *ledger, const struct record_choice *choice,
                                  struct err *err);
void record_source_free(struct record_source *s); /* NULL is fine */

struct offered_record {
    struct card_group card;
    const uint8_t *bytes; /* borrowed until the next call */
    size_t len;
    const struct mic_record *record; /* the same, parsed; borrowed too */
};
/* Every record of the file, in its order, whether it is wanted or not; what was offered before is not borrowed any more. False: reading
 * fails, or what `take` says. */
MUST_CHECK bool record_source_each(struct record_source *s,
                                   bool (*take)(void *context, const struct offered_record *r,
                                                struct err *err),
                                   void *context, struct err *err);
/* Is there one for the next card? False: reading fails, or the file has changed (ERR_INTEGRITY). */
MUST_CHECK bool record_source_has(struct record_source *s, bool *has, struct err *err);
/* Takes it; there is one. */
MUST_CHECK bool record_source_next(struct record_source *s, struct offered_record *out, struct err *err);
/* Would this run take it, if it stands in the file? */
bool record_source_is_left(const struct record_source *s, uint64_t number);
/* Takes this one, which stands in the file. *found: false if it is not one that this run takes, or it was taken before. */
MUST_CHECK bool record_source_take(struct record_source *s, uint64_t number, bool *found,
                                   struct offered_record *out, struct err *err);
/* The card could not be used: the record goes to the next one. */
MUST_CHECK bool record_source_give_back(struct record_source *s, uint64_t number, struct err *err);

#endif
