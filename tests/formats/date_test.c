#include "formats/date.h"

#include "suite.h"

static bool read_text(const char *text, struct date *out, struct err *err)
{
    return date_read(text, strlen(text), out, err);
}

static bool is(const struct date *d, int year, int month, int day)
{
    return d->year == year && d->month == month && d->day == day;
}

static void test_forms(void)
{
    struct err err = ERR_INIT;
    struct date d;
    EXPECT_OK(read_text("2027-03-01", &d, &err));
    CU_ASSERT_TRUE(is(&d, 2027, 3, 1));
    EXPECT_OK(read_text("19551231", &d, &err));
    CU_ASSERT_TRUE(is(&d, 1955, 12, 31));
    EXPECT_OK(read_text("791231", &d, &err));
    CU_ASSERT_TRUE(is(&d, 2079, 12, 31));
    EXPECT_OK(read_text("800101", &d, &err));
    CU_ASSERT_TRUE(is(&d, 1980, 1, 1));
}

static void test_other_forms(void)
{
    static const char *const texts[] = {"",         "1",          "2027/03/01", "2027-3-01 ", "27-03-01",
                                        "01.03.27", "2027-03-1x", "20270301 ",  "-20270301",  "2027030"};
    struct err err = ERR_INIT;
    struct date d = {1, 2, 3};
    for (size_t i = 0; i < SUITE_COUNT(texts); i++)
        EXPECT_FAIL(read_text(texts[i], &d, &err), ERR_INPUT, "date is none of");
    CU_ASSERT_TRUE(is(&d, 1, 2, 3));
}

static void test_days_that_are_none(void)
{
    struct err err = ERR_INIT;
    struct date d;
    EXPECT_FAIL(read_text("2027-02-31", &d, &err), ERR_INPUT, "month 2 of 2027 has no day 31");
    EXPECT_FAIL(read_text("2027-02-29", &d, &err), ERR_INPUT, "no day 29");
    EXPECT_FAIL(read_text("1900-02-29", &d, &err), ERR_INPUT, "no day 29");
    EXPECT_FAIL(read_text("2027-04-31", &d, &err), ERR_INPUT, "no day 31");
    EXPECT_FAIL(read_text("2027-04-00", &d, &err), ERR_INPUT, "no day 0");
    EXPECT_FAIL(read_text("2027-00-10", &d, &err), ERR_INPUT, "no month 0");
    EXPECT_FAIL(read_text("2027-13-10", &d, &err), ERR_INPUT, "no month 13");
    EXPECT_FAIL(read_text("0000-01-10", &d, &err), ERR_INPUT, "year 0");
    EXPECT_OK(read_text("2028-02-29", &d, &err));
    EXPECT_OK(read_text("000229", &d, &err));
}

static void test_bcd(void)
{
    static const uint8_t good[] = {0x30, 0x12, 0x31}, letter[] = {0x30, 0x1A, 0x31},
                         no_day[] = {0x30, 0x11, 0x31};
    struct err err = ERR_INIT;
    struct date d;
    EXPECT_OK(date_from_bcd(good, &d, &err));
    CU_ASSERT_TRUE(is(&d, 2030, 12, 31));
    EXPECT_FAIL(date_from_bcd(letter, &d, &err), ERR_INPUT, "byte 2");
    EXPECT_FAIL(date_from_bcd(no_day, &d, &err), ERR_INPUT, "no day 31");
}

static void test_order(void)
{
    static const struct date days[] = {{1999, 12, 31}, {2000, 1, 1}, {2000, 1, 2}, {2000, 2, 1}};
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++)
            CU_ASSERT_EQUAL(date_compare(&days[i], &days[k]), (i > k) - (i < k));
    }
}

static const struct test_case cases[] = {
    {"three forms, and the window of two-digit years", test_forms},
    {"every other form is refused", test_other_forms},
    {"days that the calendar lacks", test_days_that_are_none},
    {"from BCD", test_bcd},
    {"order", test_order},
};

int main(void)
{
    return suite_run("formats/date", cases, SUITE_COUNT(cases));
}
