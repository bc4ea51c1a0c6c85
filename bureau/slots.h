/* bureau/slots.h - positions in an array of the owner's, found by the hash of a key: open addressing, at most half full. */
#ifndef BUREAU_SLOTS_H
#define BUREAU_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct slots { /* all zero: empty */
    struct slot *slots;
    size_t room;
};
/* Has what stands at this position of the array the key? */
typedef bool slots_same_fn(const void *array, uint32_t position, const void *key);
struct slots_key {
    uint64_t hash; /* slots_hash of the key's bytes */
    const void *key, *array;
    slots_same_fn *same;
};

uint64_t slots_hash(const void *data, size_t len);
/* False: it is not there. */
bool slots_find(const struct slots *s, const struct slots_key *key, uint32_t *position);
/* The key, which is not there yet, stands at this position, behind all others: 0, 1, 2, … False: ERR_INTERNAL. */
MUST_CHECK bool slots_add(struct slots *s, const struct slots_key *key, uint32_t position, struct err *err);
void slots_release(struct slots *s);

#endif
