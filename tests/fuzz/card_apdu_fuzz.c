/* Any commands in any order, outside and inside a channel (whose crypto is left out): the card always answers with a status word,
 * and what it keeps is always a state that a card can have. Input: first byte the kind of card; then, as often as there are
 * bytes, a length (1) and a command. */
#include <string.h>

#include "card/inside.h"

#include "fuzz.h"

enum { IN_CHANNEL = 0x01, SCP02 = 0x02, T0 = 0x04, WORN = 0x08 };

static struct card *make_card(uint8_t kind)
{
    struct card_settings settings;
    struct card *card = NULL;
    struct err err = ERR_INIT;

    card_test_settings(&settings, kind & SCP02 ? 2 : 3, kind & SCP02 ? 0x55 : 0x70);
    settings.protocol = kind & T0 ? CARD_T0 : CARD_T1;
    fuzz_must(card_new(&card, &settings, &err));
    for (size_t i = 0; kind & WORN && i < CARD_APPS_MAX; i++) {
        if (card->now.apps[i].kind) card->now.apps[i].life = APP_PERSONALIZED;
    }
    card->kept = card->now;
    return card;
}

/* As through a channel of level 1, with the secure messaging already off. */
static void run_inside(struct card *card, const uint8_t *bytes, size_t len, struct buf *answer)
{
    struct apdu cmd;

    buf_clear(answer);
    if (!card_apdu_read(bytes, len, &cmd)) return;
    card->channel.phase = CHANNEL_OPEN;
    card->channel.level = LEVEL_MAC;
    card->channel.dek = card->channel.static_dek = card->now.keysets[0].key[KEY_DEK];
    uint16_t sw = card_dispatch(card, &cmd, answer);
    fuzz_must(sw != 0);
    if (sw == SW_OK || sw >> 8 == 0x62 || sw >> 8 == 0x63)
        card->kept = card->now;
    else
        card->now = card->kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct cur c = cur_make(data, size, 0);
    struct buf answer;
    uint8_t kind = 0, len = 0;
    const uint8_t *bytes = NULL;

    fuzz_must(secret_start(&err));
    if (!cur_take_u8(&c, &kind, "kind", &err)) return 0;
    struct card *card = make_card(kind);
    buf_init(&answer, CARD_ANSWER_MAX);
    while (cur_take_u8(&c, &len, "length", &err) && cur_take(&c, len, &bytes, "command", &err)) {
        if (kind & IN_CHANNEL && !(len > 1 && bytes[1] == 0xA4)) {
            run_inside(card, bytes, len, &answer);
        } else {
            card_process(card, bytes, len, &answer);
            fuzz_must(answer.len >= 2);
        }
        fuzz_must(state_check(&card->now, &err));
    }
    buf_release(&answer);
    card_free(card);
    return 0;
}
