/* tests/support/mic_draft.h - writes small output files, right or wrong in one respect, and signs them with keys made
 * for the run. Nothing in them is encrypted: MACKEYs and MACs are filler, which no check without keys can tell. */
#ifndef TESTS_SUPPORT_MIC_DRAFT_H
#define TESTS_SUPPORT_MIC_DRAFT_H

#include <openssl/evp.h>

#include "formats/mic_file.h"

enum { DRAFT_CARDS_MAX = 10, DRAFT_SPKI_MAX = 600 };

struct draft_key {
    EVP_PKEY *key;
    enum signature_algorithm algorithm;
    uint8_t spki[DRAFT_SPKI_MAX];
    size_t spki_len;
};

struct draft_card {
    struct card_group card;
    struct card_group bound_to; /* what C1 says */
    uint8_t seal_job[JOB_ID_LEN];
    uint8_t seal_kekid[KEKID_LEN], entry_kekid[KEKID_LEN];
    uint8_t seal_mackey, entry_mackey; /* filler bytes */
    const char *groups;                /* initials in order, "CEKS": CARD, EMBOSS, chip, SEAL, JOB, enD */
};

struct draft {
    struct job_group job;
    struct draft_card cards[DRAFT_CARDS_MAX];
    size_t count;
    uint64_t set_aside[8];
    size_t set_aside_count;
    /* What END says, where it is not what it should. */
    int count_off;
    bool other_hash, other_job, other_signer, lists_one_mackey_more, lists_no_mackey;
    enum signature_algorithm algorithm; /* 0: the key's */
    const struct draft_key *signed_by;  /* NULL: the key given to draft_write */
};

bool draft_key_make(struct draft_key *key, enum signature_algorithm algorithm);
void draft_key_release(struct draft_key *key);
/* Signs with SHA-256, in the form that files have; gives the length, 0 if anything failed. */
size_t draft_key_sign(const struct draft_key *key, const uint8_t *data, size_t len,
                      uint8_t out[SIGNATURE_MAX]);
struct public_key draft_signer(const struct draft_key *key);

/* A right file: numbers 1 to count, one KEK, one MACKEY. */
void draft_init(struct draft *draft, size_t count);
/* JOB and the card records. */
void draft_put_body(struct buf *b, const struct draft *draft);
void draft_put_card(struct buf *b, const struct draft_card *card, const char *chip_mic);
/* The whole file. */
void draft_write(struct buf *b, const struct draft *draft, const struct draft_key *key);

#endif
