/* One quick run over all jobs of config/examples/bench: the JSON holds what docs/PERFORMANCE.md says. */
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/timing.h"
#include "suite.h"

static json_t *output;

static double number(const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    CU_ASSERT_TRUE(json_is_number(value));
    return json_number_value(value);
}

static const json_t *job(size_t i)
{
    return json_array_get(json_object_get(output, "jobs"), i);
}

static bool run_quick(void)
{
    FILE *f = popen(BENCH_SCRIPT " --build " TEST_BUILD_DIR " --quick --silent --no-bureau 2>/dev/null", "r");
    if (!f) return false;
    output = json_loadf(f, 0, NULL);
    return pclose(f) == 0 && output;
}

static void test_all_jobs(void)
{
    CU_ASSERT_EQUAL(json_array_size(json_object_get(output, "jobs")), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *runs = json_object_get(job(i), "end_to_end");
        CU_ASSERT_EQUAL(json_array_size(runs), 2);
        for (size_t k = 0; k < 2; k++) {
            CU_ASSERT_EQUAL(number(json_array_get(runs, k), "workers"), (double)(k + 1));
            CU_ASSERT_TRUE(number(json_array_get(runs, k), "cards") > 0);
        }
        CU_ASSERT_TRUE(number(json_array_get(runs, 0), "ratio") > 0);
        CU_ASSERT_EQUAL(json_array_size(json_object_get(job(i), "peak_memory")), 2);
    }
}

static void test_token_once(void)
{
    CU_ASSERT_TRUE(json_array_size(json_object_get(job(0), "token_operations")) >= 10);
    CU_ASSERT_PTR_NULL(json_object_get(job(1), "token_operations"));
}

/* The bound is the sum of a card's operations, and of its applications' and the record's. */
static void test_bound_is_the_sum(void)
{
    for (size_t i = 0; i < 3; i++) {
        const json_t *operations = json_object_get(job(i), "card_operations");
        double sum = 0;
        size_t index;
        json_t *o;
        json_array_foreach(operations, index, o) sum += number(o, "total_us");
        const double bound = number(json_object_get(job(i), "bound_of_one_process"), "card_us");
        CU_ASSERT_TRUE(fabs(bound - sum) < 0.001 * bound + 1);
    }
}

/* emv: three keys, a pair, static data and certificate signed, MACs of entry and record. */
static void test_operations_are_counted(void)
{
    static const char *const names[] = {"key",           "key",           "key", "pair",
                                        "raw_signature", "raw_signature", "mac", "mac"};
    const json_t *operations = json_object_get(job(1), "card_operations");
    CU_ASSERT_EQUAL(json_array_size(operations), 8);
    for (size_t i = 0; i < 8; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(operations, i), "operation"));
        CU_ASSERT_TRUE(name && strcmp(name, names[i]) == 0);
    }
}

static void test_pairs_beforehand(void)
{
    static const char *const pairs[] = {"none", "made beforehand", "made beforehand"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *o = json_object_get(job(i), "in_one_process");
        const char *text = json_string_value(json_object_get(o, "pairs"));
        CU_ASSERT_TRUE(number(o, "cards") > 0);
        CU_ASSERT_TRUE(text && strcmp(text, pairs[i]) == 0);
    }
}

static void test_timing(void)
{
    struct timing t = {0}, more = {0};
    for (int i = 1; i <= 5; i++)
        timing_add(i <= 2 ? &t : &more, i);
    timing_join(&t, &more);
    CU_ASSERT_EQUAL(t.count, 5);
    CU_ASSERT_DOUBLE_EQUAL(timing_mean(&t), 3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(timing_deviation(&t), sqrt(2.5), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(t.min, 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(t.max, 5, 1e-9);
}

/* One time that is far off moves it by nothing. */
static void test_samples(void)
{
    static struct samples s;
    CU_ASSERT_DOUBLE_EQUAL(samples_median(&s), 0, 1e-9);
    samples_add(&s, 1e6);
    samples_add(&s, 2);
    samples_add(&s, 1);
    CU_ASSERT_DOUBLE_EQUAL(samples_median(&s), 2, 1e-9);
    samples_add(&s, 4);
    CU_ASSERT_DOUBLE_EQUAL(samples_median(&s), 3, 1e-9);
}

static void test_rounds(void)
{
    struct rounds r = {.count = 0};
    CU_ASSERT_DOUBLE_EQUAL(rounds_spread(&r).median, 0, 1e-9);
    rounds_add(&r, 4);
    rounds_add(&r, 1);
    CU_ASSERT_DOUBLE_EQUAL(rounds_spread(&r).median, 2.5, 1e-9);
    rounds_add(&r, 3);
    CU_ASSERT_DOUBLE_EQUAL(rounds_spread(&r).min, 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rounds_spread(&r).median, 3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rounds_spread(&r).max, 4, 1e-9);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"all jobs are measured", test_all_jobs},
        {"the token's own table comes once", test_token_once},
        {"the bound is the sum of the operations", test_bound_is_the_sum},
        {"a card's operations are counted from its profile", test_operations_are_counted},
        {"pairs made beforehand", test_pairs_beforehand},
        {"mean and deviation", test_timing},
        {"median of times", test_samples},
        {"median of rounds", test_rounds},
    };
    if (access("/usr/lib/softhsm/libsofthsm2.so", R_OK) != 0) return 77;
    if (!run_quick()) {
        fprintf(stderr, "scripts/bench --quick did not end well\n");
        return 1;
    }
    int status = suite_run("bench/cardbench", cases, SUITE_COUNT(cases));
    json_decref(output);
    return status;
}
