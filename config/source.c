#include "config/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "config/canonical.h"
#include "config/schema.h"

enum { HEX_SOURCE_MAX = 1024 };

static const char *const kind_names[] = {
    [SOURCE_FIELD] = "field",       [SOURCE_CONSTANT] = "constant",       [SOURCE_HEX] = "hex",
    [SOURCE_TEMPLATE] = "template", [SOURCE_COUNTER] = "counter",         [SOURCE_COMPUTED] = "computed",
    [SOURCE_TOKEN] = "token",       [SOURCE_KEY_VERSION] = "key_version",
};

static const char *const computed_names[] = {
    [COMPUTED_TRACK2] = "track2",
    [COMPUTED_RECORD_NUMBER] = "record-number",
    [COMPUTED_OBJECT_ID] = "object-id",
};

static const char *const track2_fields[] = {"pan", "expiry", "service_code", "track2_discretionary"};

const char *source_kind_name(enum source_kind kind)
{
    return kind_names[kind];
}

const char *source_computed_name(enum source_computed computed)
{
    return computed_names[computed];
}

bool source_gives_text(const struct source *s)
{
    return s->kind != SOURCE_HEX && s->kind != SOURCE_TOKEN && s->kind != SOURCE_KEY_VERSION;
}

static bool is_builtin(const char *field)
{
    return strcmp(field, "counter") == 0 || strcmp(field, "record") == 0;
}

const char *source_field(const struct source *s, size_t index)
{
    if (s->kind == SOURCE_FIELD) return index == 0 ? s->text : NULL;
    if (s->kind == SOURCE_COMPUTED && s->computed == COMPUTED_TRACK2)
        return index < SCHEMA_COUNT(track2_fields) ? track2_fields[index] : NULL;
    if (s->kind != SOURCE_TEMPLATE) return NULL;
    size_t found = 0;
    for (size_t i = 0; i < template_field_count(s->template); i++) {
        const char *field = template_field(s->template, i);
        if (!is_builtin(field) && found++ == index) return field;
    }
    return NULL;
}

bool source_uses_counter(const struct source *s)
{
    if (s->kind == SOURCE_COUNTER) return true;
    for (size_t i = 0; s->kind == SOURCE_TEMPLATE && i < template_field_count(s->template); i++) {
        if (strcmp(template_field(s->template, i), "counter") == 0) return true;
    }
    return false;
}

void source_list_release(struct source_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct source *s = &list->sources[i];
        free(s->text);
        free(s->bytes);
        template_free(s->template);
    }
    list->count = 0;
}

static bool read_hex(const struct tree_node *value, struct source *s, struct err *err)
{
    uint8_t bytes[HEX_SOURCE_MAX];
    if (!schema_hex(value, bytes, 1, sizeof(bytes), &s->len, err)) return false;
    s->bytes = malloc(s->len);
    if (!s->bytes) return err_set_no_memory(err);
    memcpy(s->bytes, bytes, s->len);
    return true;
}

static bool read_template(const struct tree_node *value, struct source *s, struct err *err)
{
    if (!schema_text(value, &s->text, err)) return false;
    if (template_compile(&s->template, s->text, err)) return true;
    err_prefix(err, "%s:%u:%u", value->file, value->line, value->column);
    return false;
}

static bool read_counter(const struct tree_node *value, struct source *s, struct err *err)
{
    bool wanted = false;
    (void)s;
    if (!schema_flag(value, &wanted, err)) return false;
    return wanted || tree_error(value, err, "'counter: no' says nothing; leave it out");
}

static bool read_computed(const struct tree_node *value, struct source *s, struct err *err)
{
    size_t index = 0;
    if (!schema_choice(value, computed_names, SCHEMA_COUNT(computed_names), &index, err)) return false;
    s->computed = (enum source_computed)index;
    return schema_text(value, &s->text, err);
}

static bool read_token(const struct tree_node *value, struct source *s, struct err *err)
{
    static const char *const words[] = {"random"};
    size_t index = 0;
    (void)s;
    return schema_choice(value, words, SCHEMA_COUNT(words), &index, err);
}

static bool read_name(const struct tree_node *value, struct source *s, struct err *err)
{
    return schema_text(value, &s->text, err);
}

static bool (*const readers[])(const struct tree_node *, struct source *, struct err *) = {
    [SOURCE_FIELD] = read_name,        [SOURCE_CONSTANT] = read_name,    [SOURCE_HEX] = read_hex,
    [SOURCE_TEMPLATE] = read_template, [SOURCE_COUNTER] = read_counter,  [SOURCE_COMPUTED] = read_computed,
    [SOURCE_TOKEN] = read_token,       [SOURCE_KEY_VERSION] = read_name,
};

/* A mapping with exactly one of the kinds as its key. */
static bool read_source(const struct tree_node *value, struct source *s, struct err *err)
{
    char suggestion[96];
    if (value->kind != TREE_MAPPING || value->count != 1)
        return tree_error(
            value, err,
            "a source is one of {field: …}, {constant: …}, {hex: …}, {template: …}, {counter: yes}, "
            "{computed: …}, {token: random}, {key_version: …}");
    const struct tree_node *item = &value->items[0];
    for (size_t k = 0; k < SCHEMA_COUNT(kind_names); k++) {
        if (strcmp(item->key, kind_names[k]) != 0) continue;
        s->kind = (enum source_kind)k;
        return readers[k](item, s, err);
    }
    schema_suggestion(item->key, kind_names, SCHEMA_COUNT(kind_names), suggestion, sizeof(suggestion));
    return tree_error_key(item, err, "unknown kind of source '%s'%s", item->key, suggestion);
}

bool source_list_read(const struct tree_node *value, void *into, struct err *err)
{
    struct source_list *list = into;
    bool is_list = value->kind == TREE_SEQUENCE;
    size_t count = is_list ? value->count : 1;
    if (count == 0 || count > SOURCES_MAX)
        return tree_error(value, err, "1 to %d sources can be given", SOURCES_MAX);
    for (size_t i = 0; i < count; i++) {
        list->count = i + 1;
        if (!read_source(is_list ? &value->items[i] : value, &list->sources[i], err)) return false;
    }
    return true;
}

void source_list_canonical(struct canonical *c, const struct source_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct source *s = &list->sources[i];
        size_t mark = canonical_enter_item(c, "from", i);
        if (s->bytes)
            canonical_bytes(c, kind_names[s->kind], s->bytes, s->len);
        else
            canonical_text(c, kind_names[s->kind], s->text ? s->text : "yes");
        canonical_leave(c, mark);
    }
}
