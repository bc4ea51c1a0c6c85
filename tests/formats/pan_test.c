#include "formats/pan.h"

#include "suite.h"
#include "vectors.h"

static void test_vectors(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen = 0;

    EXPECT_OK(vector_file_open(&f, "dgi_tlv.txt", &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        const char *pan = vector_text(&block, "pan");
        if (vector_is_op(&block, "luhn")) {
            bool valid = strcmp(vector_text(&block, "valid"), "yes") == 0;
            CU_ASSERT_EQUAL(pan_luhn_is_right(pan, strlen(pan)), valid);
            CU_ASSERT_EQUAL(pan_check(pan, strlen(pan), true, &err), valid);
            seen++;
        }
        if (vector_is_op(&block, "pan_mask")) {
            char masked[PAN_MASKED_SIZE];
            pan_mask(pan, strlen(pan), masked);
            CU_ASSERT_STRING_EQUAL(masked, vector_text(&block, "masked"));
            seen++;
        }
    }
    CU_ASSERT_TRUE(end);
    CU_ASSERT_EQUAL(seen, 12);
    vector_file_free(f);
}

static bool check(const char *pan, bool luhn, struct err *err)
{
    return pan_check(pan, strlen(pan), luhn, err);
}

static void test_lengths(void)
{
    struct err err = ERR_INIT;
    EXPECT_OK(check("12345678", false, &err));
    EXPECT_OK(check("1234567890123456789", false, &err));
    EXPECT_FAIL(check("", false, &err), ERR_INPUT, "0 digits");
    EXPECT_FAIL(check("1234567", false, &err), ERR_INPUT, "7 digits");
    EXPECT_FAIL(check("12345678901234567890", false, &err), ERR_INPUT, "20 digits");
}

static void test_other_characters(void)
{
    struct err err = ERR_INIT;
    EXPECT_FAIL(check("4111 111111111111", false, &err), ERR_INPUT, "character 5");
    EXPECT_FAIL(check("411111111111111D", false, &err), ERR_INPUT, "character 16");
    CU_ASSERT_FALSE(pan_luhn_is_right("4111111111a1111", 15));
    CU_ASSERT_FALSE(pan_luhn_is_right("", 0));
}

static void test_message_is_masked(void)
{
    struct err err = ERR_INIT;
    EXPECT_FAIL(check("4111111111111112", true, &err), ERR_INPUT, "411111******1112");
    EXPECT_OK(check("4111111111111112", false, &err));
    CU_ASSERT_PTR_NULL(strstr(err.text, "4111111111111112"));
}

static void test_mask_lengths(void)
{
    char masked[PAN_MASKED_SIZE];
    pan_mask("", 0, masked);
    CU_ASSERT_STRING_EQUAL(masked, "");
    pan_mask("123456789012", 12, masked);
    CU_ASSERT_STRING_EQUAL(masked, "************");
    pan_mask("1234567890123", 13, masked);
    CU_ASSERT_STRING_EQUAL(masked, "123456***0123");
    pan_mask("123456789012345678901234", 24, masked);
    CU_ASSERT_STRING_EQUAL(masked, "123456*********1234");
}

static void test_mask_in_text(void)
{
    char two[] = "4111111111111111 and 5413330089020011FFFF, not 123456789012";
    char at_end[] = "PAN 6799998900000200019";
    char longer[] = "541333008902001101";
    char empty[] = "";
    pan_mask_text(two);
    CU_ASSERT_STRING_EQUAL(two, "411111******1111 and 541333******0011FFFF, not 123456789012");
    pan_mask_text(at_end);
    CU_ASSERT_STRING_EQUAL(at_end, "PAN 679999*********0019");
    pan_mask_text(longer);
    CU_ASSERT_STRING_EQUAL(longer, "541333********1101");
    pan_mask_text(empty);
    CU_ASSERT_STRING_EQUAL(empty, "");
}

static const struct test_case cases[] = {
    {"known check digits and masks", test_vectors},
    {"8 to 19 digits and no others", test_lengths},
    {"anything but digits is refused", test_other_characters},
    {"a wrong check digit is said with the number masked", test_message_is_masked},
    {"short numbers are masked whole", test_mask_lengths},
    {"numbers are masked inside a text", test_mask_in_text},
};

int main(void)
{
    return suite_run("formats/pan", cases, SUITE_COUNT(cases));
}
