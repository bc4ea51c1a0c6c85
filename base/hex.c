#include "base/hex.h"

static const char upper_digits[] = "0123456789ABCDEF";
static const char lower_digits[] = "0123456789abcdef";

void hex_put(struct buf *b, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len && !b->failed; i++) {
        char pair[2] = {upper_digits[data[i] >> 4], upper_digits[data[i] & 0x0F]};
        buf_put(b, pair, sizeof(pair));
    }
}

void hex_write(char *text, size_t text_size, const uint8_t *data, size_t len, bool lower)
{
    const char *digits = lower ? lower_digits : upper_digits;
    size_t at = 0;
    if (text_size == 0) return;
    for (size_t i = 0; i < len && text_size - at > 2; i++) {
        text[at] = digits[data[i] >> 4];
        text[at + 1] = digits[data[i] & 0x0F];
        at += 2;
    }
    text[at] = '\0';
}

static bool digit_value(char c, uint8_t *value)
{
    if (c >= '0' && c <= '9')
        *value = (uint8_t)(c - '0');
    else if (c >= 'A' && c <= 'F')
        *value = (uint8_t)(c - 'A' + 10);
    else if (c >= 'a' && c <= 'f')
        *value = (uint8_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

/* Everything but the reading: so that a bad text changes nothing. */
static bool check_text(const char *text, size_t text_len, struct err *err)
{
    uint8_t unused;
    for (size_t i = 0; i < text_len; i++) {
        if (!digit_value(text[i], &unused))
            return err_set(err, ERR_INPUT, "character %zu is not a hexadecimal digit", i + 1);
    }
    if (text_len % 2)
        return err_set(err, ERR_INPUT, "%zu hexadecimal digits, which is an odd number", text_len);
    return true;
}

static uint8_t pair_value(const char *pair)
{
    uint8_t high = 0;
    uint8_t low = 0;
    if (!digit_value(pair[0], &high) || !digit_value(pair[1], &low)) return 0;
    return (uint8_t)(high << 4 | low);
}

bool hex_read(const char *text, size_t text_len, struct buf *out, struct err *err)
{
    if (!check_text(text, text_len, err)) return false;
    struct buf before = *out;
    for (size_t i = 0; i < text_len; i += 2)
        buf_put_u8(out, pair_value(text + i));
    if (buf_ok(out, "hexadecimal text", err)) return true;
    out->len = before.len;
    out->failed = before.failed;
    return false;
}

bool hex_read_exact(const char *text, size_t text_len, uint8_t *out, size_t out_len, struct err *err)
{
    if (!check_text(text, text_len, err)) return false;
    if (text_len / 2 != out_len)
        return err_set(err, ERR_INPUT, "%zu bytes in hexadecimal where %zu are needed", text_len / 2,
                       out_len);
    for (size_t i = 0; i < out_len; i++)
        out[i] = pair_value(text + 2 * i);
    return true;
}
