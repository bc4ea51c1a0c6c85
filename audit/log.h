/* audit/log.h - the audit log, open for appending: docs/formats/audit-log.md.
 *
 * Append only, one write and one fsync per line, mode 0600. Several programs may have the same log open: the lock (flock) is
 * held for one line at a time, and what others appended meanwhile is read and checked first. The chain is checked as a
 * whole when the log is opened. The first open has the process ignore SIGXFSZ, so that a limit on file sizes is an error.
 *
 * What a fallen program or machine left behind is mended before the next line: a last line that is whole but for its LF gets
 * it; one that is cut is replaced by an event "cut-line" with the number and the SHA-256 of the bytes that stood there. */
#ifndef AUDIT_LOG_H
#define AUDIT_LOG_H

#include "audit/line.h"
#include "base/clock.h"

struct audit_log;

#define AUDIT_CLOSING "close"

struct audit_log_settings {
    const char *program; /* "cardkeys 0.1.0"; borrowed for as long as the log is open */
    clock_fn *now;       /* clock_now; a test gives its own */
    void *now_context;
    bool create; /* a log that is not there is begun; else that is an error */
};

/* Opens the log and checks it. False: ERR_INTEGRITY, `PATH:LINE: what is wrong`; ERR_FILE: it is not there, no regular file, a
 * link, may be written by others than its owner, or is locked for more than 10 s. */
MUST_CHECK bool audit_log_open(struct audit_log **out, const char *path,
                               const struct audit_log_settings *settings, struct err *err);
void audit_log_free(struct audit_log *log); /* closes; lets go */

/* Appends one event. False, and no line of it in the log: the event's fault (audit/event.h), as audit_log_open for what others
 * appended, the file was exchanged or cut meanwhile (ERR_INTEGRITY), disk full or a limit (ERR_FILE). */
MUST_CHECK bool audit_log_append(struct audit_log *log, const struct audit_event *e, struct err *err);

/* Signs with RSASSA-PKCS1-v1_5 and SHA-256; id is the SHA-256 of its SubjectPublicKeyInfo. */
struct audit_signer {
    bool (*sign)(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err);
    void *context;
    uint8_t id[SHA256_LEN];
};
/* Appends the closing of a ceremony: the event, which must be named "close", which gets the members signer and
 * signature behind its own. The signature is over audit_closing_data. False: also what sign says; the
 * event is spent in any case. The lock is held while it signs. */
MUST_CHECK bool audit_log_append_closing(struct audit_log *log, struct audit_event *e,
                                         const struct audit_signer *signer, struct err *err);
/* What a closing signs: "cardprep-audit-1" ‖ 00 ‖ hash of the line before ‖ sequence number of the closing (8 bytes) ‖ its
 * time (20 characters). */
void audit_closing_data(struct buf *out, const uint8_t prev[SHA256_LEN], uint64_t seq, const char *time);

/* Keeps the lock over several lines, and reads what others have appended until now: whoever decides by what the log says
 * (history_load_log) and then appends, does both in between. False: as audit_log_append. */
MUST_CHECK bool audit_log_hold(struct audit_log *log, struct err *err);
void audit_log_let_go(struct audit_log *log);

/* The last line, of this program's or seen when the lock was last taken. For a report, as an anchor (audit/verify.h). */
const struct audit_head *audit_log_head(const struct audit_log *log);
const char *audit_log_path(const struct audit_log *log);

#endif
