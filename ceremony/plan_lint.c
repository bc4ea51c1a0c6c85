#include "ceremony/plan_lint.h"

#include <string.h>

#include "ceremony/ceremony.h"

typedef bool key_rule(const struct plan *p, const struct plan_key *key, struct err *err);

static bool roles_fit(const struct plan *p, const struct plan_key *key, struct err *err)
{
    bool pair = false;
    enum hsm_role role;
    for (size_t i = 0; i < key->token_count; i++) {
        if (!hsm_role_find(key->token_roles[i], &role, err)) return false;
        if (!hsm_role_is_token_object(role))
            return err_set(err, ERR_CONFIG, "role %s is for keys of a session", key->token_roles[i]);
        if (i > 0 && pair != hsm_role_is_pair(role))
            return err_set(err, ERR_CONFIG, "is a pair on one token and a secret key on another");
        pair = hsm_role_is_pair(role);
        if (plan_token_index(p, key->tokens[i]) == p->token_count)
            return err_set(err, ERR_CONFIG, "the plan has no token '%s'", key->tokens[i]);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(key->tokens[i], key->tokens[k]) == 0)
                return err_set(err, ERR_CONFIG, "names token '%s' twice", key->tokens[i]);
        }
    }
    return key->token_count > 0 || err_set(err, ERR_CONFIG, "is on no token");
}

static bool algorithm_fits(const struct plan *p, const struct plan_key *key, struct err *err)
{
    enum hsm_algorithm algorithm;
    enum hsm_role role;
    (void)p;
    if (!hsm_algorithm_find(key->algorithm, &algorithm, err)) return false;
    if (!hsm_role_find(key->token_roles[0], &role, err)) return false;
    if (hsm_role_is_pair(role) != (algorithm == HSM_RSA))
        return err_set(err, ERR_CONFIG, "role %s cannot be %s", key->token_roles[0], key->algorithm);
    if (algorithm == HSM_RSA &&
        (key->bits < 512 || key->bits > 4096 || (key->exponent != 3 && key->exponent != 65537)))
        return err_set(err, ERR_CONFIG, "a pair has 512 to 4096 bits and exponent 3 or 65537");
    return true;
}

static bool origin_fits(const struct plan *p, const struct plan_key *key, struct err *err)
{
    (void)p;
    if (key->origin == ORIGIN_GENERATE && key->token_count > 1)
        return err_set(err, ERR_CONFIG,
                       "a generated key cannot be on several tokens: it never leaves the first; "
                       "use components");
    if (key->origin == ORIGIN_COMPONENTS && (key->component_count < 2 || key->bits))
        return err_set(err, ERR_CONFIG, "components are 2 or 3, of a secret key");
    return true;
}

static key_rule *const key_rules[] = {roles_fit, algorithm_fits, origin_fits};

bool plan_lint(const struct plan *p, struct err *err)
{
    for (size_t i = 0; i < p->key_count; i++) {
        char name[PLAN_KEY_NAME_MAX];
        for (size_t r = 0; r < sizeof(key_rules) / sizeof(key_rules[0]); r++) {
            if (key_rules[r](p, &p->keys[i], err)) continue;
            err_prefix(err, "%s:%u: key %s", p->path, p->keys[i].line, plan_key_name(&p->keys[i], name));
            return false;
        }
    }
    return true;
}

bool plan_lint_load(struct plan **out, const char *path, struct err *err)
{
    struct plan *p = NULL;
    if (!plan_load(&p, path, err)) return false;
    if (!plan_lint(p, err)) {
        plan_free(p);
        return false;
    }
    *out = p;
    return true;
}
