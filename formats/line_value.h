/* formats/line_value.h - inside formats/ only: values in the lines of text files of ours, each in its one form, so that there is
 * one file for given values. Texts are taken with their length and end nowhere else. */
#ifndef FORMATS_LINE_VALUE_H
#define FORMATS_LINE_VALUE_H

#include "base/buf.h"
#include "base/clock.h"

#define LINE_VALUE_WORD "abcdefghijklmnopqrstuvwxyz0123456789-"
#define LINE_VALUE_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZ._" LINE_VALUE_WORD

/* Each is false (ERR_INPUT, out unchanged) for any other form; the message goes on after "line 3: serial: ". */

/* 1 to max, decimal, without leading zeros. */
MUST_CHECK bool line_value_number(const char *text, size_t len, uint64_t max, uint64_t *out, struct err *err);
/* min to max bytes as upper-case hex digits; *out_len may be NULL when they are equal. */
struct line_value_sizes {
    size_t min, max;
};
MUST_CHECK bool line_value_hex(const char *text, size_t len, struct line_value_sizes sizes, uint8_t *out,
                               size_t *out_len, struct err *err);
/* 1 to max of the characters, with a zero behind them. */
MUST_CHECK bool line_value_text(const char *text, size_t len, size_t max, const char *characters, char *out,
                                struct err *err);
/* Up to max printable ASCII characters, with a zero behind them; also none. */
MUST_CHECK bool line_value_printable(const char *text, size_t len, size_t max, char *out, struct err *err);
/* YYYY-MM-DDThh:mm:ssZ of a day that there is. */
MUST_CHECK bool line_value_time(const char *text, size_t len, char out[CLOCK_TEXT_LEN + 1], struct err *err);
/* "2/4": both from 1 to 65535, the first not above the second. */
MUST_CHECK bool line_value_share(const char *text, size_t len, uint16_t *share, uint16_t *shares,
                                 struct err *err);

#endif
