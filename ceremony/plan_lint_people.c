#include "ceremony/plan_lint_people.h"

#include <string.h>

#include "ceremony/printer.h"

static size_t count(const struct plan *p, enum plan_duty duty)
{
    size_t n = 0;
    for (size_t i = 0; i < p->person_count; i++)
        n += p->people[i].duty == duty;
    return n;
}

bool plan_lint_people(const struct plan *p, struct err *err)
{
    size_t officers = count(p, DUTY_OFFICER);
    if (!p->test && officers == 0)
        return err_set(
            err, ERR_CONFIG,
            "a ceremony needs people: name them under 'people', at least one with 'duty: officer'");
    if (p->dual_control && officers < 2)
        return err_set(err, ERR_CONFIG, "dual_control takes two officers, the plan names %zu", officers);
    for (size_t i = 0; i < p->token_count; i++) {
        const struct plan_token *t = &p->tokens[i];
        if ((t->pin_halves || t->so_pin_halves) && officers < 2)
            return err_set(err, ERR_CONFIG,
                           "token '%s': a PIN in halves takes two officers, the plan names %zu", t->name,
                           officers);
        if (p->dual_control && !t->pin_halves)
            return err_set(err, ERR_CONFIG, "token '%s': dual_control wants 'pin: halves'", t->name);
    }
    return true;
}

static bool is_custodian(const struct plan *p, const char *name)
{
    for (size_t i = 0; i < p->person_count; i++) {
        if (p->people[i].duty == DUTY_CUSTODIAN && strcmp(p->people[i].name, name) == 0) return true;
    }
    return false;
}

bool plan_lint_custodians(const struct plan *p, const struct plan_key *key, struct err *err)
{
    for (size_t i = 0; i < key->component_count; i++) {
        const struct plan_component *c = &key->components[i];
        if (p->person_count && !is_custodian(p, c->custodian))
            return err_set(err, ERR_CONFIG, "'%s' is not among the plan's people with 'duty: custodian'",
                           c->custodian);
        if (c->source == COMPONENT_LETTER && !printer_check(c->text, err)) {
            err_prefix(err, "component %zu", i + 1);
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcasecmp(c->custodian, key->components[k].custodian) == 0)
                return err_set(err, ERR_CONFIG, "'%s' holds two components", c->custodian);
        }
    }
    return true;
}
