/* Keys on a SoftHSM token: every role made, found again and used; results against known answers. */
#include <openssl/evp.h>

#include "hsm/crypto.h"
#include "hsm/probe.h"
#include "softtoken.h"
#include "suite.h"
#include "vectors.h"

static struct softtoken soft;

static const enum hsm_algorithm aes_of_len[] = {[16] = HSM_AES128, [24] = HSM_AES192, [32] = HSM_AES256};

static struct hsm_key_ref ref_of(const char *label, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = a};
}

static struct hsm_token *open_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "issuer", &t, &err));
    return t;
}

static void test_profile(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(hsm_probe(t, true, &err));
    const struct hsm_profile *p = hsm_token_profile(t);
    for (int i = 0; i < HSM_ABILITY_COUNT; i++) {
        const struct hsm_ability_row *row = hsm_ability_row((enum hsm_ability)i);
        CU_ASSERT_EQUAL(row->ability, (enum hsm_ability)i);
        printf("%-28s %s %s\n", row->name, p->can[i] ? "yes" : "no ", p->why[i]);
    }
    CU_ASSERT_EQUAL(p->kwp_mechanism, 0x210A);
    size_t all = 1, kept = 1;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, 0);
    CU_ASSERT_EQUAL(kept, 0);
    hsm_token_close(t);
}

static void test_roles(void)
{
    static const struct {
        enum hsm_role role;
        enum hsm_algorithm algorithm;
    } secret[] = {
        {HSM_ROLE_MASTER, HSM_DES2},        {HSM_ROLE_MASTER, HSM_AES256},
        {HSM_ROLE_ZCMK_SENDER, HSM_AES256}, {HSM_ROLE_ZCMK_RECEIVER, HSM_AES256},
        {HSM_ROLE_KEK_ISSUER, HSM_AES256},  {HSM_ROLE_KEK_BUREAU, HSM_AES256},
        {HSM_ROLE_CARD_KEY, HSM_DES2},      {HSM_ROLE_CARD_KEY, HSM_AES128},
        {HSM_ROLE_CARD_STATIC, HSM_AES128}, {HSM_ROLE_CARD_STATIC, HSM_DES3},
        {HSM_ROLE_MAC_KEY, HSM_AES256},
    };
    struct err err = ERR_INIT;
    struct hsm_token *t = open_token();
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(secret); i++) {
        struct hsm_key_ref ref = ref_of("role", secret[i].role, secret[i].algorithm);
        struct hsm_key key = HSM_KEY_NONE, again = HSM_KEY_NONE;
        size_t len = 0;
        EXPECT_OK(hsm_key_generate(t, &ref, &key, &err));
        EXPECT_OK(hsm_key_check_role(t, &ref, &key, &err));
        if (secret[i].role != HSM_ROLE_CARD_STATIC)
            EXPECT_OK(hsm_kcv(t, &key, ref.role, ref.kcv, &len, &err));
        if (hsm_role_is_token_object(ref.role)) {
            ref.kcv_len = len;
            EXPECT_OK(hsm_key_find(t, &ref, &again, &err));
            CU_ASSERT_EQUAL(again.handle, key.handle);
            ref.kcv[0] ^= 1;
            EXPECT_FAIL(hsm_key_find(t, &ref, &again, &err), ERR_TOKEN, "key 'role': its check value is");
            EXPECT_FAIL(hsm_key_generate(t, &ref, &again, &err), ERR_TOKEN, "has an object 'role' already");
        }
        hsm_key_destroy(t, &key);
    }
    CU_ASSERT_FALSE(hsm_token_is_broken(t));
    hsm_token_close(t);
}

static void test_pairs(void)
{
    static const enum hsm_role roles[] = {HSM_ROLE_ISSUER_PAIR, HSM_ROLE_SIGNING_PAIR,
                                          HSM_ROLE_SCHEME_CA_PAIR, HSM_ROLE_KEY_EXCHANGE_PAIR,
                                          HSM_ROLE_CARD_PAIR};
    struct err err = ERR_INIT;
    struct hsm_token *t = open_token();
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(roles); i++) {
        struct hsm_pair_ref ref = {ref_of("pair", roles[i], HSM_RSA), 1024, i % 2 ? 3 : 65537};
        struct hsm_pair pair, again;
        struct buf spki;
        buf_init(&spki, HSM_SPKI_MAX);
        EXPECT_OK(hsm_pair_generate(t, &ref, &pair, &err));
        CU_ASSERT_EQUAL(pair.modulus_len, 128);
        EXPECT_OK(hsm_key_check_role(t, &ref.key, &pair.private_key, &err));
        if (hsm_role_is_token_object(roles[i])) {
            EXPECT_OK(hsm_pair_find(t, &ref.key, &again, &err));
            CU_ASSERT_TRUE(bytes_equal(pair.modulus, pair.modulus_len, again.modulus, again.modulus_len));
            CU_ASSERT_TRUE(bytes_equal(pair.exponent, pair.exponent_len, again.exponent, again.exponent_len));
        }
        EXPECT_OK(hsm_pair_spki(&pair, &spki, &err));
        CU_ASSERT_TRUE(spki.len > 128);
        buf_release(&spki);
        hsm_pair_destroy(t, &pair);
    }
    hsm_token_close(t);
}

/* Compares the first bytes of what hsm_kcv gives with each block's kcv. */
/* Every size at the ends of what the header promises, with either exponent. */
static void test_pair_sizes(void)
{
    static const struct {
        unsigned bits;
        unsigned long exponent;
    } sizes[] = {{1024, 3}, {1024, 65537}, {1408, 3}, {1984, 65537}, {4096, 3}, {4096, 65537}};
    struct err err = ERR_INIT;
    struct hsm_key_ref kek_ref = ref_of("sizes-kek", HSM_ROLE_KEK_ISSUER, HSM_AES256);
    struct hsm_key kek = HSM_KEY_NONE;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(hsm_key_generate(t, &kek_ref, &kek, &err));
    for (size_t i = 0; i < SUITE_COUNT(sizes); i++) {
        struct hsm_pair_ref ref = {ref_of("sizes", HSM_ROLE_CARD_PAIR, HSM_RSA), sizes[i].bits,
                                   sizes[i].exponent};
        struct hsm_pair pair;
        struct buf wrapped;
        buf_init(&wrapped, 4096);
        EXPECT_OK(hsm_pair_generate(t, &ref, &pair, &err));
        CU_ASSERT_EQUAL(pair.modulus_len, sizes[i].bits / 8);
        CU_ASSERT_TRUE(pair.modulus[0] & 0x80);
        CU_ASSERT_EQUAL(pair.exponent[pair.exponent_len - 1], sizes[i].exponent == 3 ? 3 : 1);
        CU_ASSERT_EQUAL(pair.exponent_len, sizes[i].exponent == 3 ? 1 : 3);
        EXPECT_OK(hsm_wrap_kwp(t, &kek, &pair.private_key, &wrapped, &err));
        CU_ASSERT_TRUE(wrapped.len > 4 * pair.modulus_len);
        buf_release(&wrapped);
        hsm_pair_destroy(t, &pair);
    }
    struct hsm_pair_ref ref = {ref_of("sizes", HSM_ROLE_CARD_PAIR, HSM_RSA), 4104, 65537};
    struct hsm_pair pair;
    EXPECT_FAIL(hsm_pair_generate(t, &ref, &pair, &err), ERR_CONFIG, "512 to 4096");
    ref.bits = 1024;
    ref.exponent = 5;
    EXPECT_FAIL(hsm_pair_generate(t, &ref, &pair, &err), ERR_CONFIG, "3 or 65537");
    hsm_key_destroy(t, &kek);
    hsm_token_close(t);
}

static void check_kcv_vector(struct hsm_token *t, const struct vector_block *block, enum hsm_role role,
                             bool des)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0, key_len = strlen(vector_text(block, "key")) / 2;
    struct buf expected;
    if (des && key_len != 16 && key_len != 24) return;
    struct hsm_key_ref ref =
        ref_of("vector", role, des ? (key_len == 16 ? HSM_DES2 : HSM_DES3) : aes_of_len[key_len]);
    buf_init(&expected, 16);
    CU_ASSERT_TRUE(vector_hex(block, "kcv", &expected));
    EXPECT_OK(softtoken_import(t, &ref, vector_text(block, "key"), &key, &err));
    EXPECT_OK(hsm_kcv(t, &key, role, kcv, &len, &err));
    CU_ASSERT_EQUAL(len, des ? 3 : 5);
    size_t compared = expected.len < len ? expected.len : len;
    CU_ASSERT_TRUE(bytes_equal(kcv, compared, expected.data, compared));
    hsm_key_destroy(t, &key);
    buf_release(&expected);
}

static void check_kcv_gp(struct hsm_token *t, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t kcv[3];
    struct buf expected;
    struct hsm_key_ref ref =
        ref_of("vector", HSM_ROLE_CARD_KEY, aes_of_len[strlen(vector_text(block, "key")) / 2]);
    buf_init(&expected, 16);
    CU_ASSERT_TRUE(vector_hex(block, "kcv", &expected));
    EXPECT_OK(softtoken_import(t, &ref, vector_text(block, "key"), &key, &err));
    EXPECT_OK(hsm_kcv_gp(t, &key, kcv, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, expected.len, expected.data, expected.len));
    hsm_key_destroy(t, &key);
    buf_release(&expected);
}

static void test_kcv_vectors(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    size_t seen = 0;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "kcv.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        bool des = vector_is_op(&block, "kcv_tdes"), aes = vector_is_op(&block, "kcv_aes_cmac");
        if (vector_is_op(&block, "kcv_aes_gp")) check_kcv_gp(t, &block);
        if (!des && !aes) continue;
        check_kcv_vector(t, &block, HSM_ROLE_CARD_KEY, des);
        check_kcv_vector(t, &block, HSM_ROLE_MASTER, des); /* by the check-value derivation */
        if (aes) check_kcv_vector(t, &block, HSM_ROLE_KEK_ISSUER, false);
        seen++;
    }
    CU_ASSERT_TRUE(seen > 10);
    vector_file_free(f);
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"the full probe finds what SoftHSM does and leaves nothing", test_profile},
    {"a key of every role is made, checked and found by its check value", test_roles},
    {"a pair of every role is made and found", test_pairs},
    {"pairs of 1024 to 4096 bits, with e = 3 and 65537, leave wrapped", test_pair_sizes},
    {"check values equal the known answers, by each way of computing them", test_kcv_vectors},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "issuer") ? suite_run("hsm/key", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
