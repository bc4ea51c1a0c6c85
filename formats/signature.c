#include "formats/signature.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "formats/public_key_evp.h"

enum { P256_NUMBER_LEN = 32 };

static bool is_p256(const EVP_PKEY *key)
{
    char group[32] = "";
    size_t len = 0;
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 && strcmp(group, "prime256v1") == 0;
}

static bool check_key(const EVP_PKEY *key, enum signature_algorithm algorithm, struct err *err)
{
    if (algorithm == SIGNATURE_RSA_SHA256 && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return true;
    if (algorithm == SIGNATURE_ECDSA_P256_SHA256 && is_p256(key)) return true;
    return err_set(err, ERR_INTEGRITY, "signature algorithm %02X does not fit the signer's key",
                   (unsigned)algorithm);
}

/* r ‖ s, as the file has it, to the DER that libcrypto takes. Gives its length, 0 if that cannot be done. */
static int to_der(const uint8_t *signature, size_t len, unsigned char **out)
{
    if (len != 2 * P256_NUMBER_LEN) return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, P256_NUMBER_LEN, NULL);
    BIGNUM *s = BN_bin2bn(signature + P256_NUMBER_LEN, P256_NUMBER_LEN, NULL);
    int der_len = 0;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = NULL;
        s = NULL;
        der_len = i2d_ECDSA_SIG(pair, out);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return der_len > 0 ? der_len : 0;
}

static bool verify(EVP_PKEY *key, const uint8_t *data, size_t len, const uint8_t *signature,
                   size_t signature_len)
{
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    bool ok = state && EVP_DigestVerifyInit(state, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(state, signature, signature_len, data, len) == 1;
    EVP_MD_CTX_free(state);
    return ok;
}

bool signature_verify(const struct public_key *signer, enum signature_algorithm algorithm,
                      const uint8_t *data, size_t len, const uint8_t *signature, size_t signature_len,
                      struct err *err)
{
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    bool ok = false;
    if (!public_key_evp(signer, &key, err)) {
        err_prefix(err, "signer");
        goto out;
    }
    if (!check_key(key, algorithm, err)) goto out;
    if (algorithm == SIGNATURE_ECDSA_P256_SHA256) {
        int der_len = to_der(signature, signature_len, &der);
        ok = der_len > 0 && verify(key, data, len, der, (size_t)der_len);
    } else {
        ok = verify(key, data, len, signature, signature_len);
    }
    if (!ok) err_set(err, ERR_INTEGRITY, "the signature does not verify");
out:
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}
