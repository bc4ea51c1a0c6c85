#include "card/slot.h"

#include "card/apdu.h"

static const struct trouble *trouble_at(const struct slot *s, uint64_t command)
{
    for (size_t i = 0; i < s->trouble_count; i++) {
        if (s->troubles[i].at == command) return &s->troubles[i];
    }
    return NULL;
}

void slot_start(struct slot *s)
{
    const struct trouble *t = trouble_at(s, 0);
    card_lie_about_cryptogram(s->card, t && t->kind == TROUBLE_CRYPTOGRAM);
}

static void power(void *context, bool on)
{
    struct slot *s = context;
    (void)on; /* without power nothing comes in, and all is new with it */
    s->mute = false;
    card_power_on(s->card);
}

static void tell_atr(void *context, struct buf *answer)
{
    const struct slot *s = context;
    uint8_t atr[CARD_ATR_MAX];
    buf_put(answer, atr, card_atr(s->card, atr));
}

static bool is_get_response(const uint8_t *apdu, size_t len)
{
    enum { INS_GET_RESPONSE = 0xC0 };
    return len >= 2 && apdu[1] == INS_GET_RESPONSE;
}

static bool process(void *context, const uint8_t *apdu, size_t len, struct buf *answer)
{
    struct slot *s = context;
    const struct trouble *t = NULL;

    if (!is_get_response(apdu, len)) t = trouble_at(s, ++s->commands);
    if (s->mute) return true;
    if (t && t->kind == TROUBLE_PULL) return false;
    if (t && t->kind == TROUBLE_MUTE) {
        s->mute = true;
        if (s->on_mute) s->on_mute(s->commands);
        return true;
    }
    if (t && t->kind == TROUBLE_SW) {
        buf_put_be(answer, t->sw, 2);
        return true;
    }
    if (t && t->kind == TROUBLE_POWER && s->file) s->file->cut_power = true;
    card_process(s->card, apdu, len, answer);
    return !t;
}

struct vpcd_card slot_contacts(struct slot *s)
{
    return (struct vpcd_card){.context = s, .power = power, .atr = tell_atr, .process = process};
}
