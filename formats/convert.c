#include "formats/convert.h"

#include <string.h>

#include "base/hex.h"
#include "formats/character_set.h"
#include "formats/digits.h"
#include "formats/pan.h"

enum { TRACK2_MAX = 19, AMOUNT_LEN = 6, AMOUNT_BINARY_LEN = 4 };

/* The last step of every conversion: what was appended since begin has the element's length, or goes again. */
static bool settle(struct buf *out, size_t begin, const struct convert_options *o, struct err *err)
{
    bool ok = buf_ok(out, "value", err);
    size_t len = ok ? out->len - begin : 0;
    size_t max_len = o->max_len && o->max_len < CONVERT_VALUE_MAX ? o->max_len : CONVERT_VALUE_MAX;

    if (ok && o->len && len != o->len)
        ok = err_set(err, ERR_INPUT, "value has %zu bytes, the element exactly %zu", len, o->len);
    else if (ok && len < o->min_len)
        ok = err_set(err, ERR_INPUT, "value has %zu bytes, the element at least %zu", len, o->min_len);
    else if (ok && len > max_len)
        ok = err_set(err, ERR_INPUT, "value has %zu bytes, the element at most %zu", len, max_len);
    if (!ok) buf_truncate(out, begin);
    return ok;
}

static bool convert_text(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                         struct err *err)
{
    size_t begin = out->len;
    if (len > 4 * (size_t)CONVERT_VALUE_MAX)
        return err_set(err, ERR_INPUT, "field has %zu bytes, too many", len);
    return character_set_put(o->character_set, text, len, out, err) && settle(out, begin, o, err);
}

static bool convert_text_padded(const char *text, size_t len, const struct convert_options *o,
                                struct buf *out, struct err *err)
{
    size_t begin = out->len;
    if (o->len == 0) return err_set(err, ERR_CONFIG, "'text-padded' needs the element's length");
    if (len > 4 * (size_t)CONVERT_VALUE_MAX)
        return err_set(err, ERR_INPUT, "field has %zu bytes, too many", len);
    if (!character_set_put(o->character_set, text, len, out, err)) return false;
    if (out->len - begin < o->len) buf_put_fill(out, ' ', o->len - (out->len - begin));
    return settle(out, begin, o, err);
}

static bool convert_alnum(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                          struct err *err)
{
    size_t begin = out->len;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!digits_is(c) && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'))
            return err_set(err, ERR_INPUT, "character %zu is neither letter A-Z nor digit", i + 1);
    }
    buf_put(out, text, len);
    return settle(out, begin, o, err);
}

static bool convert_hex(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                        struct err *err)
{
    size_t begin = out->len;
    if (len % 2 != 0) return err_set(err, ERR_INPUT, "odd number of hex digits");
    for (size_t i = 0; i < len; i++) { /* hex_read's message would quote the character */
        char c = text[i];
        if (!digits_is(c) && !(c >= 'A' && c <= 'F') && !(c >= 'a' && c <= 'f'))
            return err_set(err, ERR_INPUT, "character %zu is no hex digit", i + 1);
    }
    return hex_read(text, len, out, err) && settle(out, begin, o, err);
}

static bool read_limit(const char *limit, const char *name, unsigned exponent, struct scaled *out,
                       struct err *err)
{
    if (digits_read_scaled(limit, strlen(limit), exponent, out, err)) return true;
    err->kind = ERR_CONFIG;
    err_prefix(err, "%s '%s'", name, limit);
    return false;
}

static bool check_limits(const char *digits, size_t count, unsigned exponent, const struct convert_options *o,
                         struct err *err)
{
    struct scaled limit;
    if (o->minimum) {
        if (!read_limit(o->minimum, "minimum", exponent, &limit, err)) return false;
        if (digits_compare(digits, count, limit.digits, limit.count) < 0)
            return err_set(err, ERR_INPUT, "is below the minimum of %s", o->minimum);
    }
    if (o->maximum) {
        if (!read_limit(o->maximum, "maximum", exponent, &limit, err)) return false;
        if (digits_compare(digits, count, limit.digits, limit.count) > 0)
            return err_set(err, ERR_INPUT, "is above the maximum of %s", o->maximum);
    }
    return true;
}

static bool convert_numeric(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                            struct err *err)
{
    size_t begin = out->len;
    if (!digits_check(text, len, err)) return false;
    if (!check_limits(text, len, 0, o, err)) return false;
    return digits_put_numeric(text, len, o->len, out, err) && settle(out, begin, o, err);
}

static bool convert_compressed(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                               struct err *err)
{
    size_t begin = out->len;
    if (!digits_check(text, len, err)) return false;
    digits_put_compressed(text, len, o->len, out);
    return settle(out, begin, o, err);
}

static bool convert_pan(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                        struct err *err)
{
    return pan_check(text, len, true, err) && convert_compressed(text, len, o, out, err);
}

static bool convert_pan_no_luhn(const char *text, size_t len, const struct convert_options *o,
                                struct buf *out, struct err *err)
{
    return pan_check(text, len, false, err) && convert_compressed(text, len, o, out, err);
}

static bool convert_binary(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                           struct err *err)
{
    size_t begin = out->len;
    if (!digits_check(text, len, err)) return false;
    if (!check_limits(text, len, 0, o, err)) return false;
    return digits_put_binary(text, len, o->len, out, err) && settle(out, begin, o, err);
}

static bool convert_amount(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                           struct err *err)
{
    size_t begin = out->len;
    struct scaled amount;
    if (!digits_read_scaled(text, len, o->exponent, &amount, err)) return false;
    if (!check_limits(amount.digits, amount.count, o->exponent, o, err)) return false;

    size_t skip = 0; /* zeros in front take no place */
    while (skip + 1 < amount.count && amount.digits[skip] == '0')
        skip++;
    return digits_put_numeric(amount.digits + skip, amount.count - skip, o->len ? o->len : AMOUNT_LEN, out,
                              err) &&
           settle(out, begin, o, err);
}

static bool convert_amount_binary(const char *text, size_t len, const struct convert_options *o,
                                  struct buf *out, struct err *err)
{
    size_t begin = out->len;
    struct scaled amount;
    if (!digits_read_scaled(text, len, o->exponent, &amount, err)) return false;
    if (!check_limits(amount.digits, amount.count, o->exponent, o, err)) return false;
    return digits_put_binary(amount.digits, amount.count, o->len ? o->len : AMOUNT_BINARY_LEN, out, err) &&
           settle(out, begin, o, err);
}

static void put_two_digits(struct buf *out, int value)
{
    buf_put_u8(out, (uint8_t)((value / 10 % 10) << 4 | value % 10));
}

/* A date whose year two digits can tell; YYYY of another century would come back as another year. */
static bool read_short_year(const char *text, size_t len, struct date *date, struct err *err)
{
    if (!date_read(text, len, date, err)) return false;
    if (date_full_year(date->year % 100) != date->year)
        return err_set(err, ERR_INPUT, "date: two digits cannot tell the year %d", date->year);
    return true;
}

static bool convert_date_yymmdd(const char *text, size_t len, const struct convert_options *o,
                                struct buf *out, struct err *err)
{
    size_t begin = out->len;
    struct date date;
    if (!read_short_year(text, len, &date, err)) return false;
    put_two_digits(out, date.year);
    put_two_digits(out, date.month);
    put_two_digits(out, date.day);
    return settle(out, begin, o, err);
}

static bool convert_date_ymd(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                             struct err *err)
{
    size_t begin = out->len;
    struct date date;
    if (!date_read(text, len, &date, err)) return false;
    put_two_digits(out, date.year / 100);
    put_two_digits(out, date.year);
    put_two_digits(out, date.month);
    put_two_digits(out, date.day);
    return settle(out, begin, o, err);
}

static bool convert_date_mmyy(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                              struct err *err)
{
    size_t begin = out->len;
    struct date date;
    if (!read_short_year(text, len, &date, err)) return false;
    put_two_digits(out, date.month);
    put_two_digits(out, date.year);
    return settle(out, begin, o, err);
}

/* EMV Book 3 Annex A, tag 57: PAN D YYMM service(3) discretionary. */
static bool convert_track2(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                           struct err *err)
{
    enum { FIXED_DIGITS = 7 /* YYMM and service code */ };
    char nibbles[2 * TRACK2_MAX];
    size_t begin = out->len, pan_len = 0;

    while (pan_len < len && text[pan_len] != '=' && text[pan_len] != 'D')
        pan_len++;
    if (pan_len == len)
        return err_set(err, ERR_INPUT, "track 2: no separator '=' or 'D' behind the card number");
    if (!pan_check(text, pan_len, false, err)) {
        err_prefix(err, "track 2");
        return false;
    }
    const char *rest = text + pan_len + 1;
    size_t rest_len = len - pan_len - 1;
    if (rest_len < FIXED_DIGITS)
        return err_set(err, ERR_INPUT, "track 2: expiry and service code need 7 digits");
    if (len > sizeof(nibbles)) return err_set(err, ERR_INPUT, "track 2: more than %d bytes", TRACK2_MAX);
    if (!digits_check(rest, rest_len, err)) {
        err_prefix(err, "track 2: behind the separator");
        return false;
    }
    int month = (rest[2] - '0') * 10 + rest[3] - '0';
    if (month < 1 || month > 12) return err_set(err, ERR_INPUT, "track 2: expiry has no month %02d", month);

    memcpy(nibbles, text, len);
    nibbles[pan_len] = 'D';
    if (len % 2) nibbles[len++] = 'F';
    digits_put_nibbles(out, nibbles, len);
    return settle(out, begin, o, err);
}

static bool convert_telephone(const char *text, size_t len, const struct convert_options *o, struct buf *out,
                              struct err *err)
{
    char digits[32];
    size_t begin = out->len, count = 0;

    for (size_t i = 0; i < len; i++) {
        if (digits_is(text[i])) {
            if (count == sizeof(digits))
                return err_set(err, ERR_INPUT, "telephone number has too many digits");
            digits[count++] = text[i];
        } else if (!(text[i] == '+' && count == 0) && !(text[i] && strchr(" -()", text[i]))) {
            return err_set(err, ERR_INPUT, "telephone number: character %zu is out of place", i + 1);
        }
    }
    if (!digits_check(digits, count, err)) return false;
    digits_put_compressed(digits, count, o->len, out);
    return settle(out, begin, o, err);
}

static const struct convert_row rows[] = {
    {"text", "characters of the element's character set, of fitting length", convert_text},
    {"text-padded", "characters, with spaces on the right up to the element's length", convert_text_padded},
    {"alnum", "letters A-Z, a-z and digits", convert_alnum},
    {"hex", "pairs of hex digits", convert_hex},
    {"numeric", "digits as BCD, zeros on the left", convert_numeric},
    {"compressed", "digits as BCD, F on the right", convert_compressed},
    {"pan", "card number with its check digit, as compressed", convert_pan},
    {"pan-no-luhn", "card number whose check digit is not looked at", convert_pan_no_luhn},
    {"binary", "decimal number, big-endian", convert_binary},
    {"date-yymmdd", "date as 3 bytes YYMMDD", convert_date_yymmdd},
    {"date-ymd", "date as 4 bytes YYYYMMDD", convert_date_ymd},
    {"date-mmyy", "date as 2 bytes MMYY", convert_date_mmyy},
    {"amount", "amount such as 12.34 as BCD, 6 bytes unless told", convert_amount},
    {"amount-binary", "amount such as 12.34 as a number, 4 bytes unless told", convert_amount_binary},
    {"track2", "track 2 such as PAN=YYMMSSSD... for tag 57", convert_track2},
    {"telephone", "telephone number, digits as compressed", convert_telephone},
};

const struct convert_row *convert_find(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    return NULL;
}

const struct convert_row *convert_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}
