#include "base/clock.h"

time_t clock_now(void *context)
{
    (void)context;
    return time(NULL);
}

bool clock_text(time_t t, char text[CLOCK_TEXT_LEN + 1], struct err *err)
{
    struct tm utc;
    if (gmtime_r(&t, &utc) &&
        strftime(text, CLOCK_TEXT_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &utc) == CLOCK_TEXT_LEN)
        return true;
    return err_set(err, ERR_INTERNAL, "the clock shows no time");
}

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

bool clock_is_text(const char *text, size_t len)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    if (len != CLOCK_TEXT_LEN) return false;
    for (size_t i = 0; i < CLOCK_TEXT_LEN; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '0' ? !digit : text[i] != form[i]) return false;
    }
    return two_digits(text + 11) <= 23 && two_digits(text + 14) <= 59 && two_digits(text + 17) <= 59;
}
