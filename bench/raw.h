/* bench/raw.h - the token alone: what its operations cost in a process that does nothing else. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "bench/child.h"
#include "bench/operation.h"

struct raw_order {
    const struct job *job;
    double seconds;
    double
        start_us; /* begin at this time of clock_us, for processes that are to work at the same time; 0: at once */
    uint64_t pairs; /* raw_token: generate at least so many */
};
struct raw_costs {
    char token[160];
    size_t count;
    struct operation_cost operations[OPERATIONS_MAX];
    struct timing card; /* raw_card: the operations of one card together */
    double cpu_us;      /* raw_card: time on a core for all cards together */
    size_t record_len;  /* raw_card: bytes of a record */
};
/* Both are child_fn: context is a raw_order, the result raw_costs. raw_card does the operations of the job's first card again
 * and again; raw_token what operations_of_token lists. */
bool raw_card(const void *order, void *costs, struct err *err);
bool raw_token(const void *order, void *costs, struct err *err);

/* Sleeps until this time of clock_us; 0: not at all. */
void raw_wait_until(double us);
/* Adds times of the same operations. */
void raw_join(struct raw_costs *all, const struct raw_costs *more);
/* Time of a card by the mean of each operation, of one application or of all (RECORD_ITSELF - 1). Pairs may be left out. */
enum { ALL_APPLICATIONS = RECORD_ITSELF - 1 };
double raw_card_us(const struct raw_costs *costs, int application, bool with_pairs);

#endif
