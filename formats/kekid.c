#include "formats/entry.h"

#include <string.h>

enum { ISSUER_BYTES = 4, ISSUER_DIGITS_MIN = 3, ISSUER_DIGITS_MAX = 2 * ISSUER_BYTES, PADDING = 0xF };

static unsigned nibble(const uint8_t *bytes, size_t index)
{
    return index % 2 == 0 ? bytes[index / 2] >> 4 : bytes[index / 2] & 0x0Fu;
}

bool kekid_is_valid(const uint8_t kekid[KEKID_LEN])
{
    size_t digits = 0;
    while (digits < ISSUER_DIGITS_MAX && nibble(kekid, digits) <= 9)
        digits++;
    for (size_t i = digits; i < ISSUER_DIGITS_MAX; i++) {
        if (nibble(kekid, i) != PADDING) return false;
    }
    return digits >= ISSUER_DIGITS_MIN && bytes_be(kekid + ISSUER_BYTES, KEKID_LEN - ISSUER_BYTES) != 0;
}

bool kekid_make(const char *issuer_digits, uint16_t version, uint8_t out[KEKID_LEN], struct err *err)
{
    size_t len = strnlen(issuer_digits, ISSUER_DIGITS_MAX + 1);
    if (len < ISSUER_DIGITS_MIN || len > ISSUER_DIGITS_MAX || strspn(issuer_digits, "0123456789") != len)
        return err_set(err, ERR_CONFIG, "issuer '%s' is not %d to %d digits", issuer_digits,
                       ISSUER_DIGITS_MIN, ISSUER_DIGITS_MAX);
    if (version == 0) return err_set(err, ERR_CONFIG, "KEK versions count from 1");
    memset(out, 0xFF, ISSUER_BYTES);
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(issuer_digits[i] - '0');
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 | PADDING : (out[i / 2] & 0xF0u) | digit);
    }
    out[ISSUER_BYTES] = (uint8_t)(version >> 8);
    out[ISSUER_BYTES + 1] = (uint8_t)(version & 0xFF);
    return true;
}
