/* prep/input/rows.h - one input file, whatever its format, as rows of named texts. Used by read.c for the main input and by join.c
 * for the others.
 *
 * The columns of a table are its columns; those of a MIC file are what the job cuts out of other modules' groups. */
#ifndef PREP_ROWS_H
#define PREP_ROWS_H

#include "config/job.h"
#include "formats/mic_file.h"
#include "prep/input/card_input.h"

struct row {
    const struct cell
        *cells;      /* one per column; text NULL: the record lacks that group. Borrowed until the next row */
    uint64_t place;  /* line (tables) or offset (MIC) */
    uint64_t number; /* MIC: record of the file, from 1 */
    const struct mic_record *record; /* MIC only, borrowed */
    bool sealed;                     /* MIC, and its file verified: `card` is set */
    struct card_group card;
};

/* One kind of input file. */
struct rows;
/* False: ERR_FILE, ERR_INPUT, ERR_CONFIG; for a sealed MIC file whose END does not verify under the job's signers ERR_INTEGRITY. */
MUST_CHECK bool rows_open(struct rows **out, const struct input_settings *input, const struct job *job,
                          struct err *err);
void rows_free(struct rows *r);
size_t rows_column_count(const struct rows *r);
const char *rows_column_name(const struct rows *r, size_t index);
const char *rows_path(const struct rows *r);
/* "a CSV line", for messages: false when places are offsets. */
bool rows_have_lines(const struct rows *r);
/* The next row; *end after the last. False: the message names file and place. */
MUST_CHECK bool rows_next(struct rows *r, struct row *out, bool *end, struct err *err);
/* After rows_next failed: is the file at the start of the next row? */
bool rows_can_go_on(const struct rows *r);
MUST_CHECK bool rows_rewind(struct rows *r, struct err *err);
/* NULL unless the file is sealed. */
const struct mic_file_summary *rows_summary(const struct rows *r);
/* The current or just refused row as the file has it; ends the life of its cells. NULL if it cannot be had. */
void rows_raw(const struct rows *r, const uint8_t **bytes, size_t *len);
/* False (ERR_INPUT): the file is not what it was when it was opened. */
MUST_CHECK bool rows_unchanged(const struct rows *r, struct err *err);

/* ---- what read_table.c and read_mic.c implement ---- */
struct rows_kind {
    void (*free)(void *state);
    size_t (*column_count)(const void *state);
    const char *(*column_name)(const void *state, size_t index);
    bool (*next)(void *state, struct row *out, bool *end, struct err *err);
    bool (*can_go_on)(const void *state);
    bool (*rewind)(void *state, struct err *err);
    const struct mic_file_summary *(*summary)(const void *state);
    void (*raw)(const void *state, const uint8_t **bytes, size_t *len);
    bool (*unchanged)(const void *state, struct err *err);
};
MUST_CHECK bool read_table_open(void **state, const struct input_settings *input, struct err *err);
extern const struct rows_kind read_table_kind;
MUST_CHECK bool read_mic_open(void **state, const struct input_settings *input, const struct job *job,
                              struct err *err);
extern const struct rows_kind read_mic_kind;

#endif
