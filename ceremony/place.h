/* ceremony/place.h - one key of the plan on one of its tokens. */
#ifndef CEREMONY_PLACE_H
#define CEREMONY_PLACE_H

#include "ceremony/ceremony.h"
#include "ceremony/check_value.h"

struct place {
    const struct plan_key *key;
    const char *token_name;
    struct hsm_token *token; /* the ceremony's */
    char name[PLAN_KEY_NAME_MAX];
    struct hsm_key_ref ref;
    bool there;
};

/* The key on the index-th of its tokens, which is opened. False: as tokens_open, or a role of sessions (ERR_CONFIG). */
MUST_CHECK bool place_open(struct ceremony *c, const struct plan_key *key, size_t index, struct place *p,
                           struct err *err);
/* Role, size and check value (its own, and against the plan's and the log's) of a key that is there. A sitting writes down one
 * that the log does not know.
 * False (ERR_TOKEN): not there, or other than the plan says. */
MUST_CHECK bool place_look(struct ceremony *c, struct place *p, struct check_value *check, struct err *err);
/* Is this the check value that the log has for the key, if it has one? The plan's cannot overrule it. False: ERR_TOKEN. */
MUST_CHECK bool place_compare_with_log(const struct ceremony *c, const struct plan_key *key,
                                       const struct check_value *check, struct err *err);
/* A generated key that its token lost cannot be made again; one that officers destroyed is, if they say so.
 * False (ERR_TOKEN): the plan or the audit log has a check value for it; they do not. */
MUST_CHECK bool place_may_make(const struct ceremony *c, const struct place *p, struct err *err);
/* A pair's size, exponent and check value, against the plan. */
MUST_CHECK bool place_check_pair(const struct place *p, const struct hsm_pair *pair,
                                 struct check_value *check, struct err *err);
/* A pair of the plan, on the first of its tokens.
 * False: no such pair in the plan (ERR_CONFIG), or not on the token (ERR_TOKEN). */
MUST_CHECK bool place_find_pair(struct ceremony *c, const char *name, struct hsm_token **t,
                                struct hsm_pair *out, struct err *err);
/* Is it there? A token that is still to be initialised holds nothing. */
MUST_CHECK bool place_pair_is_there(struct ceremony *c, const char *name, bool *there, struct err *err);
/* Is the key to be on a token that is still to be initialised, or that this ceremony does not open? */
bool place_is_absent(const struct ceremony *c, const struct plan_key *key, size_t index);
/* Does this token get the key by a hand-over file? NULL: no. */
const struct plan_hand_over *place_hand_over(const struct plan_key *key, size_t index);

#endif
