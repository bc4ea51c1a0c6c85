/* tests/card/blank.h - blank cards for tests. */
#ifndef TESTS_CARD_BLANK_H
#define TESTS_CARD_BLANK_H

#include <stdlib.h>
#include <string.h>

#include "card/card.h"

/* Test keys 40 41 … of key_len bytes. */
static inline struct card *blank_card_speaking(enum card_protocol protocol, unsigned scp, unsigned i,
                                               size_t key_len)
{
    struct card_settings settings;
    struct card *card = NULL;
    struct err err = ERR_INIT;

    card_test_settings(&settings, (uint8_t)scp, (uint8_t)i);
    settings.protocol = (uint8_t)protocol;
    for (size_t k = 0; k < KEY_COUNT; k++) {
        settings.keys.key[k].len = (uint8_t)key_len;
        for (size_t n = 0; n < key_len; n++)
            settings.keys.key[k].value[n] = (uint8_t)(0x40 + n);
    }
    if (!card_new(&card, &settings, &err)) abort();
    return card;
}

static inline struct card *blank_card(unsigned scp, unsigned i, size_t key_len)
{
    return blank_card_speaking(CARD_T1, scp, i, key_len);
}

#endif
