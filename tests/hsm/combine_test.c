/* Components combined inside the token: the result, installed, has the check value of the XOR; with the argument `nss`.
 * SoftHSM cannot, and says so. */
#include <openssl/evp.h>

#include "base/hex.h"
#include "hsm/combine.h"
#include "hsm/travel.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

static struct hsm_token *open_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "combine", &t, &err));
    return t;
}

static void secret_of(struct secret *out, const char *hex)
{
    struct err err = ERR_INIT;
    uint8_t bytes[64];
    size_t len = strlen(hex) / 2;
    EXPECT_OK(hex_read_exact(hex, 2 * len, bytes, len, &err));
    EXPECT_OK(secret_copy(out, bytes, len, &err));
}

static void test_can(void)
{
    struct err err = ERR_INIT;
    size_t all = 1, kept = 1;
    bool can = soft.kind != SOFTTOKEN_NSS;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(hsm_combine_can(t, &can, &err));
    CU_ASSERT_EQUAL(can, soft.kind == SOFTTOKEN_NSS);
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, kept);
    CU_ASSERT_FALSE(hsm_token_is_broken(t));
    hsm_token_close(t);
}

#define KEK_HEX "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

/* The key's bytes, from under a known transport key, by OpenSSL. */
static size_t open_key(struct hsm_token *t, const struct hsm_key *key, uint8_t out[64])
{
    struct err err = ERR_INIT;
    const struct hsm_key_ref ref = {
        .name = "zcmk", .label = "zcmk", .role = HSM_ROLE_ZCMK_SENDER, .algorithm = HSM_AES256};
    struct hsm_key zcmk = HSM_KEY_NONE;
    struct buf blob;
    uint8_t kek[32];
    int len = 0, rest = 0;
    buf_init(&blob, 128);
    EXPECT_OK(hex_read_exact(KEK_HEX, 64, kek, sizeof kek, &err));
    EXPECT_OK(softtoken_import(t, &ref, KEK_HEX, &zcmk, &err));
    EXPECT_OK(hsm_travel_wrap(t, &zcmk, key, &blob, &err));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    CU_ASSERT_EQUAL(EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek, NULL), 1);
    CU_ASSERT_EQUAL(EVP_DecryptUpdate(ctx, out, &len, blob.data, (int)blob.len), 1);
    CU_ASSERT_EQUAL(EVP_DecryptFinal_ex(ctx, out + len, &rest), 1);
    EVP_CIPHER_CTX_free(ctx);
    hsm_key_destroy(t, &zcmk);
    buf_release(&blob);
    return (size_t)(len + rest);
}

struct row {
    enum hsm_algorithm algorithm;
    const char *components[3]; /* NULL: two */
    const char *sum;
};
/* Sums worked out apart from this program; DES with odd parity. */
static const struct row rows[] = {
    {HSM_DES2,
     {"11111111111111112222222222222222", "1032547698BADCFEDCFE98BA54761032", NULL},
     "0123456789ABCDEFFEDCBA9876543210"},
    {HSM_DES2,
     {"10101010101010102323232323232323", "11335577B9DBFDDFFDDFB99B77553311",
      "00000000302010002020101000000202"},
     "0123456798EAFDCEFEDC8AA854761331"},
    {HSM_AES256,
     {"FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00",
      "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF", NULL},
     "FF11DD33BB559977779955BB33DD11FFFF11DD33BB559977779955BB33DD11FF"},
    {HSM_AES128,
     {"000102030405060708090A0B0C0D0E0F", "F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0",
      "0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F"},
     "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0"},
};

static void combine(struct hsm_token *t, const struct row *row)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, installed = HSM_KEY_NONE, twin = HSM_KEY_NONE;
    struct hsm_key_ref ref = {
        .name = "kmc", .label = "kmc", .role = HSM_ROLE_MASTER, .algorithm = row->algorithm};
    uint8_t is[64], due[64], kcv[HSM_KCV_MAX], other[HSM_KCV_MAX];
    size_t len = strlen(row->sum) / 2, kcv_len = 0, other_len = 0;
    for (size_t i = 0; i < 3 && row->components[i]; i++) {
        struct secret component = SECRET_NONE;
        secret_of(&component, row->components[i]);
        if (i == 0)
            EXPECT_OK(hsm_combine_first(t, row->algorithm, &component, &key, &err));
        else
            EXPECT_OK(hsm_combine_next(t, &key, &component, &err));
        secret_release(&component);
    }
    EXPECT_OK(hex_read_exact(row->sum, 2 * len, due, len, &err));
    CU_ASSERT_EQUAL(open_key(t, &key, is), len);
    CU_ASSERT_TRUE(bytes_equal(is, len, due, len));
    EXPECT_OK(hsm_kcv(t, &key, HSM_ROLE_COMBINING, kcv, &kcv_len, &err));
    memcpy(ref.kcv, kcv, kcv_len);
    ref.kcv_len = kcv_len;
    EXPECT_OK(hsm_travel_install(t, &key, &ref, &installed, &err));
    EXPECT_OK(hsm_key_find(t, &ref, &installed, &err));
    hsm_key_destroy(t, &installed);
    EXPECT_OK(softtoken_import(t, &ref, row->sum, &twin, &err));
    EXPECT_OK(hsm_kcv(t, &twin, HSM_ROLE_MASTER, other, &other_len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, kcv_len, other, other_len));
    hsm_key_destroy(t, &twin);
}

static void test_sum(void)
{
    struct hsm_token *t = soft.kind == SOFTTOKEN_NSS ? open_token() : NULL;
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        combine(t, &rows[i]);
    hsm_token_close(t);
}

static void test_refused(void)
{
    static const struct {
        enum hsm_algorithm algorithm;
        const char *a, *b;
    } same[] = {
        {HSM_DES2, "0123456789ABCDEFFEDCBA9876543210", "0022446688AACCEEFFDDBB9977553311"},
        {HSM_DES3, "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF",
         "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF"},
        {HSM_AES128, "000102030405060708090A0B0C0D0E0F", "000102030405060708090A0B0C0D0E0F"},
        {HSM_AES192, "000102030405060708090A0B0C0D0E0F1011121314151617",
         "000102030405060708090A0B0C0D0E0F1011121314151617"},
        {HSM_AES256, KEK_HEX, KEK_HEX},
    };
    struct err err = ERR_INIT;
    size_t all = 1, kept = 1;
    struct hsm_token *t = soft.kind == SOFTTOKEN_NSS ? open_token() : NULL;
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(same); i++) {
        struct secret a = SECRET_NONE, b = SECRET_NONE, empty = SECRET_NONE;
        struct hsm_key key = HSM_KEY_NONE;
        secret_of(&a, same[i].a);
        secret_of(&b, same[i].b);
        EXPECT_FAIL(hsm_combine_first(t, same[i].algorithm, &empty, &key, &err), ERR_CONFIG,
                    "a component of 0 bytes");
        EXPECT_OK(hsm_combine_first(t, same[i].algorithm, &a, &key, &err));
        unsigned long before = key.handle;
        EXPECT_FAIL(hsm_combine_next(t, &key, &b, &err), ERR_CONFIG, "the components cancel out");
        b.len--;
        EXPECT_FAIL(hsm_combine_next(t, &key, &b, &err), ERR_CONFIG, "bytes for a");
        b.len++;
        memset(b.data, same[i].algorithm == HSM_DES2 ? 1 : 0, b.len);
        EXPECT_FAIL(hsm_combine_next(t, &key, &b, &err), ERR_CONFIG, "adds nothing");
        CU_ASSERT_EQUAL(key.handle, before);
        hsm_key_destroy(t, &key);
        secret_release(&a);
        secret_release(&b);
    }
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, kept);
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"whether the token combines is found by one trial that leaves nothing", test_can},
    {"two and three components give their XOR, DES with odd parity", test_sum},
    {"components that cancel out, add nothing or have another length are refused", test_refused},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "combine") ? suite_run("hsm/combine", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
