#include "prep/input/unique.h"

#include "suite.h"

static void test_repeats_are_found(void)
{
    struct err err = ERR_INIT;
    struct unique *u = NULL;
    struct unique_holder earlier = {9, 9};
    EXPECT_OK(unique_new(&u, &err));
    for (uint64_t i = 1; i <= 20000; i++) {
        struct unique_key key = {0, &i, sizeof(i)};
        struct unique_holder holder = {i, i + 1};
        if (!unique_add(u, &key, &holder, &earlier, &err)) CU_FAIL("add");
        if (earlier.number != 0) CU_FAIL("new key was held");
    }
    uint64_t again = 777;
    struct unique_key key = {0, &again, sizeof(again)};
    struct unique_holder holder = {20001, 0};
    EXPECT_OK(unique_add(u, &key, &holder, &earlier, &err));
    CU_ASSERT_EQUAL(earlier.number, 777);
    CU_ASSERT_EQUAL(earlier.place, 778);
    unique_free(u);
}

static void test_spaces_are_apart(void)
{
    struct err err = ERR_INIT;
    struct unique *u = NULL;
    struct unique_holder earlier;
    struct unique_holder holder = {1, 1};
    EXPECT_OK(unique_new(&u, &err));
    struct unique_key one = {1, "x", 1};
    struct unique_key two = {2, "x", 1};
    EXPECT_OK(unique_add(u, &one, &holder, &earlier, &err));
    EXPECT_OK(unique_add(u, &two, &holder, &earlier, &err));
    CU_ASSERT_EQUAL(earlier.number, 0);
    unique_free(u);
}

static const struct test_case cases[] = {
    {"repeats are found", test_repeats_are_found},
    {"spaces are apart", test_spaces_are_apart},
};

int main(void)
{
    return suite_run("prep/unique", cases, SUITE_COUNT(cases));
}
