/* Fields of a job: everything that is asked for is given by some input. */
#include <stdio.h>
#include <string.h>

#include "config/lint.h"
#include "config/schema.h"

enum { NAMES_MAX = 1024 };

/* The names of all fields that a record has, if they are known. */
struct names {
    const char *names[NAMES_MAX];
    size_t count;
    bool complete;
};

static void add(struct names *n, const char *name)
{
    if (n->count < NAMES_MAX)
        n->names[n->count++] = name;
    else
        n->complete = false;
}

/* A column appears under its field's name when the job renames it. */
static void add_column(struct names *n, const struct input_settings *in, const char *column)
{
    bool renamed = false;
    for (size_t i = 0; i < in->rename_count; i++) {
        if (strcmp(in->renames[i].column, column) != 0) continue;
        add(n, in->renames[i].field);
        renamed = true;
    }
    if (!renamed) add(n, column);
}

static void add_input(struct names *n, const struct input_settings *in)
{
    for (size_t i = 0; i < in->column_count; i++)
        add_column(n, in, in->columns[i]);
    for (size_t i = 0; i < in->fixed_count; i++)
        add_column(n, in, in->fixed[i].name);
    for (size_t i = 0; i < in->mic_field_count; i++)
        add_column(n, in, in->mic_fields[i].field);
    if (in->format == INPUT_CSV && in->csv.header) n->complete = false;
}

static bool has(const struct names *n, const char *field)
{
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->names[i], field) == 0) return true;
    }
    return !n->complete;
}

static const char *near(const struct names *n, const char *field, char *text, size_t size)
{
    return schema_suggestion(field, n->names, n->count, text, size);
}

/* The job's name of a profile's field. */
static const char *job_field(const struct job_application *a, const char *field)
{
    for (size_t i = 0; i < a->field_count; i++) {
        if (strcmp(a->fields[i].field, field) == 0) return a->fields[i].column;
    }
    return field;
}

/* Can this source give anything? *missing is then or otherwise the first field that no input gives. */
static bool can_give(const struct job *j, const struct names *n, const struct job_application *a,
                     const struct source *s, const char **missing)
{
    bool may_be_empty = s->kind == SOURCE_COMPUTED; /* track2's discretionary data */
    if (source_uses_counter(s) && !j->counter_path) {
        *missing = "counter";
        return false;
    }
    for (size_t i = 0; source_field(s, i); i++) {
        const char *field = job_field(a, source_field(s, i));
        if (has(n, field) || (may_be_empty && i == 3)) continue;
        *missing = field;
        return false;
    }
    return true;
}

static bool any_can_give(const struct job *j, const struct names *n, const struct job_application *a,
                         const struct source_list *from, const char **missing)
{
    for (size_t i = 0; i < from->count; i++) {
        if (can_give(j, n, a, &from->sources[i], missing)) return true;
    }
    return false;
}

static void say_missing(struct lint *l, const struct names *n, const struct job_application *a,
                        const char *what, const char *missing)
{
    char suggestion[96];
    if (missing && strcmp(missing, "counter") == 0)
        lint_error(l, a->line,
                   "application %s: %s comes from the card number counter, but the job has no 'counter'",
                   a->name, what);
    else if (missing)
        lint_error(l, a->line, "application %s: %s: no input gives field '%s'%s", a->name, what, missing,
                   near(n, missing, suggestion, sizeof(suggestion)));
    else
        lint_error(l, a->line, "application %s: nothing gives %s: no source, and the input has no entries",
                   a->name, what);
}

/* MIC input: the record's own open entry, or the one that is replaced, may give what no field does. */
static void check_elements(struct lint *l, const struct job *j, const struct names *n,
                           const struct job_application *a)
{
    for (size_t i = 0; i < lint_profile_of(a)->element_count; i++) {
        const struct profile_element *e = &lint_profile_of(a)->elements[i];
        const char *missing = NULL;
        char what[160];
        if (e->optional || e->fallback || j->input.format == INPUT_MIC) continue;
        if (any_can_give(j, n, a, &e->from, &missing)) continue;
        snprintf(what, sizeof(what), "element %X (%s)", e->tag, e->name);
        say_missing(l, n, a, what, missing);
    }
}

static void check_field(struct lint *l, const struct names *n, const struct job_application *a,
                        const char *what, const char *name)
{
    if (name && !has(n, job_field(a, name))) say_missing(l, n, a, what, job_field(a, name));
}

static void check_keys(struct lint *l, const struct job *j, const struct names *n,
                       const struct job_application *a)
{
    for (size_t i = 0; i < lint_profile_of(a)->key_count; i++) {
        const struct profile_key *k = &lint_profile_of(a)->keys[i];
        const char *missing = NULL;
        char what[96];
        if (k->optional && !job_key(j, k->master, 0)) continue;
        snprintf(what, sizeof(what), "key %s", k->name);
        if (k->data == DATA_FROM_SOURCES && j->input.format != INPUT_MIC &&
            !any_can_give(j, n, a, &k->data_from, &missing))
            say_missing(l, n, a, what, missing);
        snprintf(what, sizeof(what), "key %s: the card's KEYDATA", k->name);
        check_field(l, n, a, what, k->card_key.keydata_field);
    }
    if (a->optional) check_field(l, n, a, "the selector", lint_profile_of(a)->selector);
}

static bool asks_for(const struct profile *p, const char *field)
{
    bool found = p->selector && strcmp(p->selector, field) == 0;
    for (size_t i = 0; i < p->element_count; i++) {
        const struct source_list *from = &p->elements[i].from;
        for (size_t s = 0; s < from->count; s++) {
            for (size_t f = 0; source_field(&from->sources[s], f); f++)
                found = found || strcmp(source_field(&from->sources[s], f), field) == 0;
        }
    }
    for (size_t i = 0; i < p->key_count; i++) {
        const struct profile_key *k = &p->keys[i];
        const char *names[] = {k->version.field, k->card_key.version.field, k->card_key.keydata_field};
        for (size_t f = 0; f < SCHEMA_COUNT(names); f++)
            found = found || (names[f] && strcmp(names[f], field) == 0);
        for (size_t s = 0; s < k->data_from.count; s++) {
            for (size_t f = 0; source_field(&k->data_from.sources[s], f); f++)
                found = found || strcmp(source_field(&k->data_from.sources[s], f), field) == 0;
        }
    }
    return found;
}

static void check_renames(struct lint *l, const struct names *n, const struct job_application *a)
{
    char suggestion[96];
    for (size_t i = 0; i < a->field_count; i++) {
        if (!asks_for(lint_profile_of(a), a->fields[i].field))
            lint_error(l, a->line, "application %s: its profile asks for no field '%s'", a->name,
                       a->fields[i].field);
        if (!has(n, a->fields[i].column))
            lint_error(l, a->line, "application %s: no input gives field '%s'%s", a->name,
                       a->fields[i].column, near(n, a->fields[i].column, suggestion, sizeof(suggestion)));
    }
}

static void check_job_field(struct lint *l, const struct names *n, const char *what, const char *who,
                            const char *field)
{
    char suggestion[96];
    if (!has(n, field))
        lint_error(l, 0, "%s%s: no input gives field '%s'%s", what, who, field,
                   near(n, field, suggestion, sizeof(suggestion)));
}

static void check_groups(struct lint *l, const struct job *j, const struct names *n)
{
    for (size_t i = 0; i < j->group_count; i++) {
        const struct job_group_template *g = &j->groups[i];
        if (g->file_field) check_job_field(l, n, "group ", g->mic, g->file_field);
        for (size_t f = 0; g->text && f < template_field_count(g->text); f++) {
            const char *field = template_field(g->text, f);
            if (strcmp(field, "record") == 0) continue;
            if (strcmp(field, "counter") != 0)
                check_job_field(l, n, "group ", g->mic, field);
            else if (!j->counter_path)
                lint_error(l, 0, "group %s uses the card number counter, but the job has no 'counter'",
                           g->mic);
        }
    }
}

void lint_job_fields(struct lint *l, const struct job *j, const char *const *columns, size_t column_count)
{
    struct names n = {.complete = true};
    for (size_t i = 0; i < column_count; i++)
        add(&n, columns[i]);
    if (!columns) {
        add_input(&n, &j->input);
        for (size_t i = 0; i < j->join_count; i++)
            add_input(&n, &j->joins[i].input);
    }
    for (size_t i = 0; i < j->application_count; i++) {
        check_elements(l, j, &n, &j->applications[i]);
        check_keys(l, j, &n, &j->applications[i]);
        check_renames(l, &n, &j->applications[i]);
    }
    check_groups(l, j, &n);
    if (j->object_id_field) check_job_field(l, &n, "object_id", "", j->object_id_field);
    for (size_t i = 0; i < j->join_count; i++)
        check_job_field(l, &n, "join ", j->joins[i].name, j->joins[i].key_field);
}

/* ---- fields that are given and that nobody asks for ---- */

static bool group_asks_for(const struct job_group_template *g, const char *field)
{
    if (g->file_field && strcmp(g->file_field, field) == 0) return true;
    for (size_t i = 0; g->text && i < template_field_count(g->text); i++) {
        if (strcmp(template_field(g->text, i), field) == 0) return true;
    }
    return false;
}

static bool application_asks_for(const struct job_application *a, const char *field)
{
    bool renamed = false; /* the profile's own name is then another field's */
    for (size_t i = 0; i < a->field_count; i++) {
        if (strcmp(a->fields[i].column, field) == 0 && asks_for(lint_profile_of(a), a->fields[i].field))
            return true;
        renamed = renamed || strcmp(a->fields[i].field, field) == 0;
    }
    return !renamed && asks_for(lint_profile_of(a), field);
}

static bool job_asks_for(const struct job *j, const char *field)
{
    if (j->object_id_field && strcmp(j->object_id_field, field) == 0) return true;
    for (size_t i = 0; i < j->join_count; i++) {
        if (strcmp(j->joins[i].key_field, field) == 0) return true;
    }
    for (size_t i = 0; i < j->group_count; i++) {
        if (group_asks_for(&j->groups[i], field)) return true;
    }
    for (size_t i = 0; i < j->application_count; i++) {
        if (application_asks_for(&j->applications[i], field)) return true;
    }
    return false;
}

void job_unused_fields(const struct job *j, const char *const *fields, size_t count, struct buf *findings)
{
    struct lint l = {findings, j->path, 0};
    for (size_t i = 0; i < count; i++) {
        if (!job_asks_for(j, fields[i]))
            lint_warning(&l, 0, "field '%s' of the input is used by nothing: is a name misspelt?", fields[i]);
    }
}
