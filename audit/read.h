/* audit/read.h - the lines of an audit log, one after another, each checked against the one before it. Memory is bounded by
 * one line.
 *
 * A last line that lacks its LF was being written when its program or machine fell. Whole and in its place, it counts
 * (`unended`); otherwise its bytes are `cut` and handed to nobody. Neither is an error here: the next program that appends
 * mends the file and says so in it (audit/log.h), and audit_verify refuses it. */
#ifndef AUDIT_READ_H
#define AUDIT_READ_H

#include "audit/line.h"
#include "base/reader.h"

struct audit_read;

/* Opens a log; it is locked only while its length is taken, so lines that are added later are not seen. False (ERR_FILE):
 * it cannot be read, or is locked for more than 10 s. */
MUST_CHECK bool audit_read_open(struct audit_read **out, const char *path, struct err *err);
/* Over an open reader, which it takes over and frees also when the result is false. */
MUST_CHECK bool audit_read_over(struct audit_read **out, struct reader *reader, struct err *err);
/* The same behind a line that is known already: `offset` is where its LF ends. */
MUST_CHECK bool audit_read_over_from(struct audit_read **out, struct reader *reader,
                                     const struct audit_head *head, uint64_t offset, struct err *err);
void audit_read_free(struct audit_read *r);

/* The next line, borrowed until the next call; NULL behind the last. False: ERR_INTEGRITY, `PATH:LINE: what is wrong`
 * (audit_line_parse; a line longer than AUDIT_LINE_MAX; CR before LF), or ERR_FILE. */
MUST_CHECK bool audit_read_next(struct audit_read *r, const struct audit_line **line, struct err *err);
/* The last line that was read. */
const struct audit_head *audit_read_head(const struct audit_read *r);

struct audit_read_end {
    uint64_t whole; /* offset at which the last good line ends */
    bool unended;   /* it lacks its LF */
    uint64_t cut;   /* bytes behind it that are no whole line */
};
/* How the file ends; known once audit_read_next has given NULL. */
struct audit_read_end audit_read_end(const struct audit_read *r);
const char *audit_read_path(const struct audit_read *r);

#endif
