/* ceremony/components.h - a key out of its components (docs/KEYS.md): collected, each compared with its check value,
 * combined. The file's head names the exception that this is. */
#ifndef CEREMONY_COMPONENTS_H
#define CEREMONY_COMPONENTS_H

#include "ceremony/ceremony.h"
#include "ceremony/check_value.h"

/* Collects the key's 2 or 3 components (hidden entry by each custodian, a 0600 file, or the TEST text in the plan),
 * XORs them into *value, which the caller releases, gives DES keys odd parity, and computes the check value.
 * False, with nothing left in *value: a component is not hex or has another length than the key; its check value or
 * the combined key's differs from the plan's; a file may be read by others; TEST text in a plan that is not TEST;
 * the combined key is zero or, for DES, has equal parts. */
MUST_CHECK bool components_combine(struct ceremony *c, const struct plan_key *key, struct secret *value,
                                   struct check_value *check, struct err *err);

/* The same where the token can add components inside (hsm_combine_can): each goes into the token as soon as it is there, and
 * the sum is a session key of role HSM_ROLE_COMBINING, in *out, for hsm_travel_install. False, with no key left: as above, save
 * that equal parts of a DES key do not show; the token refuses. */
MUST_CHECK bool components_combine_inside(struct ceremony *c, const struct plan_key *key, struct hsm_token *t,
                                          struct hsm_key *out, struct check_value *check, struct err *err);

#endif
