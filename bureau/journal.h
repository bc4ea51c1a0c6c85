/* bureau/journal.h - the journal of cards of one job: docs/formats/journal.md.
 *
 * A file of chained lines (audit/log.h): one write and one fsync each, so that a line is on disk before what it announces is
 * done. One program at a time works on a job's cards; others may read. A program that was killed leaves a journal that is true: no
 * record is on two cards, none is dropped. */
#ifndef BUREAU_JOURNAL_H
#define BUREAU_JOURNAL_H

#include "base/clock.h"
#include "bureau/journal_book.h"
#include "formats/groups.h"

struct journal;

/* The file's name: "BOOKS.<job id in hex>.journal". The caller frees it. */
MUST_CHECK bool journal_path(const char *books_path, const uint8_t job_id[JOB_ID_LEN], char **out,
                             struct err *err);

/* Opens it for work, or begins it, and takes it for this program alone (PATH.lock). False: another works on this job, it cannot be
 * read or written (ERR_FILE); a line was changed or makes no sense, or it is another job's (ERR_INTEGRITY). */
MUST_CHECK bool journal_open(struct journal **out, const char *path, const uint8_t job_id[JOB_ID_LEN],
                             clock_fn *now, void *now_context, struct err *err);
/* For reading only, while others may write. */
MUST_CHECK bool journal_open_reading(struct journal **out, const char *path, const uint8_t job_id[JOB_ID_LEN],
                                     struct err *err);
void journal_free(struct journal *j); /* NULL is fine */
/* A program works on this journal now. */
bool journal_is_held(const char *path);

const struct journal_book *journal_book(const struct journal *j);

/* Each writes a line and is on disk when it returns true. False: as journal_book_may_begin, _may_use and _may_destroy (ERR_INPUT),
 * nothing written; disk full and the like (ERR_FILE): then nothing more must be done with this journal. */
struct journal_begin {
    uint64_t record;
    const char *reader;
    const uint8_t *atr;
    size_t atr_len;
    const char *authority; /* "" or the name of the remake list */
};
MUST_CHECK bool journal_begin(struct journal *j, const struct journal_begin *what, struct card_id *expected,
                              struct err *err);
MUST_CHECK bool journal_known(struct journal *j, uint64_t record, const struct card_id *card,
                              unsigned retries, struct err *err);
struct journal_ending {
    uint64_t record;
    enum card_outcome outcome;
    const char *serial, *what,
        *reason; /* "" where there is none; what is not printable in them is left out */
    uint64_t commands, ms;
    const char *modules; /* made: which are to get their groups now; NULL or "": none */
};
MUST_CHECK bool journal_outcome(struct journal *j, const struct journal_ending *ending, struct err *err);
MUST_CHECK bool journal_module(struct journal *j, uint64_t record, const char *mic, bool done,
                               const char *reason, struct err *err);

/* The card, on which the record is or was, is destroyed. */
MUST_CHECK bool journal_destroy(struct journal *j, uint64_t record, const struct card_id *card,
                                const char *reason, struct err *err);

/* Reads a journal from its first line on; `each` gets every event, in order. Memory is bounded by one line. False: as journal_open, or
 * what `each` says. */
typedef bool journal_each_fn(void *context, const struct journal_event *e, struct err *err);
MUST_CHECK bool journal_walk(const char *path, const uint8_t job_id[JOB_ID_LEN], journal_each_fn *each,
                             void *context, struct err *err);

#endif
