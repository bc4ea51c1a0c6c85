/* prep/accounts/ledger.h - MIC files, return files and remake lists held against each other: which record is where, and what is
 * wrong. Everything that grows with the number of cards stands in a temporary database (prep/input/temp_db.h).
 *
 * MIC files and remake lists are added before return files. What is added twice counts once. */
#ifndef PREP_LEDGER_H
#define PREP_LEDGER_H

#include "formats/mic_file.h"
#include "formats/remake_list.h"
#include "prep/accounts/account.h"

struct ledger;

MUST_CHECK bool ledger_new(struct ledger **out, struct err *err);
void ledger_free(struct ledger *l); /* NULL is fine */

/* Reads all records of an open file. False: ERR_INPUT, it does not go with those before: another plan of the same job, a shard or
 * a pass beside one of them; what mic_file_next says; ERR_FILE, no room for the database. */
MUST_CHECK bool ledger_add_mic(struct ledger *l, const char *path, struct mic_file *file, struct err *err);
/* False: ERR_INPUT, another list of this job has the same number; ERR_FILE. */
MUST_CHECK bool ledger_add_remakes(struct ledger *l, const char *path, const struct remake_list *list,
                                   struct err *err);
/* Reads all lines. A file that is of none of the MIC files is a finding, no error. False: as return_file_next; ERR_FILE. */
MUST_CHECK bool ledger_add_returns(struct ledger *l, const char *path, struct return_file *file,
                                   struct err *err);

/* A job, that is all passes and shards of it. */
struct ledger_job {
    uint8_t job_id[JOB_ID_LEN];      /* of its first pass */
    char name[JOB_NAME_MAX + 1];     /* in the file that was added first */
    uint64_t planned;                /* records, as its JOB groups say */
    uint16_t shards, shards_given;   /* … of which a MIC file was added */
    uint64_t states[ACCOUNT_STATES]; /* records, by how they stand */
    uint64_t wrong;                  /* records with a fault */
    uint64_t not_given;              /* records of shards that are not here */
};
size_t ledger_job_count(const struct ledger *l);
const struct ledger_job *ledger_job_at(const struct ledger *l, size_t index);
/* Whether one of its files, of any pass, has this job name. */
bool ledger_job_is_called(const struct ledger *l, size_t index, const char *name);

/* What is not as it should be: a record that is not closed, or something that is wrong. */
struct ledger_finding {
    const char *word;             /* "not-told", "made-twice", … */
    const struct ledger_job *job; /* NULL: of no job that is known */
    uint64_t first, last;         /* records; 0: none in particular */
    const char *text;             /* goes on after "record 5: " */
};
typedef bool ledger_finding_fn(void *context, const struct ledger_finding *f, struct err *err);
/* Counts every record of every job, once, and gives each finding. False: ERR_FILE, ERR_INTERNAL, what the function says. */
MUST_CHECK bool ledger_settle(struct ledger *l, ledger_finding_fn *found, void *context, struct err *err);
/* After ledger_settle: every record is closed, and there was no finding. */
bool ledger_is_closed(const struct ledger *l);

#endif
