#include "ceremony/dates.h"

#include "ceremony/dual_control.h"
#include "ceremony/journal.h"

static bool has_dates(const struct plan_key *key)
{
    return key->not_before || key->not_after;
}

static const struct plan_key *nth_key(const struct plan *p, size_t index)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (has_dates(&p->keys[i]) && index-- == 0) return &p->keys[i];
    }
    return NULL;
}

size_t dates_count(const struct plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->key_count; i++)
        count += has_dates(&p->keys[i]);
    return count;
}

static const char *date(const char *text)
{
    return text ? text : "-";
}

void dates_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    const struct plan_key *key = nth_key(p, index);
    char name[PLAN_KEY_NAME_MAX];
    snprintf(text, size, "of %s: %s to %s", plan_key_name(key, name), date(key->not_before),
             date(key->not_after));
}

bool dates_is_at(const struct plan *p, size_t index, const char *site)
{
    const struct plan_key *key = nth_key(p, index);
    for (size_t i = 0; i < key->token_count; i++) {
        if (plan_token_is_at(p, key->tokens[i], site)) return true;
    }
    return false;
}

void dates_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_key *key = nth_key(p, index);
    char officers[PLAN_PEOPLE_TEXT_MAX];
    STORY(s->who, "%s", plan_people(p, DUTY_OFFICER, officers));
    STORY(s->what, "The audit log says that this key is used from %s to %s; night runs keep to that.",
          date(key->not_before), date(key->not_after));
    STORY(s->why,
          "A key that ends is replaced in time: cardprep warns 30 days ahead, and refuses it afterwards.");
    STORY(s->types, "both officers' names, when dates that are in force are changed");
}

bool dates_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    bool known = false;
    if (!journal_dates_are_known(c, nth_key(c->plan, index), &known, err)) return false;
    if (known) r->state = STEP_THERE;
    return true;
}

bool dates_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    struct officers two = {"", ""};
    char name[PLAN_KEY_NAME_MAX], what[160];
    if (!dates_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    snprintf(what, sizeof(what), "let %s be used from %s to %s", plan_key_name(key, name),
             date(key->not_before), date(key->not_after));
    if (!dual_control(c, what, &two, err) || !journal_key_dates(c->journal, key, &two, err)) return false;
    r->state = STEP_MADE;
    snprintf(r->detail, sizeof(r->detail), "in force from now on");
    return true;
}
