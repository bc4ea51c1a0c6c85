/* hsm/key_block.h - the cryptography of key blocks (TR-31:2018, ASC X9.143:2021; versions B and D): the KBPK, role kbpk, stays on
 * the token and only derives; the keys for encryption and MAC of a block are derived inside as session keys and
 * destroyed with the call. Needs CKM_DES3_CBC and CKM_DES3_CMAC for a TDES KBPK, CKM_AES_CBC and CKM_AES_CMAC for AES.
 *
 * What is protected passes through this process in clear, in locked memory: callers take that as named exception 3
 * (ceremony/key_block.c). */
#ifndef HSM_KEY_BLOCK_H
#define HSM_KEY_BLOCK_H

#include "hsm/key.h"

/* What the format says of a block (formats/key_block.h). Everything is borrowed. */
struct hsm_key_block {
    const struct hsm_key *kbpk;
    const uint8_t *cipher_input,
        *mac_input;     /* of the derivation, before CMAC's subkey; input_len bytes each */
    size_t input_len;   /* whole cipher blocks, 16 to 32 bytes */
    bool input_is_full; /* subkey K1; else K2 */
    const void *bound;  /* header and optional blocks: covered by the MAC */
    size_t bound_len;
};

/* Appends CBC(plain) ‖ MAC over bound ‖ plain; the MAC is the CBC's IV. plain has whole cipher blocks.
 * False (ERR_TOKEN, dst unchanged): a mechanism is missing, or the token refuses. */
MUST_CHECK bool hsm_key_block_protect(struct hsm_token *t, const struct hsm_key_block *block,
                                      const struct secret *plain, struct buf *dst, struct err *err);
/* The reverse, into *plain, which is empty before and the caller's to release. Nothing is given out before the MAC is
 * right. False: as above; the MAC is wrong (ERR_INTEGRITY). */
MUST_CHECK bool hsm_key_block_open(struct hsm_token *t, const struct hsm_key_block *block,
                                   const uint8_t *sealed, size_t len, struct secret *plain, struct err *err);

#endif
