#include "ceremony/plan_lint.h"

#include <string.h>

#include "ceremony/ceremony.h"
#include "ceremony/place.h"
#include "ceremony/plan_lint_people.h"
#include "ceremony/public_file.h"
#include "formats/handover.h"

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
        if (pair && strcmp(key->token_roles[i], key->token_roles[0]) != 0)
            return err_set(err, ERR_CONFIG, "is a %s on token '%s': a pair has one role on all its tokens",
                           key->token_roles[i], key->tokens[i]);
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
    for (size_t i = 1; i < key->token_count && key->origin == ORIGIN_GENERATE; i++) {
        if (!place_hand_over(key, i))
            return err_set(
                err, ERR_CONFIG,
                "a generated key cannot be on several tokens by itself: say how token '%s' gets it "
                "(hand_over), or use components",
                key->tokens[i]);
    }
    if (key->origin == ORIGIN_COMPONENTS && (key->component_count < 2 || key->bits))
        return err_set(err, ERR_CONFIG, "components are 2 or 3, of a secret key");
    return true;
}

/* Each site's token would draw a component of its own for the letter: two keys of one name. */
static bool letters_fit(const struct plan *p, const struct plan_key *key, struct err *err)
{
    const char *drawn_at = plan_token_site(p, key->tokens[0]);
    for (size_t i = 1; i < key->token_count && plan_key_has_letters(key); i++) {
        if (strcmp(plan_token_site(p, key->tokens[i]), drawn_at) != 0 && !place_hand_over(key, i))
            return err_set(err, ERR_CONFIG,
                           "letters are drawn at site '%s': say how token '%s' gets the key (hand_over)",
                           drawn_at, key->tokens[i]);
    }
    return true;
}

static bool limit_fits(const struct plan *p, const struct plan_key *key, struct err *err)
{
    (void)p;
    return !key->limit.blocks || plan_key_has_role(key, HSM_ROLE_MASTER) ||
           err_set(err, ERR_CONFIG, "a limit is for masters: nothing is derived from a key of role %s",
                   key->token_roles[0]);
}

/* Does `at` trust a signer of this site? */
static bool trusts(const struct plan *p, const char *at, const char *sender)
{
    for (size_t i = 0; i < p->trust_count; i++) {
        const struct plan_key *signer = &p->keys[plan_key_index(p, p->trusts[i].signer)];
        if (strcmp(p->trusts[i].at, at) == 0 && strcmp(plan_token_site(p, signer->tokens[0]), sender) == 0)
            return true;
    }
    return false;
}

/* A hand-over file is signed at its sender's and believed at its receiver's. */
static bool hand_over_fits(const struct plan *p, const struct plan_key *key, const char *to, struct err *err)
{
    const char *sender = plan_token_site(p, key->tokens[0]);
    const struct plan_key *signer = plan_pair_at(p, HSM_ROLE_SIGNING_PAIR, sender);
    if (!signer)
        return err_set(err, ERR_CONFIG, "a hand-over is signed: site '%s' has no signing-pair in the plan",
                       sender);
    if (signer->hand_over_count && signer > key)
        return err_set(err, ERR_CONFIG,
                       "its hand-over is signed by '%s', which is handed over itself: put that key in front",
                       signer->name);
    return trusts(p, to, sender) ||
           err_set(err, ERR_CONFIG,
                   "token '%s' accepts nothing from site '%s' unless 'trust' names a signer of that site", to,
                   sender);
}

static bool hand_overs_fit(const struct plan *p, const struct plan_key *key, struct err *err)
{
    if (!key->hand_over_count) return true;
    if (!key->version && !key->bits)
        return err_set(err, ERR_CONFIG, "a key that is handed over needs a version");
    if (strlen(key->name) > HANDOVER_NAME_MAX)
        return err_set(err, ERR_CONFIG, "its name is longer than the %d characters of a hand-over file",
                       HANDOVER_NAME_MAX);
    for (size_t i = 0; i < key->hand_over_count; i++) {
        if (!hand_over_fits(p, key, key->hand_overs[i].to, err)) return false;
    }
    return true;
}

static bool public_files_fit(const struct plan *p, const struct plan_key *key, struct err *err)
{
    bool wanted = plan_key_has_role(key, HSM_ROLE_KEY_EXCHANGE_PAIR);
    for (size_t i = 0; i < p->trust_count; i++)
        wanted = wanted || strcmp(p->trusts[i].signer, key->name) == 0;
    return !wanted || public_file_path(p, key) ||
           err_set(err, ERR_CONFIG, "others need its public part: say public_file");
}

static key_rule *const key_rules[] = {roles_fit,      algorithm_fits,       origin_fits,
                                      letters_fit,    plan_lint_custodians, limit_fits,
                                      hand_overs_fit, public_files_fit};

static bool certificate_fits(const struct plan *p, const struct plan_certificate *c, struct err *err)
{
    /* MMYY; years of cards lie in one century */
    if (!c->ca_expiry || strcmp(c->expiry + 2, c->ca_expiry + 2) < 0 ||
        (strcmp(c->expiry + 2, c->ca_expiry + 2) == 0 && strncmp(c->expiry, c->ca_expiry, 2) <= 0))
        return true;
    return err_set(err, ERR_CONFIG, "%s:%u: the certificate of '%s' (%s) would outlive its CA key (%s)",
                   p->path, c->line, c->issuer_key, c->expiry, c->ca_expiry);
}

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
    for (size_t i = 0; i < p->certificate_count; i++) {
        if (!certificate_fits(p, &p->certificates[i], err)) return false;
    }
    if (plan_lint_people(p, err)) return true;
    err_prefix(err, "%s", p->path);
    return false;
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
