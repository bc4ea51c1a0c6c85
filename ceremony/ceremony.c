#include "ceremony/ceremony.h"

#include <stdlib.h>
#include <string.h>

bool ceremony_init(struct ceremony *c, const struct plan *plan, FILE *people, bool changes, struct err *err)
{
    *c = (struct ceremony){.plan = plan, .people = people, .changes = changes};
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
}

const char *plan_key_name(const struct plan_key *key, char text[static PLAN_KEY_NAME_MAX])
{
    if (key->version)
        snprintf(text, PLAN_KEY_NAME_MAX, "%s/%u", key->name, key->version);
    else
        snprintf(text, PLAN_KEY_NAME_MAX, "%s", key->name);
    return text;
}

size_t plan_token_index(const struct plan *p, const char *name)
{
    size_t i = 0;
    while (i < p->token_count && strcmp(p->tokens[i].name, name) != 0)
        i++;
    return i;
}

size_t plan_key_index(const struct plan *p, const char *name)
{
    size_t i = 0;
    while (i < p->key_count && strcmp(p->keys[i].name, name) != 0)
        i++;
    return i;
}
