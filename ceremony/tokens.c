#include "ceremony/tokens.h"

#include <string.h>

#include "hsm/pin.h"

static bool fetch_pin(const char *source, const char *whose, struct secret *pin, struct err *err)
{
    struct hsm_pin_source s;
    if (!hsm_pin_source_read(source ? source : "prompt", &s, err)) {
        err_prefix(err, "%s", whose);
        return false;
    }
    return hsm_pin_get(&s, whose, pin, err);
}

static bool user_pin(struct ceremony *c, size_t index, struct err *err)
{
    const struct plan_token *t = &c->plan->tokens[index];
    char whose[128];
    if (c->tokens[index].pin.data) return true;
    snprintf(whose, sizeof(whose), "token '%s'", t->name);
    return fetch_pin(t->token.pin, whose, &c->tokens[index].pin, err);
}

bool tokens_look(struct ceremony *c, size_t index, struct err *err)
{
    const struct plan_token *t = &c->plan->tokens[index];
    bool is = false;
    if (!t->initialise) return true; /* opening it says what is wrong, if anything */
    if (!hsm_token_is_initialised(t->token.module, t->token.parameters, t->token.label, &is, err)) {
        err_prefix(err, "token '%s'", t->name);
        return false;
    }
    c->tokens[index].absent = !is;
    return true;
}

bool tokens_initialise(struct ceremony *c, size_t index, struct err *err)
{
    const struct plan_token *t = &c->plan->tokens[index];
    struct secret so_pin = SECRET_NONE;
    char whose[128];
    bool ok = false;

    snprintf(whose, sizeof(whose), "security officer of token '%s'", t->name);
    if (!fetch_pin(t->so_pin, whose, &so_pin, err)) goto out;
    if (!user_pin(c, index, err)) goto out;
    struct hsm_token_init init = {t->token.module, t->token.parameters, t->token.label, &so_pin,
                                  &c->tokens[index].pin};
    if (!hsm_token_initialise(&init, err)) {
        err_prefix(err, "token '%s'", t->name);
        goto out;
    }
    c->tokens[index].absent = false;
    ok = true;
out:
    secret_release(&so_pin);
    return ok;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* A token of the same module that is open already: a module is initialised once per process. */
static struct hsm_token *open_neighbour(const struct ceremony *c, const struct token_settings *t)
{
    for (size_t i = 0; i < c->plan->token_count; i++) {
        const struct token_settings *other = &c->plan->tokens[i].token;
        if (c->tokens[i].open && same_text(other->module, t->module) &&
            same_text(other->parameters, t->parameters))
            return c->tokens[i].open;
    }
    return NULL;
}

bool tokens_open(struct ceremony *c, size_t index, struct hsm_token **out, struct err *err)
{
    const struct plan_token *t = &c->plan->tokens[index];
    struct ceremony_token *ct = &c->tokens[index];
    struct hsm_token_choice choice = {t->token.module, t->token.uri, t->token.label, t->token.serial,
                                      t->token.parameters};
    unsigned flags = c->changes ? HSM_READ_WRITE : 0;
    bool ok = true;

    if (!ct->open) {
        if (!user_pin(c, index, err)) return false;
        struct hsm_token *first = open_neighbour(c, &t->token);
        ok = first ? hsm_token_open_beside(&ct->open, first, &choice, &ct->pin, flags, err)
                   : hsm_token_open(&ct->open, &choice, HSM_LOGIN_USER, &ct->pin, flags, err);
        if (!ok) ct->open = NULL;
    }
    *out = ct->open;
    return ok;
}

bool tokens_open_named(struct ceremony *c, const char *name, struct hsm_token **out, struct err *err)
{
    size_t index = plan_token_index(c->plan, name);
    if (index == c->plan->token_count) return err_set(err, ERR_CONFIG, "the plan has no token '%s'", name);
    return tokens_open(c, index, out, err);
}
