/* prep/input/card_input.h - one card's input, as the coordinator reads it and a worker receives it.
 *
 * Fields are texts by index into the job's field table, which both sides have: names are looked up once, not per card. */
#ifndef PREP_CARD_INPUT_H
#define PREP_CARD_INPUT_H

#include "formats/mic.h"
#include "formats/groups.h"

/* Names of all fields that a card of this job can have: main input, joins, MIC fields. Names are borrowed from the job or
 * the input's header, which outlive it. */
enum { FIELDS_MAX = 512 };
struct field_table {
    const char *names[FIELDS_MAX];
    size_t count;
};
/* −1: no such field. */
int field_index(const struct field_table *table, const char *name);

struct field_text {
    const char *text; /* NULL: the record has no such field */
    size_t len;
};

struct card_input {
    uint64_t number;        /* DA */
    uint64_t counter;       /* card number counter; 0 when the job has none */
    uint64_t place;         /* line (tables) or offset (MIC) of the record in the input */
    struct card_group card; /* CARD: of this run, or copied from an earlier pass */
    struct field_text fields[FIELDS_MAX];
    size_t field_count;
    const uint8_t *record; /* MIC input: the record with RLEN, whatever the input's framing; NULL otherwise */
    size_t record_len;
    struct buf store; /* owns what a received input points into; empty in the coordinator */
};
void card_input_init(struct card_input *in);
void card_input_release(struct card_input *in);
/* The form in which it crosses a pipe. */
void card_input_put(struct buf *b, const struct card_input *in);
/* Copies from c into in->store. False (ERR_INTERNAL): malformed. */
MUST_CHECK bool card_input_get(struct cur *c, struct card_input *in, struct err *err);

#endif
