/* prep/pool/wire.h - messages over a socket between coordinator, keeper and workers: type(1) ‖ length(4) ‖ payload.
 *
 * Both ends are this program, but a payload is parsed as if it were not: a worker that a vendor's module has trampled on must
 * not bring the coordinator down. */
#ifndef PREP_WIRE_H
#define PREP_WIRE_H

#include "base/buf.h"

enum wire_type {
    WIRE_START = 1, /* coordinator → worker: identity, field names */
    WIRE_CARD,      /* coordinator → worker: a card_input */
    WIRE_SIGN,      /* coordinator → worker: bytes to be signed */
    WIRE_CHECK,     /* coordinator → worker: full probe and lint, please */
    WIRE_READY,     /* worker → coordinator: keys found; token report */
    WIRE_RECORD,    /* worker → coordinator: a sealed record */
    WIRE_REFUSED,   /* worker → coordinator: an err instead (also for START, SIGN, CHECK) */
    WIRE_USED,      /* worker → coordinator: derivations since it last said so */
    WIRE_SIGNATURE, /* worker → coordinator */
    WIRE_FINDINGS,  /* worker → coordinator */
    WIRE_SPAWN,     /* coordinator → keeper, with a socket as ancillary data */
    WIRE_SPAWNED,   /* keeper → coordinator: pid */
    WIRE_REAP,      /* coordinator → keeper: kill this pid if it lives, and wait for it */
    WIRE_REAPED,    /* keeper → coordinator: wait status */
};

enum { WIRE_SIGNS_ONLY = 0xFFFF /* in WIRE_START, in place of the number of fields: no cards will come */ };
enum { WIRE_PAYLOAD_MAX = 2 * 10000000 + 65536, WIRE_HEAD = 5 };

struct wire {
    int fd; /* −1: closed */
    struct buf in, out;
    size_t in_pos, out_pos;
};

/* Takes over fd. */
void wire_init(struct wire *w, int fd);
/* Closes; harmless when closed. */
void wire_release(struct wire *w);

/* Builds a message in w->out; the payload is appended to w->out between the two calls. */
size_t wire_put_begin(struct wire *w, enum wire_type type);
void wire_put_end(struct wire *w, size_t begin);
/* Bytes that wait to be sent. */
size_t wire_unsent(const struct wire *w);
/* Sends what can be sent; blocking or not as the socket is. False (ERR_INTERNAL): the peer is gone. */
MUST_CHECK bool wire_flush(struct wire *w, struct err *err);
/* Receives what there is, one read. *closed: the peer has closed. EAGAIN and EINTR are no errors. */
MUST_CHECK bool wire_fill(struct wire *w, bool *closed, struct err *err);
/* The next whole message received, borrowed until the next wire_fill. False: a length beyond WIRE_PAYLOAD_MAX. */
MUST_CHECK bool wire_next(struct wire *w, enum wire_type *type, struct cur *payload, bool *got,
                          struct err *err);
/* Blocking: the next message; *closed when the peer has gone instead. */
MUST_CHECK bool wire_receive(struct wire *w, enum wire_type *type, struct cur *payload, bool *closed,
                             struct err *err);

/* An err as payload, and back. */
void wire_put_err(struct buf *b, const struct err *err);
MUST_CHECK bool wire_get_err(struct cur *c, struct err *out, struct err *err);

/* A file descriptor as ancillary data of one WIRE_SPAWN head, and its receipt (−1: none came). */
MUST_CHECK bool wire_send_fd(int socket, int fd, struct err *err);
MUST_CHECK bool wire_receive_fd(int socket, int *fd, bool *closed, struct err *err);

#endif
