/* bureau/atr.h - what a card's answer to reset says of what it can do: ISO/IEC 7816-3, 8 (interface bytes), ISO/IEC 7816-4, 8.1
 * (historical bytes). Reading only; an ATR that makes no sense says nothing. */
#ifndef BUREAU_ATR_H
#define BUREAU_ATR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ATR_MAX = 33 };

struct atr {
    bool t0, t1;               /* protocols that are offered */
    bool extended;             /* card capabilities: extended Lc and Le fields */
    const uint8_t *historical; /* borrowed; without TCK */
    size_t historical_len;
};

/* False: too short, cut, or longer than its own bytes say; `out` then says that nothing is offered. */
bool atr_read(const uint8_t *bytes, size_t len, struct atr *out);

#endif
