/* bureau/bound.h - records that are for one card each: a group of the record, sealed with the rest of it, tells the card's KEYDATA, and no
 * other card gets the record. Which group that is, the settings say (keydata_group); a record without it is for any card. */
#ifndef BUREAU_BOUND_H
#define BUREAU_BOUND_H

#include "bureau/journal_book.h"
#include "config/bureau.h"
#include "formats/mic.h"

/* The card that the record is for; due->len 0: any. False (ERR_INPUT): the group does not hold the 20 hex digits of a KEYDATA. */
MUST_CHECK bool bound_read(const struct bureau *settings, const struct mic_record *record,
                           struct card_id *due, struct err *err);
/* False (ERR_INPUT): the record is for another card than this one. */
MUST_CHECK bool bound_check(const struct card_id *due, const struct card_id *card, struct err *err);

/* Which record is for a card; a file's bound records, one after the other, are put in before the first question. */
struct bound_index;
MUST_CHECK bool bound_index_new(struct bound_index **out, struct err *err);
void bound_index_free(struct bound_index *x); /* NULL is fine */
/* due->len 0 is not put in. False: memory. */
MUST_CHECK bool bound_index_add(struct bound_index *x, const struct card_id *due, uint64_t number,
                                struct err *err);
/* The first of its records; 0: none. */
uint64_t bound_index_find(struct bound_index *x, const struct card_id *card);

#endif
