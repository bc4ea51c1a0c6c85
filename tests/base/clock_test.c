#include "base/clock.h"

#include "suite.h"

static void test_writes(void)
{
    struct err err = ERR_INIT;
    char text[CLOCK_TEXT_LEN + 1] = "";
    EXPECT_OK(clock_text(0, text, &err));
    CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:00Z");
    EXPECT_OK(clock_text(1795687445, text, &err));
    CU_ASSERT_STRING_EQUAL(text, "2026-11-26T10:04:05Z");
    EXPECT_FAIL(clock_text((time_t)1 << 40, text, &err), ERR_INTERNAL, "clock");
    CU_ASSERT(clock_text(clock_now(NULL), text, &err) && clock_is_text(text, strlen(text)));
}

static void test_form(void)
{
    static const char *const wrong[] = {
        "",
        "2026-11-26T10:04:05",
        "2026-11-26T10:04:05Z ",
        "2026-11-26 10:04:05Z",
        "2026-11-26T24:04:05Z",
        "2026-11-26T10:60:05Z",
        "2026-11-26T10:04:60Z",
        "2026-11-26T1x:04:05Z",
    };
    CU_ASSERT(clock_is_text("2026-11-26T10:04:05Z", 20));
    for (size_t i = 0; i < SUITE_COUNT(wrong); i++)
        CU_ASSERT_FALSE(clock_is_text(wrong[i], strlen(wrong[i])));
}

static const struct test_case cases[] = {
    {"a time is written", test_writes},
    {"its form", test_form},
};

int main(void)
{
    return suite_run("base/clock", cases, SUITE_COUNT(cases));
}
