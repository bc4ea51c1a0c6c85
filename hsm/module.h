/* hsm/module.h - a PKCS#11 module in this process, loaded and initialised through pkcs11-helper. Internal to hsm/. */
#ifndef HSM_MODULE_H
#define HSM_MODULE_H

#include "base/err.h"
#include "hsm/tokens.h"

struct hsm_module;

/* Loads the module and initialises it with OS locking (soft tokens corrupt their heap without). `parameters` goes in as
 * LibraryParameters (NSS). *rv is the Cryptoki return value behind a failure, or 0 if there was none.
 * False (ERR_TOKEN): it cannot be loaded, is in use in this process already, or does not initialise. */
MUST_CHECK bool hsm_module_open(struct hsm_module **out, const char *path, const char *parameters,
                                unsigned long *rv, struct err *err);
/* One user more; one less, and after the last the module is finalized and unloaded. NULL is fine. */
void hsm_module_hold(struct hsm_module *m);
void hsm_module_release(struct hsm_module *m);
/* The module's C_GetFunctionList (a CK_C_GetFunctionList behind a neutral type). */
typedef unsigned long hsm_any_fn(void **list);
hsm_any_fn *hsm_module_entry(const struct hsm_module *m);
const char *hsm_module_path(const struct hsm_module *m);
/* All tokens that the helper sees now. */
MUST_CHECK bool hsm_module_tokens(struct hsm_module *m, hsm_token_seen_fn *seen, void *context,
                                  struct err *err);

#endif
