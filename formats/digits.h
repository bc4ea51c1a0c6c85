/* formats/digits.h - inside formats/ only: decimal digits as BCD and as numbers, for convert.c. */
#ifndef FORMATS_DIGITS_H
#define FORMATS_DIGITS_H

#include "formats/convert.h"

/* 0–9 */
bool digits_is(char c);
/* One to CONVERT_VALUE_MAX digits. False (ERR_INPUT): none, too many, another character, named by its position. */
MUST_CHECK bool digits_check(const char *text, size_t len, struct err *err);
/* Two numbers without sign, as digits: −1, 0, 1. */
int digits_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Nibbles as text of 0–9, D and F, an even number of them. */
void digits_put_nibbles(struct buf *out, const char *nibbles, size_t count);
/* BCD, left-aligned, F up to len bytes or to a whole byte. */
void digits_put_compressed(const char *digits, size_t count, size_t len, struct buf *out);
/* BCD, right-aligned in len bytes (0: as many as it takes). False: does not fit (ERR_INPUT). */
MUST_CHECK bool digits_put_numeric(const char *digits, size_t count, size_t len, struct buf *out,
                                   struct err *err);
/* A big-endian number in len bytes (0: in as few as hold it). False: does not fit, or over 64 bits (ERR_INPUT). */
MUST_CHECK bool digits_put_binary(const char *digits, size_t count, size_t len, struct buf *out,
                                  struct err *err);

/* A number with exactly `exponent` decimals, or with neither point nor decimals: its digits without the point. */
struct scaled {
    char digits[40];
    size_t count;
};
/* False: another form, too many digits (ERR_INPUT); exponent over 9 (ERR_CONFIG). */
MUST_CHECK bool digits_read_scaled(const char *text, size_t len, unsigned exponent, struct scaled *out,
                                   struct err *err);

#endif
