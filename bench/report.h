/* bench/report.h - what was measured, as JSON (docs/PERFORMANCE.md says how to read it). */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>

#include "bench/measure.h"

/* One job's object; NULL: memory exhausted. */
json_t *report_job(const struct measurement *m);
/* The machine and the settings. */
json_t *report_head(const struct measure_settings *settings);

#endif
