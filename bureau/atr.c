#include "bureau/atr.h"

#include "base/buf.h"

enum { TS_DIRECT = 0x3B, TS_INVERSE = 0x3F, CAPABILITIES = 7, EXTENDED_LENGTH = 0x40 };

struct walk {
    struct cur bytes;
    struct err ignored; /* what is wrong is not said */
};

static bool take(struct walk *w, uint8_t *out)
{
    return cur_take_u8(&w->bytes, out, "ATR", &w->ignored);
}

/* TA, TB, TC, TD of one round: bits 5-8 of the last TD say which are there. False: cut. */
static bool take_round(struct walk *w, uint8_t *td, bool *more)
{
    uint8_t present = (uint8_t)(*td >> 4), unused;

    for (unsigned i = 0; i < 3; i++)
        if ((present >> i & 1) && !take(w, &unused)) return false;
    *more = present >> 3 & 1;
    return !*more || take(w, td);
}

static bool take_interface_bytes(struct walk *w, uint8_t t0, struct atr *out, bool *check_byte)
{
    uint8_t td = t0;
    bool more = true, named = false;

    *check_byte = false;
    for (;;) {
        if (!take_round(w, &td, &more)) return false;
        if (!more) break;
        unsigned protocol = td & 0x0F;
        named = true;
        out->t0 = out->t0 || protocol == 0;
        out->t1 = out->t1 || protocol == 1;
        *check_byte = *check_byte || protocol != 0;
    }
    if (!named) out->t0 = true; /* no TD1: T=0 alone */
    return true;
}

/* COMPACT-TLV objects; category 80 has nothing behind them, 00 has three status bytes. */
static bool offers_extended(const uint8_t *historical, size_t len)
{
    if (len < 1 || (historical[0] != 0x80 && historical[0] != 0x00)) return false;
    size_t status = historical[0] == 0x00 ? 3 : 0;
    if (len < 1 + status) return false;
    struct cur c = cur_make(historical + 1, len - 1 - status, 0);
    struct err ignored = ERR_INIT;
    uint8_t head;
    const uint8_t *value;

    while (cur_left(&c) > 0) {
        if (!cur_take_u8(&c, &head, "object", &ignored) ||
            !cur_take(&c, head & 0x0F, &value, "object", &ignored))
            return false;
        if (head >> 4 == CAPABILITIES && (head & 0x0F) >= 3) return value[2] & EXTENDED_LENGTH;
    }
    return false;
}

bool atr_read(const uint8_t *bytes, size_t len, struct atr *out)
{
    struct walk w = {cur_make(bytes, len, 0), ERR_INIT};
    struct atr read = {.t0 = false};
    uint8_t ts, t0;
    bool check_byte;

    *out = read;
    if (len > ATR_MAX || !take(&w, &ts) || (ts != TS_DIRECT && ts != TS_INVERSE) || !take(&w, &t0))
        return false;
    if (!take_interface_bytes(&w, t0, &read, &check_byte)) return false;
    read.historical_len = t0 & 0x0F;
    if (!cur_take(&w.bytes, read.historical_len, &read.historical, "historical bytes", &w.ignored))
        return false;
    if (cur_left(&w.bytes) != check_byte) return false;
    read.extended = offers_extended(read.historical, read.historical_len);
    *out = read;
    return true;
}
