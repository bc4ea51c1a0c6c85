/* config/tree.h - a YAML file as a tree with positions (libyaml reads it and owns the prefix yaml_),
 * restricted to what configuration needs: one document of mappings, sequences and scalars. Every scalar is
 * text; what it means is the reader's business, so that 0101, 5A and 9000 stay as they are written. Anchors,
 * aliases, tags, NUL bytes and repeated keys are refused, also files over 1 MiB, nesting over 16, more than
 * 1,000 keys in a mapping and more than 50,000 values. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "base/err.h"

enum { TREE_FILE_MAX = 1 << 20, TREE_DEPTH_MAX = 16, TREE_NODES_MAX = 50000, TREE_KEYS_MAX = 1000 };

enum tree_kind { TREE_SCALAR, TREE_SEQUENCE, TREE_MAPPING };
struct tree_node {
    enum tree_kind kind;
    const char *file;      /* for messages; borrowed from the document */
    unsigned line, column; /* of the node itself, from 1 */
    char *key;             /* in a mapping: the key in front of it; else NULL */
    unsigned key_line, key_column;
    char *text;              /* TREE_SCALAR; never NULL there */
    bool quoted;             /* TREE_SCALAR */
    struct tree_node *items; /* of a sequence or mapping, as in the file */
    size_t count;
};

struct tree_document;

/* Reads a whole file. False: ERR_FILE, or ERR_CONFIG as `file:line:column: message`. */
MUST_CHECK bool tree_load(struct tree_document **out, const char *path, struct err *err);
/* The same from memory; `name` stands for the file in messages. */
MUST_CHECK bool tree_parse(struct tree_document **out, const char *name, const void *text, size_t len,
                           struct err *err);
void tree_free(struct tree_document *d); /* NULL is fine */
/* The top node; lives as long as the document. */
const struct tree_node *tree_root(const struct tree_document *d);

/* The value under this key of a mapping, or NULL. */
const struct tree_node *tree_get(const struct tree_node *mapping, const char *key);
/* ERR_CONFIG with the node's position in front. Is false; a macro as err_set is, and for its reason. */
#define tree_error(...)                                                                                      \
    (__extension__({                                                                                         \
        tree_error_set(__VA_ARGS__);                                                                         \
        false;                                                                                               \
    }))
void tree_error_set(const struct tree_node *n, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same at the node's key. */
#define tree_error_key(...)                                                                                  \
    (__extension__({                                                                                         \
        tree_error_key_set(__VA_ARGS__);                                                                     \
        false;                                                                                               \
    }))
void tree_error_key_set(const struct tree_node *n, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
