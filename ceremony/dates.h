/* ceremony/dates.h - how long keys may be used: the plan's dates, put in force by writing them into the audit log, which
 * cardprep reads. They are written with the key when it is made; a plan that gives other dates later has a step to do. */
#ifndef CEREMONY_DATES_H
#define CEREMONY_DATES_H

#include "ceremony/step.h"

size_t dates_count(const struct plan *p);
void dates_describe(const struct plan *p, size_t index, char *text, size_t size);
bool dates_is_at(const struct plan *p, size_t index, const char *site);
void dates_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool dates_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool dates_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

#endif
