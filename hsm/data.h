/* hsm/data.h - data objects and public keys on a token, through pkcs11-helper's calls; ceremonies only, before any session
 * key exists (a failed lookup makes the helper log in anew, which ends session objects). */
#ifndef HSM_DATA_H
#define HSM_DATA_H

#include "hsm/token.h"

/* One line per token that a module shows: label, serial, model. */
typedef void hsm_token_seen_fn(void *context, const char *label, const char *serial, const char *model);
MUST_CHECK bool hsm_token_list(const char *module, const char *parameters, hsm_token_seen_fn *seen,
                               void *context, struct err *err);

#endif
