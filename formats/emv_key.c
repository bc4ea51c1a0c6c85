#include "formats/emv_key.h"

#include <openssl/bn.h>

#include "base/digest.h"
#include "formats/date.h"

bool emv_exponent_is_valid(const uint8_t *exponent, size_t len)
{
    static const uint8_t three[] = {3}, fermat4[] = {1, 0, 1};
    return bytes_equal(exponent, len, three, sizeof(three)) ||
           bytes_equal(exponent, len, fermat4, sizeof(fermat4));
}

bool emv_ca_checksum(const struct emv_ca_key *ca, uint8_t out[20], struct err *err)
{
    struct digest *d = NULL;
    bool ok = false;

    if (!digest_new(&d, DIGEST_SHA1, err)) goto out;
    if (!digest_add(d, ca->rid, sizeof(ca->rid), err)) goto out;
    if (!digest_add(d, &ca->index, 1, err)) goto out;
    if (!digest_add(d, ca->key.modulus, ca->key.modulus_len, err)) goto out;
    if (!digest_add(d, ca->key.exponent, ca->key.exponent_len, err)) goto out;
    ok = digest_final(d, out, err);
out:
    digest_free(d);
    return ok;
}

bool emv_rsa_public(const struct emv_public_key *key, const uint8_t *in, size_t len, uint8_t *out,
                    struct err *err)
{
    BIGNUM *modulus = NULL, *exponent = NULL, *value = NULL;
    BN_CTX *context = NULL;
    bool ok = false;

    if (len != key->modulus_len || len == 0 || len > EMV_BLOCK_MAX)
        return err_set(err, ERR_INTEGRITY, "%zu bytes under a key of %zu", len, key->modulus_len);
    context = BN_CTX_new();
    modulus = BN_bin2bn(key->modulus, (int)key->modulus_len, NULL);
    exponent = BN_bin2bn(key->exponent, (int)key->exponent_len, NULL);
    value = BN_bin2bn(in, (int)len, NULL);
    if (!context || !modulus || !exponent || !value) {
        err_set_no_memory(err);
        goto out;
    }
    if (BN_cmp(value, modulus) >= 0) {
        err_set(err, ERR_INTEGRITY, "value is not below the key's modulus: wrong key or changed");
        goto out;
    }
    if (BN_mod_exp(value, value, exponent, modulus, context) != 1 || BN_bn2binpad(value, out, (int)len) < 0) {
        err_set(err, ERR_INTEGRITY, "the key is no RSA key");
        goto out;
    }
    ok = true;
out:
    BN_free(value);
    BN_free(exponent);
    BN_free(modulus);
    BN_CTX_free(context);
    return ok;
}

bool emv_expires_after(const uint8_t a[2], const uint8_t b[2])
{
    int a_year = date_full_year((a[1] >> 4) * 10 + (a[1] & 0x0F));
    int b_year = date_full_year((b[1] >> 4) * 10 + (b[1] & 0x0F));
    return a_year != b_year ? a_year > b_year : a[0] > b[0];
}
