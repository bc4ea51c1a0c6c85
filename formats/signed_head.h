/* formats/signed_head.h - inside formats/ only: the head of a file of signed lines (formats/signed_lines.h), one line "name: value"
 * for each member of the form's struct, so that the forms differ in a table alone. */
#ifndef FORMATS_SIGNED_HEAD_H
#define FORMATS_SIGNED_HEAD_H

#include "formats/signed_lines.h"

/* What the member is, and how its value is written (formats/line_value.h). */
enum signed_head_kind {
    SIGNED_HEAD_NAME,   /* char[len + 1]: letters, digits, . _ - */
    SIGNED_HEAD_TEXT,   /* char[len + 1]: printable ASCII, also none */
    SIGNED_HEAD_TIME,   /* char[CLOCK_TEXT_LEN + 1] */
    SIGNED_HEAD_HEX,    /* uint8_t[len] */
    SIGNED_HEAD_NUMBER, /* uint64_t, 1 to 2^63 − 1 */
    SIGNED_HEAD_SHARE,  /* two uint16_t, one behind the other: "2/4" */
};
struct signed_head_member {
    const char *name;
    enum signed_head_kind kind;
    size_t offset, len;
};
struct signed_head {
    const struct signed_head_member *members; /* in the file's order */
    size_t count, size;                       /* of the members; of the struct */
};

/* Writes the lines; line is room for one. False (ERR_INPUT, naming the member): a value that no reader takes; no memory; what the
 * sink says. */
MUST_CHECK bool signed_head_put(const struct signed_head *form, const void *head,
                                struct signed_lines_writer *w, struct buf *line, struct err *err);
/* Takes the lines. False: ERR_INPUT with line and name, as those of signed_lines.h. */
MUST_CHECK bool signed_head_take(const struct signed_head *form, struct signed_lines *s, void *head,
                                 struct err *err);

#endif
