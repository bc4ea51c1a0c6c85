/* formats/key_block_rules.c - what is in a key block and what it may be: the layout that is encrypted, the derivation
 * of the block's own keys, usages and modes. Table and section numbers are X9.143's. */
#include <string.h>

#include "formats/key_block.h"

/* 6.2, tables 2 and 3: those that occur in card issuing. */
#define DERIVES  (1U << KEY_BLOCK_DERIVES)
#define WRAPS    (1U << KEY_BLOCK_WRAPS | 1U << KEY_BLOCK_UNWRAPS)
#define PROTECTS (1U << KEY_BLOCK_PROTECTS)
static const struct key_block_usage usages[] = {
    {"D0", "data encryption", "BDEN", "TA", 0},
    {"E0", "EMV master for application cryptograms", "XN", "TA", DERIVES},
    {"E1", "EMV master for confidential messages", "XN", "TA", DERIVES},
    {"E2", "EMV master for authentic messages", "XN", "TA", DERIVES},
    {"E3", "EMV master for data authentication codes", "XN", "TA", DERIVES},
    {"E4", "EMV master for dynamic numbers", "XN", "TA", DERIVES},
    {"E5", "EMV master for card personalization", "XN", "TA", DERIVES},
    {"E6", "EMV master of another kind", "XN", "TA", DERIVES},
    {"K0", "key encryption", "BDEN", "TA", WRAPS},
    {"K1", "key block protection", "BDEN", "TA", PROTECTS},
    {"M3", "MAC by ISO 9797-1 algorithm 3", "CGVN", "T", 0},
    {"M6", "CMAC", "CGVN", "TA", 0},
};

const struct key_block_usage *key_block_usage(const char *id)
{
    for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
        if (strcmp(usages[i].id, id) == 0) return &usages[i];
    }
    return NULL;
}

/* What the purpose needs of the mode at the receiver of the block, and which mode it gives the receiver as a sender. A
 * key that may do more than the role is taken: the role narrows it. */
struct purpose_row {
    const char *name;
    const char *modes;
    char receiver;
};
static const struct purpose_row purposes[] = {
    [KEY_BLOCK_DERIVES] = {"derives", "XN", 'X'},
    [KEY_BLOCK_WRAPS] = {"wraps", "BEN", 'D'},
    [KEY_BLOCK_UNWRAPS] = {"unwraps", "BDN", 'E'},
    [KEY_BLOCK_PROTECTS] = {"protects key blocks, both ways", "BN", 'B'},
};

char key_block_receiver_mode(enum key_block_purpose purpose)
{
    return purposes[purpose].receiver;
}

static bool known_usage(const struct key_block_header *h, enum key_block_purpose purpose,
                        const struct key_block_usage **out, struct err *err)
{
    const struct key_block_usage *u = key_block_usage(h->usage);
    if (!u) return err_set(err, ERR_INPUT, "usage %s is not known here", h->usage);
    if (!(u->purposes & 1U << purpose))
        return err_set(err, ERR_INPUT, "usage %s (%s) is not for a key that %s", u->id, u->name,
                       purposes[purpose].name);
    if (!strchr(u->modes, h->mode))
        return err_set(err, ERR_INPUT, "mode of use %c does not go with usage %s (%s): %s do", h->mode, u->id,
                       u->name, u->modes);
    if (!strchr(u->algorithms, h->algorithm))
        return err_set(err, ERR_INPUT, "algorithm %c does not go with usage %s (%s): %s do", h->algorithm,
                       u->id, u->name, u->algorithms);
    *out = u;
    return true;
}

bool key_block_check_use(const struct key_block_header *h, enum key_block_purpose purpose, char algorithm,
                         struct err *err)
{
    const struct key_block_usage *u = NULL;
    if (!known_usage(h, purpose, &u, err)) return false;
    if (!strchr(purposes[purpose].modes, h->mode))
        return err_set(err, ERR_INPUT, "mode of use %c is not for a key that %s: %s are", h->mode,
                       purposes[purpose].name, purposes[purpose].modes);
    if (h->algorithm != algorithm)
        return err_set(err, ERR_INPUT, "algorithm %c: the key is to be of %c", h->algorithm, algorithm);
    if (h->key_version[0] == 'c')
        return err_set(err, ERR_INPUT, "key version %s: the block holds a component, not a key",
                       h->key_version);
    if (h->context == '1')
        return err_set(err, ERR_INPUT, "key context 1: the block was made for storage, not for exchange");
    return true;
}

bool key_block_check_export(const struct key_block_header *h, enum key_block_purpose purpose, struct err *err)
{
    const struct key_block_usage *u = NULL;
    if (known_usage(h, purpose, &u, err)) return true;
    err->kind = ERR_CONFIG;
    return false;
}

/* Order of strength, weakest first: 80, 112, 128, 192, 256 bits. */
static unsigned strength(char algorithm, size_t len)
{
    return algorithm == 'T' ? (len > 16 ? 2 : 1) : 1U + (unsigned)(len / 8);
}

bool key_block_check_strength(char kbpk, size_t kbpk_len, char key, size_t key_len, struct err *err)
{
    return strength(kbpk, kbpk_len) >= strength(key, key_len) ||
           err_set(err, ERR_CONFIG,
                   "a key of %c and %zu bits under a KBPK of %c and %zu bits: no key travels under a weaker "
                   "one",
                   key, key_len * 8, kbpk, kbpk_len * 8);
}

static size_t cipher_block(char version)
{
    return version == 'B' ? 8 : 16;
}

size_t key_block_plain_len(char version, char algorithm, size_t key_len)
{
    size_t longest = algorithm == 'T' ? 24 : algorithm == 'A' ? 32 : 0, block = cipher_block(version);
    size_t len = KEY_BLOCK_KEY_OFFSET + (key_len < longest ? longest : key_len);
    return (len + block - 1) / block * block;
}

void key_block_plain_put(uint8_t *plain, const uint8_t *key, size_t key_len)
{
    size_t bits = key_len * 8;
    plain[0] = (uint8_t)(bits >> 8);
    plain[1] = (uint8_t)(bits & 0xFF);
    memcpy(plain + KEY_BLOCK_KEY_OFFSET, key, key_len);
}

bool key_block_plain_read(const uint8_t *plain, size_t plain_len, size_t *key_len, struct err *err)
{
    if (plain_len < KEY_BLOCK_KEY_OFFSET) return err_set(err, ERR_INPUT, "the block holds no key");
    size_t bits = (size_t)bytes_be(plain, KEY_BLOCK_KEY_OFFSET);
    if (bits == 0 || bits % 8 != 0 || bits / 8 > plain_len - KEY_BLOCK_KEY_OFFSET)
        return err_set(err, ERR_INPUT, "the block says that its key has %zu bits, in %zu bytes", bits,
                       plain_len - KEY_BLOCK_KEY_OFFSET);
    *key_len = bits / 8;
    return true;
}

/* 7.2 and 7.4: counter (1) ‖ use of the key (2) ‖ 00 ‖ its algorithm (2) ‖ its length in bits (2), through CMAC under the KBPK,
 * as often as the key needs. For TDES that is one whole block; for AES half a block, which CMAC pads. */
enum { INPUT_LEN = 8, USE_ENCRYPTION = 0, USE_MAC = 1 };
struct kdf_row {
    char version;
    size_t key_len;
    uint8_t algorithm;
};
static const struct kdf_row kdf_rows[] = {
    {'B', 16, 0}, {'B', 24, 1}, {'D', 16, 2}, {'D', 24, 3}, {'D', 32, 4},
};

static void put_input(uint8_t *out, uint8_t counter, uint8_t use, const struct kdf_row *row)
{
    size_t bits = row->key_len * 8;
    const uint8_t input[INPUT_LEN + 1] = {
        counter, 0, use, 0, 0, row->algorithm, (uint8_t)(bits >> 8), (uint8_t)(bits & 0xFF), 0x80};
    size_t block = cipher_block(row->version);
    memset(out, 0, block);
    memcpy(out, input, block == INPUT_LEN ? INPUT_LEN : sizeof(input));
}

bool key_block_inputs(char version, size_t kbpk_len, struct key_block_inputs *out, struct err *err)
{
    size_t block = cipher_block(version);
    for (size_t i = 0; i < sizeof(kdf_rows) / sizeof(kdf_rows[0]); i++) {
        const struct kdf_row *row = &kdf_rows[i];
        if (row->version != version || row->key_len != kbpk_len) continue;
        out->len = (kbpk_len + block - 1) / block * block;
        out->is_full = block == INPUT_LEN;
        for (size_t k = 0; k < out->len / block; k++) {
            put_input(out->cipher + k * block, (uint8_t)(k + 1), USE_ENCRYPTION, row);
            put_input(out->mac + k * block, (uint8_t)(k + 1), USE_MAC, row);
        }
        return true;
    }
    return err_set(err, ERR_CONFIG, "no KBPK of %zu bits protects key blocks of version %c", kbpk_len * 8,
                   version);
}
