/* hsm/trust.h - a foreign signer's public key on our token (role trusted-signer): put there in a ceremony, under a
 * fingerprint that people compared, and then the only signer whose files are accepted. */
#ifndef HSM_TRUST_H
#define HSM_TRUST_H

#include "hsm/public.h"

/* Puts the key onto the token: TOKEN, PRIVATE, VERIFY only, not MODIFIABLE, and where taken not COPYABLE. ref's role is
 * HSM_ROLE_TRUSTED_SIGNER, its algorithm HSM_RSA. What is there is read back and compared.
 * False: another role (ERR_CONFIG); the label is taken, or the token refuses or changes it (ERR_TOKEN): then nothing is
 * on the token. */
MUST_CHECK bool hsm_trust_import(struct hsm_token *t, const struct hsm_key_ref *ref,
                                 const struct hsm_public *key, struct err *err);
/* Finds the one key and checks that its attributes are the role's.
 * False (ERR_TOKEN): none, more than one, no RSA key, other attributes. */
MUST_CHECK bool hsm_trust_find(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_public *out,
                               struct err *err);

#endif
