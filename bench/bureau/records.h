/* bench/bureau/records.h - cards of a job as the bureau has them: cardprep makes them, the bureau's own reading verifies the file. */
#ifndef BENCH_BUREAU_RECORDS_H
#define BENCH_BUREAU_RECORDS_H

#include "bench/input.h"
#include "config/bureau.h"

enum { RECORDS_MAX = 64 };
struct bureau_records {
    struct buf bytes; /* one behind the other */
    size_t at[RECORDS_MAX], len[RECORDS_MAX];
    size_t count;
};

/* Has `cards` made (of a job's own input the first ones are taken), at most RECORDS_MAX. False: as cardprep said; what the bureau
 * refuses of its file; ERR_INPUT: there is none. *out is then empty. */
MUST_CHECK bool bureau_records_make(struct bureau_records *out, const char *cardprep,
                                    const struct bench_input *input, const struct bureau *settings,
                                    uint64_t cards, struct err *err);
void bureau_records_release(struct bureau_records *r);

#endif
