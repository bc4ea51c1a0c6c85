/* prep/pool/pool_internal.h - the pool's state, shared by pool.c (processes and scheduling) and pool_messages.c (what workers say). */
#ifndef PREP_POOL_INTERNAL_H
#define PREP_POOL_INTERNAL_H

#include <sys/types.h>

#include "prep/pool/keeper.h"
#include "prep/pool/pool.h"
#include "prep/pool/wire.h"

enum {
    WORKERS_MAX = 64,
    DEPTH_MIN = 2, /* one card under way, one in the pipe */
    DEPTH_MAX = 64,
    DEPTH_WORK_US = 20000, /* as many cards in flight per worker as make about this much work */
    WINDOW_PER_WORKER = 4 * DEPTH_MAX,
    WINDOW_BYTES = 64 << 20, /* records that wait for a slow one before them */
    START_TIMEOUT_S = 90,
    START_TRIES = 5, /* workers in a row that fail to start before no more are started */
    FELLED_MAX = 2,
    SLOT_KEEPS = 256 << 10,
};

enum slot_state { SLOT_QUEUED, SLOT_AT_WORKER, SLOT_DONE };

/* One card between pool_submit and pool_wait, in a ring. */
struct slot {
    enum slot_state state;
    uint64_t number, place;
    struct buf request; /* card_input as sent: kept until the answer is there */
    struct buf record;
    bool ok;
    struct err err;
    unsigned felled;       /* worker processes that ended while they had it */
    unsigned token_errors; /* times that a worker answered ERR_TOKEN */
};

enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_READY };

struct pool_worker {
    enum worker_state state;
    pid_t pid;
    struct wire wire;
    size_t at[DEPTH_MAX]; /* ring positions of the cards it has, oldest first */
    size_t at_count;
    unsigned cards;    /* prepared by this process */
    bool broken;       /* answered ERR_TOKEN: to be replaced */
    bool asked;        /* has the one request that is no card */
    uint64_t heard_us; /* last sign of life */
    uint64_t card_us;  /* average time of a card */
};

struct pool {
    const struct job *job;
    struct keeper *keeper;
    struct pool_worker workers[WORKERS_MAX];
    size_t worker_count;
    struct slot *slots; /* ring */
    size_t slot_count, head, used;
    size_t stored_bytes;
    struct slot *spent; /* whose record the caller of pool_wait still borrows */
    struct buf start_payload;
    struct pool_token_report report;
    struct pool_statistics statistics;
    bool came_through; /* some worker has logged in and found its keys */
    unsigned failed_starts;
    struct err start_refusal; /* the last worker that could not start said why */
    /* One per key of the job; NULL: nobody counts. */
    struct usage *key_uses;  /* told by workers, or lost with one */
    struct usage *card_most; /* what one card can need */
    /* the one answer besides records that can be under way */
    bool reply_got;
    struct buf reply;
    struct err reply_error;
    unsigned ask_failures; /* workers that ended, hung or answered ERR_TOKEN instead */
};

uint64_t pool_now_us(void); /* monotonic */
struct slot *pool_slot(struct pool *p, size_t position);
/* The card is done, and this is why it was not prepared. */
void pool_slot_fail(struct slot *s, const struct err *err);
/* Takes everything that a worker has sent. False: it has ended, or says what makes no sense. */
bool pool_take_messages(struct pool *p, struct pool_worker *w);

#endif
