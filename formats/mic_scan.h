/* formats/mic_scan.h - the first pass over an output file, for formats/mic_file.c alone: reads every record,
 * remembers its digest, and checks what takes more than one record to see (docs/formats/mic-file.md). */
#ifndef FORMATS_MIC_SCAN_H
#define FORMATS_MIC_SCAN_H

#include "formats/hash_set.h"
#include "formats/mic_file.h"
#include "formats/row_log.h"

enum { OBJECT_HASH_LEN = 16, NUMBERS_MAX = MIC_RECORD_MAX / 8 /* what one END can set aside */ };

/* What is kept of each card record. */
struct mic_row {
    uint64_t number;
    uint32_t len;                    /* RLEN included */
    uint8_t digest[SHA256_LEN];      /* of the record's bytes */
    uint8_t object[OBJECT_HASH_LEN]; /* leftmost bytes of the SHA-256 of the card object identifier */
};

struct number_list {
    uint64_t *items;
    size_t count, room;
};

struct mic_trust {
    const struct public_key *signers;
    size_t signer_count;
    unsigned flags; /* of mic_file_open */
};

struct mic_scan {
    struct reader *reader; /* the caller's */
    struct job_group job;
    struct row_log *rows;
    struct number_list gaps; /* numbers below next_number that no record has */
    uint64_t next_number;
    struct hash_set mackeys;
    uint8_t last_mackey[MACKEY_LEN]; /* most records repeat it: hashed once */
    bool has_mackey;
    uint64_t keks_used;            /* bit i: job.keks[i] */
    uint8_t seal_kekid[KEKID_LEN]; /* of the first seal */
    struct digest *file;           /* everything before END */
    struct digest *record;
    uint64_t first_card; /* offset of the first record behind JOB */
    uint64_t whole_len;  /* bytes that hold whole records */
    uint8_t signer[SHA256_LEN], file_hash[SHA256_LEN];
    bool incomplete, signature_verified;
};

/* Reads the file from where the reader stands (its begin). */
MUST_CHECK bool mic_scan_run(struct mic_scan *scan, struct reader *reader, const struct mic_trust *trust,
                             struct err *err);
void mic_scan_release(struct mic_scan *scan);
/* False (ERR_INPUT): more than NUMBERS_MAX; memory. */
MUST_CHECK bool mic_scan_add_gap(struct mic_scan *scan, uint64_t number, struct err *err);

/* formats/mic_end.c: what END says against what was read; on success the records that were set aside are all in
 * scan->gaps. False: ERR_INTEGRITY, or ERR_INPUT. */
MUST_CHECK bool mic_end_check(struct mic_scan *scan, const struct mic_group *group,
                              const struct mic_trust *trust, struct err *err);
/* No card object identifier stands twice. Memory stays bounded: many passes over the rows instead of one sort. */
MUST_CHECK bool mic_end_check_objects(struct row_log *rows, struct err *err);

#endif
