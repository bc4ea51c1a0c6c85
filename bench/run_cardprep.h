/* bench/run_cardprep.h - cards end to end: `cardprep run` as operators start it, in processes of its own. */
#ifndef BENCH_RUN_CARDPREP_H
#define BENCH_RUN_CARDPREP_H

#include "bench/input.h"

struct run_result {
    uint64_t cards;
    double
        whole_s; /* from start to signed file: settings, survey of the input, logging in, cards, signature */
    double cards_s; /* from the first worker that is ready to the last record in the file */
    uint64_t coordinator_kib, worker_kib; /* peak resident memory; of workers the largest */
    uint64_t workers_started;
    double cpu_us; /* time on cores of all its processes */
};
/* Writes the input (so many cards, unless it is the job's own), runs, removes the output. False: as cardprep said. */
MUST_CHECK bool run_cardprep(const char *program, const struct bench_input *input, uint64_t cards,
                             unsigned workers, struct run_result *out, struct err *err);

/* Has the cards made by one worker into the file `path`, which stays. */
MUST_CHECK bool run_cardprep_into(const char *program, const struct bench_input *input, uint64_t cards,
                                  const char *path, struct err *err);

#endif
