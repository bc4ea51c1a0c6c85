/* base/hex.h - hexadecimal text. Not for secrets: nothing here runs in constant time. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"

/* Appends two digits per byte, upper case. */
void hex_put(struct buf *b, const uint8_t *data, size_t len);
/* Writes 2·len digits and a zero to text. Lower case if `lower`. */
void hex_write(char *text, size_t text_size, const uint8_t *data, size_t len, bool lower);
/* Reads exactly text_len characters, an even number of hex digits of either case, and appends the bytes.
 * False (ERR_INPUT, nothing appended): odd count, or another character, named with its position. */
MUST_CHECK bool hex_read(const char *text, size_t text_len, struct buf *out, struct err *err);
/* As hex_read into a fixed array; also false unless there are exactly out_len bytes. */
MUST_CHECK bool hex_read_exact(const char *text, size_t text_len, uint8_t *out, size_t out_len,
                               struct err *err);

#endif
