/* prep/commands/key_history.h - a job with an audit log: what the log says of the keys that the job names
 * (docs/formats/audit-log.md, audit/history.h).
 *
 * Masters are found by name and version; the KEK as "KEK" and version, else by its label; signing and issuer pairs by their
 * labels, so one that the job names by URI is not looked at. */
#ifndef PREP_COMMANDS_KEY_HISTORY_H
#define PREP_COMMANDS_KEY_HISTORY_H

#include "audit/history.h"
#include "prep/usage.h"

/* Reads and verifies the job's log, and holds its keys against it; `today` is YYYY-MM-DD. Warnings go to `warnings`, one per
 * line: a key that ends within 30 days, one that was followed by a version which the job does not name, one that the log does not
 * know, a cut last line. False: ERR_INTEGRITY (the log is broken), ERR_FILE (it is not there), ERR_CONFIG: a key that is not
 * good today, is destroyed, or has another check value than in the log. */
MUST_CHECK bool key_history_load(struct history **out, const struct job *job, const char *today,
                                 struct buf *warnings, struct err *err);
/* Adds to `warnings` each master whose limit this run passes; `planned` has one usage per key of the job. False (ERR_CONFIG):
 * the limit of such a key is to be kept. */
MUST_CHECK bool key_history_limits(const struct history *h, const struct job *job,
                                   const struct usage *planned, struct buf *warnings, struct err *err);
/* Blocks that the log has for this key of the job, and its limit. */
uint64_t key_history_used(const struct history *h, const struct key_settings *key);
struct history_limit key_history_limit(const struct history *h, const struct key_settings *key);

#endif
