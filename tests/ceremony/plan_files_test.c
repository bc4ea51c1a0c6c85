/* The plans that are shipped, and those on the page about plans, load and keep every rule. */
#include <glob.h>

#include "base/outfile.h"
#include "ceremony/plan_lint.h"
#include "suite.h"

static void test_shipped(void)
{
    glob_t found;
    CU_ASSERT_EQUAL_FATAL(glob(TEST_DATA_DIR "/../config/examples/ceremony/*.yaml", GLOB_ERR, NULL, &found),
                          0);
    CU_ASSERT(found.gl_pathc >= 2);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct err err = ERR_INIT;
        struct plan *p = NULL;
        EXPECT_OK(plan_lint_load(&p, found.gl_pathv[i], &err));
        CU_ASSERT(p && !p->test && p->dual_control);
        plan_free(p);
    }
    globfree(&found);
}

/* Fenced blocks of YAML. */
static void test_page(void)
{
    static const char fence[] = "```yaml\n", end_fence[] = "\n```";
    struct err err = ERR_INIT;
    struct buf text;
    size_t count = 0;
    buf_init(&text, 1 << 20);
    EXPECT_OK(file_read_all(TEST_DATA_DIR "/../docs/formats/plans.md", 1 << 20, &text, &err));
    for (const char *at = buf_text(&text); at && (at = strstr(at, fence)) != NULL; count++) {
        struct plan *p = NULL;
        at += strlen(fence);
        const char *end = strstr(at, end_fence);
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        EXPECT_OK(plan_parse(&p, "plans.md", at, (size_t)(end - at) + 1, &err) && plan_lint(p, &err));
        plan_free(p);
        at = end;
    }
    CU_ASSERT_EQUAL(count, 2);
    buf_release(&text);
}

static const struct test_case cases[] = {
    {"the shipped plans load and keep every rule", test_shipped},
    {"so do the plans of the page on plans", test_page},
};

int main(void)
{
    return suite_run("ceremony/plan_files", cases, SUITE_COUNT(cases));
}
