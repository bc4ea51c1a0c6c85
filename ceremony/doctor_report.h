/* ceremony/doctor_report.h - the doctor's findings, for people (80 columns, no colour) and for machines (cardkeys(1)
 * describes the JSON). */
#ifndef CEREMONY_DOCTOR_REPORT_H
#define CEREMONY_DOCTOR_REPORT_H

#include "hsm/examine.h"

struct doctor_report {
    struct hsm_token *token;
    unsigned programs;            /* HSM_FOR_…: what was asked for */
    struct hsm_outcome *outcomes; /* hsm_trial_count() of them */
};

/* "prep" (len 4) as HSM_FOR_PREP; 0 for another word. */
unsigned doctor_program(const char *name, size_t len);
/* Could each of the programs asked for run? */
bool doctor_all_run(const struct doctor_report *report);
/* To standard output. False (ERR_FILE): it cannot be written. */
MUST_CHECK bool doctor_print(const struct doctor_report *report, struct err *err);
MUST_CHECK bool doctor_print_json(const struct doctor_report *report, struct err *err);

#endif
