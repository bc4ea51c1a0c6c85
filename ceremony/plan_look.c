/* Questions about a plan that several steps ask; declared in ceremony.h. */
#include <stdlib.h>
#include <string.h>

#include "ceremony/ceremony.h"

const char *plan_key_name(const struct plan_key *key, char text[static PLAN_KEY_NAME_MAX])
{
    if (key->version)
        snprintf(text, PLAN_KEY_NAME_MAX, "%s/%u", key->name, key->version);
    else
        snprintf(text, PLAN_KEY_NAME_MAX, "%s", key->name);
    return text;
}

size_t plan_token_index(const struct plan *p, const char *name)
{
    size_t i = 0;
    while (i < p->token_count && strcmp(p->tokens[i].name, name) != 0)
        i++;
    return i;
}

size_t plan_key_index(const struct plan *p, const char *name)
{
    size_t i = 0;
    while (i < p->key_count && strcmp(p->keys[i].name, name) != 0)
        i++;
    return i;
}

bool plan_key_find(const struct plan *p, const char *name, const struct plan_key **out, struct err *err)
{
    const struct plan_key *found = NULL;
    char full[PLAN_KEY_NAME_MAX];
    for (size_t i = 0; i < p->key_count; i++) {
        const struct plan_key *k = &p->keys[i];
        bool exact = strcmp(plan_key_name(k, full), name) == 0;
        if (exact || (strcmp(k->name, name) == 0 && (!found || k->version > found->version))) found = k;
        if (exact && k->version) break;
    }
    if (!found) return err_set(err, ERR_CONFIG, "the plan has no key '%s'", name);
    *out = found;
    return true;
}

/* Each site once, as far as there is room. */
static const char *list_sites(const struct plan *p, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < p->token_count && used < size; i++) {
        size_t first = 0;
        while (strcmp(p->tokens[first].site, p->tokens[i].site) != 0)
            first++;
        if (first < i) continue;
        int n = snprintf(text + used, size - used, "%s'%s'", used ? ", " : "", p->tokens[i].site);
        used += n > 0 ? (size_t)n : 0;
    }
    return text;
}

bool plan_site_exists(const struct plan *p, const char *site, struct err *err)
{
    char sites[256] = "";
    bool known = !site;
    for (size_t i = 0; i < p->token_count; i++)
        known = known || strcmp(p->tokens[i].site, site) == 0;
    return known || err_set(err, ERR_CONFIG, "no token of the plan is at site '%s': its tokens are at %s",
                            site, list_sites(p, sites, sizeof(sites)));
}

const char *plan_token_site(const struct plan *p, const char *token)
{
    return p->tokens[plan_token_index(p, token)].site;
}

bool plan_token_is_at(const struct plan *p, const char *token, const char *site)
{
    size_t i = plan_token_index(p, token);
    return !site || (i < p->token_count && strcmp(p->tokens[i].site, site) == 0);
}

bool plan_key_has_role(const struct plan_key *key, enum hsm_role role)
{
    return key->token_count > 0 && strcmp(key->token_roles[0], hsm_role_name(role)) == 0;
}

bool plan_key_has_letters(const struct plan_key *key)
{
    for (size_t i = 0; i < key->component_count; i++) {
        if (key->components[i].source == COMPONENT_LETTER) return true;
    }
    return false;
}

const struct plan_key *plan_pair_at(const struct plan *p, enum hsm_role role, const char *site)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (plan_key_has_role(&p->keys[i], role) && plan_token_is_at(p, p->keys[i].tokens[0], site))
            return &p->keys[i];
    }
    return NULL;
}

const char *plan_people(const struct plan *p, enum plan_duty duty, char text[static PLAN_PEOPLE_TEXT_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < p->person_count && used < PLAN_PEOPLE_TEXT_MAX; i++) {
        if (p->people[i].duty != duty) continue;
        int n =
            snprintf(text + used, PLAN_PEOPLE_TEXT_MAX - used, "%s%s", used ? ", " : "", p->people[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used == 0) snprintf(text, PLAN_PEOPLE_TEXT_MAX, "nobody named");
    return text;
}

const char *plan_person(const struct plan *p, enum plan_duty duty, size_t index)
{
    static const char *const unnamed[DUTY_COUNT][2] = {
        [DUTY_OFFICER] = {"the first officer", "the second officer"},
        [DUTY_CUSTODIAN] = {"the first custodian", "the second custodian"},
        [DUTY_WITNESS] = {"the witness", "the second witness"}};
    size_t seen = 0;
    for (size_t i = 0; i < p->person_count; i++) {
        if (p->people[i].duty == duty && seen++ == index) return p->people[i].name;
    }
    return unnamed[duty][index > 0];
}
