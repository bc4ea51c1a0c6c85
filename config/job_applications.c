/* Applications and other modules' groups of a job. */
#include <stdlib.h>
#include <string.h>

#include "config/job_read.h"

enum { GROUPS_MAX = MIC_GROUPS_MAX };

static bool read_aid(const struct tree_node *value, void *into, struct err *err)
{
    struct job_application *a = into;
    return schema_hex(value, a->aid, AID_MIN, AID_MAX, &a->aid_len, err);
}

static bool read_protect(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"seal", "none"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum protect *)into = index ? PROTECT_NONE : PROTECT_SEAL;
    return true;
}

static bool read_fields(const struct tree_node *value, void *into, struct err *err)
{
    struct job_application *a = into;
    return job_read_renames(value, &a->fields, &a->field_count, err);
}

static const struct schema_field application_fields[] = {
    {"aid", SCHEMA_REQUIRED, read_aid, 0},
    {"profile", SCHEMA_OPTIONAL, schema_text, offsetof(struct job_application, profile_path)},
    {"name", SCHEMA_OPTIONAL, schema_text, offsetof(struct job_application, name)},
    {"issuer_key", SCHEMA_OPTIONAL, schema_text, offsetof(struct job_application, issuer_key_name)},
    {"optional", SCHEMA_OPTIONAL, schema_flag, offsetof(struct job_application, optional)},
    {"replace", SCHEMA_OPTIONAL, schema_flag, offsetof(struct job_application, replace)},
    {"protect", SCHEMA_OPTIONAL, read_protect, offsetof(struct job_application, protect)},
    {"fields", SCHEMA_OPTIONAL, read_fields, 0},
};
static const struct schema application_schema = SCHEMA("an application", application_fields);

static bool read_application(const struct tree_node *value, void *into, struct err *err)
{
    struct job_application *a = into;
    a->line = value->line;
    a->issuer_key = -1;
    return schema_bind(value, &application_schema, a, err);
}

static bool find_issuer_key(const struct tree_node *value, const struct job *j, struct job_application *a,
                            struct err *err)
{
    const char *names[16];
    char suggestion[96];
    size_t count = 0;
    for (; count < j->issuer_key_count && count < SCHEMA_COUNT(names); count++) {
        names[count] = j->issuer_keys[count].name;
        if (strcmp(a->issuer_key_name, names[count]) == 0) a->issuer_key = (int)count;
    }
    if (a->issuer_key >= 0) return true;
    schema_suggestion(a->issuer_key_name, names, count, suggestion, sizeof(suggestion));
    return tree_error(value, err, "issuer key '%s' is not among 'issuer_keys'%s", a->issuer_key_name,
                      suggestion);
}

bool job_read_applications(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct job_application), ENTRIES_MAX, read_application};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->application_count, err);
    j->applications = array;
    for (size_t i = 0; ok && i < j->application_count; i++) {
        struct job_application *a = &j->applications[i];
        if (a->issuer_key_name) ok = find_issuer_key(tree_get(&value->items[i], "issuer_key"), j, a, err);
        for (size_t k = 0; ok && k < i; k++) {
            if (bytes_equal(a->aid, a->aid_len, j->applications[k].aid, j->applications[k].aid_len))
                ok = tree_error(&value->items[i], err, "this AID is named twice; first in line %u",
                                j->applications[k].line);
        }
    }
    return ok;
}

void job_applications_free(struct job_application *applications, size_t count)
{
    for (size_t i = 0; applications && i < count; i++) {
        free(applications[i].name);
        free(applications[i].profile_path);
        free(applications[i].issuer_key_name);
        profile_free(applications[i].profile);
        renames_free(applications[i].fields, applications[i].field_count);
    }
    free(applications);
}

static bool read_template(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    if (template_compile((struct template **)into, text, err)) return true;
    err_prefix(err, "%s:%u:%u", value->file, value->line, value->column);
    return false;
}

static const struct schema_field group_fields[] = {
    {"mic", SCHEMA_REQUIRED, schema_mic, offsetof(struct job_group_template, mic)},
    {"text", SCHEMA_OPTIONAL, read_template, offsetof(struct job_group_template, text)},
    {"file_field", SCHEMA_OPTIONAL, schema_text, offsetof(struct job_group_template, file_field)},
};
static const struct schema group_schema = SCHEMA("a group", group_fields);

static bool read_group(const struct tree_node *value, void *into, struct err *err)
{
    struct job_group_template *g = into;
    if (!schema_bind(value, &group_schema, g, err)) return false;
    return !g->text != !g->file_field || tree_error(value, err, "a group has either 'text' or 'file_field'");
}

bool job_read_groups(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct job_group_template), GROUPS_MAX, read_group};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->group_count, err);
    j->groups = array;
    for (size_t i = 0; ok && i < j->group_count; i++) {
        const char *mic = j->groups[i].mic;
        if (strcmp(mic, j->chip_mic ? j->chip_mic : MIC_CHIP_DEFAULT) == 0)
            ok = tree_error(&value->items[i], err, "group %s is the chip's own", mic);
        for (size_t k = 0; ok && k < i; k++) {
            if (strcmp(mic, j->groups[k].mic) == 0)
                ok = tree_error(&value->items[i], err, "group %s is composed twice", mic);
        }
    }
    return ok;
}

static bool read_mics(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(char *), GROUPS_MAX, schema_mic};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->carry_mic_count, err);
    j->carry_mics = array;
    return ok;
}

static const struct schema_field carry_fields[] = {
    {"only", SCHEMA_OPTIONAL, read_mics, 0},
    {"drop", SCHEMA_OPTIONAL, read_mics, 0},
};
static const struct schema carry_schema = SCHEMA("what is carried", carry_fields);

bool job_read_carry(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"all"};
    struct job *j = into;
    size_t index = 0;
    if (value->kind != TREE_MAPPING) return schema_choice(value, words, SCHEMA_COUNT(words), &index, err);
    if (value->count != 1) return tree_error(value, err, "'carry' is all, {only: […]} or {drop: […]}");
    j->carry = tree_get(value, "only") ? CARRY_LISTED : CARRY_NOT_LISTED;
    return schema_bind(value, &carry_schema, j, err);
}
