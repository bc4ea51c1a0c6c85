/* tests/support/suite.h - what every CUnit executable needs: a table of named cases and a main.
 *
 *   static const struct test_case cases[] = {{"truncated length", test_truncated_length}, …};
 *   int main(void) { return suite_run("formats/dgi", cases, SUITE_COUNT(cases)); }
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

struct test_case {
    const char *name;
    CU_TestFunc run;
};

#define SUITE_COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

static inline int suite_run(const char *name, const struct test_case *cases, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (size_t i = 0; suite && i < count; i++) {
        if (!CU_add_test(suite, cases[i].name, cases[i].run)) suite = NULL;
    }
    unsigned failed = 1;
    if (suite && CU_basic_run_tests() == CUE_SUCCESS)
        failed = CU_get_number_of_failures() + (CU_get_number_of_tests_run() < count);
    CU_cleanup_registry();
    return failed ? 1 : 0;
}

/* For calls that return false and set `err`: the message stands in the test's output. */
#define EXPECT_OK(call)                                                                                      \
    do {                                                                                                     \
        bool ok_ = (call);                                                                                   \
        if (!ok_) fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text);                              \
        CU_ASSERT_TRUE(ok_);                                                                                 \
    } while (0)
/* The call must fail with this kind and a message that contains `part`. */
#define EXPECT_FAIL(call, expected_kind, part)                                                               \
    do {                                                                                                     \
        struct err *e_ = &err;                                                                               \
        err_clear(e_);                                                                                       \
        bool ok_ = (call);                                                                                   \
        CU_ASSERT_FALSE(ok_);                                                                                \
        if (ok_ || e_->kind != (expected_kind) || !strstr(e_->text, (part)))                                 \
            fprintf(stderr, "%s:%d: got \"%s\"\n", __FILE__, __LINE__, e_->text);                            \
        CU_ASSERT_EQUAL(e_->kind, (expected_kind));                                                          \
        CU_ASSERT_PTR_NOT_NULL(strstr(e_->text, (part)));                                                    \
    } while (0)

#endif
