/* ceremony/plan_needs.h - what the keys of a plan ask of their tokens, to be tried before people travel. */
#ifndef CEREMONY_PLAN_NEEDS_H
#define CEREMONY_PLAN_NEEDS_H

#include "ceremony/ceremony.h"
#include "hsm/probe.h"

/* Called for each ability that a key needs on this token and the token lacks. */
typedef void plan_lack_fn(void *context, const struct plan_key *key, const struct hsm_ability_row *ability,
                          const char *why);
/* The token, open, was examined in full (hsm_probe). */
void plan_needs_each_lack(const struct plan *p, size_t token, const struct hsm_profile *profile,
                          plan_lack_fn *lack, void *context);

#endif
