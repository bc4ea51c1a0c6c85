/* base/clock.h - the time of day as files of ours write it: UTC, YYYY-MM-DDThh:mm:ssZ. What depends on the time takes a
 * clock_fn, so that tests need no clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/err.h"

enum { CLOCK_TEXT_LEN = 20 };

typedef time_t clock_fn(void *context);

/* The clock of the machine; the context is not used. */
time_t clock_now(void *context);
/* False (ERR_INTERNAL): the year has not four digits. */
MUST_CHECK bool clock_text(time_t t, char text[CLOCK_TEXT_LEN + 1], struct err *err);
/* Whether these bytes have that form: digits and signs in their places, no hour above 23 and so on. That the month has
 * the day is left to formats/date.h. */
bool clock_is_text(const char *text, size_t len);

#endif
