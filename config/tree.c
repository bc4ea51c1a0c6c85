#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/outfile.h"

struct tree_document {
    char *name;
    struct tree_node root;
};

struct parse {
    yaml_parser_t parser;
    const char *name;
    size_t nodes;
    unsigned depth;
};

static bool error_at(const char *file, unsigned line, unsigned column, struct err *err, const char *format,
                     va_list args) PRINTF_LIKE(5, 0);

static bool error_at(const char *file, unsigned line, unsigned column, struct err *err, const char *format,
                     va_list args)
{
    char text[ERR_TEXT_MAX];
    vsnprintf(text, sizeof(text), format, args);
    return err_set(err, ERR_CONFIG, "%s:%u:%u: %s", file, line, column, text);
}

void tree_error_set(const struct tree_node *n, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_at(n->file, n->line, n->column, err, format, args);
    va_end(args);
}

void tree_error_key_set(const struct tree_node *n, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_at(n->file, n->key ? n->key_line : n->line, n->key ? n->key_column : n->column, err, format, args);
    va_end(args);
}

static void node_release(struct tree_node *n)
{
    for (size_t i = 0; i < n->count; i++)
        node_release(&n->items[i]);
    free(n->items);
    free(n->key);
    free(n->text);
}

static bool next_event(struct parse *p, yaml_event_t *event, struct err *err)
{
    if (yaml_parser_parse(&p->parser, event)) return true;
    const yaml_parser_t *y = &p->parser;
    if (y->error == YAML_MEMORY_ERROR) return err_set_no_memory(err);
    const yaml_mark_t *mark = y->error == YAML_READER_ERROR ? &y->mark : &y->problem_mark;
    return err_set(err, ERR_CONFIG, "%s:%zu:%zu: no valid YAML: %s%s%s", p->name, mark->line + 1,
                   mark->column + 1, y->problem ? y->problem : "malformed", y->context ? ", " : "",
                   y->context ? y->context : "");
}

/* Refuses what configuration does without. The node's position is already set. */
static bool check_plain(const struct tree_node *n, const yaml_char_t *anchor, const yaml_char_t *tag,
                        struct err *err)
{
    if (anchor) return tree_error(n, err, "anchors (&) are not used in these files; write the value out");
    if (tag) return tree_error(n, err, "tags (!) are not used in these files");
    return true;
}

static bool read_scalar(struct tree_node *n, const yaml_event_t *event, struct err *err)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (!check_plain(n, event->data.scalar.anchor, event->data.scalar.tag, err)) return false;
    if (memchr(value, '\0', len)) return tree_error(n, err, "a NUL byte in a text");
    n->kind = TREE_SCALAR;
    n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->text = strndup(value, len);
    return n->text || err_set_no_memory(err);
}

/* Room for one more child; the first in `spare` steps of a growing array. */
static struct tree_node *add_item(struct tree_node *n, size_t *room, struct err *err)
{
    if (n->count == *room) {
        size_t wanted = *room ? 2 * *room : 4;
        struct tree_node *items = reallocarray(n->items, wanted, sizeof(*items));
        if (!items) {
            err_set_no_memory(err);
            return NULL;
        }
        n->items = items;
        *room = wanted;
    }
    struct tree_node *item = &n->items[n->count++];
    memset(item, 0, sizeof(*item));
    item->file = n->file;
    return item;
}

static void place(struct tree_node *n, const struct parse *p, const yaml_event_t *event)
{
    n->file = p->name;
    n->line = (unsigned)event->start_mark.line + 1;
    n->column = (unsigned)event->start_mark.column + 1;
}

static bool read_node(struct parse *p, struct tree_node *n, const yaml_event_t *event, struct err *err);

static bool read_key(const struct parse *p, const struct tree_node *mapping, struct tree_node *item,
                     const yaml_event_t *event, struct err *err)
{
    struct tree_node key = {0};
    place(&key, p, event);
    if (event->type == YAML_ALIAS_EVENT)
        return tree_error(&key, err, "aliases (*) are not used in these files");
    if (event->type != YAML_SCALAR_EVENT) return tree_error(&key, err, "a key must be a plain word");
    if (!read_scalar(&key, event, err)) return false;
    item->key = key.text;
    item->key_line = key.line;
    item->key_column = key.column;
    for (size_t i = 0; i + 1 < mapping->count; i++) {
        if (strcmp(mapping->items[i].key, item->key) != 0) continue;
        return tree_error(&key, err, "key '%s' is given twice; first in line %u", item->key,
                          mapping->items[i].key_line);
    }
    return true;
}

/* Children up to the closing event. In a mapping each has its key in front. */
static bool read_items(struct parse *p, struct tree_node *n, struct err *err)
{
    yaml_event_type_t last = n->kind == TREE_MAPPING ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    size_t room = 0;
    for (;;) {
        yaml_event_t event;
        struct tree_node *item = NULL;
        if (!next_event(p, &event, err)) return false;
        if (event.type == last) {
            yaml_event_delete(&event);
            return true;
        }
        bool ok = (item = add_item(n, &room, err)) != NULL;
        if (ok && n->kind == TREE_MAPPING && n->count > TREE_KEYS_MAX)
            ok = tree_error(n, err, "more than %d keys in one mapping", TREE_KEYS_MAX);
        if (n->kind == TREE_MAPPING) {
            ok = ok && read_key(p, n, item, &event, err);
            yaml_event_delete(&event);
            if (!ok || !next_event(p, &event, err)) return false;
        }
        ok = ok && read_node(p, item, &event, err);
        yaml_event_delete(&event);
        if (!ok) return false;
    }
}

static bool read_node(struct parse *p, struct tree_node *n, const yaml_event_t *event, struct err *err)
{
    place(n, p, event);
    if (++p->nodes > TREE_NODES_MAX)
        return tree_error(n, err, "more than %d values in one file", TREE_NODES_MAX);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(n, event, err);
    case YAML_SEQUENCE_START_EVENT:
        n->kind = TREE_SEQUENCE;
        if (!check_plain(n, event->data.sequence_start.anchor, event->data.sequence_start.tag, err))
            return false;
        break;
    case YAML_MAPPING_START_EVENT:
        n->kind = TREE_MAPPING;
        if (!check_plain(n, event->data.mapping_start.anchor, event->data.mapping_start.tag, err))
            return false;
        break;
    case YAML_ALIAS_EVENT:
        return tree_error(n, err, "aliases (*) are not used in these files");
    default:
        return tree_error(n, err, "a value was expected here");
    }
    if (++p->depth > TREE_DEPTH_MAX) return tree_error(n, err, "nested more than %d deep", TREE_DEPTH_MAX);
    bool ok = read_items(p, n, err);
    p->depth--;
    return ok;
}

/* Stream start, one document, stream end. */
static bool read_document(struct parse *p, struct tree_document *d, struct err *err)
{
    yaml_event_t event;
    bool has_root = false;
    for (;;) {
        if (!next_event(p, &event, err)) return false;
        yaml_event_type_t type = event.type;
        bool ok = true;
        struct tree_node at = {0};
        place(&at, p, &event);
        if (type == YAML_DOCUMENT_START_EVENT && has_root)
            ok = tree_error(&at, err, "a second YAML document; one file holds one");
        bool opens = type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
                     type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT;
        if (ok && opens) {
            ok = read_node(p, &d->root, &event, err);
            has_root = true;
        }
        yaml_event_delete(&event);
        if (!ok) return false;
        if (type == YAML_STREAM_END_EVENT)
            return has_root || err_set(err, ERR_CONFIG, "%s: the file is empty", p->name);
    }
}

bool tree_parse(struct tree_document **out, const char *name, const void *text, size_t len, struct err *err)
{
    struct parse p = {0};
    struct tree_document *d = calloc(1, sizeof(*d));
    if (!d || !(d->name = strdup(name)) || !yaml_parser_initialize(&p.parser)) {
        tree_free(d);
        return err_set_no_memory(err);
    }
    p.name = d->name;
    yaml_parser_set_encoding(&p.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.parser, (const unsigned char *)(text ? text : ""), text ? len : 0);
    bool ok = read_document(&p, d, err);
    yaml_parser_delete(&p.parser);
    if (ok)
        *out = d;
    else
        tree_free(d);
    return ok;
}

bool tree_load(struct tree_document **out, const char *path, struct err *err)
{
    struct buf text;
    buf_init(&text, TREE_FILE_MAX);
    bool ok =
        file_read_all(path, TREE_FILE_MAX, &text, err) && tree_parse(out, path, text.data, text.len, err);
    buf_release(&text);
    return ok;
}

void tree_free(struct tree_document *d)
{
    if (!d) return;
    node_release(&d->root);
    free(d->name);
    free(d);
}

const struct tree_node *tree_root(const struct tree_document *d)
{
    return &d->root;
}

const struct tree_node *tree_get(const struct tree_node *mapping, const char *key)
{
    for (size_t i = 0; mapping->kind == TREE_MAPPING && i < mapping->count; i++) {
        if (strcmp(mapping->items[i].key, key) == 0) return &mapping->items[i];
    }
    return NULL;
}
