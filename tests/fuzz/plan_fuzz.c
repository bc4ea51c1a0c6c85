/* Whatever is read as a plan has what its users rely on: labels, roles per token, components of the key's length. */
#include <stdlib.h>
#include <string.h>

#include "config/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct plan *p = NULL;
    if (!plan_parse(&p, "fuzz", data, size, &err)) return err.kind == ERR_CONFIG ? 0 : (abort(), 0);
    for (size_t i = 0; i < p->key_count; i++) {
        const struct plan_key *k = &p->keys[i];
        if (!k->label || !k->token_count || k->component_count > 3) abort();
        for (size_t t = 0; t < k->token_count; t++) {
            if (!k->tokens[t] || !k->token_roles[t]) abort();
        }
    }
    plan_free(p);
    return 0;
}
