/* formats/handover_fields.h - inside formats/ only: the lines of a hand-over file behind its first, one row each. */
#ifndef FORMATS_HANDOVER_FIELDS_H
#define FORMATS_HANDOVER_FIELDS_H

#include "formats/handover.h"

struct handover_field;

/* Appends the value, without a newline. What the struct may not hold comes out as something that the reader refuses. */
typedef void handover_put_fn(const struct handover_field *f, const struct handover *h, struct buf *b);
/* Reads the value into h, which has those of the lines above. False (ERR_INPUT): not the form, or it does not fit those. */
typedef bool handover_read_fn(const struct handover_field *f, const char *text, size_t len,
                              struct handover *h, struct err *err);

struct handover_field {
    const char *name;
    handover_put_fn *put;
    handover_read_fn *read;
    /* Of members that are text: place in the struct, room without the zero, what the text is made of. */
    size_t offset, max;
    const char *characters;
};

enum { HANDOVER_FIELD_COUNT = 18 };
/* In the order of the file; the signature is the last. */
extern const struct handover_field handover_fields[HANDOVER_FIELD_COUNT];

#endif
