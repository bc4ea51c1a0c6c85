#include "host_cipher.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t zeros[16];

static void must(bool holds)
{
    if (!holds) abort();
}

static void crypt(const EVP_CIPHER *cipher, bool encrypt, const uint8_t *key, const uint8_t *iv,
                  const uint8_t *in, size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    must(EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt) == 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && (size_t)n == len);
    EVP_CIPHER_CTX_free(ctx);
}

static const EVP_CIPHER *named(bool aes, size_t key_len, bool cbc)
{
    char name[32];
    if (aes)
        snprintf(name, sizeof(name), "aes-%zu-%s", 8 * key_len, cbc ? "cbc" : "ecb");
    else
        snprintf(name, sizeof(name), "des-ede%s%s", key_len == 24 ? "3" : "", cbc ? "-cbc" : "");
    if (!aes && !cbc) snprintf(name, sizeof(name), "des-ede%s-ecb", key_len == 24 ? "3" : "");
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(name);
    must(cipher != NULL);
    return cipher;
}

void host_ecb(bool aes, const uint8_t *key, size_t key_len, const uint8_t *in, size_t len, uint8_t *out)
{
    if (len) crypt(named(aes, key_len, false), true, key, NULL, in, len, out);
}

void host_cbc(bool aes, const uint8_t *key, size_t key_len, const uint8_t *iv, const uint8_t *in, size_t len,
              uint8_t *out)
{
    if (len) crypt(named(aes, key_len, true), true, key, iv, in, len, out);
}

void host_cbc_decrypt(bool aes, const uint8_t *key, size_t key_len, const uint8_t *iv, const uint8_t *in,
                      size_t len, uint8_t *out)
{
    if (len) crypt(named(aes, key_len, true), false, key, iv, in, len, out);
}

/* CBC under the left half alone; at the end decrypted under the right half and encrypted under the left one. */
void host_retail_mac(const uint8_t key[16], const uint8_t icv[8], const uint8_t *data, size_t len,
                     uint8_t mac[8])
{
    uint8_t left[16], right[16], text[1024] = {0};
    size_t padded = (len / 8 + 1) * 8;

    must(padded <= sizeof(text));
    memcpy(left, key, 8);
    memcpy(left + 8, key, 8);
    memcpy(right, key + 8, 8);
    memcpy(right + 8, key + 8, 8);
    if (len) memcpy(text, data, len);
    text[len] = 0x80;
    host_cbc(false, left, 16, icv, text, padded, text);
    crypt(named(false, 16, false), false, right, NULL, text + padded - 8, 8, mac);
    host_ecb(false, left, 16, mac, 8, mac);
}

static void doubled(uint8_t k[16])
{
    uint8_t carry = (uint8_t)(k[0] >> 7);
    for (size_t i = 0; i < 16; i++)
        k[i] = (uint8_t)(k[i] << 1 | (i < 15 ? k[i + 1] >> 7 : 0));
    if (carry) k[15] ^= 0x87;
}

/* RFC 4493 by hand. */
void host_cmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t mac[16])
{
    uint8_t sub[16], block[16], chain[16] = {0};
    size_t blocks = len ? (len + 15) / 16 : 1;
    bool whole = len && len % 16 == 0;

    host_ecb(true, key, key_len, zeros, 16, sub);
    doubled(sub);
    if (!whole) doubled(sub);
    for (size_t b = 0; b < blocks; b++) {
        bool last = b + 1 == blocks;
        size_t n = last ? len - 16 * b : 16;
        memset(block, 0, 16);
        if (n) memcpy(block, data + 16 * b, n);
        if (n < 16) block[n] = 0x80;
        for (size_t i = 0; i < 16; i++)
            block[i] ^= (uint8_t)(chain[i] ^ (last ? sub[i] : 0));
        host_ecb(true, key, key_len, block, 16, chain);
    }
    memcpy(mac, chain, 16);
}

void host_kcv(bool aes, const uint8_t *key, size_t key_len, uint8_t kcv[3])
{
    uint8_t block[16];
    memset(block, aes ? 1 : 0, sizeof(block));
    host_ecb(aes, key, key_len, block, aes ? 16 : 8, block);
    memcpy(kcv, block, 3);
}
