/* prep/prepare.h - a worker's part of FIG. 2 (steps 308, 310, 318, 320, FIGS. 3 and 4): from a planned card to the bytes
 * of its sealed record. The steps are one file each: keyring.c, derive.c, key_pair.c, certify.c, assemble.c, seal.c. */
#ifndef PREP_PREPARE_H
#define PREP_PREPARE_H

#include "hsm/crypto.h"
#include "prep/plan.h"

/* Tokens and keys of a job, found and checked once per worker (keyring.c). */
struct keyring;
struct keyring_tokens {
    struct hsm_token *master, *card_key; /* may be the same */
};
/* Finds every key that the job names, checks role and check value; generates this worker's MAC key and wraps it. Also checks that
 * the issuer key on the token is that of the issuer certificate. False (ERR_TOKEN) names the key. */
MUST_CHECK bool keyring_open(struct keyring **out, const struct job *job, const struct keyring_tokens *tokens,
                             struct err *err);
void keyring_free(struct keyring *k); /* destroys its session objects */
/* What the token lacks for this job, one line per finding ("application x: key y: wrap by CKM_DES3_ECB: …"); 0: nothing. */
size_t keyring_lint(const struct job *job, const struct keyring_tokens *tokens, struct buf *findings);
/* Signs the END group with the job signing key (context string by formats/groups.h), and names the signer. */
MUST_CHECK bool keyring_sign(struct keyring *k, const uint8_t *data, size_t len, struct buf *signature,
                             struct err *err);
MUST_CHECK bool keyring_signer(struct keyring *k, uint8_t id[SHA256_LEN], struct buf *spki, struct err *err);
/* The KEK's identifier and check value, for JOB D7. */
void keyring_kek(const struct keyring *k, struct job_kek *out);

/* Where a card's key pair comes from: made now (key_pair.c), later from a pool made ahead. The pair's private part is
 * already wrapped under the job's KEK. */
struct card_pair {
    uint8_t modulus[HSM_MODULUS_MAX];
    size_t modulus_len;
    uint8_t exponent[4];
    size_t exponent_len;
    uint8_t kcv[3];
    struct buf wrapped;
};
struct pair_maker {
    bool (*make)(void *context, const struct profile_key_pair *rule, struct card_pair *out, struct err *err);
    void *context;
};

struct workshop; /* a worker's tools: keyring, buffers, pair maker */
MUST_CHECK bool workshop_new(struct workshop **out, const struct job *job,
                             const struct job_identity *identity, struct keyring *keys, struct err *err);
void workshop_free(struct workshop *w);
/* Replaces the maker of pairs (bench, later the pool). */
void workshop_set_pair_maker(struct workshop *w, const struct pair_maker *maker);
/* From now on the derivations that are asked of the token are added here, one usage per key of the job (prep/usage.h). */
struct usage;
void workshop_count(struct workshop *w, struct usage *used);
/* Appends the whole record, RLEN … SEAL's MAC. False: nothing appended, no object left in the session; ERR_TOKEN or ERR_INPUT
 * (a record over 254 bytes, …), naming application and key. If an object could not be destroyed: ERR_TOKEN, the token is
 * broken (hsm_token_is_broken), and the process has to end its session. */
MUST_CHECK bool workshop_prepare(struct workshop *w, const struct card_plan *plan, struct buf *record,
                                 struct err *err);

#endif
