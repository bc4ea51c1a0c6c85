/* bench/report.h - what was measured, as JSON (docs/PERFORMANCE.md says how to read it). */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>

#include "bench/measure.h"

/* One job's object; NULL: memory exhausted. */
json_t *report_job(const struct measurement *m);
/* Parts of it, for bench/bureau/report.c. Without an application for what belongs to none. */
json_t *report_number(double value, int digits);
json_t *report_spread(const struct rounds *r, int digits);
json_t *report_operation(const struct operation_cost *o, const char *application);
/* The machine and the settings. */
json_t *report_head(const struct measure_settings *settings);

#endif
