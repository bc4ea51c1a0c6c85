/* hsm/examine/reference_rsa.c - RSA results, by libcrypto. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "hsm/examine/reference.h"

static EVP_PKEY *public_key(const struct blob *n, const struct blob *e)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *modulus = BN_bin2bn(n->data, (int)n->len, NULL),
           *exponent = BN_bin2bn(e->data, (int)e->len, NULL);
    if (ctx && builder && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
        params = OSSL_PARAM_BLD_to_param(builder);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

bool reference_oaep(const struct blob *n, const struct blob *e, bool sha256, const uint8_t *data, size_t len,
                    struct blob *out, struct err *err)
{
    EVP_PKEY *key = public_key(n, e);
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    const EVP_MD *hash = sha256 ? EVP_sha256() : EVP_sha1();
    size_t room = sizeof out->data;
    bool ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(ctx, hash) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash) == 1 &&
              EVP_PKEY_encrypt(ctx, out->data, &room, data, len) == 1;
    out->len = ok ? room : 0;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok || err_set(err, ERR_INTERNAL, "libcrypto cannot do RSA-OAEP");
}

bool reference_rsa_public(const struct blob *n, const struct blob *e, const struct blob *in, struct blob *out,
                          struct err *err)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *modulus = BN_bin2bn(n->data, (int)n->len, NULL),
           *exponent = BN_bin2bn(e->data, (int)e->len, NULL),
           *value = BN_bin2bn(in->data, (int)in->len, NULL), *result = BN_new();
    bool ok = ctx && modulus && exponent && value && result &&
              BN_mod_exp(result, value, exponent, modulus, ctx) == 1 &&
              BN_bn2binpad(result, out->data, (int)n->len) == (int)n->len;
    out->len = ok ? n->len : 0;
    BN_free(modulus);
    BN_free(exponent);
    BN_free(value);
    BN_free(result);
    BN_CTX_free(ctx);
    return ok || err_set(err, ERR_INTERNAL, "libcrypto cannot do RSA");
}

bool reference_rsa_verify(const struct blob *n, const struct blob *e, const uint8_t *data, size_t len,
                          const struct blob *signature, struct err *err)
{
    EVP_PKEY *key = public_key(n, e);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(ctx, signature->data, signature->len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok || err_set(err, ERR_TOKEN, "C_Sign: the signature does not verify");
}

/* The parts of a private key, and room for what is computed of them. */
enum { PART_N, PART_E, PART_D, PART_P, PART_Q, PART_DP, PART_DQ, PART_QINV, PART_COUNT };
struct parts {
    BIGNUM *part[PART_COUNT], *a, *b;
    BN_CTX *ctx;
};

static bool parts_read(struct parts *k, const EVP_PKEY *key)
{
    static const char *const names[PART_COUNT] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    *k = (struct parts){.a = BN_new(), .b = BN_new(), .ctx = BN_CTX_new()};
    bool ok = k->a && k->b && k->ctx;
    for (size_t i = 0; i < PART_COUNT && ok; i++)
        ok = EVP_PKEY_get_bn_param(key, names[i], &k->part[i]) == 1 && !BN_is_zero(k->part[i]);
    return ok;
}

static void parts_release(struct parts *k)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        BN_clear_free(k->part[i]);
    BN_clear_free(k->a);
    BN_clear_free(k->b);
    BN_CTX_free(k->ctx);
}

/* x is d mod (prime - 1), and e·x is 1 there. */
static bool exponent_fits(struct parts *k, size_t x, size_t prime)
{
    return BN_copy(k->a, k->part[prime]) && BN_sub_word(k->a, 1) == 1 &&
           BN_mod(k->b, k->part[PART_D], k->a, k->ctx) == 1 && BN_cmp(k->b, k->part[x]) == 0 &&
           BN_mod_mul(k->b, k->part[PART_E], k->part[x], k->a, k->ctx) == 1 && BN_is_one(k->b);
}

static const char *wrong_part(struct parts *k, const struct blob *n, const struct blob *e)
{
    if (!BN_bin2bn(n->data, (int)n->len, k->a) || BN_cmp(k->a, k->part[PART_N]) != 0) return "modulus";
    if (!BN_bin2bn(e->data, (int)e->len, k->a) || BN_cmp(k->a, k->part[PART_E]) != 0) return "exponent";
    if (BN_mul(k->a, k->part[PART_P], k->part[PART_Q], k->ctx) != 1 || BN_cmp(k->a, k->part[PART_N]) != 0)
        return "product of the primes";
    if (!exponent_fits(k, PART_DP, PART_P)) return "first CRT exponent";
    if (!exponent_fits(k, PART_DQ, PART_Q)) return "second CRT exponent";
    if (BN_mod_mul(k->a, k->part[PART_QINV], k->part[PART_Q], k->part[PART_P], k->ctx) != 1 ||
        !BN_is_one(k->a))
        return "CRT coefficient";
    return NULL;
}

bool reference_check_pkcs8(const struct blob *pkcs8, const struct blob *n, const struct blob *e, size_t *len,
                           struct err *err)
{
    const unsigned char *p = pkcs8->data;
    struct parts k;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)pkcs8->len);
    if (!key) return err_set(err, ERR_TOKEN, "C_WrapKey: what comes out is no PKCS#8");
    *len = (size_t)(p - pkcs8->data);
    const char *wrong = parts_read(&k, key) ? wrong_part(&k, n, e) : "number of parts";
    parts_release(&k);
    EVP_PKEY_free(key);
    return !wrong || err_set(err, ERR_TOKEN, "C_WrapKey: the key's %s is wrong", wrong);
}
