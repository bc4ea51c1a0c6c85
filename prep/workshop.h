/* prep/workshop.h - what the steps of one card share: keys, buffers, the application under way. Internal to the files
 * keyring.c, derive.c, key_pair.c, certify.c, assemble.c, seal.c and prepare.c; others use prep/prepare.h
 * (bench/, which times the token under the same keys, is the exception).
 *
 * All buffers are made once per worker and only emptied between cards. No step looks up anything on a token: handles
 * are found once, by keyring_open. */
#ifndef PREP_WORKSHOP_H
#define PREP_WORKSHOP_H

#include "prep/prepare.h"
#include "prep/usage.h"

/* ---- keyring.c ---- */
struct ring_master {
    struct hsm_key key;
    bool has_k1;    /* an AES master that the method kmc-aes uses */
    uint8_t k1[16]; /* RFC 4493 subkey K1 */
};
struct keyring {
    const struct job *job;
    struct hsm_token *master, *card_key;
    struct hsm_key kek, pair_kek; /* the KEK on either token; the same key when the token is */
    struct job_kek kek_name;
    struct ring_master *masters; /* one per key of the job */
    struct hsm_pair *issuers;    /* one per issuer key of the job */
    struct hsm_pair signer;
    struct hsm_key mac_key;     /* session object */
    uint8_t mackey[MACKEY_LEN]; /* it, wrapped under the KEK */
};
/* The master that settings of this keyring's job name. */
const struct ring_master *keyring_master(const struct keyring *k, const struct key_settings *settings);

/* ---- the application under way ---- */
struct span { /* bytes in a buf that may still move */
    bool present;
    size_t at, len;
};
struct made_key {
    bool present;
    uint8_t kcv[HSM_KCV_MAX]; /* C5 */
    size_t kcv_len;
    uint8_t check[3];    /* in DGI 9000 */
    struct span wrapped; /* in workshop.secrets */
};
struct certificate_value {
    uint32_t tag;
    const uint8_t *value;
    size_t len;
};
enum { CERTIFICATE_VALUES = 8 };

struct workshop {
    const struct job *job;
    struct job_identity identity;
    struct keyring *keys;
    struct pair_maker maker;
    const struct card_plan *card;

    /* one application */
    const struct planned_application *application;
    const struct profile *profile;
    struct made_key *made;  /* one per key of the profile */
    struct span *groupings; /* one per grouping of the profile, in `clear` */
    struct span *drawn;     /* one per element: bytes from the token's generator, in `random` */
    struct card_pair pair;
    struct certificate_value certificates[CERTIFICATE_VALUES];
    size_t certificate_count;
    struct buf secrets, clear, random, inner, static_data, block, ssad, icc, icc_remainder;

    struct usage
        *used; /* one per key of the job: derivations asked of the token; NULL unless somebody counts */

    struct buf data; /* DATA of the entry */
    struct buf record;
};

/* ---- derive.c: FIG. 3 ---- */
/* Makes all symmetric keys of the application into w->made: derived, check values computed, wrapped, destroyed. */
MUST_CHECK bool derive_keys(struct workshop *w, struct err *err);
/* The token's algorithm for a kind of secret. False (ERR_CONFIG): not a symmetric key. */
MUST_CHECK bool derive_algorithm(enum secret_kind kind, enum hsm_algorithm *out, struct err *err);
/* Puts the wrapped key with this index as E1. */
void derive_put(struct workshop *w, size_t key, uint16_t dgi, struct buf *out);

/* ---- key_pair.c ---- */
/* The maker that generates pairs on the card-key token of a keyring (the context). */
struct pair_maker key_pair_generator(struct keyring *k);
void key_pair_put(const struct workshop *w, uint16_t dgi, struct buf *out);

/* ---- certify.c: FIG. 4 ---- */
/* The values of 8F, 90, 92 and 9F32, known before any record is composed; 9F47 too when there is a pair. */
MUST_CHECK bool certify_issuer(struct workshop *w, struct err *err);
/* 93, 9F46 and 9F48 over w->static_data. */
MUST_CHECK bool certify_card(struct workshop *w, struct err *err);
/* NULL: not made (yet), or a remainder that is not needed. */
const struct certificate_value *certify_value(const struct workshop *w, uint32_t tag);

/* ---- assemble.c ---- */
/* Appends E1, E2 and loose elements of the application to `out`. */
MUST_CHECK bool assemble_application(struct workshop *w, struct buf *out, struct err *err);

/* ---- seal.c ---- */
/* Appends the application's sealed entry: C1, C2, what assemble_application gives, MACKEY, MAC. */
MUST_CHECK bool seal_entry(struct workshop *w, const struct planned_application *a, struct buf *out,
                           struct err *err);
/* Appends the SEAL group; the record's CARD group begins at card_begin. */
MUST_CHECK bool seal_record(struct workshop *w, size_t card_begin, struct buf *out, struct err *err);

#endif
