/* formats/fields.h - flat lists of TLVs as tables: JOB, CARD, END, E1 and E2 (docs/formats/mic-file.md).
 *
 * One table serves reader and writer. A row says which tag stands how often, how long its value is and where
 * it goes in the caller's struct. A tag without a row is refused, and so is one too many or one missing. */
#ifndef FORMATS_FIELDS_H
#define FORMATS_FIELDS_H

#include "formats/tlv.h"

enum field_count { FIELD_ONCE, FIELD_OPTIONAL, FIELD_MANY };
enum field_form {
    FIELD_BYTES, /* min = max bytes, copied to uint8_t[max] at `offset` */
    FIELD_BE,    /* min = max bytes, a uint64_t at `offset` */
    FIELD_TEXT,  /* printable ASCII, to char[max + 1] at `offset`; an empty optional text is not written */
    FIELD_SPAN, /* borrowed: const uint8_t * at `offset`, size_t at `len_offset`; an optional NULL is not written */
    FIELD_OWN, /* read and put of the row */
};

struct field {
    uint32_t tag;
    const char *what; /* "job id" */
    enum field_count count;
    enum field_form form;
    size_t min, max; /* length of the value */
    size_t offset, len_offset;
    /* FIELD_OWN: takes the value. Other forms: checks it after it was taken; NULL if there is nothing to check. */
    bool (*read)(const struct tlv *tlv, void *out, struct err *err);
    /* FIELD_OWN: appends the TLV, or several, or none. */
    void (*put)(struct buf *b, uint32_t tag, const void *in);
};

enum field_order { FIELDS_ANY_ORDER, FIELDS_TABLE_ORDER };
enum { FIELDS_MAX = 32 };

/* Reads the whole list into *out, which the caller has zeroed. False (ERR_INPUT with the offset): malformed TLV,
 * unknown, repeated or missing tag, order, length, character, or what a row's own check says. */
MUST_CHECK bool fields_read(const struct field *rows, size_t count, enum field_order order, struct cur list,
                            void *out, struct err *err);
/* Appends the rows in their order. */
void fields_put(struct buf *b, const struct field *rows, size_t count, const void *in);
/* The same as the value of one object with this tag. */
void fields_put_inside(struct buf *b, uint32_t tag, const struct field *rows, size_t count, const void *in);

/* For rows: "tag D6 at offset 812: TEXT". Returns false. */
bool field_refused(const struct tlv *tlv, const char *text, struct err *err);

#endif
