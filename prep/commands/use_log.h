/* prep/commands/use_log.h - a run writes its use of master keys into the job's audit log: before the first card one line
 * "use-begin" per key, after the last one "use" each (docs/formats/audit-log.md). A run that is killed leaves the first alone,
 * and then all that it had planned counts as used. */
#ifndef PREP_COMMANDS_USE_LOG_H
#define PREP_COMMANDS_USE_LOG_H

#include "audit/log.h"
#include "prep/usage.h"

struct use_log;

struct use_plan {
    const struct job *job;
    const uint8_t *job_id;       /* JOB_ID_LEN */
    const struct usage *planned; /* one per key of the job; keys without derivations get no line */
    uint64_t first, last;        /* records of the input */
};

/* Checks the limits once more, now that no other run can come in between, and writes the beginnings. All is borrowed until
 * use_log_end. False: as audit_log_append and key_history_limits; *out is then not set, but lines may stand in the log. */
MUST_CHECK bool use_log_begin(struct use_log **out, const struct use_plan *plan, struct err *err);
/* Writes the ends: `actual` has one usage per key of the job. To be called once, whatever became of the run. False: as
 * audit_log_append; the keys for which no line could be written count as planned. */
MUST_CHECK bool use_log_end(struct use_log *u, const struct usage *actual, struct err *err);
void use_log_free(struct use_log *u); /* NULL is fine */

#endif
