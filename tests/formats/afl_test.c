#include "formats/afl.h"

#include "suite.h"

static void test_ranges(void)
{
    static const uint8_t afl[] = {0x08, 1, 1, 0, 0x10, 1, 3, 2, 0xF0, 5, 255, 251};
    struct err err = ERR_INIT;
    struct afl_range r[AFL_RANGES_MAX];
    size_t count = 0;

    EXPECT_OK(afl_read(afl, sizeof(afl), r, &count, &err));
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_EQUAL(r[1].sfi, 2);
    CU_ASSERT_EQUAL(r[1].signed_count, 2);
    CU_ASSERT_EQUAL(r[2].sfi, 30);
    CU_ASSERT_TRUE(afl_is_named(r, count, 1, 1));
    CU_ASSERT_FALSE(afl_is_signed(r, count, 1, 1));
    CU_ASSERT_TRUE(afl_is_signed(r, count, 2, 2));
    CU_ASSERT_FALSE(afl_is_signed(r, count, 2, 3));
    CU_ASSERT_TRUE(afl_is_named(r, count, 2, 3));
    CU_ASSERT_FALSE(afl_is_named(r, count, 2, 4));
    CU_ASSERT_FALSE(afl_is_named(r, count, 3, 1));
    CU_ASSERT_TRUE(afl_is_signed(r, count, 30, 255));
    CU_ASSERT_FALSE(afl_is_named(r, count, 30, 4));
}

struct bad_row {
    uint8_t afl[4];
    const char *part;
};

static void test_refused(void)
{
    static const struct bad_row rows[] = {
        {{0x00, 1, 1, 0}, "SFI 0"},
        {{0xF8, 1, 1, 0}, "SFI 31"},
        {{0x09, 1, 1, 0}, "low bits"},
        {{0x08, 0, 1, 0}, "0 to 1"},
        {{0x08, 3, 2, 0}, "3 to 2"},
        {{0x08, 1, 2, 3}, "3 records signed"},
        {{0x08, 255, 255, 2}, "2 records signed"},
    };
    static const uint8_t many[4 * (AFL_RANGES_MAX + 1)] = {0};
    struct err err = ERR_INIT;
    struct afl_range r[AFL_RANGES_MAX];
    size_t count = 77;

    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        EXPECT_FAIL(afl_read(rows[i].afl, 4, r, &count, &err), ERR_INPUT, rows[i].part);
    for (size_t len = 1; len < 4; len++)
        EXPECT_FAIL(afl_read(rows[0].afl, len, r, &count, &err), ERR_INPUT, "no multiple of 4");
    EXPECT_FAIL(afl_read(many, sizeof(many), r, &count, &err), ERR_INPUT, "64 entries");
    CU_ASSERT_EQUAL(count, 77);
    EXPECT_OK(afl_read(many, 0, r, &count, &err));
    CU_ASSERT_EQUAL(count, 0);
}

/* A card of few records: what stands in `records` for this SFI and number. */
struct stored {
    uint8_t sfi, record;
    const char *value;
    size_t len;
};
static const struct stored records[] = {
    {1, 1, "\x70\x03\x5F\x20\x00", 5}, {1, 2, "\x70\x04\x9F\x4A\x01\x82", 6},
    {2, 1, "\x70\x02\x57\x00", 4},     {3, 1, "\x71\x01\x00", 3},
    {3, 2, "\x70\x00\x00", 3},         {3, 3, "\x70\x02\x00", 3},
    {11, 1, "\x70\x02\x5A\x00", 4},    {12, 1, "free", 4},
};

static void find_record(void *context, uint8_t sfi, uint8_t record, const uint8_t **value, size_t *len)
{
    (void)context;
    *value = NULL;
    for (size_t i = 0; i < SUITE_COUNT(records); i++) {
        if (records[i].sfi != sfi || records[i].record != record) continue;
        *value = (const uint8_t *)records[i].value;
        *len = records[i].len;
    }
}

static bool collect(struct afl_range range, const uint8_t *aip, struct buf *out, struct err *err)
{
    return afl_static_data(&range, 1, find_record, NULL, aip, out, err);
}

static void test_static_data(void)
{
    static const struct afl_range ranges[] = {
        {2, 1, 1, 1}, {1, 1, 3, 2}, {4, 1, 9, 0}, {11, 1, 1, 1}, {12, 1, 1, 1}};
    static const uint8_t aip[2] = {0x3C, 0x01};
    static const char want[] = "\x57\x00\x5F\x20\x00\x9F\x4A\x01\x82\x70\x02\x5A\x00"
                               "free\x3C\x01";
    struct err err = ERR_INIT;
    struct buf out;

    buf_init(&out, 64);
    EXPECT_OK(afl_static_data(ranges, 5, find_record, NULL, aip, &out, &err));
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, want, sizeof(want) - 1));
    buf_clear(&out);
    EXPECT_OK(afl_static_data(ranges, 1, find_record, NULL, NULL, &out, &err));
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, want, 2));
    buf_clear(&out);
    EXPECT_OK(afl_static_data(NULL, 0, find_record, NULL, aip, &out, &err));
    CU_ASSERT_EQUAL(out.len, 2);
    buf_release(&out);
}

static void test_records_that_do_not_fit(void)
{
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, 8);
    buf_put_text(&out, "as was");
    EXPECT_FAIL(collect((struct afl_range){1, 2, 3, 2}, NULL, &out, &err), ERR_INPUT, "record 3 of SFI 1");
    EXPECT_FAIL(collect((struct afl_range){3, 1, 1, 1}, NULL, &out, &err), ERR_INPUT, "template 70");
    EXPECT_FAIL(collect((struct afl_range){3, 2, 2, 1}, NULL, &out, &err), ERR_INPUT, "template 70");
    EXPECT_FAIL(collect((struct afl_range){3, 3, 3, 1}, NULL, &out, &err), ERR_INPUT, "record 3 of SFI 3");
    EXPECT_FAIL(collect((struct afl_range){12, 1, 1, 1}, NULL, &out, &err), ERR_INPUT, "static data");
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, "as was", 6));
    buf_release(&out);
}

static const struct test_case cases[] = {
    {"which records are named and signed", test_ranges},
    {"entries that are no ranges", test_refused},
    {"static data: AFL order, whole records from SFI 11 on, AIP last", test_static_data},
    {"missing records and records of another form", test_records_that_do_not_fit},
};

int main(void)
{
    return suite_run("formats/afl", cases, SUITE_COUNT(cases));
}
