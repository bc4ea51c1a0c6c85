/* formats/hash_set.h - a set of SHA-256 values: the MACKEYs of a file (END tag CF), of which there are few, and
 * never more than one end record can list. */
#ifndef FORMATS_HASH_SET_H
#define FORMATS_HASH_SET_H

#include <stdint.h>

#include "base/digest.h"

struct hash_set {
    uint8_t (*slots)[SHA256_LEN]; /* a free one is all zero */
    size_t room;                  /* a power of two */
    size_t count;
    size_t max;
};

void hash_set_init(struct hash_set *set, size_t max);
void hash_set_release(struct hash_set *set);
/* Adds a value unless it is there. False: more than max (ERR_INPUT), memory. */
MUST_CHECK bool hash_set_add(struct hash_set *set, const uint8_t hash[SHA256_LEN], struct err *err);
/* All values, rising, to be freed; NULL for none. False: memory. */
MUST_CHECK bool hash_set_sorted(const struct hash_set *set, uint8_t (**out)[SHA256_LEN], struct err *err);

#endif
