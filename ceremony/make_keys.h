/* ceremony/make_keys.h - the plan's keys, each on each of its tokens in that token's role. */
#ifndef CEREMONY_MAKE_KEYS_H
#define CEREMONY_MAKE_KEYS_H

#include "ceremony/step.h"

size_t make_keys_count(const struct plan *p);
void make_keys_describe(const struct plan *p, size_t index, char *text, size_t size);
/* A key that is there is checked against role, size and check value: right is "already there", wrong is refused. */
MUST_CHECK bool make_keys_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool make_keys_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

/* A pair of the plan by its name, on the first of its tokens; *t is the ceremony's.
 * False: no such pair in the plan (ERR_CONFIG), or not on the token (ERR_TOKEN). */
MUST_CHECK bool make_keys_find_pair(struct ceremony *c, const char *name, struct hsm_token **t,
                                    struct hsm_pair *out, struct err *err);
/* Is it there? A token that is still to be initialised holds nothing. */
MUST_CHECK bool make_keys_pair_is_there(struct ceremony *c, const char *name, bool *there, struct err *err);

#endif
