/* bench/measure.h - all measurements of one job, in rounds: the token alone, cardprep with one worker, the token alone, cardprep with
 * two, two processes on the token at once. So whatever else the machine does hits what is compared. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>

#include "bench/raw.h"
#include "bench/ready_pairs.h"
#include "bench/run_cardprep.h"

struct measure_settings {
    const char *cardprep; /* the program */
    double seconds;       /* of each measurement */
    uint64_t rounds;      /* at most ROUNDS_MAX */
    uint64_t pairs;       /* generated for the token's own table, at least */
    uint64_t memory_small, memory_large, memory_large_with_pairs; /* records; 0: not measured */
    FILE *people;                                                 /* what is under way; NULL: silent */
};

/* cardprep with 1 or 2 workers, over all rounds. */
struct measured_run {
    unsigned workers;
    uint64_t cards;
    double cards_s, cpu_us;
    struct rounds rate, whole_rate; /* cards a second: while cards are prepared; of the whole run */
    struct rounds ratio;            /* of rate to the bound of the same round */
};
enum { RUNS = 2, MEMORY_RUNS = 2 };
struct measurement {
    const struct job *job;
    bool has_pairs;
    struct raw_costs token;      /* filled by measure_token */
    struct raw_costs card;       /* one process, all rounds */
    struct rounds bound;         /* cards a second of one process */
    struct rounds two_processes; /* both together, at the same time */
    struct measured_run runs[RUNS];
    struct rounds two_to_one; /* cardprep: 2 workers to 1 */
    struct rounds two_processes_to_one;
    struct ready_result ready; /* in one process, pairs made beforehand */
    struct run_result memory[MEMORY_RUNS];
};

/* A line for people, if there are any. */
void measure_say(const struct measure_settings *settings, const char *format, ...) PRINTF_LIKE(2, 3);
MUST_CHECK bool measure_token(struct measurement *m, const struct measure_settings *settings,
                              struct err *err);
/* m->job is set. */
MUST_CHECK bool measure_job(struct measurement *m, const struct bench_input *input,
                            const struct measure_settings *settings, struct err *err);

#endif
