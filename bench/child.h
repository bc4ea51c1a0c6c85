/* bench/child.h - processes that measure. Each measurement with a token runs in a process of its own, so that one leaves nothing
 * behind for the next: no module, no session, no memory of the token's. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <sys/types.h>

#include "base/buf.h"

/* Fills *result, of the length that child_start was given. */
typedef bool child_fn(const void *context, void *result, struct err *err);
struct child {
    pid_t pid;
    int fd;
};
/* Forks; fn runs there. */
MUST_CHECK bool child_start(struct child *c, child_fn *fn, const void *context, size_t result_len,
                            struct err *err);
/* Waits for the result. False: fn's err, or the process ended without one. */
MUST_CHECK bool child_finish(struct child *c, void *result, size_t result_len, struct err *err);
/* Both. */
MUST_CHECK bool child_run(child_fn *fn, const void *context, void *result, size_t result_len,
                          struct err *err);
/* `count` of them at the same time, up to TOGETHER_MAX: each with its context, each with its result. The first err is given, after all
 * have ended. */
enum { TOGETHER_MAX = 16 };
struct together {
    const void *contexts[TOGETHER_MAX];
    void *results[TOGETHER_MAX];
    size_t count, result_len;
};
MUST_CHECK bool child_run_together(child_fn *fn, const struct together *all, struct err *err);

/* Runs a program and appends its standard output to `out`. False (ERR_INTERNAL): it cannot be started; or it ended with another
 * status than 0, and the err ends with its last words on standard error. */
MUST_CHECK bool program_run(const char *const *argv, struct buf *out, struct err *err);

#endif
