/* bench/operation.h - the token's work on a card as a list of operations, and what each of them costs.
 *
 * An operation is what a worker does with the token for one key, pair, certificate or MAC: several Cryptoki calls, timed
 * part by part, with the same calls of hsm/ that a worker makes, and nothing between them. */
#ifndef BENCH_OPERATION_H
#define BENCH_OPERATION_H

#include "bench/timing.h"
#include "prep/workshop.h"

enum operation_kind {
    OPERATION_KEY,  /* derive, check value, wrap, destroy */
    OPERATION_PAIR, /* generate, wrap, destroy */
    OPERATION_SIGN, /* raw RSA of the issuer key */
    OPERATION_MAC,  /* AES-CMAC */
    OPERATION_RANDOM,
    OPERATION_SIGN_JOB, /* SHA-256 and RSA of the job signing key; once a job, in no card */
    /* At the bureau; bench/bureau/operation.h does them. */
    OPERATION_MAC_KEY,   /* unwrap, destroy */
    OPERATION_SECRET,    /* unwrap, check value, destroy */
    OPERATION_REWRAP,    /* wrap under the card's data key */
    OPERATION_TRANSLATE, /* read, encrypt: where the token does not wrap so (named exception 1) */
    OPERATION_CARD_KEYS, /* the card's static keys: derive, destroy */
    OPERATION_CHANNEL,   /* the session's keys, both cryptograms, destroy */
    OPERATION_COMMAND,   /* MAC, encrypt */
    OPERATION_KIND_COUNT
};
enum { OPERATION_PARTS = 4, OPERATIONS_MAX = 64, RECORD_ITSELF = -1 };

struct operation {
    enum operation_kind kind;
    int application; /* index in the job, or RECORD_ITSELF */
    char what[48];   /* "KDL, DES2" */
    /* KEY */
    const struct ring_master *master;
    struct derivation_block block;
    enum hsm_algorithm algorithm;
    bool gp_check_value;
    /* PAIR */
    unsigned bits;
    unsigned long exponent;
    /* SIGN */
    const struct hsm_pair *signer;
    size_t len; /* MAC, RANDOM: bytes */
};

const char *operation_name(enum operation_kind kind);              /* "key" */
const char *operation_part(enum operation_kind kind, size_t part); /* "derive"; NULL after the last one */

/* What one operation has cost; can be sent through a pipe. */
struct operation_cost {
    enum operation_kind kind;
    int application;
    char what[48];
    struct timing parts[OPERATION_PARTS];
};
/* Mean time of the whole operation. */
double operation_cost_us(const struct operation_cost *cost);
/* Adds the time since *since to part i, and sets *since to now. */
void operation_lap(struct operation_cost *cost, size_t i, double *since);

/* Does it once and adds the times. Prep's operations only. */
MUST_CHECK bool operation_run(const struct operation *o, struct keyring *k, struct operation_cost *cost,
                              struct err *err);

/* The operations of this planned card, in the order of a worker; record_len is what its record comes to. False (ERR_CONFIG): more than
 * OPERATIONS_MAX; keys of the second embodiment, whose costs are not known here. */
MUST_CHECK bool operations_of_card(const struct keyring *k, const struct card_plan *plan, size_t record_len,
                                   struct operation *out, size_t *count, struct err *err);
/* What is measured of the token itself: keys of all algorithms, MACs, each issuer key, a pair of 1024 bits, the job signature. */
MUST_CHECK bool operations_of_token(const struct keyring *k, struct operation *out, size_t *count,
                                    struct err *err);

#endif
