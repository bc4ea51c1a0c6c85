/* bench/bureau/report.h - what was measured of the bureau, as JSON (docs/PERFORMANCE.md says how to read it). */
#ifndef BENCH_BUREAU_REPORT_H
#define BENCH_BUREAU_REPORT_H

#include "bench/bureau/measure.h"
#include "bench/report.h"

/* A job's part; NULL: memory exhausted. */
json_t *bureau_report_job(const struct bureau_measurement *m, const struct bureau_measure_settings *settings);
/* Readers alone; without any, why. */
json_t *bureau_report_readers(const struct contact_pace paces[PACES],
                              const struct bureau_measure_settings *settings);

#endif
