/* formats/card_status.h - what a card answers to GET STATUS (GlobalPlatform Card Specification 2.3.1, 11.4): AIDs, and how far each
 * application and the card itself have come in their life. Bytes only. */
#ifndef FORMATS_CARD_STATUS_H
#define FORMATS_CARD_STATUS_H

#include "base/buf.h"

/* Life cycle states of a card (11.1.1, table 11-6). */
enum card_life_cycle {
    CARD_STATUS_OP_READY = 0x01,
    CARD_STATUS_INITIALIZED = 0x07,
    CARD_STATUS_SECURED = 0x0F,
};

/* P2: structures in templates, or one behind the other as older cards have them. */
enum card_status_form { CARD_STATUS_TLV = 0x02, CARD_STATUS_PLAIN = 0x00 };

struct card_status {
    const uint8_t *aid; /* borrowed from the answer */
    size_t aid_len;
    uint8_t
        life; /* life cycle state: of the card where P1 asked for its security domain, else of the application */
};
/* Reads one structure and moves on: template E3 with AID (4F) and state (9F70), others in it are skipped; or length, AID, state,
 * privileges. False (ERR_INPUT, cursor unmoved): cut, another template, AID or state missing. */
MUST_CHECK bool card_status_next(struct cur *c, enum card_status_form form, struct card_status *out,
                                 struct err *err);

/* Has the application gone beyond SELECTABLE (table 11-4)? Those states are its own, and PERSONALIZED is the first of them (EMV Card
 * Personalization). Whether it is locked makes no difference. */
bool card_status_is_personalized(uint8_t life);

#endif
