/* bureau/message.h - between the token process and its parent, over a socket: type(1) ‖ length(4) ‖ payload. Both ends are this
 * program, but payloads are parsed as if they were not. */
#ifndef BUREAU_MESSAGE_H
#define BUREAU_MESSAGE_H

#include "base/buf.h"
#include "bureau/token_process.h"

enum message_type {
    MESSAGE_FILE = 1,   /* parent: a JOB record */
    MESSAGE_BEGIN,      /* parent: an order */
    MESSAGE_ANSWER,     /* parent: what the card answered */
    MESSAGE_CHECK,      /* parent: a record to be checked */
    MESSAGE_SIGN,       /* parent: bytes to be signed */
    MESSAGE_SIGNERS,    /* parent: the trusted signers, please */
    MESSAGE_RETURN_KEY, /* parent: the public part of the return key, please */
    MESSAGE_WAYS,       /* parent: which way the secrets of the records checked take, please */
    MESSAGE_DONE,       /* token: done; the payload is what was asked for */
    MESSAGE_TURN,       /* token: a turn */
    MESSAGE_REFUSED,    /* token: an err instead */
};
enum { MESSAGE_MAX = 10000000 + 65536 };

/* Sends one. False (ERR_INTERNAL): the peer has gone, or it is too long. */
MUST_CHECK bool message_send(int fd, enum message_type type, const struct buf *payload, struct err *err);
/* Waits up to timeout_ms (-1: for ever) for one; payload is emptied first. *closed: the peer has gone, and nothing came.
 * False (ERR_INTERNAL): a length beyond MESSAGE_MAX, timeout, cut short. */
MUST_CHECK bool message_receive(int fd, enum message_type *type, struct buf *payload, int timeout_ms,
                                bool *closed, struct err *err);

void message_put_err(struct buf *b, const struct err *e);
MUST_CHECK bool message_get_err(struct cur *c, struct err *out, struct err *err);
void message_put_text(struct buf *b, const char *text);
MUST_CHECK bool message_get_text(struct cur *c, char *text, size_t size, struct err *err);
void message_put_order(struct buf *b, const struct card_order *order);
/* Everything is borrowed from c. */
MUST_CHECK bool message_get_order(struct cur *c, struct card_order *order, struct err *err);
/* failure: the process's own error, or NULL. */
void message_put_turn(struct buf *b, const struct card_turn *turn, const struct err *failure);
/* what goes to `what`, of what_size bytes, and turn->what points there. *failed: out failure is set. */
struct message_turn {
    struct card_turn *turn;
    char *what;
    size_t what_size;
    bool failed;
    struct err failure;
};
MUST_CHECK bool message_get_turn(struct cur *c, struct message_turn *out, struct err *err);

#endif
