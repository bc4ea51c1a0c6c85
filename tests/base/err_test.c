#include "base/err.h"
#include "suite.h"

#include <errno.h>

static void test_chain(void)
{
    struct err err = ERR_INIT;
    CU_ASSERT_FALSE(err_set(&err, ERR_TOKEN, "%s: %s", "C_WrapKey", "CKR_KEY_UNEXTRACTABLE"));
    err_prefix(&err, "wrap KDL under KEK '%s'", "kek-a");
    err_prefix(&err, "record %d", 812);
    CU_ASSERT_STRING_EQUAL(err.text,
                           "record 812: wrap KDL under KEK 'kek-a': C_WrapKey: CKR_KEY_UNEXTRACTABLE");
    CU_ASSERT_EQUAL(err.kind, ERR_TOKEN);
    err_clear(&err);
    CU_ASSERT_EQUAL(err.kind, ERR_NONE);
    CU_ASSERT_STRING_EQUAL(err.text, "");
}

static void test_prefix_without_error_does_nothing(void)
{
    struct err err = ERR_INIT;
    err_prefix(&err, "record 1");
    CU_ASSERT_STRING_EQUAL(err.text, "");
}

static void test_errno_stands_behind(void)
{
    struct err err = ERR_INIT;
    CU_ASSERT_FALSE(err_set_errno(&err, ERR_FILE, ENOSPC, "%s: write", "out.mic"));
    CU_ASSERT_STRING_EQUAL(err.text, "out.mic: write: No space left on device");
    CU_ASSERT_FALSE(err_set_no_memory(&err));
    CU_ASSERT_EQUAL(err.kind, ERR_INTERNAL);
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void test_full_chain_loses_its_middle(void)
{
    struct err err = ERR_INIT;
    char name[101];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    err_set(&err, ERR_TOKEN, "C_DeriveKey: CKR_DEVICE_ERROR");
    for (int i = 1; i <= 40; i++) {
        err_prefix(&err, "%s%d", name, i);
        CU_ASSERT_TRUE(strlen(err.text) < ERR_TEXT_MAX);
        CU_ASSERT_TRUE(ends_with(err.text, ": C_DeriveKey: CKR_DEVICE_ERROR"));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "n40: nnn"));
    const char *gap = strstr(err.text, "...");
    CU_ASSERT_PTR_NOT_NULL_FATAL(gap);
    CU_ASSERT_PTR_NULL(strstr(gap + 3, "..."));
    CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_MAX - 1);
}

static void test_exact_room_and_one_over(void)
{
    struct err err = ERR_INIT;
    char text[ERR_TEXT_MAX + 1];
    memset(text, 'x', sizeof(text));
    text[ERR_TEXT_MAX - 1] = '\0';
    err_set(&err, ERR_INPUT, "%s", text);
    CU_ASSERT_STRING_EQUAL(err.text, text);
    text[ERR_TEXT_MAX - 1] = 'x';
    text[ERR_TEXT_MAX] = '\0';
    err_set(&err, ERR_INPUT, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_MAX - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "..."));
}

static void test_giant_text_keeps_the_reason(void)
{
    struct err err = ERR_INIT;
    char path[5000];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    err_set_errno(&err, ERR_FILE, EACCES, "%s", path);
    CU_ASSERT_TRUE(ends_with(err.text, ": Permission denied"));
}

static void test_cut_leaves_whole_characters(void)
{
    struct err err = ERR_INIT;
    for (size_t shift = 0; shift < 3; shift++) {
        char text[1300] = "";
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 4);
        err_set(&err, ERR_INPUT, "%s", text);
        const char *gap = strstr(err.text, "...");
        CU_ASSERT_PTR_NOT_NULL_FATAL(gap);
        CU_ASSERT_EQUAL((size_t)(gap - err.text - (ptrdiff_t)shift) % 3, 0);
        CU_ASSERT_EQUAL((unsigned char)gap[3], 0xE2);
    }
}

static void test_set_may_quote_itself(void)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_INPUT, "first");
    err_set(&err, ERR_CONFIG, "second after %s", err.text);
    CU_ASSERT_STRING_EQUAL(err.text, "second after first");
}

static void test_kinds(void)
{
    static const int statuses[] = {0, 2, 3, 4, 5, 6, 130, 70};
    for (int kind = ERR_NONE; kind <= ERR_INTERNAL; kind++) {
        CU_ASSERT_EQUAL(err_exit_status((enum err_kind)kind), statuses[kind]);
        for (int other = ERR_NONE; other < kind; other++)
            CU_ASSERT_STRING_NOT_EQUAL(err_kind_name((enum err_kind)kind),
                                       err_kind_name((enum err_kind)other));
    }
    CU_ASSERT_EQUAL(err_exit_status((enum err_kind)99), 70);
}

static const struct test_case cases[] = {
    {"chain", test_chain},
    {"prefix without error does nothing", test_prefix_without_error_does_nothing},
    {"errno stands behind", test_errno_stands_behind},
    {"full chain loses its middle", test_full_chain_loses_its_middle},
    {"exact room and one over", test_exact_room_and_one_over},
    {"giant text keeps the reason", test_giant_text_keeps_the_reason},
    {"cut leaves whole characters", test_cut_leaves_whole_characters},
    {"set may quote itself", test_set_may_quote_itself},
    {"kinds", test_kinds},
};

int main(void)
{
    return suite_run("base/err", cases, SUITE_COUNT(cases));
}
