/* bench/input.h - the cards that are measured: made here, or the job's own. */
#ifndef BENCH_INPUT_H
#define BENCH_INPUT_H

#include "config/job.h"

struct bench_input {
    const struct job *job;
    bool ours; /* the file was not there: it is written here and removed in the end */
};

/* Is the job's input there already? Then it is taken as it stands. False (ERR_CONFIG): it is not, and it is no CSV with header. */
MUST_CHECK bool bench_input_open(struct bench_input *in, const struct job *job, struct err *err);
/* Writes so many cards, with the fields of the shipped profiles; nothing if the input is the job's own. */
MUST_CHECK bool bench_input_write(const struct bench_input *in, uint64_t cards, struct err *err);
void bench_input_close(const struct bench_input *in);

#endif
