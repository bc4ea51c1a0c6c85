/* prep/input/join.h - a further input file whose rows are found by a key: load system, cardholder system, the supplier's batch list.
 *
 * All its rows are read once and kept in a temporary database, so memory is bounded; the file's order does not matter. */
#ifndef PREP_JOIN_H
#define PREP_JOIN_H

#include "config/job.h"
#include "prep/input/card_input.h"

struct join;

/* False: as rows_open and rows_next; ERR_CONFIG: no such key column; ERR_INPUT: a row without key, by file and line. */
MUST_CHECK bool join_open(struct join **out, const struct join_settings *settings, const struct job *job,
                          struct err *err);
void join_free(struct join *j);
const struct join_settings *join_settings(const struct join *j);
/* What it adds to a card: its columns under the job's names for them, save for the key column unless the job renames it. */
size_t join_field_count(const struct join *j);
const char *join_field_name(const struct join *j, size_t index);
/* Fills one text per field, borrowed until the next call, and notes that the row was used by the main record at `place`. With
 * ON_MISSING_EMPTY a row that is not there, or an empty key, leaves them NULL. False (ERR_INPUT): no row, or several, or one that
 * another record used; file and lines are named. */
MUST_CHECK bool join_find(struct join *j, const struct field_text *key, uint64_t place,
                          struct field_text *out, struct err *err);
/* Rows that join_find never gave, at most `most` of them as "FILE:LINE: …" lines; *count gets how many there are. */
MUST_CHECK bool join_unused(struct join *j, size_t most, struct buf *out, uint64_t *count, struct err *err);

#endif
