/* formats/mic_file.h - a whole output file checked without keys: docs/formats/mic-file.md,
 * "What a reader refuses", as far as it needs none.
 *
 * Two passes over one open reader: the first hashes, checks structure and order and verifies END; the second
 * hands the records out and compares each with its digest of the first pass (kept in an unlinked temporary
 * file, so memory stays flat). Nothing of the file is handed out before END has verified. */
#ifndef FORMATS_MIC_FILE_H
#define FORMATS_MIC_FILE_H

#include "formats/entry.h"

struct mic_file;

struct mic_file_summary {
    struct job_group job;
    uint64_t count; /* card records */
    uint64_t set_aside_count;
    uint64_t *set_aside; /* owned by the mic_file; of an incomplete file: the numbers left out so far */
    uint8_t (*mackey_hashes)[SHA256_LEN]; /* of the MACKEYs that stand in the file, rising */
    size_t mackey_hash_count;
    uint8_t signer[SHA256_LEN];
    uint8_t file_hash[SHA256_LEN]; /* DD; zero while incomplete */
    uint64_t whole_len; /* bytes of whole records; less than the file's only where an incomplete one is cut */
    bool incomplete;    /* only with MIC_FILE_ALLOW_INCOMPLETE: no end record */
    bool signature_verified;
};

enum {
    MIC_FILE_ALLOW_INCOMPLETE = 1,
    MIC_FILE_NO_SIGNER = 2 /* hash and structure only: signature reported as not verified */
};

/* `signers` are the keys that are trusted: RSA, or EC P-256.
 * Takes over the reader, and frees it when the result is false. False: ERR_INPUT/ERR_INTEGRITY with offset and
 * record number; also a file without an end record or cut inside a record ("incomplete"), a hash or signature that
 * does not verify, an unknown signer; ERR_FILE: reading, or no temporary file. */
MUST_CHECK bool mic_file_open(struct mic_file **out, struct reader *reader, const struct public_key *signers,
                              size_t signer_count, unsigned flags, struct err *err);
const struct mic_file_summary *mic_file_summary(const struct mic_file *f);
/* The number of the last record, set aside ones included. */
uint64_t mic_file_last_record(const struct mic_file_summary *s);
/* The next card record, digest compared; *end after the last. Borrowed until the next call. False (ERR_INTEGRITY):
 * it is not what the first pass read. */
MUST_CHECK bool mic_file_next(struct mic_file *f, struct mic_record *record, struct card_group *card,
                              bool *end, struct err *err);
/* Back to the first card record. */
MUST_CHECK bool mic_file_rewind(struct mic_file *f, struct err *err);
void mic_file_free(struct mic_file *f); /* also frees the reader */

/* Is this input sealed (§5)? Looks through the whole file and rewinds it. */
MUST_CHECK bool mic_is_sealed(struct reader *r, const struct mic_framing *framing, const char *chip_mic,
                              bool *sealed, struct err *err);

#endif
