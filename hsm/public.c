/* hsm/public.c - RSA public keys as numbers and as SubjectPublicKeyInfo. */
#include "hsm/public.h"

#include <limits.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

enum { BITS_MIN = 512 };

void hsm_public_of_pair(const struct hsm_pair *pair, struct hsm_public *out)
{
    memcpy(out->modulus, pair->modulus, sizeof out->modulus);
    memcpy(out->exponent, pair->exponent, sizeof out->exponent);
    out->modulus_len = pair->modulus_len;
    out->exponent_len = pair->exponent_len;
}

static EVP_PKEY *key_of(const struct hsm_public *public)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *n = BN_bin2bn(public->modulus, (int)public->modulus_len, NULL);
    BIGNUM *e = BN_bin2bn(public->exponent, (int)public->exponent_len, NULL);
    if (!ctx || !builder || !n || !e) goto out;
    if (!OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        goto out;
    params = OSSL_PARAM_BLD_to_param(builder);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1) goto out;
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) key = NULL;
out:
    OSSL_PARAM_free(params);
    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

bool hsm_public_spki(const struct hsm_public *key, struct buf *out, struct err *err)
{
    unsigned char *der = NULL;
    EVP_PKEY *pkey = key_of(key);
    int len = pkey ? i2d_PUBKEY(pkey, &der) : -1;
    EVP_PKEY_free(pkey);
    if (len <= 0) return err_set(err, ERR_INTERNAL, "public key cannot be encoded");
    buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
    return buf_ok(out, "public key", err);
}

/* One number of the key, without leading zeros. */
static bool number_of(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t room, size_t *len)
{
    BIGNUM *n = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && !BN_is_zero(n) && BN_num_bytes(n) <= (int)room;
    if (ok) *len = (size_t)BN_bn2bin(n, out);
    BN_free(n);
    return ok;
}

bool hsm_public_read_spki(const uint8_t *der, size_t len, struct hsm_public *out, struct err *err)
{
    const unsigned char *at = der;
    struct hsm_public key = {.modulus_len = 0};
    EVP_PKEY *pkey = len > 0 && len <= LONG_MAX ? d2i_PUBKEY(NULL, &at, (long)len) : NULL;
    bool ok = pkey && (size_t)(at - der) == len && EVP_PKEY_is_a(pkey, "RSA");
    if (!ok) {
        err_set(err, ERR_INPUT, "no SubjectPublicKeyInfo of an RSA key");
    } else if (!number_of(pkey, OSSL_PKEY_PARAM_RSA_N, key.modulus, sizeof key.modulus, &key.modulus_len) ||
               key.modulus_len < BITS_MIN / 8) {
        ok = err_set(err, ERR_INPUT, "a modulus of other than %d to %d bits", BITS_MIN, 8 * HSM_MODULUS_MAX);
    } else if (!number_of(pkey, OSSL_PKEY_PARAM_RSA_E, key.exponent, sizeof key.exponent,
                          &key.exponent_len) ||
               !(key.exponent[key.exponent_len - 1] & 1) || bytes_be(key.exponent, key.exponent_len) == 1) {
        ok = err_set(err, ERR_INPUT, "a public exponent that is even, 1, or of more than %zu bytes",
                     sizeof key.exponent);
    }
    EVP_PKEY_free(pkey);
    if (ok) *out = key;
    return ok;
}
