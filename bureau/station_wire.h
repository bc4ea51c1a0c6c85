/* bureau/station_wire.h - messages between the coordinator and its stations, over a socket each: type(1) ‖ length(4) ‖ payload.
 * A payload is parsed as if the other end were a stranger: a station may have been felled by a reader's driver. */
#ifndef BUREAU_STATION_WIRE_H
#define BUREAU_STATION_WIRE_H

#include "bureau/turns.h"

enum station_message {
    /* station → coordinator */
    STATION_READY = 1, /* token and reader service are there */
    STATION_REFUSED,   /* an err: the station cannot start, or cannot go on; it ends */
    STATION_NOTE,      /* an err: something a person should know; the station goes on */
    STATION_CARD,      /* ATR: a card is in, which record? */
    STATION_KNOWN,     /* card id: may it be used? */
    STATION_ENDED,     /* outcome */
    STATION_MODULE,    /* MIC, done, err */
    STATION_THROUGH,   /* all modules have been asked */
    /* coordinator → station */
    STATION_ORDER,   /* tries, repeated (1), number, record: for the card that is in */
    STATION_SUPPLY,  /* again (1): a supplier's keys for the card that is in */
    STATION_GO,      /* the card may be used */
    STATION_NO,      /* an err: it may not */
    STATION_MODULES, /* hand the other groups over */
    STATION_RELEASE, /* the card can be taken out */
};
enum {
    STATION_PAYLOAD_MAX = 10000000 + 65536,
    STATION_HEAD = 5,
    STATION_MESSAGE_MAX = STATION_PAYLOAD_MAX + STATION_HEAD
};

/* Sends one message; false (ERR_INTERNAL): the other end is gone. */
MUST_CHECK bool station_send(int fd, enum station_message type, const struct buf *payload, struct err *err);
MUST_CHECK bool station_send_err(int fd, enum station_message type, const struct err *said, struct err *err);
/* Waits for one and puts its payload in place of what `payload` holds (a buf of STATION_PAYLOAD_MAX). *closed: the other end
 * is gone. False (ERR_INTERNAL): a message that makes no sense. */
MUST_CHECK bool station_receive(int fd, enum station_message *type, struct buf *payload, bool *closed,
                                struct err *err);

/* Parts of payloads, and back. Readers: false (ERR_INTERNAL): cut, or not what it should be. */
void station_put_err(struct buf *b, const struct err *said);
MUST_CHECK bool station_get_err(struct cur *c, struct err *said, struct err *err);
void station_put_card(struct buf *b, const struct card_id *id);
MUST_CHECK bool station_get_card(struct cur *c, struct card_id *id, struct err *err);
void station_put_result(struct buf *b, const struct turns_result *r);
MUST_CHECK bool station_get_result(struct cur *c, struct turns_result *r, struct err *err);
void station_put_text(struct buf *b, const char *text);
MUST_CHECK bool station_get_text(struct cur *c, char *text, size_t size, struct err *err);

#endif
