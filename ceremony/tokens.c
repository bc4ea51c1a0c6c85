#include "ceremony/tokens.h"

#include <string.h>

#include "ceremony/audit_check.h"
#include "ceremony/pins.h"

static bool user_pin(struct ceremony *c, size_t index, enum pin_age age, struct err *err)
{
    return c->tokens[index].pin.data || pins_get(c, index, PIN_USER, age, &c->tokens[index].pin, err);
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
    bool ok = false;

    if (!pins_get(c, index, PIN_SECURITY_OFFICER, PIN_NEW, &so_pin, err)) goto out;
    if (!user_pin(c, index, PIN_NEW, err)) goto out;
    struct hsm_token_init init = {t->token.module, t->token.parameters, t->token.label, &so_pin,
                                  &c->tokens[index].pin};
    ok = hsm_token_initialise(&init, err);
    /* what was typed is typed again, to open the token or after a PIN that it refused; a descriptor gives its PIN once */
    if (c->dialogue.asks && pins_user_is_typed(t)) secret_release(&c->tokens[index].pin);
    if (ok)
        c->tokens[index].absent = false;
    else
        err_prefix(err, "token '%s'", t->name);
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
        if (ct->refused && !c->changes) return err_set(err, ERR_TOKEN, "it was not opened, see above");
        ct->refused = true;
        if (!user_pin(c, index, PIN_OLD, err)) return false;
        struct hsm_token *first = open_neighbour(c, &t->token);
        ok = first ? hsm_token_open_beside(&ct->open, first, &choice, &ct->pin, flags, err)
                   : hsm_token_open(&ct->open, &choice, HSM_LOGIN_USER, &ct->pin, flags, err);
        if (!ok) ct->open = NULL;
        ct->refused = !ok;
        secret_release(&ct->pin); /* not needed again; and if it was wrong, it is typed again */
        /* The log says who had which component: a sitting does not go on with one of which something is gone. */
        if (ok && c->changes && !audit_check_continues(c, err)) {
            hsm_token_close(ct->open);
            ct->open = NULL;
            ok = false;
        }
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
