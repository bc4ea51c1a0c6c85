/* hsm/tokens.h - which tokens a module shows, through pkcs11-helper. */
#ifndef HSM_TOKENS_H
#define HSM_TOKENS_H

#include "hsm/token.h"

/* One line per token that a module shows: label, serial, model. */
typedef void hsm_token_seen_fn(void *context, const char *label, const char *serial, const char *model);
MUST_CHECK bool hsm_token_list(const char *module, const char *parameters, hsm_token_seen_fn *seen,
                               void *context, struct err *err);

#endif
