/* formats/convert.h - from the text of an input field to the bytes of a data element: one table of conversions
 * that profiles name. Every conversion checks; none cuts or guesses. */
#ifndef FORMATS_CONVERT_H
#define FORMATS_CONVERT_H

#include "base/buf.h"
#include "formats/date.h" /* dates of the forms that date-… read */

enum { CONVERT_VALUE_MAX = 4096 };

/* What a conversion needs besides the text. len is the element's length in bytes, 0: as the text gives. */
struct convert_options {
    size_t len;                    /* exact length in bytes, or 0 */
    size_t min_len;                /* 0: no limit */
    size_t max_len;                /* 0: CONVERT_VALUE_MAX */
    unsigned exponent;             /* amount: decimals of the currency */
    const char *character_set;     /* text: "ascii", "iso8859-1" or "utf-8"; NULL is ascii */
    const char *minimum, *maximum; /* numbers and amounts, as text; NULL: none */
};

/* Appends the value. False (ERR_INPUT): the text does not fit; the message does not quote it. */
typedef bool convert_fn(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                        struct err *err);

struct convert_row {
    const char *name;
    const char *help; /* one line for docs and messages */
    convert_fn *run;
};

/* Conversions:
 *  text         characters of the character set (EMV "ans" for ascii: 20–7E), padded with spaces if len is given and pad is meant: never; refused if too long
 *  text-padded  as text, padded on the right with spaces to len
 *  alnum        A–Z a–z 0–9 ("an")
 *  hex          pairs of hex digits
 *  numeric      decimal digits as BCD, zeros on the left to len ("n")
 *  compressed   decimal digits as BCD, F on the right to len, or to a whole byte ("cn"; PAN in 5A)
 *  pan          as compressed, after pan_check with Luhn;  pan-no-luhn without
 *  binary       decimal number, big-endian in len bytes
 *  date-yymmdd  YYYY-MM-DD, YYYYMMDD or YYMMDD → 3 bytes BCD;  date-ymd → YYYYMMDD 4 bytes;  date-mmyy → 2 bytes
 *  amount       "12.34" with `exponent` decimals → numeric of len bytes (default 6)
 *  amount-binary  the same as a big-endian number of len bytes (default 4)
 *  track2       PAN '=' or 'D' YYMM service(3) discretionary → track 2 equivalent data (tag 57), padded with F
 *  telephone    +, digits; spaces, - and () dropped → digits as "compressed"
 */
const struct convert_row *convert_find(const char *name); /* NULL: unknown */
const struct convert_row *convert_rows(size_t *count);    /* the whole table, for docs and suggestions */

/* Digits of BCD bytes as text, stopping at F nibbles. False: a nibble A–E, or a digit after F. */
MUST_CHECK bool bcd_digits(const uint8_t *bcd, size_t len, struct buf *out, struct err *err);

#endif
