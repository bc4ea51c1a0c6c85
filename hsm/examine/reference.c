/* hsm/examine/reference.c - what must come out, by libcrypto. */
#include "hsm/examine/reference.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { BLOCK_MAX = 16, DES_TRIPLE = 24 };

struct cipher_row {
    enum hsm_algorithm algorithm;
    const char *ecb, *cbc;
};
static const struct cipher_row ciphers[] = {
    {HSM_DES2, "DES-EDE3-ECB", "DES-EDE3-CBC"}, {HSM_DES3, "DES-EDE3-ECB", "DES-EDE3-CBC"},
    {HSM_AES128, "AES-128-ECB", "AES-128-CBC"}, {HSM_AES192, "AES-192-ECB", "AES-192-CBC"},
    {HSM_AES256, "AES-256-ECB", "AES-256-CBC"},
};

static bool refused(struct err *err, const char *what)
{
    return err_set(err, ERR_INTERNAL, "libcrypto cannot do %s", what);
}

static const struct cipher_row *cipher_row(enum hsm_algorithm a)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
        if (ciphers[i].algorithm == a) return &ciphers[i];
    }
    return NULL;
}

/* A DES2 key as K1 K2 K1. */
static void spread(enum hsm_algorithm a, const uint8_t *key, uint8_t out[EXAMINE_KEY_MAX])
{
    memcpy(out, key, hsm_algorithm_len(a));
    if (a == HSM_DES2) memcpy(&out[16], key, 8);
}

bool reference_encrypt(enum hsm_algorithm a, const uint8_t *key, const uint8_t *iv, const uint8_t *data,
                       size_t len, uint8_t *out, struct err *err)
{
    const struct cipher_row *row = cipher_row(a);
    uint8_t whole[EXAMINE_KEY_MAX];
    int n = 0;
    if (!row) return refused(err, "a cipher without a row");
    spread(a, key, whole);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, iv ? row->cbc : row->ecb, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = cipher && ctx && EVP_EncryptInit_ex2(ctx, cipher, whole, iv, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, data, (int)len) == 1 && n == (int)len;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return ok || refused(err, iv ? row->cbc : row->ecb);
}

static bool mac(const char *name, const char *parameter, const char *value, const uint8_t *key,
                size_t key_len, const uint8_t *data, size_t len, uint8_t *out, size_t room, struct err *err)
{
    char text[24];
    size_t n = 0;
    snprintf(text, sizeof text, "%s", value);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(parameter, text, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, name, NULL);
    EVP_MAC_CTX *ctx = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    bool ok = ctx && EVP_MAC_init(ctx, key, key_len, params) == 1 && EVP_MAC_update(ctx, data, len) == 1 &&
              EVP_MAC_final(ctx, out, &n, room) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(algorithm);
    return ok || refused(err, name);
}

bool reference_cmac(enum hsm_algorithm a, const uint8_t *key, const uint8_t *data, size_t len,
                    uint8_t out[16], struct err *err)
{
    uint8_t whole[EXAMINE_KEY_MAX];
    const struct cipher_row *row = cipher_row(a);
    if (!row) return refused(err, "CMAC");
    spread(a, key, whole);
    return mac("CMAC", OSSL_MAC_PARAM_CIPHER, row->cbc, whole,
               hsm_algorithm_is_aes(a) ? hsm_algorithm_len(a) : DES_TRIPLE, data, len, out, 16, err);
}

bool reference_hmac_sha256(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                           uint8_t out[32], struct err *err)
{
    return mac("HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256", key, key_len, data, len, out, 32, err);
}

bool reference_retail_mac(const uint8_t key[16], const uint8_t icv[8], const uint8_t *data, size_t len,
                          uint8_t out[8], struct err *err)
{
    uint8_t single[16], chain[8], block[8];
    memcpy(single, key, 8);
    memcpy(&single[8], key, 8);
    memcpy(chain, icv, 8);
    for (size_t at = 0; at < len; at += 8) {
        bool last = at + 8 >= len;
        for (size_t i = 0; i < 8; i++)
            block[i] = chain[i] ^ data[at + i];
        if (!reference_encrypt(HSM_DES2, last ? key : single, NULL, block, 8, chain, err)) return false;
    }
    memcpy(out, chain, 8);
    return true;
}

static bool kwp(const uint8_t *kek, size_t kek_len, const uint8_t *in, size_t len, bool wrap,
                struct blob *out)
{
    const char *name = kek_len == 16   ? "AES-128-WRAP-PAD"
                       : kek_len == 24 ? "AES-192-WRAP-PAD"
                                       : "AES-256-WRAP-PAD";
    int n = 0;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx) EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool ok = cipher && ctx && len + 16 <= sizeof out->data &&
              EVP_CipherInit_ex2(ctx, cipher, kek, NULL, wrap, NULL) == 1 &&
              EVP_CipherUpdate(ctx, out->data, &n, in, (int)len) == 1 && n > 0;
    out->len = ok ? (size_t)n : 0;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return ok;
}

bool reference_kwp(const uint8_t *kek, size_t kek_len, const uint8_t *data, size_t len, struct blob *out,
                   struct err *err)
{
    return kwp(kek, kek_len, data, len, true, out) || refused(err, "RFC 5649");
}

bool reference_kwp_open(const uint8_t *kek, size_t kek_len, const struct blob *wrapped, struct blob *out,
                        struct err *err)
{
    if (kwp(kek, kek_len, wrapped->data, wrapped->len, false, out)) return true;
    return err_set(err, ERR_TOKEN, "C_WrapKey: what comes out is not RFC 5649");
}

void reference_set_parity(uint8_t *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (__builtin_parity(key[i]) == 0) key[i] ^= 1;
    }
}
