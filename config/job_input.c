/* Inputs of a job: the main one and those that are joined to it. */
#include <stdlib.h>
#include <string.h>

#include "config/job_read.h"

enum { JOINS_MAX = 16, MIC_FIELDS_MAX = 256, RENAMES_MAX = 256, LINE_MAX_BYTES = 1 << 20 };

static bool read_format(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"csv", "fixed", "mic"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum input_format *)into = (enum input_format)index;
    return true;
}

static bool read_separator(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    char separator = strcmp(text, "tab") == 0 ? '\t' : text[0];
    bool ok =
        separator == '\t' || (text[1] == '\0' && separator > 0x20 && separator < 0x7F && separator != '"');
    if (!ok) return tree_error(value, err, "'separator' is one character, or tab");
    *(char *)into = separator;
    return true;
}

static bool check_distinct(const struct tree_node *value, const char *name, const char *other, size_t index,
                           struct err *err)
{
    return strcmp(name, other) != 0 || tree_error(&value->items[index], err, "'%s' is named twice", name);
}

static bool read_columns(const struct tree_node *value, void *into, struct err *err)
{
    struct input_settings *in = into;
    if (!schema_texts(value, &in->columns, &in->column_count, err)) return false;
    for (size_t i = 0; i < in->column_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!check_distinct(value, in->columns[i], in->columns[k], i, err)) return false;
        }
    }
    return true;
}

bool job_read_renames(const struct tree_node *value, struct field_rename **out, size_t *count,
                      struct err *err)
{
    if (value->kind != TREE_MAPPING || !value->count || value->count > RENAMES_MAX)
        return tree_error(value, err, "'%s' must be a mapping of 1 to %d names",
                          value->key ? value->key : "fields", RENAMES_MAX);
    *out = calloc(value->count, sizeof(**out));
    if (!*out) return err_set_no_memory(err);
    for (size_t i = 0; i < value->count; i++) {
        *count = i + 1;
        (*out)[i].field = strdup(value->items[i].key);
        if (!(*out)[i].field) return err_set_no_memory(err);
        if (!value->items[i].key[0]) return tree_error_key(&value->items[i], err, "an empty name");
        if (!schema_text(&value->items[i], &(*out)[i].column, err)) return false;
    }
    return true;
}

void renames_free(struct field_rename *renames, size_t count)
{
    for (size_t i = 0; renames && i < count; i++) {
        free(renames[i].field);
        free(renames[i].column);
    }
    free(renames);
}

static bool read_fields(const struct tree_node *value, void *into, struct err *err)
{
    struct input_settings *in = into;
    return job_read_renames(value, &in->renames, &in->rename_count, err);
}

/* Positions count from 1 in the file, from 0 here. */
static bool read_start(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t start = 0;
    if (!schema_number(value, 1, LINE_MAX_BYTES, &start, err)) return false;
    *(size_t *)into = (size_t)start - 1;
    return true;
}

static bool read_length(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t length = 0;
    if (!schema_number(value, 1, LINE_MAX_BYTES, &length, err)) return false;
    *(size_t *)into = (size_t)length;
    return true;
}

static const struct schema_field fixed_fields[] = {
    {"name", SCHEMA_REQUIRED, schema_text, offsetof(struct fixed_column, name)},
    {"start", SCHEMA_REQUIRED, read_start, offsetof(struct fixed_column, start)},
    {"length", SCHEMA_REQUIRED, read_length, offsetof(struct fixed_column, len)},
    {"trim", SCHEMA_OPTIONAL, schema_flag, offsetof(struct fixed_column, trim)},
};
static const struct schema fixed_schema = SCHEMA("a fixed column", fixed_fields);

static bool read_fixed_column(const struct tree_node *value, void *into, struct err *err)
{
    ((struct fixed_column *)into)->trim = true;
    return schema_bind(value, &fixed_schema, into, err);
}

static bool read_fixed(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct fixed_column), TABLE_COLUMNS_MAX, read_fixed_column};
    struct input_settings *in = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &in->fixed_count, err);
    in->fixed = array;
    for (size_t i = 0; ok && i < in->fixed_count; i++) {
        for (size_t k = 0; ok && k < i; k++)
            ok = check_distinct(value, in->fixed[i].name, in->fixed[k].name, i, err);
    }
    return ok;
}

static bool read_first_mic(const struct tree_node *value, void *into, struct err *err)
{
    struct mic_framing *f = into;
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    if (!mic_is_name(text))
        return tree_error(value, err, "'%s' is no module identifier: 1 to 7 of A-Z 0-9 # - _", text);
    f->kind = MIC_FRAMING_FIRST_MIC;
    memcpy(f->first_mic, text, strlen(text) + 1);
    return true;
}

static const struct schema_field framing_fields[] = {{"first-mic", SCHEMA_REQUIRED, read_first_mic, 0}};
static const struct schema framing_schema = SCHEMA("the framing", framing_fields);

static bool read_framing(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"rlen", "newline"};
    struct mic_framing *f = into;
    size_t index = 0;
    if (value->kind == TREE_MAPPING) return schema_bind(value, &framing_schema, f, err);
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    f->kind = index ? MIC_FRAMING_NEWLINE : MIC_FRAMING_RLEN;
    return true;
}

static const struct schema_field mic_field_fields[] = {
    {"field", SCHEMA_REQUIRED, schema_text, offsetof(struct mic_field, field)},
    {"mic", SCHEMA_REQUIRED, schema_mic, offsetof(struct mic_field, mic)},
    {"start", SCHEMA_REQUIRED, read_start, offsetof(struct mic_field, start)},
    {"length", SCHEMA_REQUIRED, read_length, offsetof(struct mic_field, len)},
    {"trim", SCHEMA_OPTIONAL, schema_flag, offsetof(struct mic_field, trim)},
};
static const struct schema mic_field_schema = SCHEMA("a MIC field", mic_field_fields);

static bool read_mic_field(const struct tree_node *value, void *into, struct err *err)
{
    ((struct mic_field *)into)->trim = true;
    return schema_bind(value, &mic_field_schema, into, err);
}

static bool read_mic_fields(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct mic_field), MIC_FIELDS_MAX, read_mic_field};
    struct input_settings *in = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &in->mic_field_count, err);
    in->mic_fields = array;
    for (size_t i = 0; ok && i < in->mic_field_count; i++) {
        for (size_t k = 0; ok && k < i; k++)
            ok = check_distinct(value, in->mic_fields[i].field, in->mic_fields[k].field, i, err);
    }
    return ok;
}

/* The main input and a joined one have the same keys; in both, the input_settings stand first behind `at`. */
#define INPUT_ROWS(at)                                                                                       \
    {"format", SCHEMA_REQUIRED, read_format, (at) + offsetof(struct input_settings, format)},                \
        {"file", SCHEMA_REQUIRED, schema_file, (at) + offsetof(struct input_settings, path)},                \
        {"header", SCHEMA_OPTIONAL, schema_flag, (at) + offsetof(struct input_settings, csv.header)},        \
        {"separator", SCHEMA_OPTIONAL, read_separator,                                                       \
         (at) + offsetof(struct input_settings, csv.separator)},                                             \
        {"columns", SCHEMA_OPTIONAL, read_columns, (at)}, {"fields", SCHEMA_OPTIONAL, read_fields, (at)},    \
        {"fixed", SCHEMA_OPTIONAL, read_fixed, (at)},                                                        \
        {"framing", SCHEMA_OPTIONAL, read_framing, (at) + offsetof(struct input_settings, framing)},         \
        {"chip_mic", SCHEMA_OPTIONAL, schema_mic, (at) + offsetof(struct input_settings, chip_mic)},         \
    {                                                                                                        \
        "mic_fields", SCHEMA_OPTIONAL, read_mic_fields, (at)                                                 \
    }

/* Keys that only one format has. */
static const struct {
    const char *key;
    enum input_format format;
} format_keys[] = {
    {"header", INPUT_CSV},  {"separator", INPUT_CSV}, {"columns", INPUT_CSV},    {"fixed", INPUT_FIXED},
    {"framing", INPUT_MIC}, {"chip_mic", INPUT_MIC},  {"mic_fields", INPUT_MIC},
};

static bool check_input(const struct tree_node *value, const struct input_settings *in, struct err *err)
{
    static const char *const names[] = {"csv", "fixed", "mic"};
    for (size_t i = 0; i < SCHEMA_COUNT(format_keys); i++) {
        const struct tree_node *item = tree_get(value, format_keys[i].key);
        if (item && format_keys[i].format != in->format)
            return tree_error_key(item, err, "'%s' goes with format: %s only", item->key,
                                  names[format_keys[i].format]);
    }
    if (in->format == INPUT_CSV && in->csv.header == (in->columns != NULL))
        return tree_error(value, err, "%s",
                          in->columns ? "'columns' goes with 'header: no'; a header names the columns itself"
                                      : "without a header, 'columns' must name the columns");
    if (in->format == INPUT_FIXED && !in->fixed)
        return tree_error(value, err, "key 'fixed' is missing in an input of fixed columns");
    return true;
}

static void input_defaults(const struct tree_node *value, struct input_settings *in)
{
    in->csv.separator = ',';
    in->csv.header = !tree_get(value, "columns") || tree_get(value, "header");
}

static const struct schema_field input_fields[] = {INPUT_ROWS(0)};
static const struct schema input_schema = SCHEMA("the input", input_fields);

bool job_read_input(const struct tree_node *value, void *into, struct err *err)
{
    input_defaults(value, into);
    return schema_bind(value, &input_schema, into, err) && check_input(value, into, err);
}

void input_settings_release(struct input_settings *in)
{
    free(in->path);
    schema_texts_free(in->columns, in->column_count);
    for (size_t i = 0; in->fixed && i < in->fixed_count; i++)
        free((void *)(uintptr_t)in->fixed[i].name);
    free(in->fixed);
    free(in->chip_mic);
    renames_free(in->renames, in->rename_count);
    for (size_t i = 0; in->mic_fields && i < in->mic_field_count; i++) {
        free(in->mic_fields[i].field);
        free(in->mic_fields[i].mic);
    }
    free(in->mic_fields);
}

static const struct schema_field join_key_fields[] = {
    {"column", SCHEMA_REQUIRED, schema_text, offsetof(struct join_settings, key_column)},
    {"field", SCHEMA_REQUIRED, schema_text, offsetof(struct join_settings, key_field)},
};
static const struct schema join_key_schema = SCHEMA("a join's key", join_key_fields);

static bool read_join_key(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &join_key_schema, into, err);
}

static bool read_missing(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"error", "empty"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum on_missing *)into = index ? ON_MISSING_EMPTY : ON_MISSING_ERROR;
    return true;
}

static bool read_unused(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"report", "error", "ignore"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum on_unused *)into = (enum on_unused)index;
    return true;
}

static const struct schema_field join_fields[] = {
    {"name", SCHEMA_REQUIRED, schema_text, offsetof(struct join_settings, name)},
    INPUT_ROWS(offsetof(struct join_settings, input)),
    {"key", SCHEMA_REQUIRED, read_join_key, 0},
    {"missing", SCHEMA_OPTIONAL, read_missing, offsetof(struct join_settings, missing)},
    {"unused", SCHEMA_OPTIONAL, read_unused, offsetof(struct join_settings, unused)},
};
static const struct schema join_schema = SCHEMA("a join", join_fields);

static bool read_join(const struct tree_node *value, void *into, struct err *err)
{
    struct join_settings *join = into;
    input_defaults(value, &join->input);
    return schema_bind(value, &join_schema, join, err) && check_input(value, &join->input, err);
}

bool job_read_joins(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct join_settings), JOINS_MAX, read_join};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->join_count, err);
    j->joins = array;
    for (size_t i = 0; ok && i < j->join_count; i++) {
        for (size_t k = 0; ok && k < i; k++)
            ok = check_distinct(value, j->joins[i].name, j->joins[k].name, i, err);
    }
    return ok;
}
