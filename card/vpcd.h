/* card/vpcd.h - a card in a virtual reader: the client's side of vsmartcard's vpcd, which is a reader of pcscd.
 *
 * vpcd listens on a TCP port per slot. A message is a length (2, big-endian) and a body. Bodies of one byte are orders: 00 power
 * off, 01 power on, 02 reset, 04 tell the ATR (the only one that is answered); any other body is a command APDU, answered by
 * data and status word. vpcd sends length and body apart, so acknowledgements are not delayed here, else each command takes
 * 40 ms; an answer goes out in one write. */
#ifndef CARD_VPCD_H
#define CARD_VPCD_H

#include <signal.h>

#include "base/buf.h"

enum { VPCD_PORT = 35963 /* of the first slot */, VPCD_BODY_MAX = 65535 };

/* What stands behind the reader's contacts. */
struct vpcd_card {
    void *context;
    void (*power)(void *context, bool on); /* off, or on anew */
    void (*atr)(void *context, struct buf *answer);
    /* One command. *answer: data and status word, or empty: the card gives no answer at all. False: the card is pulled out. */
    bool (*process)(void *context, const uint8_t *apdu, size_t len, struct buf *answer);
};

/* Connects to the reader, trying again every 50 ms while nobody listens there. *fd is the caller's. False: the name is unknown
 * (ERR_CONFIG), `stop` became true (ERR_INTERRUPTED). */
MUST_CHECK bool vpcd_connect(const char *host, unsigned port, const volatile sig_atomic_t *stop, int *fd,
                             struct err *err);
enum vpcd_end { VPCD_CLOSED /* the reader went away */, VPCD_PULLED, VPCD_STOPPED };
/* Serves the reader until one of the ends. False (ERR_INTERNAL): no memory. */
MUST_CHECK bool vpcd_serve(int fd, const struct vpcd_card *card, const volatile sig_atomic_t *stop,
                           enum vpcd_end *end, struct err *err);

#endif
