/* ceremony/key_block.h - keys of a plan in key blocks of TR-31 / X9.143 (docs/formats/key-blocks.md), out and in. The file's
 * head names the exception that this is; without the plan's `allow_clear_key_block: yes` both refuse. */
#ifndef CEREMONY_KEY_BLOCK_H
#define CEREMONY_KEY_BLOCK_H

#include "ceremony/ceremony.h"
#include "ceremony/check_value.h"
#include "formats/key_block.h"

/* Which key, under which, and what the header shall say; the text may be NULL and the letters 0 for what follows from
 * the key's role. Everything is borrowed. */
struct key_block_order {
    const struct plan_key *key, *kbpk;
    const char *usage;       /* "E0"; a master has no usage of its own */
    const char *key_version; /* "01"; default: the plan's version */
    char mode;               /* default: what the receiver of such a key needs */
    char exportability;      /* default: N */
    bool check_values;       /* KC and KP, of the key and of the KBPK */
};
struct key_block_result {
    struct key_block_header header;
    struct check_value check; /* of the key */
    bool was_there;           /* import: on all its tokens already */
};

/* Custodians enter the components (components.h); appends the block to text. A key that is on its tokens must have the same
 * check value there. False: not allowed, a generated key, usage or mode that do not fit, a KBPK weaker than the key
 * (ERR_CONFIG); as components_combine; the KBPK or a mechanism is missing (ERR_TOKEN). */
MUST_CHECK bool key_block_export(struct ceremony *c, const struct key_block_order *order, struct buf *text,
                                 struct key_block_result *result, struct err *err);
/* Puts the block's key onto each of its tokens where it is not yet, in its role there, or onto none. `usage`, `mode` and the
 * rest of the order are not read. False: not allowed, or no check value in the plan (ERR_CONFIG); the block is malformed or for
 * something else (ERR_INPUT); changed, or under another KBPK (ERR_INTEGRITY); a wrong check value, of the plan, of the
 * block (KC, KP) or of the token (ERR_TOKEN). */
MUST_CHECK bool key_block_import(struct ceremony *c, const struct key_block_order *order, const char *text,
                                 size_t len, struct key_block_result *result, struct err *err);

#endif
