/* config/bureau_read.h - inside config/: the parts of a bureau's settings. */
#ifndef CONFIG_BUREAU_READ_H
#define CONFIG_BUREAU_READ_H

#include "config/bureau.h"
#include "config/schema.h"

/* bureau.c: what a supplier's settings (supplier.c) have as well. */
schema_read_fn bureau_read_card_key; /* into: struct bureau_card_key */
schema_read_fn bureau_read_readers;  /* into: struct bureau */
schema_read_fn bureau_read_security; /* into: enum bureau_level */

/* Settings of one kind, this bureau's or a supplier's. */
struct bureau_kind {
    const struct schema *schema; /* of a struct bureau */
    struct bureau defaults;
    bool (*check)(const struct tree_node *root, const struct bureau *b, struct err *err);
};
/* Fills *out from a document, which it frees, and checks it. False: as bureau_load. */
MUST_CHECK bool bureau_read_document(struct bureau **out, const char *name, struct tree_document *d,
                                     const struct bureau_kind *kind, struct err *err);

/* bureau_cards.c: what goes onto cards and to other machines. */
schema_read_fn bureau_read_applications; /* into: struct bureau */
schema_read_fn bureau_read_modules;      /* into: struct bureau */
void bureau_cards_release(struct bureau *b);

#endif
