#include "ceremony/make_keys.h"

#include <string.h>

#include "ceremony/components.h"
#include "ceremony/tokens.h"

/* One plan key on one of its tokens. */
struct place {
    const struct plan_key *key;
    const char *token_name;
    struct hsm_token *token;
    char name[PLAN_KEY_NAME_MAX];
    struct hsm_key_ref ref;
    bool there;
};

size_t make_keys_count(const struct plan *p)
{
    return p->key_count;
}

void make_keys_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    const struct plan_key *k = &p->keys[index];
    char name[PLAN_KEY_NAME_MAX];
    int used = snprintf(text, size, "%s on", plan_key_name(k, name));
    for (size_t i = 0; i < k->token_count && used > 0 && (size_t)used < size; i++)
        used += snprintf(text + used, size - (size_t)used, "%s %s", i ? "," : "", k->tokens[i]);
}

/* Fills everything but `there`; opens the token. */
static bool place_open(struct ceremony *c, const struct plan_key *key, size_t at, struct place *p,
                       struct err *err)
{
    *p = (struct place){.key = key, .token_name = key->tokens[at]};
    p->ref.name = plan_key_name(key, p->name);
    p->ref.label = key->label;
    if (!hsm_role_find(key->token_roles[at], &p->ref.role, err)) return false;
    if (!hsm_algorithm_find(key->algorithm, &p->ref.algorithm, err)) return false;
    if (!hsm_role_is_token_object(p->ref.role))
        return err_set(err, ERR_CONFIG, "role %s is for keys of a session, not of a plan",
                       key->token_roles[at]);
    return tokens_open_named(c, p->token_name, &p->token, err);
}

static void expect(struct place *p, const struct check_value *check)
{
    memcpy(p->ref.kcv, check->bytes, check->len);
    p->ref.kcv_len = check->len;
}

/* The check value of a secret key that is there, after its role was checked. */
static bool place_look_secret(struct place *p, struct check_value *check, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    if (!hsm_key_find(p->token, &p->ref, &key, err)) return false;
    if (!hsm_kcv(p->token, &key, p->ref.role, check->bytes, &check->len, err)) return false;
    return check_value_compare(check, p->key->kcv, p->key->kcv_len, err);
}

static unsigned long pair_exponent(const struct hsm_pair *pair)
{
    return (unsigned long)bytes_be(pair->exponent, pair->exponent_len);
}

static unsigned pair_bits(const struct hsm_pair *pair)
{
    unsigned bits = (unsigned)pair->modulus_len * 8;
    for (unsigned top = pair->modulus[0]; top && !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

static bool place_check_pair(const struct place *p, const struct hsm_pair *pair, struct check_value *check,
                             struct err *err)
{
    if (p->key->bits && pair_bits(pair) != p->key->bits)
        return err_set(err, ERR_TOKEN, "pair '%s' has %u bits, the plan says %u", p->name, pair_bits(pair),
                       p->key->bits);
    if (p->key->exponent && pair_exponent(pair) != p->key->exponent)
        return err_set(err, ERR_TOKEN, "pair '%s' has exponent %lu, the plan says %lu", p->name,
                       pair_exponent(pair), p->key->exponent);
    if (!check_value_of_pair(pair, check, err)) return false;
    return check_value_compare(check, p->key->kcv, p->key->kcv_len, err);
}

static bool place_look(struct place *p, struct check_value *check, struct err *err)
{
    struct hsm_pair pair;
    if (!hsm_role_is_pair(p->ref.role)) return place_look_secret(p, check, err);
    if (!hsm_pair_find(p->token, &p->ref, &pair, err)) return false;
    return place_check_pair(p, &pair, check, err);
}

static bool place_make_pair(struct place *p, struct check_value *check, struct err *err)
{
    struct hsm_pair pair;
    struct hsm_pair_ref ref = {p->ref, p->key->bits, p->key->exponent};
    if (!hsm_pair_generate(p->token, &ref, &pair, err)) return false;
    return place_check_pair(p, &pair, check, err);
}

/* Imports `value`, or generates when there is none; then the token's check value must be ours. */
static bool place_make_secret(struct place *p, const struct secret *value, struct check_value *check,
                              struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    struct check_value made = {{0}, 0};
    bool ok = false;
    if (value->data) {
        if (!hsm_key_import(p->token, &p->ref, value, &key, err)) return false;
    } else {
        if (!hsm_key_generate(p->token, &p->ref, &key, err)) return false;
    }
    if (!hsm_kcv(p->token, &key, p->ref.role, made.bytes, &made.len, err)) goto out;
    if (value->data && !check_value_compare(&made, check->bytes, check->len, err)) {
        err_prefix(err, "imported, then on the token");
        goto out;
    }
    *check = made;
    ok = true;
out:
    if (!ok) hsm_key_destroy(p->token, &key); /* a key with another value must not stay */
    return ok;
}

static bool place_make(struct place *p, const struct secret *value, struct check_value *check,
                       struct err *err)
{
    if (p->key->origin == ORIGIN_GENERATE && p->key->kcv_len)
        return err_set(err, ERR_TOKEN,
                       "the plan expects a check value, so '%s' was made before, but it is not on the token",
                       p->name);
    return hsm_role_is_pair(p->ref.role) ? place_make_pair(p, check, err)
                                         : place_make_secret(p, value, check, err);
}

enum { PLACES_MAX = 8 };

static bool open_places(struct ceremony *c, const struct plan_key *key, struct place *places, size_t *missing,
                        struct err *err)
{
    *missing = 0;
    if (key->token_count == 0 || key->token_count > PLACES_MAX)
        return err_set(err, ERR_CONFIG, "a key is on 1 to %d tokens", PLACES_MAX);
    for (size_t i = 0; i < key->token_count; i++) {
        bool ok = place_open(c, key, i, &places[i], err) &&
                  hsm_key_exists(places[i].token, key->label, &places[i].there, err);
        if (!ok) {
            err_prefix(err, "token '%s'", key->tokens[i]);
            return false;
        }
        if (!places[i].there) *missing += 1;
    }
    return true;
}

static void detail(struct step_result *r, const struct check_value *check, bool pair)
{
    char text[CHECK_VALUE_TEXT];
    check_value_text(check, text);
    snprintf(r->detail, sizeof(r->detail), pair ? "public part's fingerprint %s" : "check value %s", text);
}

bool make_keys_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = &c->plan->keys[index];
    struct place places[PLACES_MAX];
    struct check_value check = {{0}, 0};
    struct secret value = SECRET_NONE;
    size_t missing = 0, at = 0;
    bool ok = false;

    if (!open_places(c, key, places, &missing, err)) goto out;
    /* without a check value in the plan only the components can say whether a key that is there is the right one */
    if (key->origin == ORIGIN_COMPONENTS && (missing || !key->kcv_len)) {
        if (!components_combine(c, key, &value, &check, err)) goto out;
    }
    for (at = 0; at < key->token_count; at++) {
        struct place *p = &places[at];
        if (p->there && value.data) expect(p, &check);
        if (!(p->there ? place_look(p, &check, err) : place_make(p, &value, &check, err))) {
            err_prefix(err, "token '%s'", p->token_name);
            goto out;
        }
    }
    r->state = missing ? STEP_MADE : STEP_THERE;
    detail(r, &check, hsm_role_is_pair(places[0].ref.role));
    ok = true;
out:
    secret_release(&value);
    return ok;
}

static bool on_absent_token(const struct ceremony *c, const struct plan_key *key)
{
    for (size_t i = 0; i < key->token_count; i++) {
        size_t t = plan_token_index(c->plan, key->tokens[i]);
        if (t < c->plan->token_count && c->tokens[t].absent) return true;
    }
    return false;
}

bool make_keys_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = &c->plan->keys[index];
    struct place places[PLACES_MAX];
    struct check_value check = {{0}, 0};
    size_t missing = 0;

    r->state = STEP_TO_DO;
    if (on_absent_token(c, key)) return true;
    if (!open_places(c, key, places, &missing, err)) return false;
    for (size_t i = 0; i < key->token_count; i++) {
        if (!places[i].there) continue;
        if (!place_look(&places[i], &check, err)) {
            err_prefix(err, "token '%s'", places[i].token_name);
            return false;
        }
        detail(r, &check, hsm_role_is_pair(places[0].ref.role));
    }
    if (!missing) r->state = STEP_THERE;
    return true;
}

static bool find_pair_key(struct ceremony *c, const char *name, const struct plan_key **key, struct err *err)
{
    size_t i = plan_key_index(c->plan, name);
    enum hsm_role role;
    if (i == c->plan->key_count || c->plan->keys[i].token_count == 0)
        return err_set(err, ERR_CONFIG, "the plan has no pair '%s'", name);
    if (!hsm_role_find(c->plan->keys[i].token_roles[0], &role, err)) return false;
    if (!hsm_role_is_pair(role)) return err_set(err, ERR_CONFIG, "key '%s' is no pair", name);
    *key = &c->plan->keys[i];
    return true;
}

bool make_keys_find_pair(struct ceremony *c, const char *name, struct hsm_token **t, struct hsm_pair *out,
                         struct err *err)
{
    const struct plan_key *key = NULL;
    struct place p;
    struct check_value check;
    if (!find_pair_key(c, name, &key, err)) return false;
    bool ok = place_open(c, key, 0, &p, err) && hsm_pair_find(p.token, &p.ref, out, err) &&
              place_check_pair(&p, out, &check, err);
    if (!ok) {
        err_prefix(err, "token '%s'", key->tokens[0]);
        return false;
    }
    *t = p.token;
    return true;
}

bool make_keys_pair_is_there(struct ceremony *c, const char *name, bool *there, struct err *err)
{
    const struct plan_key *key = NULL;
    struct hsm_token *t = NULL;
    *there = false;
    if (!find_pair_key(c, name, &key, err)) return false;
    if (on_absent_token(c, key)) return true;
    return tokens_open_named(c, key->tokens[0], &t, err) && hsm_key_exists(t, key->label, there, err);
}
