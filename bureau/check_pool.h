/* bureau/check_pool.h - records go to several token processes at once, and their verdicts come back in the file's order.
 *
 * One thread per token process does nothing but wait for it; reading, public checks and the first refusal are the caller's.
 * A window of records bounds memory. */
#ifndef BUREAU_CHECK_POOL_H
#define BUREAU_CHECK_POOL_H

#include "bureau/token_process.h"

struct check_pool;

enum { CHECK_WORKERS_MAX = 64 };

/* Borrows the token processes, which nobody else uses meanwhile. False: ERR_INTERNAL. */
MUST_CHECK bool check_pool_new(struct check_pool **out, struct token_process *const *processes, size_t count,
                               bool keys_only, struct err *err);
/* Hands a record over (copied); waits while the window is full. False: an earlier record was refused, with its number and offset in
 * front of the token process's words. */
MUST_CHECK bool check_pool_put(struct check_pool *pool, const uint8_t *record, size_t len, uint64_t number,
                               uint64_t offset, struct err *err);
/* Waits for all. False: as above. */
MUST_CHECK bool check_pool_finish(struct check_pool *pool, struct err *err);
/* Ends the threads. NULL is fine. */
void check_pool_free(struct check_pool *pool);

#endif
