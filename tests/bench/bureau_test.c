/* One quick run of the bureau's part alone over two jobs of config/examples/bench: the JSON holds what docs/PERFORMANCE.md says. Says
 * nothing about speed. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

enum { PROTOCOLS = 2, COUNTS = 2, READERS = 4 };

static json_t *output;

static double number(const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    CU_ASSERT_TRUE(json_is_number(value));
    return json_number_value(value);
}

static const char *text(const json_t *o, const char *name)
{
    const char *value = json_string_value(json_object_get(o, name));
    return value ? value : "";
}

static const json_t *job(size_t i)
{
    return json_array_get(json_object_get(output, "jobs"), i);
}

static const json_t *protocol(size_t i, size_t k)
{
    return json_array_get(json_object_get(json_object_get(job(i), "bureau"), "protocols"), k);
}

static bool run_quick(void)
{
    FILE *f = popen(BENCH_SCRIPT " --build " TEST_BUILD_DIR
                                 " --quick --silent --no-prep --job keys --job emv --workers 3 2>/dev/null",
                    "r");
    if (!f) return false;
    output = json_loadf(f, 0, NULL);
    return pclose(f) == 0 && output;
}

/* All of min, median, max are there, and in this order. */
static void expect_spread(const json_t *o, const char *name)
{
    const json_t *s = json_object_get(o, name);
    CU_ASSERT_TRUE(number(s, "min") > 0);
    CU_ASSERT_TRUE(number(s, "min") <= number(s, "median") && number(s, "median") <= number(s, "max"));
}

static void test_nothing_of_prep(void)
{
    CU_ASSERT_EQUAL(json_array_size(json_object_get(output, "jobs")), 2);
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_PTR_NULL(json_object_get(job(i), "end_to_end"));
        CU_ASSERT_PTR_NULL(json_object_get(job(i), "token_operations"));
    }
    CU_ASSERT_STRING_EQUAL(text(job(0), "job"), "bench-keys");
}

/* What a card of two DES keys, and one of three and a key pair, has. Which way they take is the token's. */
static void test_protocols_and_secrets(void)
{
    static const char *const names[PROTOCOLS] = {"SCP02", "SCP03"};
    static const double secrets[] = {2, 4};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < PROTOCOLS; k++) {
            const json_t *ways = json_object_get(protocol(i, k), "secrets");
            CU_ASSERT_STRING_EQUAL(text(protocol(i, k), "protocol"), names[k]);
            CU_ASSERT_STRING_EQUAL(text(protocol(i, k), "security"), "mac+encryption");
            CU_ASSERT_EQUAL(number(ways, "all"), secrets[i]);
            CU_ASSERT_EQUAL(number(ways, "inside") + number(ways, "readable"), secrets[i]);
            CU_ASSERT_EQUAL(number(ways, "untouched"), 0);
            CU_ASSERT_TRUE(number(protocol(i, k), "commands") > 10);
        }
    }
    CU_ASSERT_EQUAL(number(json_object_get(protocol(1, 1), "secrets"), "readable"), 1); /* the key pair */
}

static unsigned times_of(const json_t *operations, const char *kind)
{
    unsigned times = 0;
    size_t i;
    json_t *o;
    json_array_foreach(operations, i, o) if (strcmp(text(o, "operation"), kind) == 0) times +=
        (unsigned)number(o, "times");
    return times;
}

/* The purse's keys: a channel with the domain, one with each of two applications, one to lock the card; three MACs under one key. */
static void test_operations_are_counted(void)
{
    const json_t *keys = json_object_get(protocol(0, 0), "operations");
    CU_ASSERT_EQUAL(times_of(keys, "secret"), 2);
    CU_ASSERT_EQUAL(times_of(keys, "mac"), 3);
    CU_ASSERT_TRUE(times_of(keys, "mac_key") >= 1);
    CU_ASSERT_EQUAL(times_of(keys, "card_keys"), 1);
    CU_ASSERT_EQUAL(times_of(keys, "channel"), 4);
    CU_ASSERT_TRUE(times_of(keys, "command") > 4);
    CU_ASSERT_TRUE(times_of(keys, "rewrap") + times_of(keys, "translate") > 0);
    CU_ASSERT_EQUAL(times_of(json_object_get(protocol(1, 0), "operations"), "secret"), 4);
}

static void expect_paces(const json_t *all, const char *who, const char *rate, const char *least,
                         const double counts[COUNTS])
{
    CU_ASSERT_EQUAL(json_array_size(all), COUNTS);
    for (size_t i = 0; i < COUNTS; i++) {
        const json_t *o = json_array_get(all, i);
        CU_ASSERT_EQUAL(number(o, who), counts[i]);
        if (json_object_get(o, "left_out")) continue;
        CU_ASSERT_TRUE(number(o, "records") >= counts[i]);
        expect_spread(o, rate);
        expect_spread(o, least);
        expect_spread(o, "ratio");
        CU_ASSERT_TRUE(number(o, "least_cpu_us_per_record") > 0);
    }
}

static void test_paces(void)
{
    static const double workers[COUNTS] = {1, 3}, readers[COUNTS] = {1, READERS};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < PROTOCOLS; k++) {
            const json_t *p = protocol(i, k);
            expect_paces(json_object_get(p, "rewrap"), "workers", "records_per_second",
                         "token_alone_records_per_second", workers);
            expect_paces(json_object_get(p, "script"), "workers", "scripts_per_second",
                         "token_alone_scripts_per_second", workers);
            expect_paces(json_object_get(p, "at_readers"), "readers", "cards_per_second",
                         "token_and_reader_alone_cards_per_second", readers);
        }
    }
}

/* Either they are measured, or it is said why not. */
static void test_readers(void)
{
    static const double due[COUNTS] = {1, READERS};
    const json_t *readers = json_object_get(output, "readers"), *driver = json_object_get(readers, "driver");

    if (!driver) {
        CU_ASSERT_TRUE(strlen(text(readers, "left_out")) > 0);
        return;
    }
    CU_ASSERT_EQUAL(json_array_size(driver), COUNTS);
    for (size_t i = 0; i < COUNTS; i++) {
        const json_t *o = json_array_get(driver, i);
        CU_ASSERT_EQUAL(number(o, "readers"), due[i]);
        expect_spread(o, "bare_us_per_command");
        expect_spread(o, "driver_us_per_command");
        expect_spread(o, "ratio");
        expect_spread(o, "ratio_of_medians");
    }
}

static void test_readers_left_out(void)
{
    FILE *f = popen(BENCH_SCRIPT " --build " TEST_BUILD_DIR
                                 " --quick --silent --no-prep --no-bureau --job keys 2>/dev/null",
                    "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    json_t *o = json_loadf(f, 0, NULL);
    CU_ASSERT_EQUAL(pclose(f), 0);
    CU_ASSERT_STRING_EQUAL(text(json_object_get(o, "readers"), "left_out"), "no reader is named (--reader)");
    json_decref(o);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"cardprep is left out", test_nothing_of_prep},
        {"both protocols, every secret", test_protocols_and_secrets},
        {"a conversation's operations are counted", test_operations_are_counted},
        {"re-wraps, scripts, cards at readers", test_paces},
        {"the driver, or why not", test_readers},
        {"without a reader", test_readers_left_out},
    };
    if (access("/usr/lib/softhsm/libsofthsm2.so", R_OK) != 0) return 77;
    if (!run_quick()) {
        fprintf(stderr, "scripts/bench --quick --no-prep did not end well\n");
        return 1;
    }
    int status = suite_run("bench/bureau", cases, SUITE_COUNT(cases));
    json_decref(output);
    return status;
}
