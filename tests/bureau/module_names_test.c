#include "bureau/module_names.h"

#include "suite.h"

static struct err err;

static void test_bits(void)
{
    struct module_names m = {.count = 0};
    uint64_t bits = 9;
    EXPECT_OK(module_names_add(&m, "", &bits, &err));
    CU_ASSERT_EQUAL(bits, 0);
    EXPECT_OK(module_names_add(&m, "EMBOSS", &bits, &err));
    CU_ASSERT_EQUAL(bits, 1);
    EXPECT_OK(module_names_add(&m, "PHOTO EMBOSS", &bits, &err));
    CU_ASSERT_EQUAL(bits, 3);
    EXPECT_OK(module_names_add(&m, "MAGSTR", &bits, &err));
    CU_ASSERT_EQUAL(bits, 4);
    CU_ASSERT_TRUE(module_names_find(&m, "PHOTO") == 2 && module_names_find(&m, "EMB") == 0);
}

static void test_refused(void)
{
    struct module_names m = {.count = 0};
    const char *const bad[] = {"EMBOSSER", "emboss", " EMBOSS", "EMBOSS  PHOTO"};
    uint64_t bits = 9;
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        EXPECT_FAIL(module_names_add(&m, bad[i], &bits, &err), ERR_INTEGRITY, "without a name");
        CU_ASSERT_EQUAL(bits, 9);
    }
    m.count = 0;
    for (int i = 0; i < MODULE_NAMES_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "M%d", i);
        EXPECT_OK(module_names_add(&m, name, &bits, &err));
        CU_ASSERT_EQUAL(bits, UINT64_C(1) << i);
    }
    EXPECT_FAIL(module_names_add(&m, "MORE", &bits, &err), ERR_INTEGRITY, "more than 64 modules");
}

static const struct test_case cases[] = {
    {"a bit for each name", test_bits},
    {"what is refused", test_refused},
};

int main(void)
{
    return suite_run("bureau/module_names", cases, SUITE_COUNT(cases));
}
