/* prep/input/counter.h - the card number counter of an issuer: a file that several jobs share.
 *
 * An append-only text file, one reservation per line: job id, first number, count, time, fingerprint of the
 * input. A reservation is made once per
 * job id under a lock, appended and fsynced before any number is used; asking again for the same job id (another shard,
 * another try) gives the same numbers. Numbers never repeat, whatever is killed. */
#ifndef PREP_COUNTER_H
#define PREP_COUNTER_H

#include <stdint.h>

#include "base/err.h"
#include "formats/groups.h"

enum { COUNTER_INPUT_LEN = 16 };
/* Who wants numbers, and for which cards: the same job id over another input would give them to other cards. */
struct counter_claim {
    uint8_t job_id[JOB_ID_LEN];
    uint8_t input[COUNTER_INPUT_LEN]; /* counter_fingerprint */
    uint64_t count;
};
/* The first bytes of SHA-256 over the file. */
MUST_CHECK bool counter_fingerprint(const char *path, uint8_t out[COUNTER_INPUT_LEN], struct err *err);
/* Reserves numbers; *first is the first one. A new file starts at `start`. False (ERR_FILE, ERR_INPUT): locked for more than
 * 10 s, unreadable line (named), exhausted, another count or input reserved for this job id. */
MUST_CHECK bool counter_reserve(const char *path, uint64_t start, const struct counter_claim *claim,
                                uint64_t *first, struct err *err);
/* What the next reservation would get; for `check`. */
MUST_CHECK bool counter_peek(const char *path, uint64_t start, uint64_t *next, struct err *err);

#endif
