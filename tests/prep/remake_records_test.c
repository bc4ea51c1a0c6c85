#include "prep/commands/remake_records.h"

#include <stdlib.h>

#include "suite.h"

static struct err err;

static void test_what_is_read(void)
{
    struct remake_entry *e = NULL;
    size_t count = 0;
    EXPECT_OK(remake_records_read("12=00a1B2,2\n5-7,99", "lost", &e, &count, &err));
    static const uint64_t numbers[] = {2, 5, 6, 7, 12, 99};
    CU_ASSERT_EQUAL_FATAL(count, 6);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(e[i].record, numbers[i]);
        CU_ASSERT_STRING_EQUAL(e[i].reason, "lost");
        CU_ASSERT_EQUAL(e[i].serial_len, numbers[i] == 12 ? 3 : 0);
    }
    CU_ASSERT_TRUE(bytes_equal(e[4].serial, 3, "\x00\xA1\xB2", 3));
    struct buf b;
    buf_init(&b, 100);
    remake_records_text(e, count, &b);
    CU_ASSERT_STRING_EQUAL(buf_text(&b), "2, 5-7, 12, 99");
    buf_release(&b);
    buf_init(&b, 64); /* one number fits, and the sign for more */
    remake_records_text(e, count, &b);
    CU_ASSERT_STRING_EQUAL(buf_text(&b), "2, 5-7, …");
    buf_release(&b);
    free(e);
}

static void test_what_is_refused(void)
{
    static const char *const rows[][2] = {
        {"", "no records are named"},
        {"x", "'x' is no record"},
        {"1,x", "'x' is no record"},
        {"1,,2", "'' is no record"},
        {"0", "'0' is no record"},
        {"1x", "'1x' is no record"},
        {"3-2", "'3-2' is no record"},
        {"1-", "'1-' is no record"},
        {"1-2-3", "'1-2-3' is no record"},
        {"1-2=AA", "'1-2=AA' is no record"},
        {"1=", "'1=' is no record"},
        {"1=0", "'1=0' is no record"},
        {"1=0G", "0G"},
        {"1=0001020304050607080910111213141516171819202122232425262728293031AA", "is no record"},
        {"1234567890123456789", "is no record"},
        {"1,2,1", "record 1 is named twice"},
        {"1,1-3", "record 1 is named twice"},
        {"1-999999999", "more than 262144 records"},
    };
    struct remake_entry *e = NULL;
    size_t count = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        EXPECT_FAIL(remake_records_read(rows[i][0], "lost", &e, &count, &err), ERR_CONFIG, rows[i][1]);
    EXPECT_FAIL(remake_records_read("1", "a-word-of-more-than-32-characters", &e, &count, &err), ERR_CONFIG,
                "more than 32");
    CU_ASSERT_PTR_NULL(e);
}

static const struct test_case cases[] = {
    {"what is read", test_what_is_read},
    {"what is refused", test_what_is_refused},
};

int main(void)
{
    return suite_run("prep/remake_records", cases, SUITE_COUNT(cases));
}
