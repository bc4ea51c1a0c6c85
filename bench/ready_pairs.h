/* bench/ready_pairs.h - what a pool of key pairs will give: planner and workshop of a worker, in one process, with pairs that
 * were generated and wrapped before the clock starts. */
#ifndef BENCH_READY_PAIRS_H
#define BENCH_READY_PAIRS_H

#include "config/job.h"

struct ready_order {
    const struct job *job;
    double seconds;
    size_t pairs; /* made beforehand for each application; used again and again */
};
enum { READY_PAIRS_MAX = 256 };
struct ready_result {
    uint64_t cards;
    double seconds;
    double cpu_us;
};
/* A child_fn: context is a ready_order. */
bool ready_pairs_measure(const void *order, void *result, struct err *err);

#endif
