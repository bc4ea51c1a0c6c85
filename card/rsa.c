#include <openssl/bn.h>

#include "card/crypto.h"

struct numbers {
    BIGNUM *part[CARD_RSA_PARTS];
    BIGNUM *n, *a, *b;
    BN_CTX *ctx;
};

static void numbers_release(struct numbers *k)
{
    for (size_t i = 0; i < CARD_RSA_PARTS; i++)
        BN_clear_free(k->part[i]);
    BN_free(k->n);
    BN_clear_free(k->a);
    BN_clear_free(k->b);
    BN_CTX_free(k->ctx);
}

/* d mod (prime − 1) for one of EMV's public exponents? */
static bool is_exponent(struct numbers *k, const BIGNUM *d, const BIGNUM *prime, unsigned e)
{
    return BN_copy(k->b, prime) && BN_sub_word(k->b, 1) == 1 && BN_copy(k->a, d) &&
           BN_mul_word(k->a, e) == 1 && BN_mod(k->a, k->a, k->b, k->ctx) == 1 && BN_is_one(k->a);
}

static bool exponents_fit(struct numbers *k)
{
    static const unsigned known[] = {3, 65537};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is_exponent(k, k->part[CARD_RSA_DP], k->part[CARD_RSA_P], known[i]) &&
            is_exponent(k, k->part[CARD_RSA_DQ], k->part[CARD_RSA_Q], known[i]))
            return true;
    }
    return false;
}

/* False: memory, or parts that do not belong together. */
static bool numbers_read(const struct card_rsa *key, struct numbers *k)
{
    *k = (struct numbers){
        .n = BN_new(), .a = BN_secure_new(), .b = BN_secure_new(), .ctx = BN_CTX_secure_new()};
    if (!k->n || !k->a || !k->b || !k->ctx) return false;
    for (size_t i = 0; i < CARD_RSA_PARTS; i++) {
        k->part[i] = BN_secure_new();
        if (!k->part[i] || key->len[i] == 0 || !BN_bin2bn(key->part[i], (int)key->len[i], k->part[i]))
            return false;
        BN_set_flags(k->part[i], BN_FLG_CONSTTIME);
    }
    const BIGNUM *p = k->part[CARD_RSA_P], *q = k->part[CARD_RSA_Q];
    return BN_is_odd(p) && BN_is_odd(q) && BN_cmp(p, q) > 0 && !BN_is_one(q) &&
           BN_cmp(k->part[CARD_RSA_DP], p) < 0 && BN_cmp(k->part[CARD_RSA_DQ], q) < 0 &&
           BN_cmp(k->part[CARD_RSA_QINV], p) < 0 &&
           BN_mod_mul(k->a, k->part[CARD_RSA_QINV], q, p, k->ctx) == 1 && BN_is_one(k->a) &&
           exponents_fit(k) && BN_mul(k->n, p, q, k->ctx) == 1;
}

size_t card_rsa_len(const struct card_rsa *key)
{
    struct numbers k;
    size_t len = numbers_read(key, &k) ? (size_t)BN_num_bytes(k.n) : 0;
    numbers_release(&k);
    return len;
}

/* Garner: m1 = in^dp mod p, m2 = in^dq mod q, h = qinv·(m1 − m2) mod p, out = m2 + h·q. */
static bool private_operation(struct numbers *k, const uint8_t *in, uint8_t *out)
{
    const BIGNUM *p = k->part[CARD_RSA_P], *q = k->part[CARD_RSA_Q];
    int len = BN_num_bytes(k->n);
    BIGNUM *m = BN_bin2bn(in, len, NULL);
    BIGNUM *rest = BN_secure_new();
    bool ok = m && rest && BN_cmp(m, k->n) < 0 && BN_mod(rest, m, p, k->ctx) == 1 &&
              BN_mod_exp(k->a, rest, k->part[CARD_RSA_DP], p, k->ctx) == 1 &&
              BN_mod(rest, m, q, k->ctx) == 1 &&
              BN_mod_exp(k->b, rest, k->part[CARD_RSA_DQ], q, k->ctx) == 1 &&
              BN_mod_sub(k->a, k->a, k->b, p, k->ctx) == 1 &&
              BN_mod_mul(k->a, k->a, k->part[CARD_RSA_QINV], p, k->ctx) == 1 &&
              BN_mul(rest, k->a, q, k->ctx) == 1 && BN_add(rest, rest, k->b) == 1 &&
              BN_bn2binpad(rest, out, len) == len;
    BN_clear_free(m);
    BN_clear_free(rest);
    return ok;
}

bool card_rsa_private(const struct card_rsa *key, const uint8_t *in, uint8_t *out, struct err *err)
{
    struct numbers k;
    bool ok = numbers_read(key, &k) && private_operation(&k, in, out);
    numbers_release(&k);
    return ok || err_set(err, ERR_INTERNAL, "card: the RSA private operation fails");
}
