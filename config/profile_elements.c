/* Elements and groupings of a profile: its `elements` and `groupings` sections. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/profile_read.h"
#include "formats/tlv.h"

enum { ELEMENTS_MAX = 256, GROUPINGS_MAX = 128 };

bool profile_read_tag(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    uint32_t tag = 0;
    struct err why = ERR_INIT;
    if (!schema_scalar(value, &text, err)) return false;
    if (!tlv_tag_from_text(text, &tag, &why))
        return tree_error(value, err, "'%s' is no BER tag such as 5A or 9F46", text);
    if (profile_is_reserved_tag(tag))
        return tree_error(value, err,
                          "tag %s is reserved for the record's own structure (C0-CF, D0-DE, E1, E2)", text);
    *(uint32_t *)into = tag;
    return true;
}

bool profile_read_dgi(const struct tree_node *value, void *into, struct err *err)
{
    uint8_t dgi[2];
    if (!schema_hex(value, dgi, 2, 2, NULL, err)) return false;
    *(uint16_t *)into = (uint16_t)(dgi[0] << 8 | dgi[1]);
    return true;
}

bool profile_read_convert(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    const char *names[64];
    char suggestion[96];
    size_t count = 0;
    size_t named = 0;
    if (!schema_scalar(value, &text, err)) return false;
    const struct convert_row *row = convert_find(text);
    if (row) {
        *(const struct convert_row **)into = row;
        return true;
    }
    const struct convert_row *rows = convert_rows(&count);
    for (; named < count && named < SCHEMA_COUNT(names); named++)
        names[named] = rows[named].name;
    schema_suggestion(text, names, named, suggestion, sizeof(suggestion));
    return tree_error(value, err, "unknown conversion '%s'%s", text, suggestion);
}

static const struct schema_field element_fields[] = {
    {"tag", SCHEMA_REQUIRED, profile_read_tag, offsetof(struct profile_element, tag)},
    {"name", SCHEMA_REQUIRED, schema_text, offsetof(struct profile_element, name)},
    {"from", SCHEMA_OPTIONAL, source_list_read, offsetof(struct profile_element, from)},
    {"convert", SCHEMA_OPTIONAL, profile_read_convert, offsetof(struct profile_element, convert)},
    {"length", SCHEMA_OPTIONAL, schema_size, offsetof(struct profile_element, options.len)},
    {"min_length", SCHEMA_OPTIONAL, schema_size, offsetof(struct profile_element, options.min_len)},
    {"max_length", SCHEMA_OPTIONAL, schema_size, offsetof(struct profile_element, options.max_len)},
    {"minimum", SCHEMA_OPTIONAL, schema_text, offsetof(struct profile_element, options.minimum)},
    {"maximum", SCHEMA_OPTIONAL, schema_text, offsetof(struct profile_element, options.maximum)},
    {"exponent", SCHEMA_OPTIONAL, schema_unsigned, offsetof(struct profile_element, options.exponent)},
    {"default", SCHEMA_OPTIONAL, schema_text, offsetof(struct profile_element, fallback)},
    {"optional", SCHEMA_OPTIONAL, schema_flag, offsetof(struct profile_element, optional)},
};
static const struct schema element_schema = SCHEMA("an element", element_fields);

static bool check_lengths(const struct tree_node *value, const struct convert_options *o, struct err *err)
{
    if (o->len > CONVERT_VALUE_MAX || o->max_len > CONVERT_VALUE_MAX)
        return tree_error(value, err, "a value of more than %d bytes", CONVERT_VALUE_MAX);
    if (o->max_len && o->min_len > o->max_len)
        return tree_error(value, err, "min_length is larger than max_length");
    if (o->len && (o->min_len || o->max_len))
        return tree_error(value, err, "give either length or min_length and max_length");
    return true;
}

static bool check_sources(const struct tree_node *value, const struct profile_element *e, struct err *err)
{
    bool text = e->fallback != NULL;
    for (size_t i = 0; i < e->from.count; i++) {
        const struct source *s = &e->from.sources[i];
        text = text || source_gives_text(s);
        if (s->kind == SOURCE_TOKEN && !e->options.len)
            return tree_error(value, err, "'token: random' needs the element's length");
    }
    if (text && !e->convert)
        return tree_error(value, err, "key 'convert' is missing in an element that comes from text");
    if (!text && e->convert)
        return tree_error(value, err, "'convert' says nothing here: no source gives text");
    return true;
}

static bool read_element(const struct tree_node *value, void *into, struct err *err)
{
    struct profile_element *e = into;
    e->line = value->line;
    return schema_bind(value, &element_schema, e, err) && check_lengths(value, &e->options, err) &&
           check_sources(value, e, err);
}

bool profile_read_elements(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct profile_element), ELEMENTS_MAX, read_element};
    struct profile *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->element_count, err);
    p->elements = array;
    for (size_t i = 0; ok && i < p->element_count; i++) {
        int first = profile_element_index(p, p->elements[i].tag);
        if ((size_t)first != i)
            ok = tree_error(&value->items[i], err, "tag %" PRIX32 " is described twice; first in line %u",
                            p->elements[i].tag, p->elements[first].line);
    }
    return ok;
}

/* What a grouping's keys give before it is known which kind it is. */
struct grouping_text {
    struct profile_grouping *grouping;
    char **keys, **check_values;
    size_t key_count, check_value_count;
    bool key_pair;
};

static bool read_place(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(uint32_t), PROFILE_PLACES_MAX, profile_read_tag};
    struct profile_grouping *g = ((struct grouping_text *)into)->grouping;
    void *array = NULL;
    size_t count = 0;
    bool ok = schema_list(value, &how, &array, &count, err);
    if (ok) {
        memcpy(g->tags, array, count * sizeof(uint32_t));
        g->count = count;
    }
    free(array);
    return ok;
}

static bool read_grouping_dgi(const struct tree_node *value, void *into, struct err *err)
{
    return profile_read_dgi(value, &((struct grouping_text *)into)->grouping->dgi, err);
}

static bool read_grouping_template(const struct tree_node *value, void *into, struct err *err)
{
    uint32_t *tag = &((struct grouping_text *)into)->grouping->template_tag;
    if (!profile_read_tag(value, tag, err)) return false;
    return tlv_is_constructed(*tag) ||
           tree_error(value, err, "tag %" PRIX32 " is no template: its objects would not show", *tag);
}

static bool read_grouping_keys(const struct tree_node *value, void *into, struct err *err)
{
    struct grouping_text *t = into;
    return schema_texts(value, &t->keys, &t->key_count, err);
}

static bool read_grouping_check_values(const struct tree_node *value, void *into, struct err *err)
{
    struct grouping_text *t = into;
    return schema_texts(value, &t->check_values, &t->check_value_count, err);
}

static const struct schema_field grouping_fields[] = {
    {"dgi", SCHEMA_REQUIRED, read_grouping_dgi, 0},
    {"template", SCHEMA_OPTIONAL, read_grouping_template, 0},
    {"place", SCHEMA_OPTIONAL, read_place, 0},
    {"keys", SCHEMA_OPTIONAL, read_grouping_keys, 0},
    {"check_values", SCHEMA_OPTIONAL, read_grouping_check_values, 0},
    {"key_pair", SCHEMA_OPTIONAL, schema_flag, offsetof(struct grouping_text, key_pair)},
};
static const struct schema grouping_schema = SCHEMA("a grouping", grouping_fields);

static bool key_index(const struct tree_node *value, const struct profile *p, const char *name, size_t *index,
                      struct err *err)
{
    const char *names[PROFILE_PLACES_MAX];
    char suggestion[96];
    size_t count = 0;
    for (; count < p->key_count && count < PROFILE_PLACES_MAX; count++) {
        names[count] = p->keys[count].name;
        if (strcmp(name, names[count]) != 0) continue;
        *index = count;
        return true;
    }
    schema_suggestion(name, names, count, suggestion, sizeof(suggestion));
    return tree_error(value, err, "key '%s' is not among this profile's keys%s", name, suggestion);
}

/* Exactly one of place, keys, check_values and key_pair; names become indexes. */
static bool decide_kind(const struct tree_node *value, const struct profile *p, const struct grouping_text *t,
                        struct err *err)
{
    struct profile_grouping *g = t->grouping;
    int given = (g->count > 0) + (t->keys != NULL) + (t->check_values != NULL) + t->key_pair;
    if (given != 1)
        return tree_error(value, err,
                          "a grouping has exactly one of place, keys, check_values and key_pair: yes");
    if (g->count) return true;
    if (g->template_tag) return tree_error(value, err, "'template' goes with 'place' only");
    g->kind = t->key_pair ? GROUPING_KEY_PAIR : t->keys ? GROUPING_KEYS : GROUPING_CHECK_VALUES;
    char **names = t->keys ? t->keys : t->check_values;
    size_t count = t->keys ? t->key_count : t->check_value_count;
    if (count > PROFILE_PLACES_MAX) return tree_error(value, err, "more than %d keys", PROFILE_PLACES_MAX);
    for (size_t i = 0; names && i < count; i++) {
        if (!key_index(value, p, names[i], &g->keys[i], err)) return false;
        g->count = i + 1;
    }
    return true;
}

static bool read_grouping(const struct tree_node *value, const struct profile *p, struct profile_grouping *g,
                          struct err *err)
{
    struct grouping_text t = {.grouping = g};
    g->line = value->line;
    bool ok = schema_bind(value, &grouping_schema, &t, err) && decide_kind(value, p, &t, err);
    schema_texts_free(t.keys, t.key_count);
    schema_texts_free(t.check_values, t.check_value_count);
    return ok;
}

bool profile_read_groupings(const struct tree_node *value, void *into, struct err *err)
{
    struct profile *p = into;
    if (value->kind != TREE_SEQUENCE) return tree_error(value, err, "'groupings' must be a list");
    if (value->count == 0 || value->count > GROUPINGS_MAX)
        return tree_error(value, err, "a profile has 1 to %d groupings", GROUPINGS_MAX);
    p->groupings = calloc(value->count, sizeof(*p->groupings));
    if (!p->groupings) return err_set_no_memory(err);
    p->grouping_count = value->count;
    for (size_t i = 0; i < value->count; i++) {
        if (!read_grouping(&value->items[i], p, &p->groupings[i], err)) return false;
    }
    return true;
}
