/* card/state.h - what a card keeps without power: identity, life cycle, keys, applications and their data. A plain value, so
 * that a command that fails, or a power cut, puts back the value from before. As bytes: card/image.h.
 *
 * The data of applications are groupings (formats/dgi.h) in one store, in the order in which they came; what encrypts them on
 * the way to the card is already off. */
#ifndef CARD_STATE_H
#define CARD_STATE_H

#include "card/crypto.h"

enum {
    CARD_AID_MIN = 5,
    CARD_AID_MAX = 16,
    CARD_KEY_DATA_LEN = 10,
    CARD_KEYSETS_MAX = 8,
    CARD_APPS_MAX = 8,
    CARD_STORE_MAX = 32768,
    CARD_ATTEMPTS_MAX = 10, /* wrong cryptograms in a row */
};

/* GlobalPlatform 11.1.1. */
enum card_life {
    CARD_OP_READY = 0x01,
    CARD_INITIALIZED = 0x07,
    CARD_SECURED = 0x0F,
    CARD_LOCKED = 0x7F,
    CARD_TERMINATED = 0xFF
};
enum app_life { APP_SELECTABLE = 0x07, APP_PERSONALIZED = 0x0F };

enum app_kind { APP_NONE = 0, APP_PURSE = 1, APP_EMV = 2, APP_LOYALTY = 3 };

enum card_protocol { CARD_T1 = 0, CARD_T0 = 1, CARD_T1_EXTENDED = 2 /* takes commands of extended length */ };

enum { KEY_ENC, KEY_MAC, KEY_DEK, KEY_COUNT };

struct card_keyset {
    uint8_t version; /* 01–7F, FF for a set of before the first PUT KEY; 0: no set here */
    uint8_t failures;
    uint32_t sequence; /* secure channels opened with it */
    struct card_key key[KEY_COUNT];
};

struct card_app {
    uint8_t kind; /* APP_NONE: no application here */
    uint8_t aid_len;
    uint8_t aid[CARD_AID_MAX];
    uint8_t life;
    uint8_t locked;
    uint16_t atc,
        last_online; /* application transaction counter and its value at the last online transaction */
    uint8_t pin_left, pin_limit;
};

struct card_state {
    uint8_t key_data[CARD_KEY_DATA_LEN];
    uint8_t scp; /* 2 or 3 */
    uint8_t i;   /* the protocol's option byte: 15, 70 (hex) */
    uint8_t protocol;
    uint8_t life;
    struct card_keyset keysets[CARD_KEYSETS_MAX];
    struct card_app apps[CARD_APPS_MAX];
    size_t store_len;
    uint8_t store[CARD_STORE_MAX]; /* entries: application's index (1) ‖ DGI (2) ‖ length (2) ‖ value */
};

struct card_group {
    uint8_t app;
    uint16_t dgi;
    const uint8_t *value; /* in the store, until the next change */
    size_t len;
};

/* The grouping after the one at *at (start with 0); false at the end. */
bool state_next(const struct card_state *s, size_t *at, struct card_group *out);
bool state_find(const struct card_state *s, size_t app, uint16_t dgi, struct card_group *out);
/* Adds a grouping, or replaces the one of this number. False: the store is full; then nothing has changed. */
bool state_put(struct card_state *s, size_t app, uint16_t dgi, const uint8_t *value, size_t len);
/* Drops all groupings of an application. */
void state_drop(struct card_state *s, size_t app);

struct card_keyset *state_keyset(struct card_state *s,
                                 uint8_t version); /* NULL: none; version 0: the first one */

/* Values that cards may have: used for settings and for state files alike. */
bool state_scp_is_valid(uint8_t scp, uint8_t i);
bool state_life_is_valid(uint8_t life);
/* SCP02: three DES keys of 16 bytes. SCP03: three AES keys of one length. */
bool state_keyset_is_valid(const struct card_keyset *set, uint8_t scp);
/* The whole value: every field one that a card can have, no two key sets of a version, no two applications of an AID, every
 * grouping an application's. False (ERR_INPUT) names the field. */
MUST_CHECK bool state_check(const struct card_state *s, struct err *err);

#endif
