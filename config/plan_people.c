/* Who takes part in a ceremony, whom a site trusts, and where it is written down. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/job_read.h"
#include "config/plan_read.h"

enum { PEOPLE_MAX = 32, TRUSTS_MAX = 16, NAME_MAX_LEN = 32, PERSON_MAX_LEN = 60 };

static const char *const duties[DUTY_COUNT] = {
    [DUTY_OFFICER] = "officer", [DUTY_CUSTODIAN] = "custodian", [DUTY_WITNESS] = "witness"};

const char *plan_duty_name(enum plan_duty duty)
{
    return duties[duty];
}

bool plan_read_name(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    size_t len = strlen(text);
    if (len > NAME_MAX_LEN ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != len)
        return tree_error(value, err, "'%s' has 1 to %d of A-Z a-z 0-9 . _ -", value->key, NAME_MAX_LEN);
    return schema_text(value, into, err);
}

static bool read_person_name(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    if (strlen(text) > PERSON_MAX_LEN)
        return tree_error(value, err, "a name has at most %d characters", PERSON_MAX_LEN);
    return schema_text(value, into, err);
}

static bool read_duty(const struct tree_node *value, void *into, struct err *err)
{
    size_t index = 0;
    if (!schema_choice(value, duties, DUTY_COUNT, &index, err)) return false;
    *(enum plan_duty *)into = (enum plan_duty)index;
    return true;
}

static const struct schema_field person_fields[] = {
    {"name", SCHEMA_REQUIRED, read_person_name, offsetof(struct plan_person, name)},
    {"duty", SCHEMA_REQUIRED, read_duty, offsetof(struct plan_person, duty)},
};
static const struct schema person_schema = SCHEMA("a person", person_fields);

static bool read_person(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &person_schema, into, err);
}

bool plan_read_people(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct plan_person), PEOPLE_MAX, read_person};
    struct plan *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->person_count, err);
    p->people = array;
    for (size_t i = 0; ok && i < p->person_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (strcasecmp(p->people[i].name, p->people[k].name) == 0)
                ok = tree_error(&value->items[i], err, "'%s' is named twice: one person has one duty",
                                p->people[i].name);
        }
    }
    return ok;
}

static const struct schema_field trust_fields[] = {
    {"signer", SCHEMA_REQUIRED, job_read_key_name, offsetof(struct plan_trust, signer)},
    {"at", SCHEMA_REQUIRED, schema_text, offsetof(struct plan_trust, at)},
};
static const struct schema trust_schema = SCHEMA("a trusted signer", trust_fields);

static bool read_trust(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_trust *t = into;
    t->line = value->line;
    return schema_bind(value, &trust_schema, t, err);
}

static bool names_pair(const struct plan *p, const char *name)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (strcmp(p->keys[i].name, name) == 0 && strcmp(p->keys[i].role, "signing-pair") == 0) return true;
    }
    return false;
}

static bool names_token(const struct plan *p, const char *name)
{
    for (size_t i = 0; i < p->token_count; i++) {
        if (strcmp(p->tokens[i].name, name) == 0) return true;
    }
    return false;
}

bool plan_read_trusts(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct plan_trust), TRUSTS_MAX, read_trust};
    struct plan *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->trust_count, err);
    p->trusts = array;
    for (size_t i = 0; ok && i < p->trust_count; i++) {
        const struct plan_trust *t = &p->trusts[i];
        if (!names_pair(p, t->signer))
            ok = tree_error(&value->items[i], err, "'%s' is no signing-pair of this plan", t->signer);
        else if (!names_token(p, t->at))
            ok = tree_error(&value->items[i], err, "token '%s' is not among this plan's tokens", t->at);
    }
    return ok;
}

/* The plan's path without .yaml, and this behind it. */
static bool beside(const struct plan *p, const char *suffix, char **path, struct err *err)
{
    size_t stem = strlen(p->path);
    if (stem > 5 && strcmp(p->path + stem - 5, ".yaml") == 0) stem -= 5;
    if (*path || asprintf(path, "%.*s%s", (int)stem, p->path, suffix) >= 0) return true;
    *path = NULL;
    return err_set_no_memory(err);
}

bool plan_default_files(struct plan *p, struct err *err)
{
    return beside(p, ".audit.jsonl", &p->audit_log, err) && beside(p, ".report.txt", &p->report_file, err);
}

void plan_people_release(struct plan *p)
{
    for (size_t i = 0; p->people && i < p->person_count; i++)
        free(p->people[i].name);
    for (size_t i = 0; p->trusts && i < p->trust_count; i++) {
        free(p->trusts[i].signer);
        free(p->trusts[i].at);
    }
    free(p->people);
    free(p->trusts);
}
