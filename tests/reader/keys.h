/* keys.h - the keys file (JSON, TEST keys only) and the derivation of card keys from its masters.
 *
 *   {"kek":     {"<KEKID hex>": "<AES key hex>"},
 *    "derive":  {"<name>/<version>": {"master": "<hex>", "method": "<method>"}},
 *    "ca":      {"n": "<hex>", "e": 3, "rid": "<hex>", "index": "<hex>"}  or an array of these,
 *    "signer":  "<SubjectPublicKeyInfo, hex>",
 *    "keydata": {"<card object identifier>": "<10 bytes hex>"}}
 * Methods: complement, direct, emv-a, emv-b, emv-c, and for the cards' own keys kmc-cps, kmc-visa2,
 * kmc-aes. Other members are not looked at. */
#ifndef READER_KEYS_H
#define READER_KEYS_H

#include "crypto.h"

enum kind { KIND_DES2 = 1, KIND_DES3, KIND_AES128, KIND_AES192, KIND_AES256, KIND_RSA, KIND_OPAQUE };

enum method { COMPLEMENT, DIRECT, EMV_A, EMV_B, EMV_C, KMC_CPS, KMC_VISA2, KMC_AES, METHODS };

struct master {
    struct span key;
    enum method method;
};

struct ca_key {
    BIGNUM *n, *e;
    struct span rid, index;
};

struct keys;

/* False, with a message on stderr: cannot be read, or not of the form above. */
MUST_CHECK bool keys_load(const char *path, struct keys **keys);
void keys_free(struct keys *keys);

/* What follows is borrowed from `keys`. False or NULL: not in the file. */
MUST_CHECK bool keys_kek(const struct keys *keys, struct span id, struct span *key);
MUST_CHECK bool keys_master(const struct keys *keys, struct span name, struct master *master);
MUST_CHECK bool keys_keydata(const struct keys *keys, struct span object_id, struct span *keydata);
const struct ca_key *keys_ca(const struct keys *keys, struct span rid, struct span index);
EVP_PKEY *keys_signer(const struct keys *keys);
/* SHA-256 of the signer's SubjectPublicKeyInfo. */
struct span keys_signer_id(const struct keys *keys);

/* Length of a symmetric key of this kind; 0 for the others. */
size_t kind_key_len(int kind);
bool kind_is_des(int kind);

/* The card key of `kind` that `master` and derivation data make; DES parity as it comes. False, with *why:
 * method, kind, master's length and data do not go together. */
MUST_CHECK bool derive_card_key(const struct master *master, int kind, struct span data, uint8_t out[32],
                                const char **why);
/* The card's own key n (1 ENC, 2 MAC, 3 DEK), as long as *len says. */
MUST_CHECK bool derive_static_key(const struct master *kmc, struct span keydata, uint8_t n, uint8_t out[32],
                                  size_t *len);

#endif
