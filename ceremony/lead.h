/* ceremony/lead.h - leads people through a plan's steps, one after another: says what is to be done, by whom and why, waits
 * until they are ready, does it, shows what came of it. No step can be skipped; what is done already is said and passed
 * over, so that a ceremony can be left after any step and continued another day. */
#ifndef CEREMONY_LEAD_H
#define CEREMONY_LEAD_H

#include "ceremony/step.h"

struct lead_tally {
    size_t made, there, waiting, elsewhere;
};
/* Every step that is done here. Each is reported through `done` as in steps_each. With a dialogue that asks, a step that
 * failed may be tried again; unattended, the first failure ends it.
 * False: the step that failed or was left (ERR_INTERRUPTED); all before it stays. */
MUST_CHECK bool lead_through(struct ceremony *c, step_done_fn *done, void *context, struct lead_tally *tally,
                             struct err *err);
/* One step alone, led and written down in the same way. */
MUST_CHECK bool lead_step(struct ceremony *c, const struct step *s, struct step_result *r, struct err *err);

/* "Who: …", "What: …" and so on, on the screen. */
void lead_tell(const struct ceremony *c, const struct step_story *story);

#endif
