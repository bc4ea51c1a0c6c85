/* tests/support/key_block_partner.h - the other party: key blocks of versions B and D made and opened with OpenSSL alone,
 * straight from the standard, with a clear KBPK and without a line of ours. */
#ifndef TESTS_SUPPORT_KEY_BLOCK_PARTNER_H
#define TESTS_SUPPORT_KEY_BLOCK_PARTNER_H

#include "base/buf.h"

/* The keys that a KBPK makes for encryption and for MAC; kbpk_len bytes each. */
bool partner_keys(char version, const uint8_t *kbpk, size_t kbpk_len, uint8_t cipher[32], uint8_t mac[32]);
/* Appends the encrypted key ‖ MAC in upper-case hex to `block`, which holds header and optional blocks. The padding is
 * bytes A0, A1, …; plain_len a multiple of the cipher's block. */
bool partner_seal(struct buf *block, const uint8_t *kbpk, size_t kbpk_len, const uint8_t *key, size_t key_len,
                  size_t plain_len);
/* Replaces key by what the block holds. bound_len: characters of header and optional blocks. False also for another MAC. */
bool partner_open(const char *block, size_t len, size_t bound_len, const uint8_t *kbpk, size_t kbpk_len,
                  struct buf *key);

#endif
