#include "config/profile.h"

#include <stdlib.h>
#include <string.h>

#include "config/canonical.h"
#include "config/profile_read.h"

enum { UNIQUE_MAX = 8 };

static const char *const character_sets[] = {"ascii", "iso8859-1", "utf-8"};

static bool read_character_set(const struct tree_node *value, void *into, struct err *err)
{
    size_t index = 0;
    return schema_choice(value, character_sets, SCHEMA_COUNT(character_sets), &index, err) &&
           schema_text(value, into, err);
}

static bool read_check_value(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"gp", "cmac"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum card_check_value *)into = index ? CHECK_VALUE_CMAC : CHECK_VALUE_GP;
    return true;
}

static bool read_unique(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(uint32_t), UNIQUE_MAX, profile_read_tag};
    struct profile *p = into;
    void *array = NULL;
    size_t count = 0;
    bool ok = schema_list(value, &how, &array, &count, err);
    if (ok) {
        memcpy(p->unique, array, count * sizeof(uint32_t));
        p->unique_count = count;
    }
    free(array);
    return ok;
}

/* Keys before groupings, which name them. */
static const struct schema_field fields[] = {
    {"profile", SCHEMA_REQUIRED, schema_text, offsetof(struct profile, name)},
    {"version", SCHEMA_REQUIRED, schema_u16, offsetof(struct profile, version)},
    {"title", SCHEMA_REQUIRED, schema_text, offsetof(struct profile, title)},
    {"character_set", SCHEMA_OPTIONAL, read_character_set, offsetof(struct profile, character_set)},
    {"selector", SCHEMA_OPTIONAL, schema_text, offsetof(struct profile, selector)},
    {"luhn", SCHEMA_OPTIONAL, schema_flag, offsetof(struct profile, luhn)},
    {"check_value", SCHEMA_OPTIONAL, read_check_value, offsetof(struct profile, check_value)},
    {"elements", SCHEMA_REQUIRED, profile_read_elements, 0},
    {"keys", SCHEMA_OPTIONAL, profile_read_keys, 0},
    {"key_pair", SCHEMA_OPTIONAL, profile_read_key_pair, 0},
    {"certificates", SCHEMA_OPTIONAL, profile_read_certificates, 0},
    {"groupings", SCHEMA_OPTIONAL, profile_read_groupings, 0},
    {"unique", SCHEMA_OPTIONAL, read_unique, 0},
};
static const struct schema schema = SCHEMA("the profile", fields);

/* Defaults that a file may leave out. */
static bool fill_in(struct profile *p, struct err *err)
{
    if (!p->character_set && !(p->character_set = strdup("ascii"))) return err_set_no_memory(err);
    for (size_t i = 0; i < p->element_count; i++)
        p->elements[i].options.character_set = p->character_set;
    for (size_t i = 0; i < p->key_count; i++)
        p->keys[i].data_options.character_set = p->character_set;
    return true;
}

static bool from_document(struct profile **out, const char *name, const struct tree_document *d,
                          struct err *err)
{
    struct profile *p = calloc(1, sizeof(*p));
    if (!p || !(p->path = strdup(name))) {
        free(p);
        return err_set_no_memory(err);
    }
    p->luhn = true;
    bool ok = schema_bind(tree_root(d), &schema, p, err) && fill_in(p, err);
    if (ok)
        *out = p;
    else
        profile_free(p);
    return ok;
}

bool profile_load(struct profile **out, const char *path, struct err *err)
{
    struct tree_document *d = NULL;
    bool ok = tree_load(&d, path, err) && from_document(out, path, d, err);
    tree_free(d);
    return ok;
}

bool profile_parse(struct profile **out, const char *name, const void *text, size_t len, struct err *err)
{
    struct tree_document *d = NULL;
    bool ok = tree_parse(&d, name, text, len, err) && from_document(out, name, d, err);
    tree_free(d);
    return ok;
}

static void element_release(struct profile_element *e)
{
    free(e->name);
    free(e->fallback);
    free((void *)(uintptr_t)e->options.minimum);
    free((void *)(uintptr_t)e->options.maximum);
    source_list_release(&e->from);
}

void profile_free(struct profile *p)
{
    if (!p) return;
    for (size_t i = 0; p->elements && i < p->element_count; i++)
        element_release(&p->elements[i]);
    for (size_t i = 0; p->keys && i < p->key_count; i++)
        profile_key_release(&p->keys[i]);
    free(p->elements);
    free(p->keys);
    free(p->groupings);
    free(p->key_pair.name);
    free(p->path);
    free(p->name);
    free(p->title);
    free(p->character_set);
    free(p->selector);
    free(p);
}

int profile_element_index(const struct profile *p, uint32_t tag)
{
    for (size_t i = 0; i < p->element_count; i++) {
        if (p->elements[i].tag == tag) return (int)i;
    }
    return -1;
}

bool profile_is_certificate_tag(uint32_t tag)
{
    static const uint32_t tags[] = {0x8F, 0x90, 0x92, 0x9F32, 0x93, 0x9F46, 0x9F47, 0x9F48};
    for (size_t i = 0; i < SCHEMA_COUNT(tags); i++) {
        if (tags[i] == tag) return true;
    }
    return false;
}

bool profile_is_reserved_tag(uint32_t tag)
{
    return (tag >= 0xC0 && tag <= 0xCF) || (tag >= 0xD0 && tag <= 0xDE) || tag == 0xE1 || tag == 0xE2;
}

static void element_canonical(struct canonical *c, const struct profile_element *e)
{
    const struct convert_options *o = &e->options;
    canonical_tag(c, "tag", e->tag);
    canonical_text(c, "name", e->name);
    source_list_canonical(c, &e->from);
    canonical_text(c, "convert", e->convert ? e->convert->name : NULL);
    canonical_number(c, "length", o->len);
    canonical_number(c, "min_length", o->min_len);
    canonical_number(c, "max_length", o->max_len);
    canonical_number(c, "exponent", o->exponent);
    canonical_text(c, "minimum", o->minimum);
    canonical_text(c, "maximum", o->maximum);
    canonical_text(c, "default", e->fallback);
    canonical_flag(c, "optional", e->optional);
}

static void grouping_canonical(struct canonical *c, const struct profile *p, const struct profile_grouping *g)
{
    static const char *const lists[] = {"place", "keys", "check_values", "key_pair"};
    const uint8_t dgi[2] = {(uint8_t)(g->dgi >> 8), (uint8_t)g->dgi};
    canonical_bytes(c, "dgi", dgi, sizeof(dgi));
    canonical_tag(c, "template", g->template_tag);
    if (g->kind == GROUPING_KEY_PAIR) canonical_flag(c, lists[g->kind], true);
    for (size_t i = 0; i < g->count; i++) {
        size_t mark = canonical_enter_item(c, lists[g->kind], i);
        if (g->kind == GROUPING_ELEMENTS)
            canonical_tag(c, "tag", g->tags[i]);
        else
            canonical_text(c, "name", p->keys[g->keys[i]].name);
        canonical_leave(c, mark);
    }
}

static void certificates_canonical(struct canonical *c, const struct profile_certificates *s)
{
    size_t mark = canonical_enter(c, "certificates");
    canonical_tag(c, "subject", s->subject_tag);
    canonical_text(c, "expiry", s->expiry == EXPIRY_ISSUER ? "issuer" : "element");
    canonical_tag(c, "expiry.element", s->expiry_tag);
    if (s->ssad) canonical_bytes(c, "ssad.dac", s->dac, sizeof(s->dac));
    canonical_leave(c, mark);
}

static void pair_canonical(struct canonical *c, const struct profile_key_pair *pair)
{
    size_t mark = canonical_enter(c, "key_pair");
    canonical_text(c, "name", pair->name);
    canonical_number(c, "bits", pair->bits);
    canonical_number(c, "exponent", pair->exponent);
    canonical_text(c, "crt_padding", pair->crt_padding_when_needed ? "when-needed" : "always");
    canonical_leave(c, mark);
}

void profile_canonical_lines(struct canonical *c, const struct profile *p)
{
    canonical_text(c, "profile", p->name);
    canonical_number(c, "version", p->version);
    canonical_text(c, "title", p->title);
    canonical_text(c, "character_set", p->character_set);
    canonical_text(c, "selector", p->selector);
    canonical_flag(c, "luhn", p->luhn);
    canonical_text(c, "check_value", p->check_value == CHECK_VALUE_CMAC ? "cmac" : "gp");
    for (size_t i = 0; i < p->element_count; i++) {
        size_t mark = canonical_enter_item(c, "elements", i);
        element_canonical(c, &p->elements[i]);
        canonical_leave(c, mark);
    }
    for (size_t i = 0; i < p->grouping_count; i++) {
        size_t mark = canonical_enter_item(c, "groupings", i);
        grouping_canonical(c, p, &p->groupings[i]);
        canonical_leave(c, mark);
    }
    for (size_t i = 0; i < p->key_count; i++) {
        size_t mark = canonical_enter_item(c, "keys", i);
        profile_key_canonical(c, &p->keys[i]);
        canonical_leave(c, mark);
    }
    if (p->key_pair.present) pair_canonical(c, &p->key_pair);
    if (p->certificates.present) certificates_canonical(c, &p->certificates);
    for (size_t i = 0; i < p->unique_count; i++) {
        size_t mark = canonical_enter_item(c, "unique", i);
        canonical_tag(c, "tag", p->unique[i]);
        canonical_leave(c, mark);
    }
}

void profile_canonical(const struct profile *p, struct buf *out)
{
    struct canonical c;
    canonical_begin(&c);
    profile_canonical_lines(&c, p);
    canonical_end(&c, out);
}
