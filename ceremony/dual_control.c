#include "ceremony/dual_control.h"

#include <string.h>

enum { TRIES = 3 };

static bool plan_allows(const struct plan *p, struct err *err)
{
    size_t officers = 0;
    for (size_t i = 0; i < p->person_count; i++)
        officers += p->people[i].duty == DUTY_OFFICER;
    if (p->test) return true;
    if (officers < 2)
        return err_set(err, ERR_CONFIG, "this takes two officers, the plan names %zu under 'people'",
                       officers);
    for (size_t i = 0; i < p->token_count; i++) {
        if (!p->tokens[i].pin_halves)
            return err_set(
                err, ERR_CONFIG,
                "this takes two officers with half a PIN each: token '%s' needs 'pin: halves' in the plan",
                p->tokens[i].name);
    }
    return true;
}

static const char *officer_named(const struct plan *p, const char *typed)
{
    for (size_t i = 0; i < p->person_count; i++) {
        if (p->people[i].duty == DUTY_OFFICER && strcasecmp(p->people[i].name, typed) == 0)
            return p->people[i].name;
    }
    return NULL;
}

static bool name_officer(const struct ceremony *c, const char *question, const char *other, char out[64],
                         struct err *err)
{
    char typed[64];
    for (int i = 0; i < TRIES; i++) {
        if (!dialogue_ask(&c->dialogue, question, typed, sizeof(typed), err)) return false;
        const char *name = officer_named(c->plan, typed);
        if (!name && c->plan->person_count == 0 && typed[0]) name = typed; /* a TEST plan without people */
        if (name && strcasecmp(name, other) != 0) {
            snprintf(out, 64, "%s", name);
            return true;
        }
        dialogue_say(&c->dialogue, name ? "That is the first officer again; another one, please."
                                        : "The plan names no officer of that name.");
    }
    return err_set(err, ERR_INPUT, "no second officer was named");
}

bool dual_control(const struct ceremony *c, const char *what, struct officers *two, struct err *err)
{
    struct officers named = {"nobody (unattended)", "nobody (unattended)"};
    bool yes = true;
    char question[DIALOGUE_LINE_MAX];
    if (!plan_allows(c->plan, err)) return false;
    if (c->dialogue.asks) {
        dialogue_say(&c->dialogue, "Two officers together: %s.", what);
        if (!name_officer(c, "First officer, type your name:", "", named.first, err)) return false;
        if (!name_officer(c, "Second officer, type your name:", named.first, named.second, err)) return false;
        snprintf(question, sizeof(question), "%s and %s: do you both agree?", named.first, named.second);
        if (!dialogue_agrees(&c->dialogue, question, &yes, err)) return false;
    }
    if (!yes) return err_set(err, ERR_INTERRUPTED, "the officers do not agree: %s", what);
    *two = named;
    return true;
}
