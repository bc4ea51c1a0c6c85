/* card/apdu.h - command APDUs as ISO/IEC 7816-3, 12.1 has them: cases 1 to 4, short and extended. */
#ifndef CARD_APDU_H
#define CARD_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    APDU_LE_SHORT_MAX = 256,
    APDU_LE_EXTENDED_MAX = 65536,
    APDU_MAX = 4 + 3 + 65535 + 2, /* bytes of the longest command */
};

/* Status words (ISO/IEC 7816-4, 5.6; GlobalPlatform 11) that the card gives. */
enum {
    SW_OK = 0x9000,
    SW_MORE = 0x6100, /* + bytes that GET RESPONSE fetches; 00: 256 or more */
    SW_SELECTED_LOCKED = 0x6283,
    SW_NOT_VERIFIED = 0x6300,
    SW_TRIES_LEFT = 0x63C0, /* + tries left */
    SW_MEMORY = 0x6581,
    SW_LENGTH = 0x6700,
    SW_NO_CHANNEL = 0x6881, /* logical channels */
    SW_NO_SECURE_MESSAGING = 0x6882,
    SW_NO_CHAINING = 0x6884,
    SW_SECURITY = 0x6982,
    SW_BLOCKED = 0x6983,
    SW_REFERENCE_BLOCKED = 0x6984,
    SW_CONDITIONS = 0x6985,
    SW_DATA = 0x6A80,
    SW_NOT_SUPPORTED = 0x6A81,
    SW_NO_FILE = 0x6A82,
    SW_NO_RECORD = 0x6A83,
    SW_NO_ROOM = 0x6A84,
    SW_P1P2 = 0x6A86,
    SW_NO_DATA = 0x6A88,
    SW_WRONG_LE = 0x6C00, /* + the right Le */
    SW_INS = 0x6D00,
    SW_CLA = 0x6E00,
    SW_INTERNAL = 0x6F00,
};

struct apdu {
    uint8_t cla, ins, p1, p2;
    const uint8_t *data; /* borrowed from the command's bytes */
    size_t len;          /* Lc; 0: no data field */
    bool has_le;
    size_t le;     /* 1–256, or 1–65536 where extended; 0 without has_le */
    bool extended; /* Lc or Le has the long form */
};

/* False: the bytes are no command APDU (answered by 6700). */
bool card_apdu_read(const uint8_t *bytes, size_t len, struct apdu *out);

#endif
