/* config/bureau_read.h - inside config/: the parts of a bureau's settings. */
#ifndef CONFIG_BUREAU_READ_H
#define CONFIG_BUREAU_READ_H

#include "config/bureau.h"
#include "config/schema.h"

/* bureau.c: what a supplier's settings (supplier.c) have as well. */
schema_read_fn bureau_read_card_key; /* into: struct bureau_card_key */
schema_read_fn bureau_read_readers;  /* into: struct bureau */
schema_read_fn bureau_read_security; /* into: enum bureau_level */

/* bureau_cards.c: what goes onto cards and to other machines. */
schema_read_fn bureau_read_applications; /* into: struct bureau */
schema_read_fn bureau_read_modules;      /* into: struct bureau */
void bureau_cards_release(struct bureau *b);

#endif
