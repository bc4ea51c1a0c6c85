#include "plastic_cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "card: %s\n", what);
    abort();
}

static void cipher(const EVP_CIPHER *type, bool encrypt, const uint8_t *key, const uint8_t *iv,
                   const uint8_t *in, size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    must(ctx && EVP_CipherInit_ex(ctx, type, NULL, key, iv, encrypt) == 1, "cipher");
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && (size_t)n == len, "cipher");
    EVP_CIPHER_CTX_free(ctx);
}

void plastic_tdes_cbc(bool encrypt, const uint8_t key[16], const uint8_t iv[8], const uint8_t *in, size_t len,
                      uint8_t *out)
{
    cipher(EVP_des_ede_cbc(), encrypt, key, iv, in, len, out);
}

void plastic_tdes_ecb(bool encrypt, const uint8_t key[16], const uint8_t *in, size_t len, uint8_t *out)
{
    cipher(EVP_des_ede_ecb(), encrypt, key, NULL, in, len, out);
}

static const EVP_CIPHER *aes_cbc(size_t key_len)
{
    return key_len == 16 ? EVP_aes_128_cbc() : key_len == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

void plastic_aes_cbc(bool encrypt, const uint8_t *key, size_t key_len, const uint8_t iv[16],
                     const uint8_t *in, size_t len, uint8_t *out)
{
    cipher(aes_cbc(key_len), encrypt, key, iv, in, len, out);
}

void plastic_cmac(const uint8_t *key, size_t key_len, const uint8_t *in, size_t len, uint8_t out[16])
{
    char name[16];
    size_t n = 0;
    snprintf(name, sizeof name, "AES-%zu-CBC", key_len * 8);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    must(EVP_MAC_init(ctx, key, key_len, params) == 1 && EVP_MAC_update(ctx, in, len) == 1 &&
             EVP_MAC_final(ctx, out, &n, 16) == 1,
         "CMAC");
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}
