#include "card/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

enum { DES_BLOCK = 8, AES_BLOCK = 16, DES2_LEN = 16, DES3_LEN = 24 };

size_t card_block_len(const struct card_key *key)
{
    return key->type == CARD_KEY_AES ? AES_BLOCK : DES_BLOCK;
}

bool card_key_is_sound(const struct card_key *key)
{
    bool des = key->type == CARD_KEY_DES && (key->len == DES2_LEN || key->len == DES3_LEN);
    bool aes = key->type == CARD_KEY_AES && (key->len == 16 || key->len == 24 || key->len == 32);
    return des || aes;
}

static const EVP_CIPHER *cipher_of(const struct card_key *key, bool chained)
{
    if (key->type == CARD_KEY_DES) return chained ? EVP_des_ede3_cbc() : EVP_des_ede3_ecb();
    if (key->len == 16) return chained ? EVP_aes_128_cbc() : EVP_aes_128_ecb();
    if (key->len == 24) return chained ? EVP_aes_192_cbc() : EVP_aes_192_ecb();
    return chained ? EVP_aes_256_cbc() : EVP_aes_256_ecb();
}

struct work {
    enum card_direction way;
    const uint8_t *iv;
    uint8_t *data;
    size_t len;
};

static bool run(const EVP_CIPHER *cipher, const uint8_t *key, const struct work *w)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    bool ok = ctx && EVP_CipherInit_ex(ctx, cipher, NULL, key, w->iv, (int)w->way) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
              EVP_CipherUpdate(ctx, w->data, &done, w->data, (int)w->len) == 1 && (size_t)done == w->len;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static bool crypt(const struct card_key *key, bool chained, const struct work *w, struct err *err)
{
    uint8_t value[CARD_KEY_MAX];

    if (!card_key_is_sound(key) || w->len % card_block_len(key) || w->len > INT32_MAX)
        return err_set(err, ERR_INTERNAL, "card: cipher asked for %zu bytes under a key of %u", w->len,
                       key->len);
    if (w->len == 0) return true;
    memcpy(value, key->value, sizeof(value));
    if (key->type == CARD_KEY_DES && key->len == DES2_LEN) memcpy(value + DES2_LEN, value, DES_BLOCK);
    bool ok = run(cipher_of(key, chained), value, w);
    wipe(value, sizeof(value));
    return ok || err_set(err, ERR_INTERNAL, "card: libcrypto refuses a cipher");
}

bool card_cbc(const struct card_key *key, enum card_direction way, const uint8_t *iv, uint8_t *data,
              size_t len, struct err *err)
{
    static const uint8_t zeros[CARD_BLOCK_MAX];
    return crypt(key, true, &(struct work){way, iv ? iv : zeros, data, len}, err);
}

bool card_ecb(const struct card_key *key, enum card_direction way, uint8_t *data, size_t len, struct err *err)
{
    return crypt(key, false, &(struct work){way, NULL, data, len}, err);
}

/* TDES with three equal keys is single DES. */
static struct card_key left_half(const struct card_key *key)
{
    struct card_key half = {.type = CARD_KEY_DES, .len = DES2_LEN};
    memcpy(half.value, key->value, DES_BLOCK);
    memcpy(half.value + DES_BLOCK, key->value, DES_BLOCK);
    return half;
}

bool card_single_des(const struct card_key *key, const uint8_t in[static 8], uint8_t out[static 8],
                     struct err *err)
{
    struct card_key half = left_half(key);
    memcpy(out, in, DES_BLOCK);
    bool ok = card_ecb(&half, CARD_ENCRYPT, out, DES_BLOCK, err);
    wipe(&half, sizeof(half));
    return ok;
}

bool card_retail_mac(const struct card_key *key, const uint8_t icv[static 8], const uint8_t *data, size_t len,
                     uint8_t mac[static CARD_MAC_LEN], struct err *err)
{
    struct card_key half = left_half(key);
    uint8_t chain[DES_BLOCK], block[DES_BLOCK];
    bool ok = key->type == CARD_KEY_DES || err_set(err, ERR_INTERNAL, "card: this MAC needs a DES key");

    memcpy(chain, icv, DES_BLOCK);
    while (ok && len >= DES_BLOCK) {
        memcpy(block, data, DES_BLOCK);
        ok = card_cbc(&half, CARD_ENCRYPT, chain, block, DES_BLOCK, err);
        memcpy(chain, block, DES_BLOCK);
        data += DES_BLOCK;
        len -= DES_BLOCK;
    }
    memset(block, 0, sizeof(block));
    if (len) memcpy(block, data, len);
    block[len < DES_BLOCK ? len : 0] = 0x80;
    ok = ok && card_cbc(key, CARD_ENCRYPT, chain, block, DES_BLOCK, err);
    if (ok) memcpy(mac, block, DES_BLOCK);
    wipe(&half, sizeof(half));
    wipe(block, sizeof(block));
    return ok;
}

bool card_cmac(const struct card_key *key, const uint8_t *chain, const uint8_t *data, size_t len,
               uint8_t mac[static 16], struct err *err)
{
    char name[16];
    size_t done = 0;

    if (!card_key_is_sound(key) || key->type != CARD_KEY_AES)
        return err_set(err, ERR_INTERNAL, "card: CMAC needs an AES key");
    snprintf(name, sizeof(name), "AES-%u-CBC", 8u * key->len);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *kind = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = kind ? EVP_MAC_CTX_new(kind) : NULL;
    bool ok = ctx && EVP_MAC_init(ctx, key->value, key->len, params) == 1 &&
              (!chain || EVP_MAC_update(ctx, chain, AES_BLOCK) == 1) &&
              (len == 0 || EVP_MAC_update(ctx, data, len) == 1) && EVP_MAC_final(ctx, mac, &done, 16) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(kind);
    return ok || err_set(err, ERR_INTERNAL, "card: libcrypto refuses CMAC");
}

bool card_mac(const struct card_key *key, const uint8_t *data, size_t len, uint8_t mac[static CARD_MAC_LEN],
              struct err *err)
{
    static const uint8_t zeros[DES_BLOCK];
    uint8_t whole[16];

    if (key->type == CARD_KEY_DES) return card_retail_mac(key, zeros, data, len, mac, err);
    if (!card_cmac(key, NULL, data, len, whole, err)) return false;
    memcpy(mac, whole, CARD_MAC_LEN);
    return true;
}

bool card_check_value(const struct card_key *key, uint8_t kcv[static CARD_KCV_LEN], struct err *err)
{
    uint8_t block[CARD_BLOCK_MAX];

    memset(block, key->type == CARD_KEY_AES ? 0x01 : 0x00, sizeof(block));
    if (!card_ecb(key, CARD_ENCRYPT, block, card_block_len(key), err)) return false;
    memcpy(kcv, block, CARD_KCV_LEN);
    return true;
}
