#include "ceremony/check_value.h"

#include "suite.h"
#include "vectors.h"

static const struct op_row {
    const char *op;
    enum hsm_algorithm of_16, of_24, of_32;
} ops[] = {
    {"kcv_tdes", HSM_DES2, HSM_DES3, HSM_GENERIC},
    {"kcv_aes_cmac", HSM_AES128, HSM_AES192, HSM_AES256},
};

/* True if the block was one of ours. */
static bool try_block(const struct vector_block *block, const struct op_row *row)
{
    struct err err = ERR_INIT;
    struct buf key, kcv;
    struct secret value = SECRET_NONE;
    struct check_value check = {{0}, 0};
    bool ours = vector_is_op(block, row->op);

    buf_init(&key, 64);
    buf_init(&kcv, 64);
    if (ours) ours = vector_hex(block, "key", &key) && vector_hex(block, "kcv", &kcv) && key.len >= 16;
    if (ours) {
        enum hsm_algorithm a = key.len == 16 ? row->of_16 : key.len == 24 ? row->of_24 : row->of_32;
        EXPECT_OK(secret_copy(&value, key.data, key.len, &err));
        EXPECT_OK(check_value_of(a, &value, &check, &err));
        size_t common = kcv.len < check.len ? kcv.len : check.len;
        CU_ASSERT(bytes_equal(check.bytes, common, kcv.data, common));
        if (!bytes_equal(check.bytes, common, kcv.data, common)) vector_show(block);
    }
    secret_release(&value);
    buf_release(&key);
    buf_release(&kcv);
    return ours;
}

static void test_vectors(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    size_t count[2] = {0, 0};
    EXPECT_OK(vector_file_open(&f, "kcv.txt", &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        for (size_t i = 0; i < 2; i++)
            count[i] += try_block(&block, &ops[i]);
    }
    vector_file_free(f);
    CU_ASSERT(count[0] >= 5);
    CU_ASSERT(count[1] >= 1);
}

static void test_comparison(void)
{
    struct err err = ERR_INIT;
    const struct check_value is = {{0x12, 0x34, 0x56, 0x78, 0x9A}, 5};
    const uint8_t other[] = {0x12, 0x34, 0x57};
    EXPECT_OK(check_value_compare(&is, NULL, 0, &err));
    EXPECT_OK(check_value_compare(&is, is.bytes, 3, &err));
    EXPECT_OK(check_value_compare(&is, is.bytes, 5, &err));
    EXPECT_FAIL(check_value_compare(&is, other, 3, &err), ERR_TOKEN,
                "is 123456789A, the plan expects 123457");
}

static void test_wrong_length(void)
{
    struct err err = ERR_INIT;
    struct secret value = SECRET_NONE;
    struct check_value check;
    EXPECT_OK(secret_copy(&value, "0123456789abcdef", 16, &err));
    EXPECT_FAIL(check_value_of(HSM_AES256, &value, &check, &err), ERR_INTERNAL, "16 bytes instead of 32");
    EXPECT_FAIL(check_value_of(HSM_RSA, &value, &check, &err), ERR_CONFIG, "has no components");
    secret_release(&value);
}

static const struct test_case cases[] = {
    {"known check values of DES and AES keys", test_vectors},
    {"a shorter expected value is compared by its bytes", test_comparison},
    {"a value of another length is refused", test_wrong_length},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return 1;
    return suite_run("ceremony/check_value", cases, SUITE_COUNT(cases));
}
