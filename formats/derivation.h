/* formats/derivation.h - derivation data: what is encrypted with a master key to make a card key (FIG. 3;
 * docs/formats/derivation.md: EMV Book 2 A1.4, GlobalPlatform/CPS for the kmc methods). Pure: the encryption is the token's.
 *
 * Input is the derivation data as tag C2 holds it; output is the block that the token encrypts. */
#ifndef FORMATS_DERIVATION_H
#define FORMATS_DERIVATION_H

#include "formats/entry.h"

enum derivation_method {
    DERIVE_COMPLEMENT, /* 8 bytes D → D ‖ D⊕FF… → DES2 */
    DERIVE_DIRECT,     /* 16 bytes → DES2 or AES-128; 24 → DES3; 32 → AES-256 */
    DERIVE_EMV_A,
    DERIVE_EMV_B,
    DERIVE_EMV_C, /* PAN‖PSN in BCD, left-padded with one 0 digit */
    DERIVE_KMC_CPS,
    DERIVE_KMC_VISA2,
    DERIVE_KMC_AES, /* KEYDATA (10) and n */
    DERIVATION_METHOD_COUNT
};
enum derivation_cipher { CIPHER_TDES, CIPHER_AES };

struct derivation_row {
    enum derivation_method method;
    const char *name;             /* as in profiles: "complement" */
    bool tdes_master, aes_master; /* which masters it goes with */
    size_t data_min, data_max;    /* bytes of derivation data */
};
const struct derivation_row *derivation_find(const char *name); /* NULL: unknown */
const struct derivation_row *derivation_row(enum derivation_method method);

enum card_key_which { CARD_KEY_ENC = 1, CARD_KEY_MAC = 2, CARD_KEY_DEK = 3 };

struct derivation_input {
    enum derivation_method method;
    const uint8_t *data; /* as C2 holds it; KEYDATA for the kmc methods */
    size_t len;
    enum secret_kind kind;     /* the key to be made */
    enum card_key_which which; /* kmc methods only */
};

/* The blocks to encrypt in ECB with the master. key_len is how many leading bytes of the ciphertext are the key.
 * For DERIVE_KMC_AES blocks hold i‖000000‖n‖00‖KEYDATA, and the caller XORs K1 = dbl(E(0)) into each (xor_k1). */
struct derivation_block {
    enum derivation_cipher cipher;
    uint8_t data[32];
    size_t len; /* 16, 24 or 32 */
    size_t key_len;
    bool xor_k1;
};
/* False (ERR_INPUT): wrong length, all-zero data, data that makes a whole cipher block of zeros, not BCD; ERR_CONFIG: method and kind do not go together. */
MUST_CHECK bool derivation_make(const struct derivation_input *in, enum derivation_cipher master_cipher,
                                struct derivation_block *out, struct err *err);
/* C2 for the emv methods: PAN digits and a PSN of two digits ("" is 00). */
MUST_CHECK bool derivation_data_emv(const char *pan, size_t pan_len, const char *psn, size_t psn_len,
                                    struct buf *out, struct err *err);
/* EMV Book 2 A1.4.2, step 2: 16 decimal digits out of a SHA-1 hash. */
void derivation_decimalise(const uint8_t hash[20], uint8_t digits[8]);
/* RFC 4493: doubling in GF(2^128), for K1. */
void derivation_double(const uint8_t in[16], uint8_t out[16]);
/* Sets odd parity on every byte (FIPS 46-3), without branches that depend on the key. Keys in a token get it there. */
void des_parity(uint8_t *key, size_t len);

#endif
