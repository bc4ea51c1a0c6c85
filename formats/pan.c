#include "formats/pan.h"

#include <string.h>

enum { SHOWN_FRONT = 6, SHOWN_BACK = 4, MASK_ALL_BELOW = 13 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool pan_luhn_is_right(const char *digits, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(digits[i])) return false;
        unsigned digit = (unsigned)(digits[i] - '0');
        bool doubled = (len - i) % 2 == 0; /* counted from the check digit */
        if (doubled) digit *= 2;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return len > 0 && sum % 10 == 0;
}

bool pan_check(const char *digits, size_t len, bool luhn, struct err *err)
{
    char masked[PAN_MASKED_SIZE];

    for (size_t i = 0; i < len; i++) {
        if (!is_digit(digits[i]))
            return err_set(err, ERR_INPUT, "card number: character %zu is no digit", i + 1);
    }
    if (len < PAN_DIGITS_MIN || len > PAN_DIGITS_MAX)
        return err_set(err, ERR_INPUT, "card number has %zu digits, not %d to %d", len, PAN_DIGITS_MIN,
                       PAN_DIGITS_MAX);
    if (luhn && !pan_luhn_is_right(digits, len)) {
        pan_mask(digits, len, masked);
        return err_set(err, ERR_INPUT, "card number %s: its check digit is wrong (Luhn)", masked);
    }
    return true;
}

void pan_mask(const char *digits, size_t len, char out[PAN_MASKED_SIZE])
{
    size_t shown = len < PAN_DIGITS_MAX ? len : PAN_DIGITS_MAX;

    memset(out, '*', shown);
    out[shown] = '\0';
    if (len < MASK_ALL_BELOW) return;
    memcpy(out, digits, SHOWN_FRONT);
    memcpy(out + shown - SHOWN_BACK, digits + len - SHOWN_BACK, SHOWN_BACK);
}

void pan_mask_text(char *text)
{
    size_t run = 0;
    for (size_t i = 0;; i++) {
        if (is_digit(text[i])) {
            run++;
            continue;
        }
        if (run >= MASK_ALL_BELOW) memset(text + i - run + SHOWN_FRONT, '*', run - SHOWN_FRONT - SHOWN_BACK);
        run = 0;
        if (!text[i]) return;
    }
}
