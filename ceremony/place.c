#include "ceremony/place.h"

#include <string.h>

#include "ceremony/journal.h"
#include "ceremony/tokens.h"

bool place_open(struct ceremony *c, const struct plan_key *key, size_t index, struct place *p,
                struct err *err)
{
    *p = (struct place){.key = key, .token_name = key->tokens[index]};
    p->ref.name = plan_key_name(key, p->name);
    p->ref.label = key->label;
    p->ref.keep = key->keep;
    if (!hsm_role_find(key->token_roles[index], &p->ref.role, err)) return false;
    if (!hsm_algorithm_find(key->algorithm, &p->ref.algorithm, err)) return false;
    if (!hsm_role_is_token_object(p->ref.role))
        return err_set(err, ERR_CONFIG, "role %s is for keys of a session, not of a plan",
                       key->token_roles[index]);
    bool ok = tokens_open_named(c, p->token_name, &p->token, err) &&
              hsm_key_exists(p->token, key->label, &p->there, err);
    if (!ok) err_prefix(err, "token '%s'", p->token_name);
    return ok;
}

bool place_compare_with_log(const struct ceremony *c, const struct plan_key *key,
                            const struct check_value *check, struct err *err)
{
    struct check_value known = {{0}, 0};
    char is[CHECK_VALUE_TEXT], due[CHECK_VALUE_TEXT];
    if (!journal_known_check(c, key, &known, err)) return false;
    if (known.len == 0 || bytes_equal(known.bytes, known.len, check->bytes, check->len)) return true;
    check_value_text(check, is);
    check_value_text(&known, due);
    return err_set(err, ERR_TOKEN, "check value is %s, the audit log has %s", is, due);
}

/* Officers destroyed it: a plan that still has it makes another of its name only when they say so. */
static bool is_wanted_again(const struct ceremony *c, const struct place *p, struct err *err)
{
    char question[DIALOGUE_LINE_MAX];
    bool yes = true;
    snprintf(question, sizeof(question),
             "By the audit log officers destroyed '%s'. Shall a new key of this name be made in its place?",
             p->name);
    if (c->dialogue.asks && !dialogue_agrees(&c->dialogue, question, &yes, err)) return false;
    return yes || err_set(err, ERR_TOKEN, "'%s' was destroyed: take it out of the plan", p->name);
}

bool place_may_make(const struct ceremony *c, const struct place *p, struct err *err)
{
    struct check_value known = {{0}, 0};
    bool destroyed = false;
    if (!journal_known_check(c, p->key, &known, err) || !journal_is_destroyed(c, p->key, &destroyed, err))
        return false;
    if (destroyed && !is_wanted_again(c, p, err)) return false;
    if (!p->key->kcv_len && !known.len) return true;
    return err_set(err, ERR_TOKEN,
                   "the %s has a check value for '%s', so it was made before, but it is not on token '%s'",
                   p->key->kcv_len ? "plan" : "audit log", p->name, p->token_name);
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

bool place_check_pair(const struct place *p, const struct hsm_pair *pair, struct check_value *check,
                      struct err *err)
{
    if (p->key->bits && pair_bits(pair) != p->key->bits)
        return err_set(err, ERR_TOKEN, "pair '%s' has %u bits, the plan says %u", p->name, pair_bits(pair),
                       p->key->bits);
    if (p->key->exponent && pair_exponent(pair) != p->key->exponent)
        return err_set(err, ERR_TOKEN, "pair '%s' has exponent %lu, the plan says %lu", p->name,
                       pair_exponent(pair), p->key->exponent);
    return check_value_of_pair(pair, check, err);
}

/* The check value of a secret key that is there, after its role was checked. */
static bool look_at_secret(struct place *p, struct check_value *check, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    return hsm_key_find(p->token, &p->ref, &key, err) &&
           hsm_kcv(p->token, &key, p->ref.role, check->bytes, &check->len, err) &&
           check_value_compare(check, p->key->kcv, p->key->kcv_len, err);
}

static bool look_at_pair(struct place *p, struct check_value *check, struct err *err)
{
    struct hsm_pair pair;
    return hsm_pair_find(p->token, &p->ref, &pair, err) && place_check_pair(p, &pair, check, err);
}

bool place_look(struct ceremony *c, struct place *p, struct check_value *check, struct err *err)
{
    const struct journal_key entry = {p->key, p->token_name, hsm_role_name(p->ref.role), "found", check};
    bool ok = (hsm_role_is_pair(p->ref.role) ? look_at_pair : look_at_secret)(p, check, err) &&
              place_compare_with_log(c, p->key, check, err) && journal_key_found(c, &entry, err);
    if (!ok) err_prefix(err, "token '%s'", p->token_name);
    return ok;
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

bool place_find_pair(struct ceremony *c, const char *name, struct hsm_token **t, struct hsm_pair *out,
                     struct err *err)
{
    const struct plan_key *key = NULL;
    struct place p;
    struct check_value check;
    if (!find_pair_key(c, name, &key, err) || !place_open(c, key, 0, &p, err)) return false;
    if (!hsm_pair_find(p.token, &p.ref, out, err) || !place_check_pair(&p, out, &check, err)) {
        err_prefix(err, "token '%s'", key->tokens[0]);
        return false;
    }
    *t = p.token;
    return true;
}

bool place_pair_is_there(struct ceremony *c, const char *name, bool *there, struct err *err)
{
    const struct plan_key *key = NULL;
    struct place p;
    *there = false;
    if (!find_pair_key(c, name, &key, err)) return false;
    if (place_is_absent(c, key, 0)) return true;
    if (!place_open(c, key, 0, &p, err)) return false;
    *there = p.there;
    return true;
}

bool place_is_absent(const struct ceremony *c, const struct plan_key *key, size_t index)
{
    size_t t = plan_token_index(c->plan, key->tokens[index]);
    return t < c->plan->token_count && c->tokens[t].absent;
}

const struct plan_hand_over *place_hand_over(const struct plan_key *key, size_t index)
{
    for (size_t i = 0; i < key->hand_over_count; i++) {
        if (strcmp(key->hand_overs[i].to, key->tokens[index]) == 0) return &key->hand_overs[i];
    }
    return NULL;
}
