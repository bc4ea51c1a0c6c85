/* formats/groups.h - what the groups JOB, CARD, SEAL and END hold, docs/formats/mic-file.md. Reader and writer of one
 * group stand side by side and share one table of tags. Readers refuse a missing, repeated or unknown tag,
 * a wrong length, a wrong character. Writers keep the tables' order. */
#ifndef FORMATS_GROUPS_H
#define FORMATS_GROUPS_H

#include "base/digest.h"
#include "formats/mic.h"
#include "formats/signature.h"

enum {
    JOB_ID_LEN = 16,
    KEKID_LEN = 6,
    KEK_KCV_LEN = 5,
    MAC_LEN = 16,
    MACKEY_LEN = 40, /* an AES-256 key under RFC 5649 */
    JOB_NAME_MAX = 255,
    JOB_KEKS_MAX = 64,
    JOB_PASSES_MAX = 64,
    OBJECT_ID_MAX = 64,
};

struct job_kek {
    uint8_t kekid[KEKID_LEN];
    uint8_t kcv[KEK_KCV_LEN];
};

struct job_group {
    uint8_t job_id[JOB_ID_LEN];        /* D2 */
    char name[JOB_NAME_MAX + 1];       /* D3 */
    uint8_t settings_hash[SHA256_LEN]; /* D4 */
    uint64_t first_record;             /* D5 */
    char created[21];                  /* D6: YYYY-MM-DDThh:mm:ssZ */
    struct job_kek keks[JOB_KEKS_MAX]; /* D7, distinct identifiers */
    size_t kek_count;
    char program[64];                           /* D8 */
    uint8_t passes[JOB_PASSES_MAX][JOB_ID_LEN]; /* D9 */
    size_t pass_count;
    char chip_mic[MIC_NAME_MAX + 1]; /* D0 */
    uint64_t planned;                /* DC: card records of the whole job */
    uint16_t shard, shards;          /* CE */
};

struct card_group {
    uint8_t job_id[JOB_ID_LEN];        /* D2 */
    uint64_t number;                   /* DA, from 1 */
    char object_id[OBJECT_ID_MAX + 1]; /* DB */
};

struct seal_group {
    uint8_t job_id[JOB_ID_LEN];
    uint8_t kekid[KEKID_LEN];
    uint8_t mackey[MACKEY_LEN]; /* wrapped */
    uint8_t mac[MAC_LEN];
};

/* The END group. Lists are borrowed: from the file when read, from the caller when written. */
struct end_group {
    uint8_t job_id[JOB_ID_LEN]; /* D2 */
    uint64_t count;             /* DC: card records in this file */
    const uint8_t *set_aside;   /* CC: 8 bytes each, rising */
    size_t set_aside_count;
    const uint8_t *mackey_hashes; /* CF: 32 bytes each, rising */
    size_t mackey_hash_count;
    uint8_t file_hash[SHA256_LEN];      /* DD */
    uint8_t signer[SHA256_LEN];         /* DE */
    enum signature_algorithm algorithm; /* CA */
    const uint8_t *signature;           /* CB */
    size_t signature_len;
    size_t signed_len; /* END data bytes that precede CB; set by the reader */
};

MUST_CHECK bool job_group_read(const struct mic_group *group, struct job_group *out, struct err *err);
void job_group_put(struct buf *b, const struct job_group *job); /* one whole record, RLEN included */
/* The D7 with this identifier, or NULL. */
const struct job_kek *job_group_kek(const struct job_group *job, const uint8_t kekid[KEKID_LEN]);
/* The job that gave its records their identity: of the first pass, or this one. */
const uint8_t *job_group_first_job(const struct job_group *job);
/* Is it one of the D9s? */
bool job_group_has_pass(const struct job_group *job, const uint8_t job_id[JOB_ID_LEN]);
MUST_CHECK bool card_group_read(const struct mic_group *group, struct card_group *out, struct err *err);
void card_group_put(struct buf *b, const struct card_group *card); /* the group */
MUST_CHECK bool seal_group_read(const struct mic_group *group, struct seal_group *out, struct err *err);
/* The group up to and including MACKEY and MLEN; the caller MACs from CARD's MIC through MACKEY and then
 * appends the MAC_LEN bytes. *mac_end is the offset in b at which the MACed bytes end. */
void seal_group_put_begin(struct buf *b, const struct seal_group *seal, size_t *group_begin, size_t *mac_end);
void seal_group_put_mac(struct buf *b, size_t group_begin, const uint8_t mac[MAC_LEN]);
MUST_CHECK bool end_group_read(const struct mic_group *group, struct end_group *out, struct err *err);
/* The END data that is signed: everything before CB. */
void end_group_put_signed(struct buf *b, const struct end_group *end);
/* The whole end record, from the signed part and the signature. */
void end_group_put(struct buf *b, const struct buf *signed_part, const uint8_t *signature,
                   size_t signature_len);
/* The bytes that the signature covers: context string ‖ 00 ‖ signed part. */
void end_group_to_be_signed(struct buf *b, const uint8_t *signed_part, size_t len);

/* Tells "a MACed range" apart from "the whole": the bytes of a parsed record from CARD's MIC through SEAL's MACKEY. */
MUST_CHECK bool seal_maced_bytes(const struct mic_record *record, const uint8_t **bytes, size_t *len,
                                 struct err *err);
/* 3–8 BCD digits padded with F, then a version from 1. */
bool kekid_is_valid(const uint8_t kekid[KEKID_LEN]);
/* 1–64 of A–Z a–z 0–9 . _ - */
bool object_id_is_valid(const char *text, size_t len);
/* "hex(job id)-number" */
void object_id_default(char out[OBJECT_ID_MAX + 1], const uint8_t job_id[JOB_ID_LEN], uint64_t number);

#endif
