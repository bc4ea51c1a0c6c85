/* bureau/commands/check_report.h - what cardbureau check found, for people and as JSON. */
#ifndef BUREAU_CHECK_REPORT_H
#define BUREAU_CHECK_REPORT_H

#include "bureau/registry.h"
#include "bureau/ways.h"
#include "formats/public_check.h"

struct check_report { /* everything borrowed */
    const char *path;
    const struct mic_file_summary *file;
    const struct public_counts *records; /* of the records checked */
    const struct ways *ways;             /* sorted */
    struct registry_counts counts;
    uint64_t first, last; /* record numbers asked for */
    uint64_t checked, took_ms;
    bool keys_only, whole;
};

/* To stdout. False (ERR_FILE): it cannot be written; ERR_INTERNAL. */
MUST_CHECK bool check_report_print(const struct check_report *r, bool json, struct err *err);

#endif
