/* hsm/combine.h - components combined inside the token, by CKM_XOR_BASE_AND_DATA (PKCS #11 v2.40 mechanisms, 2.43).
 *
 *   hsm_combine_first(t, algorithm, &a, &key, err) && hsm_combine_next(t, &key, &b, err) && hsm_travel_install(t, &key, …)
 *
 * The key is a session object, SENSITIVE and EXTRACTABLE, whose check value is asked for with role HSM_ROLE_COMBINING.
 * Components enter the token, the key is never outside. DES keys have odd parity at every step, on every token. */
#ifndef HSM_COMBINE_H
#define HSM_COMBINE_H

#include "hsm/key.h"

/* *can: whether this token combines; one trial with random session keys. False (ERR_TOKEN): it could not be found out. */
MUST_CHECK bool hsm_combine_can(struct hsm_token *t, bool *can, struct err *err);
/* The first component as a key. component stays the caller's.
 * False (ERR_CONFIG): it has another length than the algorithm's, or is all zero; (ERR_TOKEN): the token refuses. */
MUST_CHECK bool hsm_combine_first(struct hsm_token *t, enum hsm_algorithm algorithm,
                                  const struct secret *component, struct hsm_key *out, struct err *err);
/* Adds a component: *key is destroyed and replaced by their XOR.
 * False, with *key as it was: as above; the result is all zero, because components cancel out (ERR_CONFIG). */
MUST_CHECK bool hsm_combine_next(struct hsm_token *t, struct hsm_key *key, const struct secret *component,
                                 struct err *err);

#endif
