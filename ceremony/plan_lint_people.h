/* ceremony/plan_lint_people.h - the rules of a plan about people: who must be named, and who types what. */
#ifndef CEREMONY_PLAN_LINT_PEOPLE_H
#define CEREMONY_PLAN_LINT_PEOPLE_H

#include "config/plan.h"

/* Of the plan as a whole. A plan that is not TEST names an officer; PINs in halves and dual control take two. */
MUST_CHECK bool plan_lint_people(const struct plan *p, struct err *err);
/* Of a key: its custodians are among the plan's, where it names people; a letter goes where letters may go. */
MUST_CHECK bool plan_lint_custodians(const struct plan *p, const struct plan_key *key, struct err *err);

#endif
