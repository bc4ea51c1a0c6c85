/* bench/timing.h - what is kept of many measured times, and of a few measured rates. Times are in microseconds. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

struct timing {
    uint64_t count;
    double sum, sum_of_squares, min, max;
};
void timing_add(struct timing *t, double us);
/* As if the times of `more` had been added one by one. */
void timing_join(struct timing *t, const struct timing *more);
/* 0 without times. */
double timing_mean(const struct timing *t);
double timing_deviation(const struct timing *t);

/* Single times, for their median: what the machine does besides hits the mean and not it. */
enum { SAMPLES_MAX = 1 << 16 };
struct samples {
    size_t count;
    double us[SAMPLES_MAX];
};
/* Without effect when full. */
void samples_add(struct samples *s, double us);
/* 0 without times; sorts them. */
double samples_median(struct samples *s);

/* The same quantity out of several rounds. */
enum { ROUNDS_MAX = 32 };
struct rounds {
    double values[ROUNDS_MAX];
    size_t count;
};
/* Without effect when full. */
void rounds_add(struct rounds *r, double value);
struct spread {
    double min, median, max;
};
struct spread rounds_spread(const struct rounds *r);

/* Monotonic clock; time on a core of this process; of its children that have ended, with theirs. */
double clock_us(void);
double cpu_us(void);
double cpu_of_children_us(void);

#endif
