/* prep/pool/pool.h - worker processes behind one window: cards in, sealed records out, in the order of their input.
 *
 * coordinator ── socket ── keeper (holds the PIN, forks workers from a clean image)
 *      └──────── socket ── worker 1 … N (load the module, log in, prepare cards)
 * Requests are batched, two batches are in flight per worker. A worker that dies, hangs or has done its number of cards is
 * replaced; a card that felled two workers is refused by name. Memory is bounded by the window, however slow one worker is. */
#ifndef PREP_POOL_H
#define PREP_POOL_H

#include "config/job.h"
#include "prep/input/card_input.h"
#include "prep/plan.h"
#include "prep/usage.h"

struct pool;

/* Forks the keeper, which gets the PINs (prompting if need be) before anything else happens. Call it before threads,
 * inputs and outputs exist. */
MUST_CHECK bool pool_start(struct pool **out, const struct job *job, struct err *err);
/* Starts the workers: they log in and check every key. fields NULL: they prepare no cards, only pool_sign is asked of them. False:
 * the first worker's error (ERR_TOKEN). */
MUST_CHECK bool pool_open(struct pool *p, const struct field_table *fields,
                          const struct job_identity *identity, struct err *err);

/* What workers found out at their start. */
struct pool_token_report {
    struct job_kek kek;
    uint8_t signer[SHA256_LEN];
    uint8_t signer_spki[PUBLIC_KEY_SPKI_MAX]; /* its DER SubjectPublicKeyInfo */
    size_t signer_spki_len;
    char token[160];
};
const struct pool_token_report *pool_token_report(const struct pool *p);
/* Runs keyring_lint and the full token probe in one worker; findings as text, one per line. */
MUST_CHECK bool pool_check_token(struct pool *p, struct buf *findings, size_t *errors, struct err *err);

/* Room for another card? (The window is bounded.) */
bool pool_has_room(const struct pool *p);
/* Hands one card over; it is copied. */
MUST_CHECK bool pool_submit(struct pool *p, const struct card_input *in, struct err *err);
/* Takes back the cards that no worker has begun, from the last one on: an interrupted run finishes only what is under way. */
void pool_withdraw(struct pool *p);
/* One finished card, in submission order. */
struct pool_result {
    uint64_t number;
    bool ok;
    const uint8_t *record; /* ok: the record's bytes, borrowed until the next call */
    size_t len;
    struct err err; /* not ok */
    uint64_t place; /* where the card stood in the input */
};
/* Waits up to timeout_ms for the next result in order; *got false when none came. False: the pool itself is broken (token lost
 * for all workers, keeper dead). Handles deaths, hangs and retirement inside. Interrupted by signals: returns true, got false. */
MUST_CHECK bool pool_wait(struct pool *p, int timeout_ms, struct pool_result *out, bool *got,
                          struct err *err);
/* Cards submitted and not yet given back. */
size_t pool_pending(const struct pool *p);
/* Signs with the job signing key in a worker. */
MUST_CHECK bool pool_sign(struct pool *p, const uint8_t *data, size_t len, struct buf *signature,
                          struct err *err);
/* Peak memory of workers so far and how many were started, retired, replaced. */
struct pool_statistics {
    unsigned started, retired, replaced;
    uint64_t peak_worker_kib;
};
void pool_statistics(const struct pool *p, struct pool_statistics *out);
/* Of a job with an audit log: the derivations that workers were asked for, one usage per key of the job. What a worker that
 * ended cannot tell of, and what is still under way, counts with as much as such a card can need. */
void pool_used(const struct pool *p, struct usage *out);
/* Ends workers and keeper; NULL is fine. */
void pool_free(struct pool *p);

#endif
