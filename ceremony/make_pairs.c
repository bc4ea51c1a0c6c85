/* RSA pairs that are generated where they stay. Those that are handed over: make_keys.c. */
#include <string.h>

#include "ceremony/journal.h"
#include "ceremony/key_story.h"
#include "ceremony/make_keys.h"
#include "ceremony/place.h"

static bool stays(const struct plan_key *key)
{
    return key->bits != 0 && !key->hand_over_count;
}

static const struct plan_key *nth_pair(const struct plan *p, size_t index)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (stays(&p->keys[i]) && index-- == 0) return &p->keys[i];
    }
    return NULL;
}

size_t make_pairs_count(const struct plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->key_count; i++)
        count += stays(&p->keys[i]);
    return count;
}

void make_pairs_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    key_story_describe(nth_pair(p, index), text, size);
}

bool make_pairs_is_at(const struct plan *p, size_t index, const char *site)
{
    return plan_token_is_at(p, nth_pair(p, index)->tokens[0], site);
}

void make_pairs_tell(const struct plan *p, size_t index, struct step_story *s)
{
    key_story_make(p, nth_pair(p, index), s);
}

bool make_pairs_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_pair(c->plan, index);
    struct place place;
    struct check_value check;
    if (place_is_absent(c, key, 0)) return true;
    if (!place_open(c, key, 0, &place, err)) return false;
    if (!place.there) return true;
    if (!place_look(c, &place, &check, err)) return false;
    r->state = STEP_THERE;
    key_story_check(&check, r);
    return true;
}

bool make_pairs_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_pair(c->plan, index);
    struct place place;
    struct check_value check;
    struct hsm_pair pair;
    if (!make_pairs_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    if (!place_open(c, key, 0, &place, err) || !place_may_make(c, &place, err)) return false;
    struct hsm_pair_ref ref = {place.ref, key->bits, key->exponent};
    const struct journal_key entry = {key, key->tokens[0], key->token_roles[0], "generated", &check};
    if (!hsm_pair_generate(place.token, &ref, &pair, err) || !place_check_pair(&place, &pair, &check, err) ||
        !journal_key(c->journal, &entry, err)) {
        err_prefix(err, "token '%s'", place.token_name);
        return false;
    }
    r->state = STEP_MADE;
    key_story_check(&check, r);
    return true;
}
