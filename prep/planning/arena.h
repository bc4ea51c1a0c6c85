/* prep/planning/arena.h - memory for one card: many small values, all forgotten together. */
#ifndef PREP_ARENA_H
#define PREP_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *first, *current;
};

void arena_init(struct arena *a);
/* Forgets all values, keeps the memory for the next card. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);
/* Zeroed memory, aligned for any type; never NULL on success, also for len 0. False: memory exhausted. */
MUST_CHECK bool arena_take(struct arena *a, size_t len, void **out, struct err *err);
/* A copy of len bytes with a zero behind them. */
MUST_CHECK bool arena_copy(struct arena *a, const void *data, size_t len, const uint8_t **out,
                           struct err *err);

#endif
