/* card/crypto.h - what a card computes: DES and AES, MACs, check values, the RSA private operation. By OpenSSL. The card's
 * own: nothing here is shared with the side of issuer and bureau, so that each checks the other.
 *
 * A key is DES (16 bytes double length, 24 triple length) or AES (16, 24, 32). Every function is false (ERR_INTERNAL) when
 * libcrypto refuses, when a key has another length, or when data are no whole number of blocks. */
#ifndef CARD_CRYPTO_H
#define CARD_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CARD_KEY_MAX = 32, CARD_BLOCK_MAX = 16, CARD_MAC_LEN = 8, CARD_KCV_LEN = 3 };

/* As in PUT KEY (GlobalPlatform 11.1.8). */
enum card_key_type { CARD_KEY_NONE = 0, CARD_KEY_DES = 0x80, CARD_KEY_AES = 0x88 };

struct card_key {
    uint8_t type; /* enum card_key_type */
    uint8_t len;
    uint8_t value[CARD_KEY_MAX];
};

enum card_direction { CARD_DECRYPT = 0, CARD_ENCRYPT = 1 };

/* Bytes of the cipher's block, 8 or 16. */
size_t card_block_len(const struct card_key *key);
/* Is this a key that can be used? */
bool card_key_is_sound(const struct card_key *key);

/* CBC in place, no padding; iv has one block, NULL: zeros. */
MUST_CHECK bool card_cbc(const struct card_key *key, enum card_direction way, const uint8_t *iv,
                         uint8_t *data, size_t len, struct err *err);
/* ECB in place, no padding. */
MUST_CHECK bool card_ecb(const struct card_key *key, enum card_direction way, uint8_t *data, size_t len,
                         struct err *err);
/* One block under single DES with the left half of a double-length key. */
MUST_CHECK bool card_single_des(const struct card_key *key, const uint8_t in[static 8], uint8_t out[static 8],
                                struct err *err);
/* ISO/IEC 9797-1 algorithm 3 with padding 2 under a double-length key; icv stands for the block before the first. */
MUST_CHECK bool card_retail_mac(const struct card_key *key, const uint8_t icv[static 8], const uint8_t *data,
                                size_t len, uint8_t mac[static CARD_MAC_LEN], struct err *err);
/* CMAC over the chaining value (one block; NULL: none) followed by data; AES. */
MUST_CHECK bool card_cmac(const struct card_key *key, const uint8_t *chain, const uint8_t *data, size_t len,
                          uint8_t mac[static 16], struct err *err);
/* The 8 bytes that applications use: card_retail_mac from zeros, or the left half of card_cmac. */
MUST_CHECK bool card_mac(const struct card_key *key, const uint8_t *data, size_t len,
                         uint8_t mac[static CARD_MAC_LEN], struct err *err);
/* As GlobalPlatform has it: DES 8 zero bytes, AES 16 bytes 01. */
MUST_CHECK bool card_check_value(const struct card_key *key, uint8_t kcv[static CARD_KCV_LEN],
                                 struct err *err);

/* The parts of an RSA private key, big-endian, in the order of DGI 8201 to 8205. */
enum { CARD_RSA_QINV, CARD_RSA_DQ, CARD_RSA_DP, CARD_RSA_Q, CARD_RSA_P, CARD_RSA_PARTS };
struct card_rsa {
    const uint8_t *part[CARD_RSA_PARTS]; /* borrowed */
    size_t len[CARD_RSA_PARTS];
};
/* Bytes of the modulus; 0: the parts do not belong together (p > q, qinv·q = 1 mod p, exponents that undo 3 or 65537). */
size_t card_rsa_len(const struct card_rsa *key);
/* in to the private exponent; in and out have card_rsa_len bytes. False also for an in that is not below the modulus. */
MUST_CHECK bool card_rsa_private(const struct card_rsa *key, const uint8_t *in, uint8_t *out,
                                 struct err *err);

#endif
