#include "crypto.h"

#include <openssl/ecdsa.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

bool crypto_sha256(struct span data, uint8_t out[32])
{
    return EVP_Digest(data.at, data.len, out, NULL, EVP_sha256(), NULL) == 1;
}

bool crypto_sha1(const struct span *parts, size_t count, uint8_t out[20])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].at, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool crypto_cmac(struct span key, struct span data, uint8_t mac[16])
{
    char cipher[] = "AES-000-CBC";
    if (key.len != 16 && key.len != 24 && key.len != 32) return false;
    memcpy(cipher + 4, key.len == 16 ? "128" : key.len == 24 ? "192" : "256", 3);
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string("cipher", cipher, sizeof(cipher) - 1), OSSL_PARAM_END};
    size_t len = 0;
    return EVP_Q_mac(NULL, "CMAC", NULL, NULL, params, key.at, key.len, data.at, data.len, mac, 16, &len) &&
           len == 16;
}

/* One pass of a cipher without padding; `out` gets in.len bytes. */
static bool run_cipher(const EVP_CIPHER *cipher, bool encrypt, struct span key, const uint8_t *iv,
                       struct span in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0, tail = 0;
    bool ok = ctx && cipher && in.len <= INT32_MAX &&
              EVP_CipherInit_ex(ctx, cipher, NULL, key.at, iv, encrypt) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
              EVP_CipherUpdate(ctx, out, &len, in.at, (int)in.len) == 1 &&
              EVP_CipherFinal_ex(ctx, out + len, &tail) == 1 && (size_t)(len + tail) == in.len;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool crypto_tdes_ecb(struct span key, bool encrypt, struct span in, uint8_t *out)
{
    if (key.len != 16 && key.len != 24) return false;
    return run_cipher(key.len == 16 ? EVP_des_ede_ecb() : EVP_des_ede3_ecb(), encrypt, key, NULL, in, out);
}

bool crypto_aes_ecb(struct span key, struct span in, uint8_t *out)
{
    const EVP_CIPHER *cipher = key.len == 16   ? EVP_aes_128_ecb()
                               : key.len == 24 ? EVP_aes_192_ecb()
                               : key.len == 32 ? EVP_aes_256_ecb()
                                               : NULL;
    return run_cipher(cipher, true, key, NULL, in, out);
}

bool crypto_aes_cbc_decrypt(struct span key, const uint8_t iv[16], struct span in, uint8_t *out)
{
    const EVP_CIPHER *cipher = key.len == 16   ? EVP_aes_128_cbc()
                               : key.len == 24 ? EVP_aes_192_cbc()
                               : key.len == 32 ? EVP_aes_256_cbc()
                                               : NULL;
    return run_cipher(cipher, false, key, iv, in, out);
}

bool crypto_kwp_unwrap(struct span kek, struct span in, uint8_t *out, size_t *len)
{
    const EVP_CIPHER *cipher = kek.len == 16   ? EVP_aes_128_wrap_pad()
                               : kek.len == 24 ? EVP_aes_192_wrap_pad()
                               : kek.len == 32 ? EVP_aes_256_wrap_pad()
                                               : NULL;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int plain = 0;
    bool ok = ctx && cipher && in.len >= 16 && in.len % 8 == 0 && in.len <= INT32_MAX;
    if (ok) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        ok = EVP_DecryptInit_ex(ctx, cipher, NULL, kek.at, NULL) == 1 &&
             EVP_DecryptUpdate(ctx, out, &plain, in.at, (int)in.len) == 1 && plain > 0;
    }
    EVP_CIPHER_CTX_free(ctx);
    *len = ok ? (size_t)plain : 0;
    return ok;
}

bool crypto_rsa_public(const BIGNUM *n, const BIGNUM *e, struct span in, uint8_t *out)
{
    int size = BN_num_bytes(n);
    if ((size_t)size != in.len) return false;
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *x = BN_bin2bn(in.at, (int)in.len, NULL);
    bool ok = ctx && x && BN_cmp(x, n) < 0 && BN_mod_exp(x, x, e, n, ctx) == 1 &&
              BN_bn2binpad(x, out, size) == size;
    BN_free(x);
    BN_CTX_free(ctx);
    return ok;
}

/* r‖s in DER, as OpenSSL wants it; malloc'ed by OpenSSL. */
static int ecdsa_der(struct span signature, unsigned char **der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.at, 32, NULL), *s = BN_bin2bn(signature.at + 32, 32, NULL);
    int len = -1;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len;
}

bool crypto_verify(EVP_PKEY *key, int algorithm, struct span text, struct span signature)
{
    unsigned char *der = NULL;
    char group[32] = "";
    if (algorithm == 1 && !EVP_PKEY_is_a(key, "RSA")) return false;
    if (algorithm == 2) {
        if (!EVP_PKEY_is_a(key, "EC") || signature.len != 64) return false;
        if (!EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) || strcmp(group, "prime256v1") != 0)
            return false;
        int len = ecdsa_der(signature, &der);
        if (len <= 0) return false;
        signature = span_of(der, (size_t)len);
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(ctx, signature.at, signature.len, text.at, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    return ok;
}
