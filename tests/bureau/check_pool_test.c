#include "bureau/check_pool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "suite.h"

/* A token process that refuses records whose first byte says so, and counts. */
struct token_process {
    atomic_uint checked;
    bool keys_only;
};

bool token_process_check(struct token_process *p, const uint8_t *record, size_t len, bool keys_only,
                         struct err *err)
{
    atomic_fetch_add(&p->checked, 1);
    p->keys_only = keys_only;
    return len == 0 || record[0] != 'x' || err_set(err, ERR_INTEGRITY, "MAC does not verify");
}

static struct token_process first, second;

static struct check_pool *pool_of(bool keys_only)
{
    static struct token_process *const both[] = {&first, &second};
    struct check_pool *pool = NULL;
    struct err err = ERR_INIT;
    atomic_store(&first.checked, 0);
    atomic_store(&second.checked, 0);
    EXPECT_OK(check_pool_new(&pool, both, 2, keys_only, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
    return pool;
}

static void test_all(void)
{
    struct check_pool *pool = pool_of(true);
    struct err err = ERR_INIT;
    for (uint64_t i = 0; i < 1000; i++)
        EXPECT_OK(check_pool_put(pool, (const uint8_t *)"ok", i % 3, i, 0, &err));
    EXPECT_OK(check_pool_finish(pool, &err));
    CU_ASSERT_EQUAL(atomic_load(&first.checked) + atomic_load(&second.checked), 1000);
    CU_ASSERT_TRUE(first.keys_only || second.keys_only);
    check_pool_free(pool);
}

/* Whichever process is faster, the first bad record of the file is the one that is named. */
static void test_first_refusal(void)
{
    for (uint64_t bad = 0; bad < 60; bad++) {
        struct check_pool *pool = pool_of(false);
        struct err err = ERR_INIT;
        char expected[64];
        bool ok = true;
        for (uint64_t i = 0; ok && i < 60; i++)
            ok = check_pool_put(pool, (const uint8_t *)(i >= bad ? "x" : "o"), 1, i + 1, 10 * i, &err);
        if (ok) ok = check_pool_finish(pool, &err);
        CU_ASSERT_FALSE(ok);
        snprintf(expected, sizeof(expected), "record %u at offset %u: MAC does not verify", (unsigned)bad + 1,
                 (unsigned)bad * 10);
        CU_ASSERT_STRING_EQUAL(err.text, expected);
        CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
        check_pool_free(pool);
    }
}

static void test_nothing(void)
{
    struct err err = ERR_INIT;
    struct check_pool *pool = pool_of(false);
    EXPECT_OK(check_pool_finish(pool, &err));
    check_pool_free(pool);
    check_pool_free(NULL);
    /* Given up with records under way. */
    pool = pool_of(false);
    for (uint64_t i = 0; i < 10; i++)
        EXPECT_OK(check_pool_put(pool, (const uint8_t *)"o", 1, i, 0, &err));
    check_pool_free(pool);
}

static const struct test_case cases[] = {
    {"every record is checked once", test_all},
    {"the first refusal of the file wins", test_first_refusal},
    {"no records, and given up", test_nothing},
};

int main(void)
{
    return suite_run("bureau/check_pool", cases, SUITE_COUNT(cases));
}
