#include "audit/text.h"

#include "suite.h"

static void test_printable(void)
{
    static const char *const good[] = {"", "KML-1", "J\xC3\xBCrgen \xE2\x82\xAC \xF0\x9F\x94\x91",
                                       "\xC2\xA0"};
    static const char *const bad[] = {
        "a\nb",         "\x1B[2J",  "\x7F", "\xC2\x9B",     "\xE2\x80\xAE", "\xE2\x80\xA8",
        "\xEF\xBB\xBF", "\xC0\x80", "\xC3", "\xC3(",        "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xE0\x80\x80", "\xFF",     "\x80", "\xE2\x81\xA6",
    };
    for (size_t i = 0; i < SUITE_COUNT(good); i++)
        CU_ASSERT_TRUE(audit_text_is_printable(good[i]));
    for (size_t i = 0; i < SUITE_COUNT(bad); i++)
        CU_ASSERT_FALSE(audit_text_is_printable(bad[i]));
}

static void test_longest(void)
{
    static char text[AUDIT_TEXT_MAX + 2];
    memset(text, 'a', AUDIT_TEXT_MAX);
    CU_ASSERT_TRUE(audit_text_is_printable(text));
    text[AUDIT_TEXT_MAX] = 'a';
    CU_ASSERT_FALSE(audit_text_is_printable(text));
}

static void folds(const char *from, const char *to)
{
    struct buf out;
    buf_init(&out, 256);
    audit_text_fold(from, &out);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), to);
    buf_release(&out);
}

static void test_fold(void)
{
    folds("Carol", "carol");
    folds("  CAROL \t", "carol \t"); /* a tab is not printable, so it never gets here */
    folds("  carol   Von\xC2\xA0 Tester ", "carol von tester");
    folds("J\xC3\x9CRGEN", "j\xC3\xBCrgen");
    folds("\xC5\x81ukasz \xC5\xBB", "\xC5\x82ukasz \xC5\xBC");
    folds("\xCE\x91\xCE\xA9", "\xCE\xB1\xCF\x89");
    folds("\xD0\x90\xD0\xAF\xD0\x81", "\xD0\xB0\xD1\x8F\xD1\x91");
    folds("\xC3\x97", "\xC3\x97"); /* the sign of multiplication has no small letter */
    folds("\xE2\x82\xAC\xF0\x9F\x94\x91", "\xE2\x82\xAC\xF0\x9F\x94\x91");
    folds("", "");
    folds("   ", "");
}

static const struct test_case cases[] = {
    {"what may be printed", test_printable},
    {"the longest text", test_longest},
    {"names as they are compared", test_fold},
};

int main(void)
{
    return suite_run("audit/text", cases, SUITE_COUNT(cases));
}
