#include "ceremony/script_parts.h"

#include <string.h>

#include "ceremony/evidence.h"

static void add(struct script_head *h, const char *label, const char *text)
{
    snprintf(h->lines[h->count].label, sizeof(h->lines[0].label), "%s", label);
    snprintf(h->lines[h->count++].text, sizeof(h->lines[0].text), "%s", text);
}

bool script_head(const struct plan *p, const char *site, struct script_head *h, struct err *err)
{
    char hex[EVIDENCE_HASH_TEXT], groups[EVIDENCE_GROUPS_TEXT], people[PLAN_PEOPLE_TEXT_MAX];
    h->count = 0;
    add(h, "Plan", p->path);
    evidence_plan_hash(p, hex);
    add(h, "SHA-256", evidence_groups(hex, groups));
    add(h, "Program", evidence_program());
    if (!evidence_program_hash(hex, err)) return false;
    add(h, "SHA-256", evidence_groups(hex, groups));
    if (site) add(h, "Site", site);
    for (int duty = 0; duty < DUTY_COUNT; duty++)
        add(h, plan_duty_name((enum plan_duty)duty), plan_people(p, (enum plan_duty)duty, people));
    return true;
}

const char *script_rules(void)
{
    return "Everybody signs for being present before the first step. Steps are read aloud, done, and signed "
           "one after another; none is "
           "left out. What is typed hidden is not said, shown or written anywhere but on its owner's form. "
           "If a step fails, the "
           "program says what may be repeated; write down what happened. The ceremony can be left after any "
           "step and continued "
           "later: the program knows what is done.";
}

size_t script_lines(const struct step_story *s, bool here, struct script_line out[SCRIPT_STEP_LINES])
{
    const struct script_line all[] = {{"Where:", here ? "" : "at another site: not done here"},
                                      {"Who:", s->who},
                                      {"What:", s->what},
                                      {"Why:", s->why},
                                      {"Typed:", s->types},
                                      {"Next:", s->next}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].text[0]) out[count++] = all[i];
    }
    return count;
}

const char *script_form(const struct step_row *row)
{
    static const struct {
        const char *row, *form;
    } forms[] = {
        {"login", "Serial number"}, {"key", "Check value"}, {"hand-over", "Check value"},
        {"public file", "Words"},   {"trust", "Words"},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].row, row->name) == 0) return forms[i].form;
    }
    return NULL;
}

bool script_form_is_long(const char *form)
{
    return strcmp(form, "Words") == 0;
}
