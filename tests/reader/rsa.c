/* RSA private keys as PKCS#8 (RFC 5208) around RFC 8017, A.1.2. Read by hand: OpenSSL would accept, and
 * could quietly mend, what the format forbids. */
#include "crypto.h"

#include <string.h>

/* 1.2.840.113549.1.1.1 with its NULL */
static const uint8_t RSA_ALGORITHM[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                        0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};

static bool take_der(struct span *rest, uint32_t tag, struct span *value)
{
    const char *why;
    struct tlv tlv;
    if (!tlv_next(rest, &tlv, &why) || tlv.tag != tag) return false;
    *value = tlv.value;
    return true;
}

/* A positive INTEGER in its shortest form. */
static bool take_integer(struct span *rest, BIGNUM **number)
{
    struct span value;
    if (!take_der(rest, 0x02, &value) || value.len == 0 || value.at[0] & 0x80) return false;
    if (value.len > 1 && value.at[0] == 0 && !(value.at[1] & 0x80)) return false;
    *number = BN_bin2bn(value.at, (int)value.len, NULL);
    return *number && !BN_is_zero(*number);
}

static bool take_version_0(struct span *rest)
{
    struct span value;
    return take_der(rest, 0x02, &value) && value.len == 1 && value.at[0] == 0;
}

bool rsa_private_parse(struct span data, struct rsa_private *key, size_t *used, const char **why)
{
    struct span rest = data, info, algorithm, octets, rsa, attributes;

    *key = (struct rsa_private){0};
    *why = "not the DER of a PKCS#8 RSA key";
    if (!take_der(&rest, 0x30, &info)) return false;
    *used = data.len - rest.len;
    if (!take_version_0(&info) || !take_der(&info, 0x30, &algorithm)) return false;
    if (!span_is_equal(algorithm, span_of(RSA_ALGORITHM, sizeof(RSA_ALGORITHM)))) return false;
    if (!take_der(&info, 0x04, &octets)) return false;
    if (info.len && (!take_der(&info, 0xA0, &attributes) || info.len)) return false;
    if (!take_der(&octets, 0x30, &rsa) || octets.len || !take_version_0(&rsa)) return false;

    BIGNUM **fields[] = {&key->n, &key->e, &key->d, &key->p, &key->q, &key->dp, &key->dq, &key->qinv};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!take_integer(&rsa, fields[i])) return false;
    }
    return rsa.len == 0;
}

/* d mod (p−1) = dp, e·dp ≡ 1 mod (p−1), and 2^(p−1) ≡ 1 mod p. */
static bool is_half_right(const struct rsa_private *key, const BIGNUM *p, const BIGNUM *dp, BN_CTX *ctx)
{
    BIGNUM *less = BN_dup(p), *t = BN_new(), *two = BN_new();
    bool ok = less && t && two && BN_is_odd(p) && !BN_is_one(p) && BN_sub_word(less, 1) &&
              BN_set_word(two, 2) && BN_mod(t, key->d, less, ctx) && BN_cmp(t, dp) == 0 &&
              BN_mod_mul(t, key->e, dp, less, ctx) && BN_is_one(t) && BN_mod_exp(t, two, less, p, ctx) &&
              BN_is_one(t);
    BN_free(less);
    BN_free(t);
    BN_free(two);
    return ok;
}

bool rsa_private_check(const struct rsa_private *key, const char **why)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *t = BN_new();
    bool ok = false;

    *why = "n is not p times q";
    if (!ctx || !t || !BN_mul(t, key->p, key->q, ctx) || BN_cmp(t, key->n) != 0) goto out;
    *why = "p and q are equal";
    if (BN_cmp(key->p, key->q) == 0) goto out;
    *why = "d mod (p-1), e or p does not fit";
    if (!is_half_right(key, key->p, key->dp, ctx)) goto out;
    *why = "d mod (q-1), e or q does not fit";
    if (!is_half_right(key, key->q, key->dq, ctx)) goto out;
    *why = "q^-1 mod p does not fit";
    if (BN_cmp(key->qinv, key->p) >= 0 || !BN_mod_mul(t, key->q, key->qinv, key->p, ctx) || !BN_is_one(t))
        goto out;
    ok = true;
out:
    BN_free(t);
    BN_CTX_free(ctx);
    return ok;
}

void rsa_private_release(struct rsa_private *key)
{
    BIGNUM *all[] = {key->n, key->e, key->d, key->p, key->q, key->dp, key->dq, key->qinv};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        BN_clear_free(all[i]);
    *key = (struct rsa_private){0};
}
