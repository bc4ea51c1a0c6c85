/* ceremony/plan_entry.h - the next version of a key as an entry of a plan's text. */
#ifndef CEREMONY_PLAN_ENTRY_H
#define CEREMONY_PLAN_ENTRY_H

#include "base/buf.h"
#include "config/plan.h"

/* Appends the YAML list item for key's next version: the same in everything but version, label, check values (they are not
 * known yet), dates (to be set by the officers) and the names of hand-over files, which get the new version.
 * False (ERR_CONFIG): a pair, a key without a version, TEST components. */
MUST_CHECK bool plan_entry_next(const struct plan *p, const struct plan_key *key, struct buf *out,
                                struct err *err);
/* Appends the plan's text with `entry` set in behind the key's own. False (ERR_FILE): the plan cannot be read. */
MUST_CHECK bool plan_entry_insert(const struct plan *p, const struct plan_key *key, const struct buf *entry,
                                  struct buf *out, struct err *err);

#endif
