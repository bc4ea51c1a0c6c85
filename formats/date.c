#include "formats/date.h"

enum { CENTURY_TURN = 80 };

int date_full_year(int two_digits)
{
    return two_digits + (two_digits >= CENTURY_TURN ? 1900 : 2000);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool date_check(const struct date *made, struct date *out, struct err *err)
{
    if (made->year < 1) return err_set(err, ERR_INPUT, "date: there is no year 0");
    if (made->month < 1 || made->month > 12)
        return err_set(err, ERR_INPUT, "date: there is no month %d", made->month);
    if (made->day < 1 || made->day > days_in_month(made->year, made->month))
        return err_set(err, ERR_INPUT, "date: month %d of %d has no day %d", made->month, made->year,
                       made->day);
    *out = *made;
    return true;
}

bool date_read(const char *text, size_t len, struct date *out, struct err *err)
{
    char digits[8];
    size_t count = 0;
    bool dashed = len == 10;

    if (len != 6 && len != 8 && len != 10)
        return err_set(err, ERR_INPUT, "date is none of YYYY-MM-DD, YYYYMMDD, YYMMDD");
    for (size_t i = 0; i < len; i++) {
        bool dash = dashed && (i == 4 || i == 7);
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return err_set(err, ERR_INPUT, "date is none of YYYY-MM-DD, YYYYMMDD, YYMMDD");
        if (!dash) digits[count++] = (char)(text[i] - '0');
    }
    int year = digits[0] * 10 + digits[1];
    year = count == 6 ? date_full_year(year) : year * 100 + digits[2] * 10 + digits[3];
    const char *rest = digits + count - 4;
    struct date made = {year, rest[0] * 10 + rest[1], rest[2] * 10 + rest[3]};
    return date_check(&made, out, err);
}

bool date_from_bcd(const uint8_t bcd[3], struct date *out, struct err *err)
{
    int parts[3];
    for (int i = 0; i < 3; i++) {
        int high = bcd[i] >> 4, low = bcd[i] & 0x0F;
        if (high > 9 || low > 9)
            return err_set(err, ERR_INPUT, "date: byte %d is not two decimal digits", i + 1);
        parts[i] = high * 10 + low;
    }
    struct date made = {date_full_year(parts[0]), parts[1], parts[2]};
    return date_check(&made, out, err);
}

int date_compare(const struct date *a, const struct date *b)
{
    if (a->year != b->year) return a->year < b->year ? -1 : 1;
    if (a->month != b->month) return a->month < b->month ? -1 : 1;
    return (a->day > b->day) - (a->day < b->day);
}
