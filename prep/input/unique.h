/* prep/input/unique.h - what must not repeat in a job: PANs, object identifiers, join keys. Memory is bounded: the keys' hashes
 * stand in a temporary database. */
#ifndef PREP_UNIQUE_H
#define PREP_UNIQUE_H

#include <stdint.h>

#include "base/err.h"

struct unique;

/* Who had a key first. */
struct unique_holder {
    uint64_t number; /* record number; 0: nobody, the key was new */
    uint64_t place;  /* line or offset */
};

MUST_CHECK bool unique_new(struct unique **out, struct err *err);
void unique_free(struct unique *u);
/* Notes a key under the record `holder` unless it is there already; then *earlier tells whose it is. Keys of different
 * spaces never meet. False: ERR_FILE (disk full), ERR_INTERNAL. */
struct unique_key {
    unsigned space;
    const void *bytes;
    size_t len;
};
MUST_CHECK bool unique_add(struct unique *u, const struct unique_key *key, const struct unique_holder *holder,
                           struct unique_holder *earlier, struct err *err);

#endif
