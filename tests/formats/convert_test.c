#include "formats/convert.h"

#include "base/hex.h"
#include "suite.h"
#include "vectors.h"

static bool run(const char *name, const char *text, const struct convert_options *o, struct buf *out,
                struct err *err)
{
    const struct convert_row *row = convert_find(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    return row->run(text, strlen(text), o, out, err);
}

/* One row of a table of conversions: the value in hex, or the message's part behind '!'. */
struct row {
    const char *name, *text;
    struct convert_options o;
    const char *want;
};

static void check_row(const struct row *row)
{
    struct err err = ERR_INIT;
    struct buf out, hex;

    buf_init(&out, CONVERT_VALUE_MAX);
    buf_init(&hex, 2 * CONVERT_VALUE_MAX + 1);
    buf_put_u8(&out, 0xEE); /* what stood before stays */
    bool ok = run(row->name, row->text, &row->o, &out, &err);
    hex_put(&hex, out.data + 1, out.len - 1);
    bool expected = row->want[0] == '!'
                        ? !ok && err.kind == ERR_INPUT && strstr(err.text, row->want + 1) && out.len == 1
                        : ok && strcmp(buf_text(&hex), row->want) == 0;
    if (!expected)
        fprintf(stderr, "%s of \"%s\": %s, not %s\n", row->name, row->text, ok ? buf_text(&hex) : err.text,
                row->want);
    CU_ASSERT_TRUE(expected);
    CU_ASSERT_EQUAL(out.data[0], 0xEE);
    if (!ok && strlen(row->text) > 5) CU_ASSERT_PTR_NULL(strstr(err.text, row->text));
    buf_release(&out);
    buf_release(&hex);
}

#define CHECK_ROWS(rows)                                                                                     \
    for (size_t i_ = 0; i_ < SUITE_COUNT(rows); i_++)                                                        \
    check_row(&(rows)[i_])

static void test_text(void)
{
    static const struct row rows[] = {
        {"text", "A b~", {0}, "4120627E"},
        {"text", "", {0}, ""},
        {"text", "", {.min_len = 2}, "!0 bytes, the element at least 2"},
        {"text", "SMITH/J", {.len = 7}, "534D4954482F4A"},
        {"text", "SMITH/J", {.len = 6}, "!7 bytes, the element exactly 6"},
        {"text", "SMITH/J", {.len = 8}, "!7 bytes, the element exactly 8"},
        {"text", "SMITH/J", {.max_len = 6}, "!at most 6"},
        {"text", "a\tb", {0}, "!character 2 is a control character"},
        {"text", "a\x7f", {0}, "!character 2 is a control character"},
        {"text", "M\xC3\xBCller", {0}, "!character 2 is not in the element's character set"},
        {"text", "M\xC3\xBCller", {.character_set = "iso8859-1"}, "4DFC6C6C6572"},
        {"text", "M\xC3\xBCller", {.character_set = "utf-8"}, "4DC3BC6C6C6572"},
        {"text", "\xC5\x81ukasz", {.character_set = "iso8859-1"}, "!character 1 is not in"},
        {"text", "\xC5\x81ukasz", {.character_set = "utf-8"}, "C581756B61737A"},
        {"text", "\xF0\x9F\x92\xB3", {.character_set = "utf-8"}, "F09F92B3"},
        {"text", "M\xFCller", {.character_set = "iso8859-1"}, "!character 2 is no UTF-8"},
        {"text", "M\xFCller", {.character_set = "utf-8"}, "!character 2 is no UTF-8"},
        {"text", "\xC2\x85", {.character_set = "utf-8"}, "!control character"},
        {"text", "\xC1\x81", {.character_set = "utf-8"}, "!no UTF-8"},
        {"text", "\xE0\x80\xAF", {.character_set = "utf-8"}, "!no UTF-8"},
        {"text", "\xED\xA0\x80", {.character_set = "utf-8"}, "!no UTF-8"},
        {"text", "\xF4\x90\x80\x80", {.character_set = "utf-8"}, "!no UTF-8"},
        {"text", "ab\xE2\x82", {.character_set = "utf-8"}, "!character 3 is no UTF-8"},
        {"text-padded", "AB", {.len = 4}, "41422020"},
        {"text-padded", "", {.len = 2}, "2020"},
        {"text-padded", "ABCDE", {.len = 4}, "!5 bytes, the element exactly 4"},
        {"text-padded", "\xC3\xBC", {.len = 2, .character_set = "iso8859-1"}, "FC20"},
        {"alnum", "aZ09", {0}, "615A3039"},
        {"alnum", "a b", {0}, "!character 2 is neither"},
        {"alnum", "\xC3\xBC", {0}, "!character 1 is neither"},
    };
    CHECK_ROWS(rows);
}

static void test_digits(void)
{
    static const struct row rows[] = {
        {"hex", "00fFA1", {0}, "00FFA1"},
        {"hex", "", {0}, ""},
        {"hex", "abc", {0}, "!odd number"},
        {"hex", "0g", {0}, "!character 2 is no hex digit"},
        {"hex", "0011", {.len = 1}, "!exactly 1"},
        {"numeric", "826", {.len = 2}, "0826"},
        {"numeric", "826", {0}, "0826"},
        {"numeric", "0826", {.len = 6}, "000000000826"},
        {"numeric", "12345", {.len = 2}, "!5 digits do not fit in 2 bytes"},
        {"numeric", "", {.len = 2}, "!empty"},
        {"numeric", "-1", {.len = 2}, "!character 1 is no digit"},
        {"numeric", "1 2", {.len = 2}, "!character 2 is no digit"},
        {"numeric", "9", {.len = 1, .minimum = "10"}, "!below the minimum of 10"},
        {"numeric", "0010", {.len = 2, .minimum = "10", .maximum = "10"}, "0010"},
        {"numeric", "11", {.len = 1, .maximum = "10"}, "!above the maximum of 10"},
        {"compressed", "123", {0}, "123F"},
        {"compressed", "1234", {.len = 4}, "1234FFFF"},
        {"compressed", "12345", {.len = 2}, "!exactly 2"},
        {"compressed", "12F", {0}, "!character 3 is no digit"},
        {"compressed", "", {0}, "!empty"},
        {"pan", "5413330089020011", {0}, "5413330089020011"},
        {"pan", "5413330089020011", {.len = 10}, "5413330089020011FFFF"},
        {"pan", "341111597241002", {0}, "341111597241002F"},
        {"pan", "5413330089020012", {0}, "!541333******0012"},
        {"pan", "5413 3300 8902 0011", {0}, "!character 5"},
        {"pan", "5413330", {0}, "!7 digits"},
        {"pan-no-luhn", "5413330089020012", {0}, "5413330089020012"},
        {"pan-no-luhn", "54133300890200x2", {0}, "!character 15"},
        {"binary", "0", {0}, "00"},
        {"binary", "256", {0}, "0100"},
        {"binary", "256", {.len = 4}, "00000100"},
        {"binary", "256", {.len = 1}, "!does not fit in 1 bytes"},
        {"binary", "18446744073709551615", {0}, "FFFFFFFFFFFFFFFF"},
        {"binary", "18446744073709551616", {0}, "!larger than 8 bytes"},
        {"binary", "7", {.len = 10}, "00000000000000000007"},
        {"binary", "7", {.maximum = "6"}, "!above the maximum of 6"},
        {"binary", "0x7", {0}, "!character 2"},
        {"telephone", "+44 (0)20-7946 0958", {0}, "4402079460958F"},
        {"telephone", "020 7946", {0}, "0207946F"},
        {"telephone", "0+20", {0}, "!character 2"},
        {"telephone", "call me", {0}, "!character 1"},
        {"telephone", "+ -()", {0}, "!empty"},
        {"telephone", "123456789012345678901234567890123", {0}, "!too many digits"},
    };
    CHECK_ROWS(rows);
}

static void test_dates(void)
{
    static const struct row rows[] = {
        {"date-yymmdd", "2030-12-31", {0}, "301231"},
        {"date-yymmdd", "20301231", {0}, "301231"},
        {"date-yymmdd", "301231", {0}, "301231"},
        {"date-yymmdd", "800101", {0}, "800101"},
        {"date-yymmdd", "1979-12-31", {0}, "!two digits cannot tell the year 1979"},
        {"date-yymmdd", "2080-12-31", {0}, "!two digits cannot tell the year 2080"},
        {"date-yymmdd", "2030-02-31", {0}, "!no day 31"},
        {"date-yymmdd", "31.12.2030", {0}, "!date is none of"},
        {"date-yymmdd", "", {0}, "!date is none of"},
        {"date-yymmdd", "2030-12-31", {.len = 4}, "!exactly 4"},
        {"date-ymd", "1955-06-07", {0}, "19550607"},
        {"date-ymd", "550607", {0}, "20550607"},
        {"date-ymd", "2027-02-29", {0}, "!no day 29"},
        {"date-mmyy", "2030-12-31", {0}, "1230"},
        {"date-mmyy", "2130-12-31", {0}, "!two digits cannot tell the year 2130"},
        {"date-mmyy", "1230", {0}, "!date is none of"},
    };
    CHECK_ROWS(rows);
}

static void test_amounts(void)
{
    static const struct row rows[] = {
        {"amount", "12.34", {.exponent = 2}, "000000001234"},
        {"amount", "12", {.exponent = 2}, "000000001200"},
        {"amount", "0", {.exponent = 2}, "000000000000"},
        {"amount", "0.05", {.exponent = 2}, "000000000005"},
        {"amount", "500", {0}, "000000000500"},
        {"amount", "1.234", {.exponent = 3}, "000000001234"},
        {"amount", "9999999999.99", {.exponent = 2}, "999999999999"},
        {"amount", "09999999999.99", {.exponent = 2}, "999999999999"},
        {"amount", "10000000000.00", {.exponent = 2}, "!do not fit in 6 bytes"},
        {"amount", "12.3", {.exponent = 2}, "!must have 2 decimals"},
        {"amount", "12.345", {.exponent = 2}, "!must have 2 decimals"},
        {"amount", "12.", {.exponent = 2}, "!must have 2 decimals"},
        {"amount", "12.00", {0}, "!must have 0 decimals"},
        {"amount", ".50", {.exponent = 2}, "!empty"},
        {"amount", "", {.exponent = 2}, "!empty"},
        {"amount", "-1.00", {.exponent = 2}, "!character 1"},
        {"amount", "1,000.00", {.exponent = 2}, "!character 2"},
        {"amount", "1.0a", {.exponent = 2}, "!character 2"},
        {"amount", "5.00", {.exponent = 2, .len = 4}, "00000500"},
        {"amount", "100.01", {.exponent = 2, .maximum = "100.00"}, "!above the maximum of 100.00"},
        {"amount", "100.00", {.exponent = 2, .maximum = "100", .minimum = "100"}, "000000010000"},
        {"amount", "0.99", {.exponent = 2, .minimum = "1"}, "!below the minimum of 1"},
        {"amount", "11111111111111111111111111111111111111111", {.exponent = 2}, "!too many digits"},
        {"amount-binary", "12.34", {.exponent = 2}, "000004D2"},
        {"amount-binary", "42949672.95", {.exponent = 2}, "FFFFFFFF"},
        {"amount-binary", "42949672.96", {.exponent = 2}, "!does not fit in 4 bytes"},
        {"amount-binary", "1", {.exponent = 2, .len = 2}, "0064"},
        {"amount-binary", "1", {.exponent = 2, .maximum = "0.99"}, "!above the maximum of 0.99"},
    };
    CHECK_ROWS(rows);
}

static void test_track2(void)
{
    static const struct row rows[] = {
        {"track2", "1234560012345600=181122009999", {0}, "1234560012345600D181122009999F"},
        {"track2", "1234560012345600D1811220", {0}, "1234560012345600D1811220"},
        {"track2", "6799998900000200019=3012201", {0}, "6799998900000200019D3012201F"},
        {"track2", "6799998900000200019=30122011234567890", {0}, "6799998900000200019D30122011234567890F"},
        {"track2", "6799998900000200019=3012201123456789012", {0}, "!more than 19 bytes"},
        {"track2", "1234560012345600", {0}, "!no separator"},
        {"track2", "1234560012345600=181122", {0}, "!7 digits"},
        {"track2", "1234560012345600=18112200=99", {0}, "!character 9 is no digit"},
        {"track2", "1234560012345600=1800220", {0}, "!no month 00"},
        {"track2", "1234560012345600=1813220", {0}, "!no month 13"},
        {"track2", ";1234560012345600=1811220?", {0}, "!character 1"},
        {"track2", "=1811220", {0}, "!0 digits"},
        {"track2", "", {0}, "!no separator"},
    };
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen = 0;

    CHECK_ROWS(rows);
    EXPECT_OK(vector_file_open(&f, "dgi_tlv.txt", &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        char text[64];
        if (!vector_is_op(&block, "track2")) continue;
        snprintf(text, sizeof(text), "%s=%s%s%s", vector_text(&block, "pan"), vector_text(&block, "expiry"),
                 vector_text(&block, "service"), vector_text(&block, "discretionary"));
        struct row row = {"track2", text, {0}, vector_text(&block, "data")};
        check_row(&row);
        seen++;
    }
    CU_ASSERT_EQUAL(seen, 1);
    vector_file_free(f);
}

static void test_settings(void)
{
    struct err err = ERR_INIT;
    struct buf out, small;
    struct convert_options none = {0}, klingon = {.character_set = "klingon"}, wide = {.exponent = 10};
    struct convert_options word = {.minimum = "some"}, huge = {.len = 1U << 30};

    buf_init(&out, 8192);
    buf_init(&small, 2);
    EXPECT_FAIL(run("text-padded", "A", &none, &out, &err), ERR_CONFIG, "needs the element's length");
    EXPECT_FAIL(run("text", "A", &klingon, &out, &err), ERR_CONFIG, "klingon");
    EXPECT_FAIL(run("amount", "1", &wide, &out, &err), ERR_CONFIG, "10 decimals");
    EXPECT_FAIL(run("numeric", "1", &word, &out, &err), ERR_CONFIG, "minimum 'some'");
    EXPECT_FAIL(run("numeric", "1", &huge, &out, &err), ERR_CONFIG, "too long");
    EXPECT_FAIL(run("binary", "1", &huge, &out, &err), ERR_CONFIG, "too long");
    EXPECT_FAIL(run("compressed", "1", &huge, &out, &err), ERR_INPUT, "exactly");
    EXPECT_FAIL(run("text", "ABC", &none, &small, &err), ERR_INPUT, "larger than 2");
    CU_ASSERT_EQUAL(out.len + small.len, 0);
    buf_release(&out);
    buf_release(&small);
}

static void test_long_values(void)
{
    static char text[4 * CONVERT_VALUE_MAX + 2];
    struct err err = ERR_INIT;
    struct convert_options o = {0};
    struct buf out;
    size_t count = 0;
    const struct convert_row *rows = convert_rows(&count);

    buf_init(&out, 1 << 20);
    memset(text, '1', sizeof(text) - 1);
    for (size_t i = 0; i < count; i++) {
        err_clear(&err);
        o.len = strcmp(rows[i].name, "text-padded") == 0 ? 10 : 0;
        CU_ASSERT_FALSE(rows[i].run(text, sizeof(text) - 1, &o, &out, &err));
        CU_ASSERT_EQUAL(err.kind, ERR_INPUT);
    }
    o.len = 0;
    text[CONVERT_VALUE_MAX] = '\0';
    EXPECT_OK(run("text", text, &o, &out, &err));
    CU_ASSERT_EQUAL(out.len, CONVERT_VALUE_MAX);
    text[CONVERT_VALUE_MAX] = '1';
    text[CONVERT_VALUE_MAX + 1] = '\0';
    EXPECT_FAIL(run("text", text, &o, &out, &err), ERR_INPUT, "at most 4096");
    buf_release(&out);
}

static void test_names(void)
{
    size_t count = 0;
    const struct convert_row *rows = convert_rows(&count);
    CU_ASSERT_EQUAL(count, 16);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_PTR_EQUAL(convert_find(rows[i].name), &rows[i]);
        CU_ASSERT_TRUE(strlen(rows[i].help) > 0);
    }
    CU_ASSERT_PTR_NULL(convert_find("Text"));
}

static void test_bcd_digits(void)
{
    static const uint8_t pan[] = {0x54, 0x13, 0x3F, 0xFF}, gap[] = {0x1F, 0x2F}, letter[] = {0x12, 0xD4};
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, 16);
    EXPECT_OK(bcd_digits(pan, 4, &out, &err));
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "54133");
    EXPECT_FAIL(bcd_digits(gap, 2, &out, &err), ERR_INPUT, "behind padding");
    EXPECT_FAIL(bcd_digits(letter, 2, &out, &err), ERR_INPUT, "nibble 3 is no digit");
    CU_ASSERT_EQUAL(out.len, 5);
    buf_release(&out);
}

static const struct test_case cases[] = {
    {"text in three character sets", test_text},
    {"hex, digits, card numbers, numbers, telephone numbers", test_digits},
    {"dates", test_dates},
    {"amounts", test_amounts},
    {"track 2", test_track2},
    {"settings that make no sense", test_settings},
    {"values that are too long", test_long_values},
    {"names lead to rows and back", test_names},
    {"digits out of BCD", test_bcd_digits},
};

int main(void)
{
    return suite_run("formats/convert", cases, SUITE_COUNT(cases));
}
