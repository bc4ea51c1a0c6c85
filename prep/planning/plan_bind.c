/* A job bound to the fields of its input: names become indexes, constants and defaults become bytes, masters become keys. What
 * cannot work for any card is found here. */
#include "prep/planning/plan_work.h"

#include <string.h>

static bool take_array(struct planner *p, size_t count, size_t size, void **out, struct err *err)
{
    return arena_take(&p->bound, (count ? count : 1) * size, out, err);
}

/* A profile's field under the name that the job gives it for this application. */
static struct bound_field bind_field(const struct planner *p, const struct job_application *a,
                                     const char *name)
{
    for (size_t i = 0; a && i < a->field_count; i++) {
        if (strcmp(a->fields[i].field, name) == 0) {
            name = a->fields[i].column;
            break;
        }
    }
    return (struct bound_field){name, field_index(p->fields, name)};
}

static bool is_built_in(const char *field)
{
    return strcmp(field, "counter") == 0 || strcmp(field, "record") == 0;
}

static bool bind_template(struct planner *p, const struct job_application *a, const struct template *text,
                          struct bound_template *out, struct err *err)
{
    void *fields = NULL;
    out->text = text;
    out->count = template_field_count(text);
    if (!take_array(p, out->count, sizeof(*out->fields), &fields, err)) return false;
    out->fields = fields;
    for (size_t i = 0; i < out->count; i++) {
        const char *name = template_field(text, i);
        if (strcmp(name, "counter") == 0 && !p->job->counter_path) out->lacks_counter = true;
        out->fields[i] = is_built_in(name) ? (struct bound_field){NULL, -1} : bind_field(p, a, name);
    }
    return true;
}

/* Text through a conversion, once for all cards. */
static bool convert_constant(struct planner *p, const struct bound_list *list, const char *text,
                             const uint8_t **out, size_t *len, struct err *err)
{
    buf_clear(&p->value);
    if (list->convert) {
        if (!list->convert->run(text, strlen(text), list->options, &p->value, err)) return false;
    } else {
        buf_put_text(&p->value, text);
    }
    *len = p->value.len;
    return buf_ok(&p->value, "constant", err) && plan_check_len(list->options, *len, err) &&
           arena_copy(&p->bound, p->value.data, *len, out, err);
}

static bool bind_source(struct planner *p, const struct job_application *a, const struct bound_list *list,
                        struct bound_source *out, struct err *err)
{
    const struct source *rule = out->rule;
    switch (rule->kind) {
    case SOURCE_FIELD:
        out->field = bind_field(p, a, rule->text);
        return true;
    case SOURCE_CONSTANT:
        return convert_constant(p, list, rule->text, &out->constant, &out->constant_len, err);
    case SOURCE_HEX:
        out->constant = rule->bytes;
        out->constant_len = rule->len;
        return plan_check_len(list->options, rule->len, err);
    case SOURCE_TEMPLATE:
        if (!bind_template(p, a, rule->template, &out->template, err)) return false;
        out->lacks_counter = out->template.lacks_counter;
        return true;
    case SOURCE_COUNTER:
        out->lacks_counter = !p->job->counter_path; /* other sources may do */
        return true;
    case SOURCE_TOKEN:
        return list->options->len > 0 || err_set(err, ERR_CONFIG, "random bytes need a `length`");
    case SOURCE_COMPUTED:
        for (size_t i = 0; i < TRACK2_FIELDS && source_field(rule, i); i++)
            out->track2[i] = bind_field(p, a, source_field(rule, i));
        return true;
    case SOURCE_KEY_VERSION:
        return true;
    }
    return err_set(err, ERR_INTERNAL, "unknown kind of source");
}

static bool bind_list(struct planner *p, const struct job_application *a, const struct source_list *from,
                      struct bound_list *out, struct err *err)
{
    void *sources = NULL;
    if (!take_array(p, from->count, sizeof(*out->sources), &sources, err)) return false;
    out->sources = sources;
    out->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        out->sources[i].rule = &from->sources[i];
        if (!bind_source(p, a, out, &out->sources[i], err)) return false;
    }
    return true;
}

/* A profile that does not ask for the check digit means it for its card numbers too. */
static const struct convert_row *conversion(const struct profile *profile, const struct convert_row *row)
{
    if (row && !profile->luhn && strcmp(row->name, "pan") == 0) return convert_find("pan-no-luhn");
    return row;
}

static bool bind_element(struct planner *p, const struct bound_application *a,
                         const struct profile_element *rule, struct bound_element *out, struct err *err)
{
    out->rule = rule;
    out->from.convert = conversion(a->profile, rule->convert);
    out->from.options = &rule->options;
    out->from_certificates =
        a->profile->certificates.present && rule->from.count == 0 && profile_is_certificate_tag(rule->tag);
    if (bind_list(p, a->rule, &rule->from, &out->from, err) &&
        (!rule->fallback ||
         convert_constant(p, &out->from, rule->fallback, &out->fallback, &out->fallback_len, err)))
        return true;
    if (err->kind == ERR_INPUT) err->kind = ERR_CONFIG;
    err_prefix(err, "element %X (%s)", (unsigned)rule->tag, rule->name);
    return false;
}

static bool bind_version(struct planner *p, const struct bound_application *a, const char *master,
                         const struct version_choice *choice, struct bound_version *out)
{
    out->master = master;
    out->rule = choice->rule;
    if (choice->rule == VERSION_FIELD) out->field = bind_field(p, a->rule, choice->field);
    out->key = job_key(p->job, master, choice->rule == VERSION_FIXED ? choice->fixed : 0);
    return out->key != NULL;
}

static bool no_master(const char *master, const struct version_choice *choice, struct err *err)
{
    if (choice->rule == VERSION_FIXED)
        return err_set(err, ERR_CONFIG, "the job has no key '%s' of version %u", master,
                       (unsigned)choice->fixed);
    return err_set(err, ERR_CONFIG, "the job has no key '%s'", master);
}

static bool bind_key(struct planner *p, const struct bound_application *a, const struct profile_key *rule,
                     struct bound_key *out, struct err *err)
{
    bool own = rule->protection != METHOD_KWP;
    out->rule = rule;
    if (!bind_version(p, a, rule->master, &rule->version, &out->version)) {
        out->left_out = rule->optional;
        return rule->optional || no_master(rule->master, &rule->version, err);
    }
    if (own && !bind_version(p, a, rule->card_key.master, &rule->card_key.version, &out->card_version))
        return no_master(rule->card_key.master, &rule->card_key.version, err);
    if (own) out->keydata = bind_field(p, a->rule, rule->card_key.keydata_field);
    out->data_from.convert = conversion(a->profile, rule->data_convert);
    out->data_from.options = &rule->data_options;
    return rule->data != DATA_FROM_SOURCES || bind_list(p, a->rule, &rule->data_from, &out->data_from, err);
}

static bool bind_profile(struct planner *p, struct bound_application *a, struct err *err)
{
    const struct profile *profile = a->profile;
    void *elements = NULL, *keys = NULL, *values = NULL, *planned = NULL;
    if (!take_array(p, profile->element_count, sizeof(*a->elements), &elements, err) ||
        !take_array(p, profile->key_count, sizeof(*a->keys), &keys, err) ||
        !take_array(p, profile->element_count, sizeof(*a->values), &values, err) ||
        !take_array(p, profile->key_count, sizeof(*a->planned_keys), &planned, err))
        return false;
    a->elements = elements;
    a->keys = keys;
    a->values = values;
    a->planned_keys = planned;
    if (profile->selector) a->selector = bind_field(p, a->rule, profile->selector);
    for (size_t i = 0; i < profile->element_count; i++) {
        if (!bind_element(p, a, &profile->elements[i], &a->elements[i], err)) return false;
    }
    for (size_t i = 0; i < profile->key_count; i++) {
        if (bind_key(p, a, &profile->keys[i], &a->keys[i], err)) continue;
        if (err->kind == ERR_INPUT) err->kind = ERR_CONFIG;
        err_prefix(err, "key %s", profile->keys[i].name);
        return false;
    }
    return true;
}

static bool check_application(const struct bound_application *a, struct err *err)
{
    if (!a->profile) return true;
    if (a->profile->certificates.present && a->rule->issuer_key < 0)
        return err_set(err, ERR_CONFIG,
                       "its profile makes certificates, and the job names no issuer key for it");
    if (a->rule->protect == PROTECT_NONE &&
        (a->profile->key_count > 0 || a->profile->key_pair.present || a->profile->certificates.present))
        return err_set(err, ERR_CONFIG, "`protect: none` is for applications without keys");
    return true;
}

static bool bind_group(struct planner *p, const struct job_group_template *rule, struct bound_group *out,
                       struct err *err)
{
    out->rule = rule;
    if (rule->file_field) {
        out->file = bind_field(p, NULL, rule->file_field);
        return true;
    }
    if (bind_template(p, NULL, rule->text, &out->template, err)) {
        if (!out->template.lacks_counter) return true;
        err_set(err, ERR_CONFIG, "asks for the card number counter, and the job has none");
    }
    err_prefix(err, "group %s", rule->mic);
    return false;
}

bool plan_bind(struct planner *p, struct err *err)
{
    void *applications = NULL, *groups = NULL;
    if (!take_array(p, p->job->application_count, sizeof(*p->applications), &applications, err) ||
        !take_array(p, p->job->group_count, sizeof(*p->groups), &groups, err))
        return false;
    p->applications = applications;
    p->groups = groups;
    for (size_t i = 0; i < p->job->application_count; i++) {
        struct bound_application *a = &p->applications[i];
        a->rule = &p->job->applications[i];
        a->profile = a->rule->profile;
        a->selector.index = -1;
        if (check_application(a, err) && (!a->profile || bind_profile(p, a, err))) continue;
        err_prefix(err, "application %s", a->rule->name);
        return false;
    }
    for (size_t i = 0; i < p->job->group_count; i++) {
        if (!bind_group(p, &p->job->groups[i], &p->groups[i], err)) return false;
    }
    return true;
}
