#include "formats/mic.h"

#include <stdlib.h>

#include "suite.h"

static struct err err;
static const struct mic_framing rlen_framing = {.kind = MIC_FRAMING_RLEN};
static const struct mic_framing newline_framing = {.kind = MIC_FRAMING_NEWLINE};
static const struct mic_framing emboss_framing = {.kind = MIC_FRAMING_FIRST_MIC, .first_mic = "EMBOSS"};

static void test_round_trip(void)
{
    struct buf b;
    struct mic_record record;
    buf_init(&b, 1000);
    size_t begin = mic_put_record_begin(&b);
    mic_put_group(&b, "EMBOSS", "JANE DOE", 8);
    mic_put_group(&b, "A#-_Z09", "", 0);
    size_t group = mic_put_group_begin(&b, "CHIP");
    buf_put_text(&b, "chip");
    mic_put_group_end(&b, group);
    mic_put_record_end(&b, begin);
    static const char expected[] = "0000054EMBOSS 0000008JANE DOEA#-_Z090000000CHIP   0000004chip";
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, expected, sizeof(expected) - 1));
    EXPECT_OK(mic_parse_record(b.data, b.len, 100, &record, &err));
    CU_ASSERT_EQUAL(record.group_count, 3);
    CU_ASSERT_STRING_EQUAL(record.groups[0].name, "EMBOSS");
    CU_ASSERT_EQUAL(record.groups[0].offset, 107);
    CU_ASSERT_STRING_EQUAL(record.groups[1].name, "A#-_Z09");
    CU_ASSERT_EQUAL(record.groups[1].len, 0);
    const struct mic_group *chip = mic_find(&record, "CHIP");
    CU_ASSERT_PTR_NOT_NULL_FATAL(chip);
    CU_ASSERT_TRUE(bytes_equal(chip->data, chip->len, "chip", 4));
    CU_ASSERT_PTR_NULL(mic_find(&record, "CHI"));
    buf_release(&b);
}

static void expect_parse_fail(const char *text, const char *part)
{
    struct mic_record record;
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1); /* no zero behind it: reading too far is seen */
    memcpy(exact, text, len);
    EXPECT_FAIL(mic_parse_record((const uint8_t *)exact, len, 0, &record, &err), ERR_INPUT, part);
    CU_ASSERT_EQUAL(record.group_count, 0);
    free(exact);
}

static void test_refusals(void)
{
    expect_parse_fail("", "RLEN");
    expect_parse_fail("0000000", "record at offset 0 is empty");
    expect_parse_fail("00000x5A      0000001z", "RLEN: no digit at offset 5");
    expect_parse_fail("0000014A      0000001z", "RLEN at offset 0 says 14 bytes, 15 follow");
    expect_parse_fail("0000016A      0000001z", "RLEN at offset 0 says 16 bytes, 15 follow");
    expect_parse_fail("0000015a      0000001z", "no MIC at offset 7");
    expect_parse_fail("0000015       0000001z", "no MIC at offset 7");
    expect_parse_fail("0000015 A     0000001z", "no MIC at offset 7");
    expect_parse_fail("0000015A B    0000001z", "no MIC at offset 7");
    expect_parse_fail("0000015A       000001z", "group A: LEN: no digit at offset 14");
    expect_parse_fail("0000015A      -000001z", "group A: LEN: no digit at offset 14");
    expect_parse_fail("0000015A      0000002z", "group A: data at offset 21 needs 2 bytes, 1 are left");
    expect_parse_fail("0000016A      0000001zB", "MIC at offset 22 needs 7 bytes, 1 are left");
}

static void test_mic_with_a_zero_byte(void)
{
    static const char bytes[] = "0000015A\0     0000001z";
    static const char padded[] = "0000015A     \0"
                                 "0000001z";
    struct mic_record record;
    EXPECT_FAIL(mic_parse_record((const uint8_t *)bytes, sizeof(bytes) - 1, 0, &record, &err), ERR_INPUT,
                "no MIC");
    EXPECT_FAIL(mic_parse_record((const uint8_t *)padded, sizeof(padded) - 1, 0, &record, &err), ERR_INPUT,
                "no MIC");
}

static void put_groups(struct buf *b, size_t count)
{
    size_t begin = mic_put_record_begin(b);
    for (size_t i = 0; i < count; i++)
        mic_put_group(b, "X", "", 0);
    mic_put_record_end(b, begin);
}

static void test_number_of_groups(void)
{
    struct buf b;
    struct mic_record record;
    buf_init(&b, 2000);
    put_groups(&b, MIC_GROUPS_MAX);
    EXPECT_OK(mic_parse_record(b.data, b.len, 0, &record, &err));
    CU_ASSERT_EQUAL(record.group_count, MIC_GROUPS_MAX);
    buf_clear(&b);
    put_groups(&b, MIC_GROUPS_MAX + 1);
    EXPECT_FAIL(mic_parse_record(b.data, b.len, 0, &record, &err), ERR_INPUT, "more than 64 groups");
    buf_release(&b);
}

static void test_truncated_at_every_byte(void)
{
    static const char file[] = "0000034EMBOSS 0000004JANECHIP   0000002xy";
    for (size_t len = 1; len < sizeof(file) - 1; len++) {
        struct reader *r = NULL;
        struct mic_record record;
        bool end = false;
        uint8_t *exact = malloc(len);
        memcpy(exact, file, len);
        EXPECT_OK(reader_open_memory(&r, exact, len, "cards.mic", &err));
        EXPECT_FAIL(mic_read_record(r, &rlen_framing, &record, &end, &err), ERR_INPUT, "cards.mic: ");
        CU_ASSERT_EQUAL(reader_offset(r), 0);
        CU_ASSERT_FALSE(end);
        reader_free(r);
        free(exact);
    }
}

/* Names of all groups of all records: "EMBOSS CHIP|EMBOSS". */
static bool read_all(const char *file, size_t len, const struct mic_framing *framing, char *names,
                     size_t size)
{
    struct reader *r = NULL;
    struct mic_record record;
    bool end = false;
    bool ok = reader_open_memory(&r, file, len, "cards.mic", &err);
    names[0] = '\0';
    while (ok && !end) {
        ok = mic_read_record(r, framing, &record, &end, &err);
        for (size_t i = 0; ok && !end && i < record.group_count; i++) {
            size_t at = strlen(names);
            const char *separator = at == 0 ? "" : i == 0 ? "|" : " ";
            snprintf(names + at, size - at, "%s%s", separator, record.groups[i].name);
        }
    }
    reader_free(r);
    return ok;
}

#define READ_ALL(file, framing) read_all(file, sizeof(file) - 1, &(framing), names, sizeof(names))

static void test_framings(void)
{
    char names[200];
    EXPECT_OK(READ_ALL("0000018EMBOSS 0000004JANE0000014CHIP   0000000", rlen_framing));
    CU_ASSERT_STRING_EQUAL(names, "EMBOSS|CHIP");
    EXPECT_OK(READ_ALL("", rlen_framing));
    CU_ASSERT_STRING_EQUAL(names, "");
    EXPECT_OK(
        READ_ALL("EMBOSS 0000004JANECHIP   0000001x\nEMBOSS 0000000\r\nCHIP   0000000", newline_framing));
    CU_ASSERT_STRING_EQUAL(names, "EMBOSS CHIP|EMBOSS|CHIP");
    EXPECT_OK(READ_ALL("EMBOSS 0000000\n", newline_framing));
    CU_ASSERT_STRING_EQUAL(names, "EMBOSS");
    EXPECT_OK(READ_ALL("EMBOSS 0000004JANECHIP   0000001xEMBOSS 0000000EMBOSS 0000001x", emboss_framing));
    CU_ASSERT_STRING_EQUAL(names, "EMBOSS CHIP|EMBOSS|EMBOSS");
}

static void test_data_that_looks_like_framing(void)
{
    char names[200];
    EXPECT_OK(READ_ALL("CHIP   0000004\n\r\nxEMBOSS 0000001\n\nCHIP   0000000\n", newline_framing));
    CU_ASSERT_STRING_EQUAL(names, "CHIP EMBOSS|CHIP");
    EXPECT_OK(READ_ALL("EMBOSS 0000014EMBOSS 0000000CHIP   0000000", emboss_framing));
    CU_ASSERT_STRING_EQUAL(names, "EMBOSS CHIP");
}

static void test_framing_refusals(void)
{
    char names[200];
    EXPECT_FAIL(READ_ALL("EMBOSS 0000000\n\nEMBOSS 0000000", newline_framing), ERR_INPUT,
                "cards.mic: record at offset 15 is empty");
    EXPECT_FAIL(READ_ALL("EMBOSS 0000009JANE\n", newline_framing), ERR_INPUT,
                "group EMBOSS at offset 0 ends 4 bytes behind the end of the file");
    EXPECT_FAIL(READ_ALL("EMBOSS 0000000 \n", newline_framing), ERR_INPUT, "MIC at offset 14");
    EXPECT_FAIL(READ_ALL("CHIP   0000000EMBOSS 0000000", emboss_framing), ERR_INPUT,
                "record at offset 0 does not begin with EMBOSS");
    EXPECT_FAIL(READ_ALL("EMBOSS 0000000\n", emboss_framing), ERR_INPUT, "MIC at offset 14");
    EXPECT_FAIL(READ_ALL("EMBOSS 0000000", rlen_framing), ERR_INPUT, "cards.mic: RLEN: no digit at offset 0");
    EXPECT_FAIL(READ_ALL("0000014CHIP   0000000\n", rlen_framing), ERR_INPUT, "offset 21");
}

static void test_names(void)
{
    CU_ASSERT_TRUE(mic_is_name("CHIP"));
    CU_ASSERT_TRUE(mic_is_name("0#-_ZAZ"));
    CU_ASSERT_FALSE(mic_is_name(""));
    CU_ASSERT_FALSE(mic_is_name("EIGHTCHR"));
    CU_ASSERT_FALSE(mic_is_name("chip"));
    CU_ASSERT_FALSE(mic_is_name("A B"));
    CU_ASSERT_TRUE(mic_is_reserved("JOB") && mic_is_reserved("CARD") && mic_is_reserved("SEAL"));
    CU_ASSERT_TRUE(mic_is_reserved("END") && !mic_is_reserved("CHIP") && !mic_is_reserved("ENDS"));
}

static void test_writing_too_much(void)
{
    struct buf b;
    buf_init(&b, 20000000);
    mic_put_group(&b, "too long", "", 0);
    EXPECT_FAIL(buf_ok(&b, "record", &err), ERR_INTERNAL, "record");
    buf_clear(&b);
    size_t begin = mic_put_record_begin(&b);
    size_t group = mic_put_group_begin(&b, "X");
    buf_put_fill(&b, 0, MIC_RECORD_MAX - MIC_GROUP_HEAD);
    mic_put_group_end(&b, group);
    mic_put_record_end(&b, begin);
    EXPECT_OK(buf_ok(&b, "record", &err));
    CU_ASSERT_TRUE(bytes_equal(b.data, 21, "9999999X      9999985", 21));
    buf_put_u8(&b, 0);
    mic_put_record_end(&b, begin);
    EXPECT_FAIL(buf_ok(&b, "record", &err), ERR_INTERNAL, "record");
    buf_release(&b);
}

static const struct test_case cases[] = {
    {"a record written and read", test_round_trip},
    {"each refusal by name", test_refusals},
    {"a zero byte in a MIC", test_mic_with_a_zero_byte},
    {"64 groups and one more", test_number_of_groups},
    {"truncated at every byte", test_truncated_at_every_byte},
    {"three framings", test_framings},
    {"group data that looks like framing", test_data_that_looks_like_framing},
    {"refusals of the framings without RLEN", test_framing_refusals},
    {"names", test_names},
    {"seven digits are the limit", test_writing_too_much},
};

int main(void)
{
    return suite_run("formats/mic", cases, SUITE_COUNT(cases));
}
