#include "base/buf.h"
#include "suite.h"

static void test_appends(void)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 64);
    buf_put(&b, "\x01\x02", 2);
    buf_put(&b, NULL, 0);
    buf_put_u8(&b, 3);
    buf_put_be(&b, 0x0405, 2);
    buf_put_be(&b, 0x060708090A0B0C0D, 8);
    buf_put_text(&b, "text");
    buf_put_format(&b, "%d-%s", 7, "x");
    buf_put_fill(&b, 0xEE, 2);
    EXPECT_OK(buf_ok(&b, "record", &err));
    static const char expected[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D"
                                   "text7-x\xEE\xEE";
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, expected, sizeof(expected) - 1));
    buf_release(&b);
    buf_release(&b);
    CU_ASSERT_PTR_NULL(b.data);
}

static void test_exact_maximum_and_one_over(void)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 300);
    buf_put_fill(&b, 1, 299);
    buf_put_u8(&b, 2);
    EXPECT_OK(buf_ok(&b, "record", &err));
    CU_ASSERT_EQUAL(strlen(buf_text(&b)), 300);
    buf_put_u8(&b, 3);
    EXPECT_FAIL(buf_ok(&b, "record", &err), ERR_INPUT, "record is larger than 300 bytes");
    CU_ASSERT_EQUAL(b.len, 300);
    CU_ASSERT_PTR_NULL(buf_text(&b));
    buf_clear(&b);
    EXPECT_OK(buf_ok(&b, "record", &err));
    CU_ASSERT_EQUAL(b.len, 0);
    buf_release(&b);
}

static void test_failure_stays(void)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 2);
    buf_put(&b, "abc", 3);
    buf_put_u8(&b, 1);
    buf_put_be(&b, 0x10000, 2);
    CU_ASSERT_EQUAL(b.len, 0);
    EXPECT_FAIL(buf_ok(&b, "field", &err), ERR_INPUT, "field is larger than 2 bytes");
    buf_release(&b);
}

static void test_giant_lengths(void)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 1000);
    buf_put_u8(&b, 1);
    buf_put_fill(&b, 0, SIZE_MAX);
    EXPECT_FAIL(buf_ok(&b, "record", &err), ERR_INPUT, "larger");
    CU_ASSERT_EQUAL(b.len, 1);
    buf_release(&b);
}

static void test_numbers_are_never_cut(void)
{
    struct err err = ERR_INIT;
    static const struct {
        uint64_t value;
        size_t bytes;
        bool fits;
    } rows[] = {
        {0xFF, 1, true},       {0x100, 1, false}, {0xFFFF, 2, true}, {0x10000, 2, false},
        {UINT64_MAX, 8, true}, {1, 0, false},     {1, 9, false},     {UINT64_MAX, 7, false},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct buf b;
        buf_init(&b, 16);
        buf_put_be(&b, rows[i].value, rows[i].bytes);
        if (rows[i].fits) {
            EXPECT_OK(buf_ok(&b, "length", &err));
            CU_ASSERT_EQUAL(bytes_be(b.data, b.len), rows[i].value);
        } else {
            EXPECT_FAIL(buf_ok(&b, "length", &err), ERR_INTERNAL, "length: a value does not fit");
        }
        buf_release(&b);
    }
}

static void test_reserve_and_set(void)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 16);
    buf_put_text(&b, "ab");
    size_t at = buf_reserve(&b, 2);
    buf_put_text(&b, "cd");
    CU_ASSERT_EQUAL(at, 2);
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, "ab\0\0cd", 6));
    buf_set_be(&b, at, b.len - at - 2, 2);
    buf_set(&b, 0, "X", 1);
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, "Xb\0\2cd", 6));
    buf_set(&b, 4, "yz", 2);
    EXPECT_OK(buf_ok(&b, "record", &err));
    buf_set(&b, 5, "yz", 2);
    EXPECT_FAIL(buf_ok(&b, "record", &err), ERR_INTERNAL, "record");
    buf_clear(&b);
    buf_set(&b, SIZE_MAX, "y", 1);
    EXPECT_FAIL(buf_ok(&b, "record", &err), ERR_INTERNAL, "record");
    buf_release(&b);
}

static void test_text_and_truncate(void)
{
    struct buf b;
    buf_init(&b, 16);
    CU_ASSERT_STRING_EQUAL(buf_text(&b), "");
    buf_put_text(&b, "abcdef");
    buf_truncate(&b, 3);
    CU_ASSERT_STRING_EQUAL(buf_text(&b), "abc");
    CU_ASSERT_EQUAL(b.len, 3);
    buf_release(&b);
}

static void test_cursor_takes(void)
{
    struct err err = ERR_INIT;
    struct cur c = cur_make("\x01\x02\x03\x04\x05"
                            "0042",
                            9, 1000);
    struct cur part;
    const uint8_t *data = NULL;
    uint64_t number = 0;
    uint8_t byte = 0;
    EXPECT_OK(cur_take_u8(&c, &byte, "tag", &err));
    CU_ASSERT_EQUAL(byte, 1);
    EXPECT_OK(cur_take_be(&c, 2, &number, "length", &err));
    CU_ASSERT_EQUAL(number, 0x0203);
    EXPECT_OK(cur_take_cur(&c, 2, &part, "value", &err));
    CU_ASSERT_EQUAL(cur_offset(&part), 1003);
    CU_ASSERT_EQUAL(cur_left(&part), 2);
    EXPECT_OK(cur_take_digits(&c, 4, &number, "count", &err));
    CU_ASSERT_EQUAL(number, 42);
    CU_ASSERT_EQUAL(cur_left(&c), 0);
    CU_ASSERT_EQUAL(cur_offset(&c), 1009);
    EXPECT_OK(cur_take(&c, 0, &data, "nothing", &err));
    EXPECT_FAIL(cur_take_u8(&c, &byte, "tag", &err), ERR_INPUT,
                "tag at offset 1009 needs 1 bytes, 0 are left");
}

static void test_cursor_truncated_at_every_byte(void)
{
    struct err err = ERR_INIT;
    for (size_t len = 0; len < 8; len++) {
        struct cur c = cur_make("12345678", len, 0);
        struct cur part;
        const uint8_t *data = NULL;
        uint64_t number = 77;
        EXPECT_FAIL(cur_take(&c, 8, &data, "field", &err), ERR_INPUT, "field at offset 0 needs 8");
        EXPECT_FAIL(cur_take_be(&c, 8, &number, "field", &err), ERR_INPUT, "field");
        EXPECT_FAIL(cur_take_cur(&c, 8, &part, "field", &err), ERR_INPUT, "field");
        EXPECT_FAIL(cur_take_digits(&c, 8, &number, "field", &err), ERR_INPUT, "field");
        EXPECT_FAIL(cur_take(&c, SIZE_MAX, &data, "giant", &err), ERR_INPUT, "giant");
        CU_ASSERT_EQUAL(c.pos, 0);
        CU_ASSERT_EQUAL(number, 77);
        CU_ASSERT_PTR_NULL(data);
    }
    struct cur none = cur_make(NULL, 0, 0);
    const uint8_t *data = NULL;
    EXPECT_OK(cur_take(&none, 0, &data, "nothing", &err));
}

static void test_digits(void)
{
    struct err err = ERR_INIT;
    uint64_t number = 0;
    struct cur c = cur_make("999999999999999999", 18, 0);
    EXPECT_OK(cur_take_digits(&c, 18, &number, "count", &err));
    CU_ASSERT_EQUAL(number, 999999999999999999);
    c = cur_make("12x4", 4, 10);
    EXPECT_FAIL(cur_take_digits(&c, 4, &number, "count", &err), ERR_INPUT, "count: no digit at offset 12");
    CU_ASSERT_EQUAL(c.pos, 0);
    EXPECT_FAIL(cur_take_digits(&c, 19, &number, "count", &err), ERR_INTERNAL, "19 digits");
    EXPECT_FAIL(cur_take_be(&c, 9, &number, "count", &err), ERR_INTERNAL, "9 bytes");
}

static void test_comparisons(void)
{
    CU_ASSERT_TRUE(bytes_equal(NULL, 0, NULL, 0));
    CU_ASSERT_FALSE(bytes_equal("ab", 2, "abc", 3));
    CU_ASSERT_FALSE(bytes_equal("ab", 2, "aB", 2));
    CU_ASSERT_TRUE(bytes_all(NULL, 0, 1));
    CU_ASSERT_TRUE(bytes_all((const uint8_t *)"\xFF\xFF", 2, 0xFF));
    CU_ASSERT_FALSE(bytes_all((const uint8_t *)"\xFF\xFE", 2, 0xFF));
}

static const struct test_case cases[] = {
    {"appends", test_appends},
    {"exact maximum and one over", test_exact_maximum_and_one_over},
    {"failure stays", test_failure_stays},
    {"giant lengths", test_giant_lengths},
    {"numbers are never cut", test_numbers_are_never_cut},
    {"reserve and set", test_reserve_and_set},
    {"text and truncate", test_text_and_truncate},
    {"cursor takes", test_cursor_takes},
    {"cursor truncated at every byte", test_cursor_truncated_at_every_byte},
    {"digits", test_digits},
    {"comparisons", test_comparisons},
};

int main(void)
{
    return suite_run("base/buf", cases, SUITE_COUNT(cases));
}
