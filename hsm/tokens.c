/* hsm/tokens.c - which tokens a module shows. */
#include "hsm/tokens.h"

#include "hsm/module.h"

bool hsm_token_list(const char *module, const char *parameters, hsm_token_seen_fn *seen, void *context,
                    struct err *err)
{
    struct hsm_module *m = NULL;
    unsigned long rv = 0;
    if (!hsm_module_open(&m, module, parameters, &rv, err)) return false;
    bool ok = hsm_module_tokens(m, seen, context, err);
    hsm_module_release(m);
    return ok;
}
