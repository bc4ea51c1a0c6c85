#include "bench/timing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void timing_add(struct timing *t, double us)
{
    const struct timing one = {.count = 1, .sum = us, .sum_of_squares = us * us, .min = us, .max = us};
    timing_join(t, &one);
}

void timing_join(struct timing *t, const struct timing *more)
{
    if (more->count == 0) return;
    if (t->count == 0 || more->min < t->min) t->min = more->min;
    if (t->count == 0 || more->max > t->max) t->max = more->max;
    t->count += more->count;
    t->sum += more->sum;
    t->sum_of_squares += more->sum_of_squares;
}

double timing_mean(const struct timing *t)
{
    return t->count ? t->sum / (double)t->count : 0;
}

double timing_deviation(const struct timing *t)
{
    if (t->count < 2) return 0;
    const double n = (double)t->count, variance = (t->sum_of_squares - t->sum * t->sum / n) / (n - 1);
    return variance > 0 ? sqrt(variance) : 0;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void samples_add(struct samples *s, double us)
{
    if (s->count < SAMPLES_MAX) s->us[s->count++] = us;
}

/* Of n sorted values. */
static double middle(const double *sorted, size_t n)
{
    return n > 0 ? (sorted[(n - 1) / 2] + sorted[n / 2]) / 2 : 0;
}

double samples_median(struct samples *s)
{
    qsort(s->us, s->count, sizeof(s->us[0]), compare);
    return middle(s->us, s->count);
}

void rounds_add(struct rounds *r, double value)
{
    if (r->count < ROUNDS_MAX) r->values[r->count++] = value;
}

struct spread rounds_spread(const struct rounds *r)
{
    double sorted[ROUNDS_MAX];
    const size_t n = r->count;
    if (n == 0) return (struct spread){0, 0, 0};
    memcpy(sorted, r->values, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), compare);
    return (struct spread){sorted[0], middle(sorted, n), sorted[n - 1]};
}

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double clock_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double cpu_us(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double cpu_of_children_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_CHILDREN, &usage) != 0) return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
