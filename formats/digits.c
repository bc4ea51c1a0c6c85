#include "formats/digits.h"

#include <string.h>

enum { NUMBER_BINARY_MAX = 8, EXPONENT_MAX = 9 };

bool digits_is(char c)
{
    return c >= '0' && c <= '9';
}

bool digits_check(const char *text, size_t len, struct err *err)
{
    if (len == 0) return err_set(err, ERR_INPUT, "field is empty, digits are needed");
    if (len > CONVERT_VALUE_MAX) return err_set(err, ERR_INPUT, "field has %zu characters, too many", len);
    for (size_t i = 0; i < len; i++) {
        if (!digits_is(text[i])) return err_set(err, ERR_INPUT, "character %zu is no digit", i + 1);
    }
    return true;
}

void digits_put_nibbles(struct buf *out, const char *nibbles, size_t count)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        unsigned high =
            digits_is(nibbles[i]) ? (unsigned)(nibbles[i] - '0') : (unsigned)(nibbles[i] - 'A') + 10;
        unsigned low = digits_is(nibbles[i + 1]) ? (unsigned)(nibbles[i + 1] - '0')
                                                 : (unsigned)(nibbles[i + 1] - 'A') + 10;
        buf_put_u8(out, (uint8_t)(high << 4 | low));
    }
}

bool digits_put_numeric(const char *digits, size_t count, size_t len, struct buf *out, struct err *err)
{
    size_t bytes = (count + 1) / 2;
    if (len && bytes > len) return err_set(err, ERR_INPUT, "%zu digits do not fit in %zu bytes", count, len);
    if (len > CONVERT_VALUE_MAX) return err_set(err, ERR_CONFIG, "an element of %zu bytes is too long", len);
    if (len) buf_put_fill(out, 0, len - bytes);
    if (count % 2) buf_put_u8(out, (uint8_t)(digits[0] - '0'));
    digits_put_nibbles(out, digits + count % 2, count - count % 2);
    return true;
}

void digits_put_compressed(const char *digits, size_t count, size_t len, struct buf *out)
{
    size_t begin = out->len;
    digits_put_nibbles(out, digits, count - count % 2);
    if (count % 2) buf_put_u8(out, (uint8_t)((digits[count - 1] - '0') << 4 | 0x0F));
    if (len && len <= CONVERT_VALUE_MAX && out->len - begin < len)
        buf_put_fill(out, 0xFF, len - (out->len - begin));
}

int digits_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    while (a_len && *a == '0') {
        a++;
        a_len--;
    }
    while (b_len && *b == '0') {
        b++;
        b_len--;
    }
    if (a_len != b_len) return a_len < b_len ? -1 : 1;
    return a_len ? memcmp(a, b, a_len) : 0;
}

bool digits_read_scaled(const char *text, size_t len, unsigned exponent, struct scaled *out, struct err *err)
{
    const char *point = len ? memchr(text, '.', len) : NULL;
    size_t whole = point ? (size_t)(point - text) : len;

    if (exponent > EXPONENT_MAX)
        return err_set(err, ERR_CONFIG, "a currency of %u decimals is unknown", exponent);
    if (!digits_check(text, whole, err)) return false;
    if (whole > sizeof(out->digits) - EXPONENT_MAX)
        return err_set(err, ERR_INPUT, "number has too many digits");
    if (point) {
        if (exponent == 0 || len - whole - 1 != exponent)
            return err_set(err, ERR_INPUT, "amount must have %u decimals, or neither point nor decimals",
                           exponent);
        if (!digits_check(point + 1, exponent, err)) return false;
    }
    memcpy(out->digits, text, whole);
    memset(out->digits + whole, '0', exponent);
    if (point) memcpy(out->digits + whole, point + 1, exponent);
    out->count = whole + exponent;
    return true;
}

bool digits_put_binary(const char *digits, size_t count, size_t len, struct buf *out, struct err *err)
{
    uint64_t value = 0;
    size_t bytes = 1;

    if (len > CONVERT_VALUE_MAX) return err_set(err, ERR_CONFIG, "an element of %zu bytes is too long", len);
    for (size_t i = 0; i < count; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value))
            return err_set(err, ERR_INPUT, "number is larger than %d bytes hold", NUMBER_BINARY_MAX);
    }
    while (bytes < NUMBER_BINARY_MAX && value >> (8 * bytes) != 0)
        bytes++;
    if (len && bytes > len) return err_set(err, ERR_INPUT, "number does not fit in %zu bytes", len);
    if (len > bytes) buf_put_fill(out, 0, len - bytes);
    buf_put_be(out, value, bytes);
    return true;
}

bool bcd_digits(const uint8_t *bcd, size_t len, struct buf *out, struct err *err)
{
    size_t begin = out->len;
    bool ended = false;

    for (size_t i = 0; i < 2 * len; i++) {
        unsigned nibble = i % 2 == 0 ? bcd[i / 2] >> 4 : bcd[i / 2] & 0x0FU;
        if (nibble == 0x0F) {
            ended = true;
        } else if (nibble > 9 || ended) {
            buf_truncate(out, begin);
            return err_set(err, ERR_INPUT, "BCD: nibble %zu is %s", i + 1,
                           ended ? "behind padding" : "no digit");
        } else {
            buf_put_u8(out, (uint8_t)('0' + nibble));
        }
    }
    if (!buf_ok(out, "digits", err)) {
        buf_truncate(out, begin);
        return false;
    }
    return true;
}
