/* formats/pan.h - primary account numbers: ISO/IEC 7812-1. */
#ifndef FORMATS_PAN_H
#define FORMATS_PAN_H

#include "base/err.h"

enum { PAN_DIGITS_MIN = 8, PAN_DIGITS_MAX = 19, PAN_MASKED_SIZE = 20 };

/* 8–19 digits; with `luhn` also the check digit (ISO/IEC 7812-1 annex B). False (ERR_INPUT) names what is wrong
 * and shows the PAN masked. */
MUST_CHECK bool pan_check(const char *digits, size_t len, bool luhn, struct err *err);
bool pan_luhn_is_right(const char *digits, size_t len);
/* First 6 and last 4 digits, '*' between; all '*' when there are fewer than 13 digits. More than 19 show as 19.
 * out is zero-terminated. */
void pan_mask(const char *digits, size_t len, char out[PAN_MASKED_SIZE]);
/* As pan_mask in place, for every run of 13 or more digits in a text (a message that may quote input). */
void pan_mask_text(char *text);

#endif
