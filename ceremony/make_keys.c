#include "ceremony/make_keys.h"

#include <string.h>

#include "ceremony/components.h"
#include "ceremony/hand_over.h"
#include "ceremony/journal.h"
#include "ceremony/key_story.h"
#include "ceremony/travelling.h"
#include "hsm/combine.h"

enum { PLACES_MAX = 8 };

/* Secret keys, and pairs that are handed over: their transport key stands before them. */
static bool may_travel(const struct plan_key *key)
{
    return key->bits == 0 || key->hand_over_count > 0;
}

static const struct plan_key *nth_key(const struct plan *p, size_t index)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (may_travel(&p->keys[i]) && index-- == 0) return &p->keys[i];
    }
    return NULL;
}

size_t make_keys_count(const struct plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->key_count; i++)
        count += may_travel(&p->keys[i]);
    return count;
}

void make_keys_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    key_story_describe(nth_key(p, index), text, size);
}

/* Is the key made on its index-th token, here? */
static bool is_made_at(const struct plan *p, const struct plan_key *key, size_t index, const char *site)
{
    return !place_hand_over(key, index) && plan_token_is_at(p, key->tokens[index], site);
}

bool make_keys_is_at(const struct plan *p, size_t index, const char *site)
{
    const struct plan_key *key = nth_key(p, index);
    for (size_t i = 0; i < key->token_count; i++) {
        if (is_made_at(p, key, i, site)) return true;
    }
    return false;
}

void make_keys_tell(const struct plan *p, size_t index, struct step_story *s)
{
    key_story_make(p, nth_key(p, index), s);
}

/* The tokens on which it is made here. */
struct places {
    struct place at[PLACES_MAX];
    size_t count, missing;
    bool absent; /* one is on a token that is still to be initialised */
};

static bool places_open(struct ceremony *c, const struct plan_key *key, struct places *p, struct err *err)
{
    *p = (struct places){.count = 0};
    for (size_t i = 0; i < key->token_count; i++) {
        if (!is_made_at(c->plan, key, i, c->site)) continue;
        if (place_is_absent(c, key, i)) {
            p->absent = true;
            continue;
        }
        if (p->count == PLACES_MAX)
            return err_set(err, ERR_CONFIG, "a key is made on at most %d tokens at once", PLACES_MAX);
        if (!place_open(c, key, i, &p->at[p->count], err)) return false;
        p->missing += !p->at[p->count++].there;
    }
    return true;
}

bool make_keys_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    struct places p;
    struct check_value check = {{0}, 0};
    if (!places_open(c, key, &p, err)) return false;
    for (size_t i = 0; i < p.count; i++) {
        if (!p.at[i].there) continue;
        if (!place_look(c, &p.at[i], &check, err)) return false;
        key_story_check(&check, r);
    }
    r->state = p.missing || p.absent ? STEP_TO_DO : STEP_THERE;
    return true;
}

/* The key as a session key of this token, which may still leave wrapped. */
static bool make_travelling(struct ceremony *c, const struct place *p, const struct secret *value,
                            struct travelling *k, struct err *err)
{
    if (p->key->origin == ORIGIN_COMPONENTS && !value->data)
        return components_combine_inside(c, p->key, p->token, &k->key, &k->check, err);
    return travelling_make(p, value, k, err);
}

/* From session key to token key, its copies for others written in between. */
static bool make_place(struct ceremony *c, const struct place *p, const struct secret *value,
                       struct check_value *check, struct err *err)
{
    struct travelling k = TRAVELLING_NONE;
    bool first = p->token_name == p->key->tokens[0], ok = false;
    const char *origin = p->key->origin == ORIGIN_COMPONENTS ? "components" : "generated";
    if (!make_travelling(c, p, value, &k, err)) goto out;
    if (check->len && !check_value_compare(&k.check, check->bytes, check->len, err)) {
        err_prefix(err, "imported, then on the token");
        goto out;
    }
    if (!place_compare_with_log(c, p->key, &k.check, err)) goto out;
    if (first && !hand_over_write(c, p, &k, err)) goto out;
    if (!travelling_install(p, &k, err)) {
        if (first) hand_over_take_back(p->key);
        goto out;
    }
    const struct journal_key entry = {p->key, p->token_name, hsm_role_name(p->ref.role), origin, &k.check};
    if (!journal_key(c->journal, &entry, err)) goto out;
    *check = k.check;
    ok = true;
out:
    travelling_destroy(p, &k);
    if (!ok) err_prefix(err, "token '%s'", p->token_name);
    return ok;
}

/* Are the components to be combined in this process? Not where the one token that gets the key does it inside. Of a key that
 * is there, a TEST plan's components say whether it is the right one, when the plan has no check value for it; not those that
 * were printed, as others would be drawn. */
static bool combines_here(struct ceremony *c, const struct plan_key *key, const struct places *p, bool *here,
                          struct err *err)
{
    bool inside = false;
    *here =
        key->origin == ORIGIN_COMPONENTS &&
        (p->missing || (!key->kcv_len && c->plan->test && !c->dialogue.asks && !plan_key_has_letters(key)));
    if (!*here || !p->missing || p->count != 1) return true;
    if (!hsm_combine_can(p->at[0].token, &inside, err)) return false;
    *here = !inside;
    return true;
}

/* A key that comes into being here and now, on its token or in letters, is made once. */
static bool may_make(const struct ceremony *c, const struct plan_key *key, const struct places *p,
                     struct err *err)
{
    bool letters = plan_key_has_letters(key);
    if (!p->missing || (key->origin != ORIGIN_GENERATE && !letters)) return true;
    if (letters && p->missing < p->count)
        return err_set(err, ERR_CONFIG,
                       "its letters were printed when it was made for the first token: for the other one say "
                       "'prompt: yes' in the plan instead of 'letter'");
    return place_may_make(c, &p->at[0], err);
}

bool make_keys_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    struct places p;
    struct check_value check = {{0}, 0};
    struct secret value = SECRET_NONE;
    bool ok = false, here = false;

    if (!places_open(c, key, &p, err)) return false;
    if (key->origin == ORIGIN_KEY_BLOCK && p.missing) {
        r->state = STEP_WAITING;
        snprintf(r->detail, sizeof(r->detail), "for its block: cardkeys key-block import");
        return true;
    }
    if (p.missing && p.at[0].token_name == key->tokens[0]) {
        if (!hand_over_waits(c, key, r, err)) return false;
        if (r->state == STEP_WAITING) return true;
    }
    if (!may_make(c, key, &p, err) || !combines_here(c, key, &p, &here, err)) goto out;
    if (here && !components_combine(c, key, &value, &check, err)) goto out;
    for (size_t i = 0; i < p.count; i++) {
        struct check_value is = check;
        if (!(p.at[i].there ? place_look(c, &p.at[i], &is, err) : make_place(c, &p.at[i], &value, &is, err)))
            goto out;
        if (check.len && !check_value_compare(&is, check.bytes, check.len, err)) {
            err_prefix(err, "token '%s'", p.at[i].token_name);
            goto out;
        }
        check = is;
    }
    r->state = p.missing ? STEP_MADE : STEP_THERE;
    key_story_check(&check, r);
    ok = true;
out:
    secret_release(&value);
    return ok;
}
