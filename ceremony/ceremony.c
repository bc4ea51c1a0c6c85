#include "ceremony/ceremony.h"

#include <stdlib.h>

#include "ceremony/journal.h"

bool ceremony_init(struct ceremony *c, const struct plan *plan, const char *site, bool changes,
                   struct err *err)
{
    *c = (struct ceremony){.plan = plan, .site = site, .changes = changes, .dialogue.keyboard = -1};
    if (!plan_site_exists(plan, site, err)) return false;
    c->tokens = calloc(plan->token_count + 1, sizeof(*c->tokens));
    return c->tokens || err_set_no_memory(err);
}

void ceremony_release(struct ceremony *c)
{
    for (size_t i = 0; c->tokens && i < c->plan->token_count; i++) {
        hsm_token_close(c->tokens[i].open);
        secret_release(&c->tokens[i].pin);
    }
    free(c->tokens);
    c->tokens = NULL;
    journal_close(c->journal);
    c->journal = NULL;
    dialogue_close(&c->dialogue);
}
