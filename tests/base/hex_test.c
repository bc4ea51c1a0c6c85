#include "base/hex.h"
#include "suite.h"

static void test_both_ways(void)
{
    struct err err = ERR_INIT;
    struct buf bytes;
    struct buf text;
    buf_init(&bytes, 64);
    buf_init(&text, 64);
    EXPECT_OK(hex_read("00ffA5", 6, &bytes, &err));
    CU_ASSERT_TRUE(bytes_equal(bytes.data, bytes.len, "\x00\xFF\xA5", 3));
    hex_put(&text, bytes.data, bytes.len);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), "00FFA5");
    buf_release(&bytes);
    buf_release(&text);
}

static void test_empty(void)
{
    struct err err = ERR_INIT;
    struct buf bytes;
    uint8_t none[1];
    char text[1] = "x";
    buf_init(&bytes, 4);
    EXPECT_OK(hex_read("", 0, &bytes, &err));
    EXPECT_OK(hex_read_exact("", 0, none, 0, &err));
    CU_ASSERT_EQUAL(bytes.len, 0);
    hex_write(text, sizeof(text), none, 0, false);
    CU_ASSERT_STRING_EQUAL(text, "");
    buf_release(&bytes);
}

static void test_bad_text_changes_nothing(void)
{
    struct err err = ERR_INIT;
    struct buf bytes;
    buf_init(&bytes, 4);
    buf_put_u8(&bytes, 7);
    EXPECT_FAIL(hex_read("00F", 3, &bytes, &err), ERR_INPUT, "3 hexadecimal digits");
    EXPECT_FAIL(hex_read("00G0", 4, &bytes, &err), ERR_INPUT, "character 3 ");
    EXPECT_FAIL(hex_read("00 0", 4, &bytes, &err), ERR_INPUT, "character 3 ");
    EXPECT_FAIL(hex_read("00\0"
                         "0",
                         4, &bytes, &err),
                ERR_INPUT, "character 3 ");
    CU_ASSERT_EQUAL(bytes.len, 1);
    EXPECT_FAIL(hex_read("0102030405", 10, &bytes, &err), ERR_INPUT, "larger than 4 bytes");
    CU_ASSERT_EQUAL(bytes.len, 1);
    CU_ASSERT_FALSE(bytes.failed);
    buf_release(&bytes);
}

static void test_exact_length(void)
{
    struct err err = ERR_INIT;
    uint8_t out[2] = {9, 9};
    EXPECT_FAIL(hex_read_exact("01", 2, out, 2, &err), ERR_INPUT, "1 bytes in hexadecimal where 2");
    EXPECT_FAIL(hex_read_exact("010203", 6, out, 2, &err), ERR_INPUT, "3 bytes");
    CU_ASSERT_EQUAL(out[0], 9);
    EXPECT_OK(hex_read_exact("0102", 4, out, 2, &err));
    CU_ASSERT_EQUAL(out[1], 2);
}

static void test_every_byte(void)
{
    struct err err = ERR_INIT;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        uint8_t back = 0;
        char text[3];
        hex_write(text, sizeof(text), &byte, 1, i % 2);
        EXPECT_OK(hex_read_exact(text, 2, &back, 1, &err));
        CU_ASSERT_EQUAL(back, byte);
    }
}

static void test_short_array_is_not_overrun(void)
{
    char text[4] = "???";
    hex_write(text, sizeof(text), (const uint8_t *)"\xAB\xCD", 2, true);
    CU_ASSERT_STRING_EQUAL(text, "ab");
}

static const struct test_case cases[] = {
    {"both ways", test_both_ways},
    {"empty", test_empty},
    {"bad text changes nothing", test_bad_text_changes_nothing},
    {"exact length", test_exact_length},
    {"every byte", test_every_byte},
    {"short array is not overrun", test_short_array_is_not_overrun},
};

int main(void)
{
    return suite_run("base/hex", cases, SUITE_COUNT(cases));
}
