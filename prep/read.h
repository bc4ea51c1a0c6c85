/* prep/read.h - FIG. 2, step 300: from the issuer's input files to one card_input after another.
 *
 * Reads the main input (CSV, fixed width, MIC) and adds the fields of joined inputs by key. A source system's row that is
 * missing or repeated is an error of this record; unused rows are reported at the end. Every message names file and line
 * (or byte offset). The input is read twice: once by cards_survey, once by the run. */
#ifndef PREP_READ_H
#define PREP_READ_H

#include "config/job.h"
#include "prep/input/card_input.h"

struct card_reader;

/* Opens all inputs, builds the indexes of the joins (a temporary SQLite file each: memory stays bounded) and the field
 * table. For a sealed MIC input verifies its END under the job's signers first, and every entry's C1. */
MUST_CHECK bool card_reader_open(struct card_reader **out, const struct job *job, struct err *err);
void card_reader_free(struct card_reader *r);
const struct field_table *card_reader_fields(const struct card_reader *r);
/* What an earlier pass left: its JOB group and END lists. NULL in a first pass. */
struct mic_file_summary;
const struct mic_file_summary *card_reader_earlier_pass(const struct card_reader *r);
/* Which input gives which fields, one line per input; for explanations. */
void card_reader_put_inputs(const struct card_reader *r, struct buf *out);
/* Where the input is, for messages: "cards.csv:812" or "cards.mic: record 3 at offset 123". */
const char *card_reader_place(const struct card_reader *r);

/* The next card; *end after the last. Borrowed until the next call. number and card are not set yet (prep/commands/survey.h gives
 * them), unless an earlier pass gave them.
 * False: ERR_INPUT for this record; card_reader_can_go_on tells whether the next one can be read. */
MUST_CHECK bool card_reader_next(struct card_reader *r, struct card_input *out, bool *end, struct err *err);
bool card_reader_can_go_on(const struct card_reader *r);
MUST_CHECK bool card_reader_rewind(struct card_reader *r, struct err *err);
/* After the last card: rows of joined inputs that no card used, one line each (at most `most`), and their number. */
MUST_CHECK bool card_reader_unused_rows(struct card_reader *r, size_t most, struct buf *out, uint64_t *count,
                                        struct err *err);
/* After the last card: false (ERR_INPUT) if a join whose unused rows are errors has one; the first is named. */
MUST_CHECK bool card_reader_check_unused(struct card_reader *r, struct err *err);
/* Appends the header row of the main input, if it has one. */
void card_reader_header(const struct card_reader *r, struct buf *out);
/* For exactly what was refused: the raw bytes of the current record (for the set-aside file), borrowed until the next
 * call; ends the life of the card's fields. NULL if they cannot be had. */
void card_reader_raw(const struct card_reader *r, const uint8_t **bytes, size_t *len);
/* False (ERR_INPUT): the main input was changed since it was opened. What joins said is kept since then. */
MUST_CHECK bool card_reader_unchanged(const struct card_reader *r, struct err *err);
/* The number under which a card is known that card_reader_next gave or refused: an earlier pass's, else `position` (prep/commands/survey.h). */
uint64_t card_reader_number(const struct card_reader *r, const struct card_input *in, uint64_t position);

#endif
