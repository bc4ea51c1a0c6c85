/* Ways are counted by what they say, sorted, and go from one process to another. */
#include "bureau/ways.h"

#include <string.h>

#include "suite.h"

static struct err err;

static struct way way_of(bool aes, const char *words, const char *application, const char *secret)
{
    struct way w = {.aes = aes, .count = 1};
    snprintf(w.words, sizeof(w.words), "%s", words);
    snprintf(w.application, sizeof(w.application), "%s", application);
    snprintf(w.secret, sizeof(w.secret), "%s", secret);
    return w;
}

static void fill(struct ways *ways)
{
    const struct way some[] = {way_of(true, "readable", "A1", "card-key"),
                               way_of(true, "inside", "A2", "KDL"), way_of(true, "inside", "A1", "KDU"),
                               way_of(true, "inside", "A1", "KDL"), way_of(false, "readable", "A1", "KDL")};
    for (size_t i = 0; i < SUITE_COUNT(some); i++)
        EXPECT_OK(ways_add(ways, &some[i], &err));
}

static void test_count(void)
{
    static const char *const order[] = {"readable A1 KDL", "inside A1 KDL", "inside A1 KDU", "inside A2 KDL",
                                        "readable A1 card-key"};
    struct ways ways = {.count = 0};
    fill(&ways);
    fill(&ways);
    ways_sort(&ways);
    CU_ASSERT_EQUAL_FATAL(ways.count, SUITE_COUNT(order));
    for (size_t i = 0; i < ways.count; i++) {
        char text[300];
        snprintf(text, sizeof(text), "%s %s %s", ways.rows[i].words, ways.rows[i].application,
                 ways.rows[i].secret);
        CU_ASSERT_STRING_EQUAL(text, order[i]);
        CU_ASSERT_EQUAL(ways.rows[i].count, 2);
    }
    ways_release(&ways);
}

/* More than can be listed are counted. */
static void test_many(void)
{
    struct ways ways = {.count = 0};
    for (unsigned i = 0; i < WAYS_MAX + 5; i++) {
        char name[16];
        snprintf(name, sizeof(name), "K%u", i);
        const struct way one = way_of(true, "inside", "A1", name);
        EXPECT_OK(ways_add(&ways, &one, &err));
    }
    CU_ASSERT_EQUAL(ways.count, WAYS_MAX);
    CU_ASSERT_EQUAL(ways.unlisted, 5);
    ways_release(&ways);
}

static void test_wire(void)
{
    struct ways ways = {.count = 0}, other = {.count = 0};
    struct buf wire;
    buf_init(&wire, 65536);
    fill(&ways);
    ways.unlisted = 3;
    ways_put(&wire, &ways);
    for (int i = 0; i < 2; i++) {
        struct cur c = cur_make(wire.data, wire.len, 0);
        EXPECT_OK(ways_take(&c, &other, &err));
    }
    CU_ASSERT_EQUAL(other.count, ways.count);
    CU_ASSERT_EQUAL(other.unlisted, 6);
    CU_ASSERT_EQUAL(other.rows[0].count, 2);
    CU_ASSERT_STRING_EQUAL(other.rows[0].secret, "card-key");
    ways_release(&other);
    for (size_t len = 0; len < wire.len; len++) {
        struct cur c = cur_make(wire.data, len, 0);
        CU_ASSERT_FALSE(ways_take(&c, &other, &err));
        ways_release(&other);
    }
    buf_put_u8(&wire, 0);
    struct cur c = cur_make(wire.data, wire.len, 0);
    EXPECT_FAIL(ways_take(&c, &other, &err), ERR_INPUT, "too many");
    ways_release(&other);
    ways_release(&ways);
    buf_release(&wire);
}

static const struct test_case cases[] = {
    {"counted by what they say", test_count},
    {"more than can be listed", test_many},
    {"from one process to another, cut at every byte", test_wire},
};

int main(void)
{
    return suite_run("bureau/ways", cases, SUITE_COUNT(cases));
}
