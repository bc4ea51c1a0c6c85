/* bureau/exchange.h - a command and its whole answer, whatever the transport makes of it: ISO/IEC 7816-3, 12 (T=0 and T=1),
 * ISO/IEC 7816-4, 5.1.
 *
 * T=0 carries a command's five-byte head and data one way or the other, never both: Le of a command with data is left out, and what
 * the card has to say is fetched with GET RESPONSE (61xx). An Le that the card corrects (6Cxx) is sent again; a command with
 * data never is, since it may have been carried out. */
#ifndef BUREAU_EXCHANGE_H
#define BUREAU_EXCHANGE_H

#include "base/buf.h"

enum { EXCHANGE_ANSWER_MAX = 65538 /* data of an extended answer, SW1 SW2 */ };

/* A command as its head and fields say. */
struct command_form {
    uint8_t head[4]; /* CLA INS P1 P2 */
    const uint8_t *data;
    size_t lc;
    bool has_le, extended;
    size_t le; /* 256 or 65536 for a zero */
};
/* False (ERR_INTERNAL): these bytes are no command. */
MUST_CHECK bool command_form_read(const uint8_t *command, size_t len, struct command_form *out,
                                  struct err *err);

struct exchange {
    bool t0;       /* protocol T=0; else T=1 */
    bool extended; /* the card takes extended lengths */
    /* Sends what is put on the line, appends what comes back. False, or fewer than two bytes: there is no answer any more. */
    bool (*raw)(void *context, const uint8_t *bytes, size_t len, struct buf *answer);
    void *context;
};
/* `answer`, a buf of EXCHANGE_ANSWER_MAX, is emptied and gets data and SW1 SW2, or stays empty: there was no answer, or none that is of the protocol.
 * False (ERR_INTERNAL), nothing sent: no command, or one that this card's transport cannot carry. */
MUST_CHECK bool exchange_command(const struct exchange *x, const uint8_t *command, size_t len,
                                 struct buf *answer, struct err *err);

#endif
