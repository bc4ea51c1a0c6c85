#include "formats/line_value.h"

#include <string.h>

#include "base/hex.h"
#include "formats/date.h"

enum { DATE_LEN = 10 };

bool line_value_number(const char *text, size_t len, uint64_t max, uint64_t *out, struct err *err)
{
    uint64_t value = 0;
    if (len == 0) return err_set(err, ERR_INPUT, "is empty");
    for (size_t i = 0; i < len; i++) {
        if (text[i] < (i == 0 ? '1' : '0') || text[i] > '9')
            return err_set(err, ERR_INPUT, "is no number from 1 without leading zeros");
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return err_set(err, ERR_INPUT, "is more than %llu", (unsigned long long)max);
        value = 10 * value + digit;
    }
    *out = value;
    return true;
}

bool line_value_hex(const char *text, size_t len, struct line_value_sizes sizes, uint8_t *out,
                    size_t *out_len, struct err *err)
{
    if (len % 2 != 0 || len / 2 < sizes.min || len / 2 > sizes.max) {
        if (sizes.min == sizes.max) return err_set(err, ERR_INPUT, "is not %zu hex digits", 2 * sizes.max);
        return err_set(err, ERR_INPUT, "is not %zu to %zu hex digits, an even number", 2 * sizes.min,
                       2 * sizes.max);
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || !strchr("0123456789ABCDEF", text[i]))
            return err_set(err, ERR_INPUT, "character %zu is no upper-case hex digit", i + 1);
    }
    if (!hex_read_exact(text, len, out, len / 2, err)) return false;
    if (out_len) *out_len = len / 2;
    return true;
}

bool line_value_text(const char *text, size_t len, size_t max, const char *characters, char *out,
                     struct err *err)
{
    if (len == 0) return err_set(err, ERR_INPUT, "is empty");
    if (len > max) return err_set(err, ERR_INPUT, "has more than %zu characters", max);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || !strchr(characters, text[i]))
            return err_set(err, ERR_INPUT, "character %zu may not stand there", i + 1);
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

bool line_value_printable(const char *text, size_t len, size_t max, char *out, struct err *err)
{
    if (len > max) return err_set(err, ERR_INPUT, "has more than %zu characters", max);
    for (size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return err_set(err, ERR_INPUT, "character %zu may not stand there", i + 1);
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

bool line_value_time(const char *text, size_t len, char out[CLOCK_TEXT_LEN + 1], struct err *err)
{
    struct date day;
    if (!clock_is_text(text, len)) return err_set(err, ERR_INPUT, "is no time YYYY-MM-DDThh:mm:ssZ");
    if (!date_read(text, DATE_LEN, &day, err)) return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

bool line_value_share(const char *text, size_t len, uint16_t *share, uint16_t *shares, struct err *err)
{
    const char *slash = memchr(text, '/', len);
    uint64_t of = 0, which = 0;
    if (!slash) return err_set(err, ERR_INPUT, "is not of the form 2/4");
    size_t at = (size_t)(slash - text);
    if (!line_value_number(text, at, UINT16_MAX, &which, err) ||
        !line_value_number(slash + 1, len - at - 1, UINT16_MAX, &of, err))
        return false;
    if (which > of) return err_set(err, ERR_INPUT, "the first number is above the second");
    *share = (uint16_t)which;
    *shares = (uint16_t)of;
    return true;
}
