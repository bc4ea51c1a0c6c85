/* YAML of any shape: positions are set, children hold together, nothing is nested deeper than allowed. */
#include <stdint.h>
#include <stdlib.h>

#include "config/tree.h"

static void walk(const struct tree_node *n, bool in_mapping, unsigned depth)
{
    if (!n->line || !n->column || depth > TREE_DEPTH_MAX) abort();
    if (in_mapping != (n->key != NULL)) abort();
    if ((n->kind == TREE_SCALAR) != (n->text != NULL)) abort();
    for (size_t i = 0; i < n->count; i++)
        walk(&n->items[i], n->kind == TREE_MAPPING, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct tree_document *d = NULL;
    if (!tree_parse(&d, "fuzz", data, size, &err)) return err.kind == ERR_CONFIG ? 0 : (abort(), 0);
    walk(tree_root(d), false, 0);
    tree_free(d);
    return 0;
}
