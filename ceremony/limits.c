#include "ceremony/limits.h"

#include <inttypes.h>

#include "ceremony/dual_control.h"
#include "ceremony/journal.h"

static const struct plan_key *nth_key(const struct plan *p, size_t index)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (p->keys[i].limit.blocks && index-- == 0) return &p->keys[i];
    }
    return NULL;
}

size_t limits_count(const struct plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->key_count; i++)
        count += p->keys[i].limit.blocks != 0;
    return count;
}

static const char *then(const struct plan_limit *limit)
{
    return limit->stop ? "stop" : "warn";
}

void limits_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    const struct plan_key *key = nth_key(p, index);
    char name[PLAN_KEY_NAME_MAX];
    snprintf(text, size, "of %s: %" PRIu64 " blocks, then %s", plan_key_name(key, name), key->limit.blocks,
             then(&key->limit));
}

bool limits_is_at(const struct plan *p, size_t index, const char *site)
{
    return plan_token_is_at(p, nth_key(p, index)->tokens[0], site);
}

void limits_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_key *key = nth_key(p, index);
    char officers[PLAN_PEOPLE_TEXT_MAX];
    STORY(s->who, "%s", plan_people(p, DUTY_OFFICER, officers));
    STORY(s->what,
          "The number of blocks that this key may encrypt is written into the audit log: beyond %" PRIu64
          " a night run %s.",
          key->limit.blocks, key->limit.stop ? "does not begin" : "warns and goes on");
    STORY(s->why, "The more a key is used, the more there is to attack it with. A limit says when it is time "
                  "to rotate.");
    STORY(s->types, "both officers' names, when a limit that is in force is raised");
}

static bool is_raised(const struct plan_limit *from, const struct plan_limit *to)
{
    return from->blocks && (to->blocks > from->blocks || (from->stop && !to->stop));
}

bool limits_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    struct plan_limit now = {0, false};
    if (!journal_limit_in_force(c, key, &now, err)) return false;
    if (now.blocks == key->limit.blocks && now.stop == key->limit.stop) r->state = STEP_THERE;
    if (now.blocks)
        snprintf(r->detail, sizeof(r->detail), "in force: %" PRIu64 " blocks, then %s", now.blocks,
                 then(&now));
    return true;
}

bool limits_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    struct plan_limit now = {0, false};
    struct officers two = {"", ""};
    char name[PLAN_KEY_NAME_MAX], what[160];
    if (!limits_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    if (!journal_limit_in_force(c, key, &now, err)) return false;
    snprintf(what, sizeof(what), "raise the limit of %s from %" PRIu64 " to %" PRIu64 " blocks, then %s",
             plan_key_name(key, name), now.blocks, key->limit.blocks, then(&key->limit));
    if (is_raised(&now, &key->limit) && !dual_control(c, what, &two, err)) return false;
    if (!journal_limit(c->journal, key, &two, err)) return false;
    r->state = STEP_MADE;
    snprintf(r->detail, sizeof(r->detail), "in force from now on");
    return true;
}
