#include "formats/entry.h"
#include "suite.h"

static struct err err;

static void test_kekid(void)
{
    uint8_t kekid[KEKID_LEN] = {0};
    EXPECT_OK(kekid_make("476173", 1, kekid, &err));
    CU_ASSERT_TRUE(bytes_equal(kekid, KEKID_LEN, "\x47\x61\x73\xFF\x00\x01", 6));
    EXPECT_OK(kekid_make("123", 258, kekid, &err));
    CU_ASSERT_TRUE(bytes_equal(kekid, KEKID_LEN, "\x12\x3F\xFF\xFF\x01\x02", 6));
    EXPECT_OK(kekid_make("12345678", 65535, kekid, &err));
    CU_ASSERT_TRUE(bytes_equal(kekid, KEKID_LEN, "\x12\x34\x56\x78\xFF\xFF", 6));
    CU_ASSERT_TRUE(kekid_is_valid(kekid));
    EXPECT_FAIL(kekid_make("12", 1, kekid, &err), ERR_CONFIG, "'12' is not 3 to 8 digits");
    EXPECT_FAIL(kekid_make("123456789", 1, kekid, &err), ERR_CONFIG, "not 3 to 8 digits");
    EXPECT_FAIL(kekid_make("12a4", 1, kekid, &err), ERR_CONFIG, "not 3 to 8 digits");
    EXPECT_FAIL(kekid_make("1234", 0, kekid, &err), ERR_CONFIG, "count from 1");
    CU_ASSERT_FALSE(kekid_is_valid((const uint8_t *)"\x47\x61\x73\xFF\x00\x00"));
}

static const struct test_case cases[] = {
    {"KEK identifiers", test_kekid},
};

int main(void)
{
    return suite_run("formats/kekid", cases, SUITE_COUNT(cases));
}
