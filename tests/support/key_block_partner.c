#include "key_block_partner.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum { PLAIN_MAX = 5000 };

static const char *cipher_name(char version, size_t key_len)
{
    if (version == 'B') return key_len == 16 ? "DES-EDE-CBC" : "DES-EDE3-CBC";
    return key_len == 16 ? "AES-128-CBC" : key_len == 24 ? "AES-192-CBC" : "AES-256-CBC";
}

static size_t block_of(char version)
{
    return version == 'B' ? 8 : 16;
}

/* OpenSSL's CMAC knows three-key TDES alone. */
static bool cmac(char version, const uint8_t *key, size_t key_len, const void *data, size_t len,
                 uint8_t out[16])
{
    uint8_t k[32];
    size_t out_len = 0, k_len = key_len;
    memcpy(k, key, key_len);
    if (version == 'B' && key_len == 16) {
        memcpy(k + 16, key, 8);
        k_len = 24;
    }
    char name[16];
    snprintf(name, sizeof(name), "%s", cipher_name(version, k_len));
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0), OSSL_PARAM_END};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(algorithm);
    bool ok = EVP_MAC_init(ctx, k, k_len, params) == 1 && EVP_MAC_update(ctx, data, len) == 1 &&
              EVP_MAC_final(ctx, out, &out_len, 16) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(algorithm);
    return ok && out_len == block_of(version);
}

static bool cbc(char version, const uint8_t *key, size_t key_len, const uint8_t *iv, bool encrypt,
                const uint8_t *in, size_t len, uint8_t *out)
{
    int out_len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(cipher_name(version, key_len));
    bool ok = EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
              EVP_CipherUpdate(ctx, out, &out_len, in, (int)len) == 1 && out_len == (int)len;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static bool derive(char version, const uint8_t *kbpk, size_t len, uint8_t use, uint8_t *out)
{
    size_t block = block_of(version);
    uint8_t algorithm = (uint8_t)(version == 'B' ? len / 8 - 2 : len / 8);
    for (size_t i = 0; i * block < len; i++) {
        const uint8_t input[8] = {(uint8_t)(i + 1),  0, use, 0, 0, algorithm, (uint8_t)(len * 8 >> 8),
                                  (uint8_t)(len * 8)};
        uint8_t mac[16];
        if (!cmac(version, kbpk, len, input, sizeof(input), mac)) return false;
        memcpy(out + i * block, mac, len - i * block < block ? len - i * block : block);
    }
    return true;
}

bool partner_keys(char version, const uint8_t *kbpk, size_t kbpk_len, uint8_t cipher[32], uint8_t mac[32])
{
    return derive(version, kbpk, kbpk_len, 0, cipher) && derive(version, kbpk, kbpk_len, 1, mac);
}

bool partner_seal(struct buf *block, const uint8_t *kbpk, size_t kbpk_len, const uint8_t *key, size_t key_len,
                  size_t plain_len)
{
    uint8_t kbek[32], kbak[32], mac[16], covered[PLAIN_MAX], sealed[PLAIN_MAX];
    char version = (char)block->data[0];
    size_t bound = block->len;
    uint8_t *plain = covered + bound;
    if (bound + plain_len > sizeof(covered) || key_len + 2 > plain_len) return false;
    memcpy(covered, block->data, bound);
    plain[0] = (uint8_t)(key_len * 8 >> 8);
    plain[1] = (uint8_t)(key_len * 8);
    memcpy(plain + 2, key, key_len);
    for (size_t i = 2 + key_len; i < plain_len; i++)
        plain[i] = (uint8_t)(0xA0 + i - 2 - key_len);
    if (!partner_keys(version, kbpk, kbpk_len, kbek, kbak)) return false;
    if (!cmac(version, kbak, kbpk_len, covered, bound + plain_len, mac)) return false;
    if (!cbc(version, kbek, kbpk_len, mac, true, plain, plain_len, sealed)) return false;
    hex_put(block, sealed, plain_len);
    hex_put(block, mac, block_of(version));
    return !block->failed;
}

bool partner_open(const char *block, size_t len, size_t bound_len, const uint8_t *kbpk, size_t kbpk_len,
                  struct buf *key)
{
    struct err err = ERR_INIT;
    uint8_t kbek[32], kbak[32], mac[16], covered[2 * PLAIN_MAX];
    struct buf sealed;
    size_t mac_len = block_of(block[0]), plain_len = (len - bound_len) / 2 - mac_len;
    uint8_t *plain = covered + bound_len;
    bool ok = false;
    buf_init(&sealed, PLAIN_MAX);
    if (bound_len + plain_len > sizeof(covered)) goto out;
    memcpy(covered, block, bound_len);
    if (!hex_read(block + bound_len, len - bound_len, &sealed, &err)) goto out;
    if (!partner_keys(block[0], kbpk, kbpk_len, kbek, kbak)) goto out;
    if (!cbc(block[0], kbek, kbpk_len, sealed.data + plain_len, false, sealed.data, plain_len, plain))
        goto out;
    if (!cmac(block[0], kbak, kbpk_len, covered, bound_len + plain_len, mac)) goto out;
    size_t key_len = (size_t)(plain[0] << 8 | plain[1]) / 8;
    if (memcmp(mac, sealed.data + plain_len, mac_len) != 0 || key_len + 2 > plain_len) goto out;
    buf_clear(key);
    buf_put(key, plain + 2, key_len);
    ok = !key->failed;
out:
    buf_release(&sealed);
    return ok;
}
