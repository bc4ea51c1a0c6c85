/* ceremony/report_text.h - the auditor's report of a plan as text: documents and programs with their hashes, keys as they are
 * on the tokens, exceptions taken, and everything that the audit log says. */
#ifndef CEREMONY_REPORT_TEXT_H
#define CEREMONY_REPORT_TEXT_H

#include "ceremony/ceremony.h"

/* Appends the report; opens the tokens that are here. False: a key is not as it must be, the log is broken or not there. */
MUST_CHECK bool report_text(struct ceremony *c, struct buf *out, struct err *err);

#endif
