/* ceremony/closing.h - the last step: the audit log is closed by a signature made in the token, and its end is anchored on
 * the token, so that a log that was cut short later is seen. */
#ifndef CEREMONY_CLOSING_H
#define CEREMONY_CLOSING_H

#include "ceremony/step.h"

size_t closing_count(const struct plan *p);
void closing_describe(const struct plan *p, size_t index, char *text, size_t size);
void closing_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool closing_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool closing_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

/* The signature alone, for a ceremony that ends early: made where a token with a signing pair is open, else left. */
MUST_CHECK bool closing_sign_if_open(struct ceremony *c, struct err *err);

/* What the token keeps: number (8 bytes) and hash (32 bytes) of the log's last line, as a data object of this label. */
#define CLOSING_ANCHOR_LABEL "cardkeys-audit-end"
enum { CLOSING_ANCHOR_LEN = 40 };

#endif
