/* Return values by name. */
#include "hsm/ckr.h"
#include "suite.h"

static void test_names(void)
{
    char text[24], last[64] = "";
    size_t seen = 0;
    for (unsigned long rv = 0; rv < 0x1000; rv++) {
        const char *name = hsm_ckr_name(rv, text);
        if (name == text) continue;
        CU_ASSERT_EQUAL(strncmp(name, "CKR_", 4), 0);
        CU_ASSERT_NOT_EQUAL(strcmp(name, last), 0);
        snprintf(last, sizeof last, "%s", name);
        for (unsigned long other = rv + 1; other < 0x1000; other++) {
            char unused[24];
            CU_ASSERT_NOT_EQUAL_FATAL(strcmp(name, hsm_ckr_name(other, unused)), 0);
        }
        seen++;
    }
    CU_ASSERT_TRUE(seen > 80);
    CU_ASSERT_STRING_EQUAL(hsm_ckr_name(0xA0, text), "CKR_PIN_INCORRECT");
    CU_ASSERT_STRING_EQUAL(hsm_ckr_name(0x6A, text), "CKR_KEY_UNEXTRACTABLE");
    CU_ASSERT_STRING_EQUAL(hsm_ckr_name(0x80000001, text), "CKR_0x80000001");
}

static void test_error(void)
{
    struct err err = ERR_INIT;
    CU_ASSERT_FALSE(hsm_ckr_error(&err, "C_WrapKey", 0x6A));
    CU_ASSERT_EQUAL(err.kind, ERR_TOKEN);
    CU_ASSERT_STRING_EQUAL(
        err.text, "C_WrapKey: CKR_KEY_UNEXTRACTABLE (the key was made so that it never leaves the token)");
    CU_ASSERT_FALSE(hsm_ckr_error(&err, "C_Sign", 0x80000001));
    CU_ASSERT_STRING_EQUAL(err.text, "C_Sign: CKR_0x80000001");
}

static const struct test_case cases[] = {
    {"every name is there once", test_names},
    {"an error names function, value and advice", test_error},
};

int main(void)
{
    return suite_run("hsm/ckr", cases, SUITE_COUNT(cases));
}
