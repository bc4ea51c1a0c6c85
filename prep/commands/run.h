/* prep/commands/run.h - what the parts of `cardprep run` share: run.c (the run itself), run_numbers.c (which records, which
 * numbers, the JOB group) and run_report.c (what it says at its end). */
#ifndef PREP_COMMANDS_RUN_H
#define PREP_COMMANDS_RUN_H

#include "base/interrupt.h"
#include "base/progress.h"
#include "prep/commands/session.h"
#include "prep/commands/set_aside.h"
#include "prep/commands/use_log.h"
#include "prep/write.h"

struct run_options {
    struct session_options session;
    const char *shard; /* "2/4" */
    bool json, help;
};

struct run {
    struct session session;
    struct job_group job_group;
    struct record_writer *writer;
    struct set_aside *set_aside;  /* NULL unless the job sets bad records aside */
    struct usage *planned, *used; /* of a job with an audit log: one per key of the job */
    struct use_log *use_log;      /* from the first card to the last */
    struct interrupt interrupt;
    struct progress progress;
    uint64_t first, last; /* records of this shard */
    uint64_t position;    /* of the reader */
    uint64_t due;         /* number of the next record to be written or set aside */
    bool input_ended, interrupted;
    uint64_t started_ms;
    uint64_t in_cards_ms; /* from the first ready worker to the last record */
};

/* ---- run_numbers.c ---- */
/* Reads --shard into the JOB group. False (ERR_CONFIG): not of the form 2/4, or no --job-id with it. */
MUST_CHECK bool run_read_shard(struct run *r, const struct run_options *options, struct err *err);
/* First and last record of this run's shard; the survey has counted them. */
void run_share_out(struct run *r);
/* Reserves the card numbers of the whole job, once per job id and input. */
MUST_CHECK bool run_reserve_numbers(struct session *s, struct err *err);
/* Card records that will be written, as far as the survey can tell. */
uint64_t run_expected_records(const struct run *r);
/* With an audit log: what this run's share needs of each key, at most, and whether that passes a limit. Warnings go to standard
 * error. False (ERR_CONFIG): it does, and the limit is to be kept. */
MUST_CHECK bool run_plan_uses(struct run *r, struct err *err);
/* The JOB group; the workers have told the KEK. False (ERR_INPUT): too many passes or KEKs. */
MUST_CHECK bool run_fill_job_group(struct run *r, struct err *err);

/* ---- run_report.c ---- */
uint64_t run_set_aside_count(const struct run *r);
/* The summary, to standard output. */
void run_report(const struct run *r, bool json);
/* Rows of joined inputs that no card used, to standard error. */
void run_report_unused(struct run *r);

#endif
