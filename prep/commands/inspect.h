/* prep/commands/inspect.h - a MIC file explained byte by byte: one walk (inspect_walk.c, inspect_parts.c) that shows what it
 * sees to a visitor, and the two visitors, text for people and JSON for machines. Names of tags stand in one table (inspect_tags.c).
 *
 * The walk goes on as far as it can: what cannot be read is reported as damage with offset and length, and the rest of
 * the file is still shown. PANs are masked, secrets show kind, check value and length only. */
#ifndef PREP_INSPECT_H
#define PREP_INSPECT_H

#include <stdio.h>

#include "base/reader.h"

/* How a value is shown. */
enum inspect_form {
    FORM_PARTS, /* nothing of its own: its parts follow */
    FORM_HEX,
    FORM_TEXT,
    FORM_NUMBER,
    FORM_PAN,    /* BCD digits, masked */
    FORM_TRACK2, /* tag 57: PAN masked, discretionary data hidden */
    FORM_MODULE, /* another module's group: text with long runs of digits masked, or binary */
    FORM_HIDDEN, /* only its length */
    FORM_KIND,
    FORM_METHOD,
    FORM_DGI,
    FORM_SIGNATURE_ALGORITHM, /* number with its meaning */
};

/* The same tag means other things in other places. */
enum inspect_place {
    PLACE_JOB,
    PLACE_CARD,
    PLACE_END,
    PLACE_DATA,
    PLACE_SECRET,
    PLACE_GROUPING,
    PLACE_CARD_DATA,
    PLACE_COUNT
};
struct inspect_tag {
    uint32_t tag;
    const char *name;
    enum inspect_form form;
};
/* Never NULL: an unknown tag has the name "not in the table" and is shown in hex. */
const struct inspect_tag *inspect_tag(enum inspect_place place, uint32_t tag);
/* The rows of a place; for the test of the table. */
const struct inspect_tag *inspect_tags(enum inspect_place place, size_t *count);

struct inspect_item {
    const char *label; /* "RLEN", "CARD", "5A"; out of the walk's own memory */
    const char *name;  /* what it is */
    enum inspect_form form;
    uint64_t offset; /* of its first byte in the file */
    size_t head_len; /* bytes before the value: tag and length, MIC and LEN */
    const uint8_t *value;
    size_t value_len;
};
/* begin and end come in pairs; parts of an item stand between them and fill its value without gaps. */
struct inspect_visitor {
    void (*record_begin)(void *context, uint64_t number, uint64_t offset,
                         size_t len); /* number 0: JOB or END record */
    void (*record_end)(void *context);
    void (*begin)(void *context, const struct inspect_item *item);
    void (*end)(void *context);
    void (*damage)(void *context, uint64_t offset, uint64_t len, const char *message);
    void *context;
};

struct inspect_settings {
    const char *chip_mic; /* NULL: what the JOB group says, else CHIP */
    uint64_t only;        /* one record's number, 0: all */
};
struct inspect_result {
    uint64_t records, damages;
    bool end_seen, found;
};
/* Walks the file. False: ERR_FILE only. */
MUST_CHECK bool inspect_file(struct reader *r, const struct inspect_settings *settings,
                             const struct inspect_visitor *visitor, struct inspect_result *out,
                             struct err *err);

/* Appends the value as text: at most `most` bytes of it, then "…" with the number left out. Nothing for FORM_PARTS. */
void inspect_value(const struct inspect_item *item, size_t most, struct buf *out);
/* What a data grouping is for: "record 2 of SFI 1", "keys", … */
void inspect_dgi_name(uint16_t dgi, char *text, size_t size);

struct inspect_text;
struct inspect_text *inspect_text_new(FILE *out); /* NULL: no memory */
struct inspect_visitor inspect_text_visitor(struct inspect_text *t);
void inspect_text_free(struct inspect_text *t);

struct inspect_json;
struct inspect_json *inspect_json_new(FILE *out, const char *file); /* NULL: no memory */
struct inspect_visitor inspect_json_visitor(struct inspect_json *j);
/* Ends the document. False (ERR_INTERNAL): memory was exhausted somewhere. */
MUST_CHECK bool inspect_json_finish(struct inspect_json *j, const struct inspect_result *result,
                                    struct err *err);
void inspect_json_free(struct inspect_json *j);

#endif
