/* formats/date.h - calendar dates as input fields and cards write them. */
#ifndef FORMATS_DATE_H
#define FORMATS_DATE_H

#include <stdint.h>

#include "base/err.h"

/* A date of the proleptic Gregorian calendar; YY is 19YY from 80 on, else 20YY. */
struct date {
    int year, month, day;
};

/* YYYY-MM-DD, YYYYMMDD or YYMMDD. False (ERR_INPUT): another form, or no such day. */
MUST_CHECK bool date_read(const char *text, size_t len, struct date *out, struct err *err);
/* From BCD YYMMDD (tags 5F24, 5F25). False (ERR_INPUT): no such day. */
MUST_CHECK bool date_from_bcd(const uint8_t bcd[3], struct date *out, struct err *err);
/* −1, 0, 1 */
int date_compare(const struct date *a, const struct date *b);
/* The year that two digits mean. */
int date_full_year(int two_digits);

#endif
