#include "card/echo.h"

#include "card/apdu.h"

static void power(void *context, bool on)
{
    (void)context;
    (void)on;
}

/* T=1 alone; historical bytes name it. */
static void tell_atr(void *context, struct buf *answer)
{
    static const uint8_t atr[] = {0x3B, 0x84, 0x01, 'E', 'C', 'H', 'O'};
    uint8_t check = 0;

    (void)context;
    for (size_t i = 1; i < sizeof(atr); i++)
        check ^= atr[i];
    buf_put(answer, atr, sizeof(atr));
    buf_put_u8(answer, check);
}

static bool process(void *context, const uint8_t *apdu, size_t len, struct buf *answer)
{
    (void)context;
    (void)apdu;
    (void)len;
    buf_put_be(answer, SW_OK, 2);
    return true;
}

struct vpcd_card echo_contacts(void)
{
    return (struct vpcd_card){.context = NULL, .power = power, .atr = tell_atr, .process = process};
}
