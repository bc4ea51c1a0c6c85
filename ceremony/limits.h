/* ceremony/limits.h - how much a master key may encrypt before cardprep warns or stops: the plan's limits, put in force by
 * writing them into the audit log, which cardprep reads. Raising one that is in force takes two officers. */
#ifndef CEREMONY_LIMITS_H
#define CEREMONY_LIMITS_H

#include "ceremony/step.h"

size_t limits_count(const struct plan *p);
void limits_describe(const struct plan *p, size_t index, char *text, size_t size);
bool limits_is_at(const struct plan *p, size_t index, const char *site);
void limits_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool limits_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool limits_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

#endif
