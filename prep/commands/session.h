/* prep/commands/session.h - what `run` and `check` both need before the first card: job, workers' keeper, inputs, survey. */
#ifndef PREP_SESSION_H
#define PREP_SESSION_H

#include "prep/pool/pool.h"
#include "prep/commands/key_history.h"
#include "prep/commands/survey.h"

struct session_options {
    uint64_t workers;   /* 0: as the job says */
    const char *output; /* replaces the job's output; NULL: as the job says */
    const char *job_id; /* 32 hex digits; NULL: drawn at random */
    bool no_token;      /* start no keeper */
    bool no_survey;     /* errors of lint only */
    bool asks_log;      /* a job with an audit log is held against it */
    bool writes;        /* the output file must be free to be made */
};

struct session {
    struct job *job;
    struct job_identity identity;
    uint8_t settings_hash[SHA256_LEN];
    struct pool *pool; /* NULL with no_token; workers are not open yet */
    struct card_reader *reader;
    struct planner *planner;
    struct survey survey;
    bool surveyed;
    struct buf unused_fields; /* warnings, one per line: fields of the input that nothing asks for */
    struct history *history;  /* of the job's audit log; NULL: it has none, or nobody asked */
    struct buf key_warnings;  /* from the log, one per line */
    struct buf findings;      /* of lint: warnings, one per line */
};

/* Loads and lints the job, holds its keys against its audit log, starts the keeper (PINs), opens the inputs and surveys them, in this order. An error of lint is an
 * err here: its first line, ERR_CONFIG. On false everything is released. */
MUST_CHECK bool session_open(struct session *s, const char *job_path, const struct session_options *options,
                             struct err *err);
void session_close(struct session *s);

#endif
