/* The reader's own cryptography against the known answers: ciphers, MACs, unwrapping, and private keys with their CRT parts. */
#include <stdlib.h>

#include "crypto.h"
#include "suite.h"
#include "vectors.h"

static struct span span_of_buf(const struct buf *b)
{
    return span_of(b->data, b->len);
}

/* Runs check over the blocks of `file` with this op; gives how many there were. */
static unsigned each(const char *file, const char *op, bool (*check)(const struct vector_block *block))
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen = 0;

    EXPECT_OK(vector_file_open(&f, file, &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        if (!vector_is_op(&block, op)) continue;
        bool right = check(&block);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
        seen++;
    }
    CU_ASSERT_TRUE(end);
    vector_file_free(f);
    return seen;
}

/* Three values of a block, and room for an answer. */
struct values {
    struct buf a, b, c;
    uint8_t out[1024];
};

static bool values_take(struct values *v, const struct vector_block *block, const char *a, const char *b,
                        const char *c)
{
    buf_init(&v->a, sizeof(v->out));
    buf_init(&v->b, sizeof(v->out));
    buf_init(&v->c, sizeof(v->out));
    return vector_hex(block, a, &v->a) && vector_hex(block, b, &v->b) && vector_hex(block, c, &v->c);
}

static void values_release(struct values *v)
{
    buf_release(&v->a);
    buf_release(&v->b);
    buf_release(&v->c);
}

static bool check_tdes(const struct vector_block *block)
{
    struct values v;
    bool ok = values_take(&v, block, "key", "plain", "cipher") &&
              crypto_tdes_ecb(span_of_buf(&v.a), true, span_of_buf(&v.b), v.out) &&
              span_is_equal(span_of(v.out, v.c.len), span_of_buf(&v.c)) &&
              crypto_tdes_ecb(span_of_buf(&v.a), false, span_of_buf(&v.c), v.out) &&
              span_is_equal(span_of(v.out, v.b.len), span_of_buf(&v.b));
    values_release(&v);
    return ok;
}

static bool check_aes(const struct vector_block *block)
{
    struct values v;
    bool ok = values_take(&v, block, "key", "plain", "cipher") &&
              crypto_aes_ecb(span_of_buf(&v.a), span_of_buf(&v.b), v.out) &&
              span_is_equal(span_of(v.out, v.c.len), span_of_buf(&v.c));
    values_release(&v);
    return ok;
}

static bool check_aes_cbc(const struct vector_block *block)
{
    struct values v;
    struct buf iv;
    buf_init(&iv, 16);
    bool ok = values_take(&v, block, "key", "plain", "cipher") && vector_hex(block, "iv", &iv) &&
              iv.len == 16 && crypto_aes_cbc_decrypt(span_of_buf(&v.a), iv.data, span_of_buf(&v.c), v.out) &&
              span_is_equal(span_of(v.out, v.b.len), span_of_buf(&v.b));
    buf_release(&iv);
    values_release(&v);
    return ok;
}

static void test_ciphers(void)
{
    CU_ASSERT_EQUAL(each("cipher.txt", "tdes_ecb", check_tdes), 2);
    CU_ASSERT_EQUAL(each("cipher.txt", "aes_ecb", check_aes), 3);
    CU_ASSERT_EQUAL(each("cipher.txt", "aes_cbc", check_aes_cbc), 1);
}

static bool check_cmac(const struct vector_block *block)
{
    struct values v;
    bool ok = values_take(&v, block, "key", "msg", "mac") &&
              crypto_cmac(span_of_buf(&v.a), span_of_buf(&v.b), v.out) &&
              span_is_equal(span_of(v.out, v.c.len), span_of_buf(&v.c));
    values_release(&v);
    return ok;
}

static void test_cmac(void)
{
    CU_ASSERT_EQUAL(each("cmac.txt", "aes_cmac", check_cmac), 13);
}

static bool check_unwrap(const struct vector_block *block)
{
    struct values v;
    size_t len = 0;
    bool ok = values_take(&v, block, "kek", "key", "wrapped") &&
              crypto_kwp_unwrap(span_of_buf(&v.a), span_of_buf(&v.c), v.out, &len) &&
              span_is_equal(span_of(v.out, len), span_of_buf(&v.b));
    values_release(&v);
    return ok;
}

static bool check_unwrap_refused(const struct vector_block *block)
{
    struct values v;
    size_t len = 0;
    bool ok = values_take(&v, block, "kek", "wrapped", "wrapped") &&
              !crypto_kwp_unwrap(span_of_buf(&v.a), span_of_buf(&v.b), v.out, &len);
    values_release(&v);
    return ok;
}

static void test_unwrap(void)
{
    CU_ASSERT_EQUAL(each("wrap.txt", "aes_kwp", check_unwrap), 14);
    CU_ASSERT_EQUAL(each("wrap.txt", "aes_kwp_invalid", check_unwrap_refused), 27);
}

static bool number_is(const struct vector_block *block, const char *name, const BIGNUM *number)
{
    BIGNUM *want = NULL;
    bool same = BN_hex2bn(&want, vector_text(block, name)) > 0 && BN_cmp(want, number) == 0;
    BN_free(want);
    return same;
}

/* Members as numbers: sound keys pass, and each changed member is found. */
static bool check_members(const struct vector_block *block)
{
    static const char *const names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qinv"};
    struct rsa_private key = {0};
    BIGNUM **const members[] = {&key.n, &key.e, &key.d, &key.p, &key.q, &key.dp, &key.dq, &key.qinv};
    const char *valid = vector_text(block, "valid"), *why = "";
    bool read = true;

    for (size_t i = 0; i < SUITE_COUNT(names); i++)
        read = BN_hex2bn(members[i], vector_text(block, names[i])) > 0 && read;
    bool sound = read && rsa_private_check(&key, &why);
    rsa_private_release(&key);
    return read && sound == !(valid && strcmp(valid, "no") == 0);
}

/* The DER of those that have one, read to the same numbers; and cut or with a byte behind it. */
static bool check_der(const struct vector_block *block)
{
    struct rsa_private key = {0};
    struct buf der;
    size_t used = 0;
    const char *why = "";

    if (!vector_text(block, "pkcs8")) return true;
    buf_init(&der, 4096);
    bool ok = vector_hex(block, "pkcs8", &der) && rsa_private_parse(span_of_buf(&der), &key, &used, &why) &&
              used == der.len && number_is(block, "n", key.n) && number_is(block, "d", key.d) &&
              number_is(block, "p", key.p) && number_is(block, "q", key.q) &&
              number_is(block, "dp", key.dp) && number_is(block, "dq", key.dq) &&
              number_is(block, "qinv", key.qinv);
    rsa_private_release(&key);
    for (size_t len = 0; ok && len < der.len; len++) {
        ok = !rsa_private_parse(span_of(der.data, len), &key, &used, &why);
        rsa_private_release(&key);
    }
    buf_release(&der);
    return ok;
}

static bool check_der_refused(const struct vector_block *block)
{
    struct rsa_private key = {0};
    struct buf der;
    size_t used = 0;
    const char *why = "";
    buf_init(&der, 64);
    bool refused =
        vector_hex(block, "data", &der) && !rsa_private_parse(span_of_buf(&der), &key, &used, &why);
    rsa_private_release(&key);
    buf_release(&der);
    return refused;
}

static void test_private_keys(void)
{
    CU_ASSERT_EQUAL(each("crt.txt", "rsa_crt", check_members), 17);
    CU_ASSERT_EQUAL(each("crt.txt", "rsa_crt", check_der), 17);
    CU_ASSERT_EQUAL(each("dgi_tlv.txt", "der_invalid", check_der_refused), 4);
}

static const struct test_case cases[] = {
    {"block ciphers as published", test_ciphers},
    {"CMACs as published", test_cmac},
    {"wrapped keys open, and broken ones do not", test_unwrap},
    {"private keys: CRT parts that fit, and each that does not", test_private_keys},
};

int main(void)
{
    return suite_run("reader/crypto", cases, SUITE_COUNT(cases));
}
