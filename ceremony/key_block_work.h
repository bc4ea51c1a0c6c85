/* ceremony/key_block_work.h - inside ceremony/: what a key block's export and import know before a key is there. */
#ifndef CEREMONY_KEY_BLOCK_WORK_H
#define CEREMONY_KEY_BLOCK_WORK_H

#include "ceremony/key_block.h"
#include "ceremony/place.h"
#include "hsm/key_block.h"

/* Which purpose a role is, in the words of the format. */
struct key_block_role {
    enum hsm_role role;
    enum key_block_purpose purpose;
    const char *usage; /* when the order names none; NULL: it must */
};
enum { KEY_BLOCK_PLACES_MAX = 8 };
/* What both directions know of the two keys, before any secret is there. */
struct key_block_work {
    struct ceremony *c;
    const struct key_block_order *order;
    enum hsm_algorithm algorithm;                            /* of the key */
    const struct key_block_role *rows[KEY_BLOCK_PLACES_MAX]; /* the key's role on each token */
    struct place places[KEY_BLOCK_PLACES_MAX], kbpk_place;   /* once open */
    struct hsm_key made[KEY_BLOCK_PLACES_MAX];               /* by this call */
    struct hsm_key kbpk;
    struct check_value kbpk_check;
    enum hsm_algorithm kbpk_algorithm;
    char name[PLAN_KEY_NAME_MAX], kbpk_name[PLAN_KEY_NAME_MAX];
};

/* What the plan alone can say. False (ERR_CONFIG): the plan does not allow key blocks; a role that does not travel in them; a
 * KBPK of another role, or weaker than the key. */
MUST_CHECK bool key_block_work_init(struct key_block_work *w, struct ceremony *c,
                                    const struct key_block_order *order, struct err *err);
/* Opens the tokens, finds the KBPK and which places the key is at. */
MUST_CHECK bool key_block_work_open(struct key_block_work *w, struct err *err);
/* Where the key is already, it must be this one, by role and check value; *missing is at how many places it is not. */
MUST_CHECK bool key_block_work_compare(struct key_block_work *w, const struct check_value *check,
                                       size_t *missing, struct err *err);
/* For hsm/key_block.h, but for what is bound; `in` must live as long. */
MUST_CHECK bool key_block_work_describe(const struct key_block_work *w, char version,
                                        struct key_block_inputs *in, struct hsm_key_block *out,
                                        struct err *err);
/* The header that the order asks for. */
MUST_CHECK bool key_block_work_make_header(const struct key_block_work *w, struct key_block_header *h,
                                           struct err *err);
/* All that a block's header can say before anything is decrypted. */
MUST_CHECK bool key_block_work_check_header(const struct key_block_work *w, const struct key_block *b,
                                            struct err *err);
/* A check value that the block brings along, if it does, must be ours as far as both go. */
MUST_CHECK bool key_block_work_compare_brought(const struct key_block *b, const char *id,
                                               const struct check_value *is, struct err *err);

#endif
