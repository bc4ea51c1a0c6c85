/* formats/apdu.h - commands to a card and its answers (ISO/IEC 7816-4:2013, 5.1 and 5.6), as bytes only.
 *
 *   command := CLA INS P1 P2 [Lc data] [Le]          answer := data SW1 SW2
 *
 * Lc and Le have one byte (short), or 00 and two bytes (extended) once either does not fit. */
#ifndef FORMATS_APDU_H
#define FORMATS_APDU_H

#include "base/buf.h"

enum {
    APDU_HEADER = 4,
    APDU_SHORT_DATA_MAX = 255,
    APDU_SHORT_LE_MAX = 256,
    APDU_DATA_MAX = 65535,
    APDU_LE_MAX = 65536,
    APDU_COMMAND_MAX = APDU_HEADER + 3 + APDU_DATA_MAX + 2,
    APDU_ANSWER_MAX = APDU_LE_MAX + 2,
};

struct apdu {
    uint8_t cla, ins, p1, p2;
    const uint8_t *data; /* borrowed; NULL when len is 0 */
    size_t len;          /* 0: no Lc */
    size_t le;           /* bytes expected at most; 0: no Le */
};
/* Appends the command. Data longer than APDU_DATA_MAX or le beyond APDU_LE_MAX marks the buf as failed. */
void apdu_put(struct buf *b, const struct apdu *command);
/* Reads a whole command; data is borrowed. False (ERR_INPUT): lengths that do not agree with its end, or a form that is
 * neither short nor extended. */
MUST_CHECK bool apdu_read(const uint8_t *bytes, size_t len, struct apdu *out, struct err *err);
/* The command again with another Le, which the card asked for by 6Cxx; 0 stands for 256. False (ERR_INPUT): as apdu_read. */
MUST_CHECK bool apdu_put_again(struct buf *b, const uint8_t *command, size_t len, uint8_t le,
                               struct err *err);

struct apdu_answer {
    const uint8_t *data; /* borrowed */
    size_t len;
    unsigned sw; /* SW1 SW2 as one number: 0x9000 */
};
/* False (ERR_INPUT): fewer than 2 bytes, or more than an answer can have. */
MUST_CHECK bool apdu_answer_read(const uint8_t *bytes, size_t len, struct apdu_answer *out, struct err *err);

enum { SW_OK = 0x9000, SW_MEMORY_FAILED = 0x6581, SW_CONDITIONS = 0x6985 };
/* 61xx: so many bytes can be fetched. 6Cxx: ask again with this Le. 62xx and 63xx: done, with a warning. */
bool apdu_sw_has_more(unsigned sw);
bool apdu_sw_wrong_le(unsigned sw);
bool apdu_sw_is_warning(unsigned sw);
/* What a status word says, in words for people: "file or application not found"; never NULL. */
const char *apdu_sw_words(unsigned sw);
enum { APDU_SW_TEXT = 96 };
/* "6A82 (file or application not found)" */
void apdu_sw_text(unsigned sw, char text[APDU_SW_TEXT]);

#endif
