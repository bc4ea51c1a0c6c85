#include "card/apdu.h"

enum { HEADER = 4, LONG_LENGTH = 3 };

static size_t le_of(size_t coded, size_t zero_means)
{
    return coded ? coded : zero_means;
}

static bool read_short(const uint8_t *body, size_t len, struct apdu *out)
{
    size_t lc = body[0];

    if (len == 1) {
        out->has_le = true;
        out->le = le_of(body[0], APDU_LE_SHORT_MAX);
        return true;
    }
    if (lc == 0 || (len != 1 + lc && len != 2 + lc)) return false;
    out->data = body + 1;
    out->len = lc;
    if (len == 2 + lc) {
        out->has_le = true;
        out->le = le_of(body[1 + lc], APDU_LE_SHORT_MAX);
    }
    return true;
}

static size_t two_bytes(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* body[0] is 00. */
static bool read_extended(const uint8_t *body, size_t len, struct apdu *out)
{
    size_t coded = two_bytes(body + 1);

    out->extended = true;
    if (len == LONG_LENGTH) {
        out->has_le = true;
        out->le = le_of(coded, APDU_LE_EXTENDED_MAX);
        return true;
    }
    if (coded == 0 || (len != LONG_LENGTH + coded && len != LONG_LENGTH + coded + 2)) return false;
    out->data = body + LONG_LENGTH;
    out->len = coded;
    if (len == LONG_LENGTH + coded + 2) {
        out->has_le = true;
        out->le = le_of(two_bytes(body + LONG_LENGTH + coded), APDU_LE_EXTENDED_MAX);
    }
    return true;
}

bool card_apdu_read(const uint8_t *bytes, size_t len, struct apdu *out)
{
    if (len < HEADER) return false;
    *out = (struct apdu){.cla = bytes[0], .ins = bytes[1], .p1 = bytes[2], .p2 = bytes[3]};
    const uint8_t *body = bytes + HEADER;
    len -= HEADER;
    if (len == 0) return true;
    if (len >= LONG_LENGTH && body[0] == 0) return read_extended(body, len, out);
    return read_short(body, len, out);
}
