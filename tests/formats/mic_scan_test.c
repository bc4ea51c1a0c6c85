#include "formats/mic_scan.h"

#include <stdlib.h>

#include "suite.h"

static struct err err;

/* A row whose identifier hash spreads as a real one does, without the cost of one. */
static struct mic_row row_of(uint64_t number)
{
    struct mic_row row;
    uint64_t mixed = number * 0x9E3779B97F4A7C15ull;
    memset(&row, 0, sizeof(row));
    row.number = number;
    mixed ^= mixed >> 29;
    mixed *= 0xBF58476D1CE4E5B9ull;
    mixed ^= mixed >> 32;
    for (size_t i = 0; i < 8; i++) {
        row.object[i] = (uint8_t)(mixed >> (8 * i));
        row.object[8 + i] = (uint8_t)(number >> (8 * i));
    }
    return row;
}

static bool fill(struct row_log *log, uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        struct mic_row row = row_of(i);
        if (!row_log_append(log, &row, &err)) return false;
    }
    return true;
}

static void test_rows_in_memory_and_in_a_file(void)
{
    static const size_t in_memory[] = {0, 1, 63, 64, 65, 1000};
    for (size_t i = 0; i < SUITE_COUNT(in_memory); i++) {
        struct row_log *log = NULL;
        struct mic_row row, expected;
        EXPECT_OK(row_log_new(&log, sizeof(row), in_memory[i], &err));
        EXPECT_OK(fill(log, 200));
        CU_ASSERT_EQUAL(row_log_count(log), 200);
        for (uint64_t n = 0; n < 200; n++) {
            expected = row_of(n + 1);
            EXPECT_OK(row_log_read(log, n, &row, &err));
            CU_ASSERT_TRUE(memcmp(&row, &expected, sizeof(row)) == 0);
        }
        /* Backwards, and appended after reading. */
        EXPECT_OK(row_log_read(log, 7, &row, &err));
        CU_ASSERT_EQUAL(row.number, 8);
        expected = row_of(201);
        EXPECT_OK(row_log_append(log, &expected, &err));
        EXPECT_OK(row_log_read(log, 200, &row, &err));
        CU_ASSERT_EQUAL(row.number, 201);
        EXPECT_OK(row_log_read(log, 199, &row, &err));
        CU_ASSERT_EQUAL(row.number, 200);
        EXPECT_FAIL(row_log_read(log, 201, &row, &err), ERR_INTERNAL, "row 201 of 201");
        row_log_free(log);
    }
}

static void test_no_temporary_file(void)
{
    struct row_log *log = NULL;
    struct mic_row row = row_of(1);
    const char *kept = getenv("TMPDIR");
    char folder[4096];
    snprintf(folder, sizeof(folder), "%s", kept ? kept : "");
    setenv("TMPDIR", TEST_BUILD_DIR "/there-is-no-such-folder", 1);
    EXPECT_OK(row_log_new(&log, sizeof(row), 0, &err));
    EXPECT_FAIL(row_log_append(log, &row, &err), ERR_FILE, "there-is-no-such-folder");
    CU_ASSERT_EQUAL(row_log_count(log), 0);
    row_log_free(log);
    if (kept)
        setenv("TMPDIR", folder, 1);
    else
        unsetenv("TMPDIR");
}

static void test_object_identifiers_in_many_bins(void)
{
    static const uint64_t counts[] = {0, 1, 2, 32767, 32768, 100000};
    for (size_t i = 0; i < SUITE_COUNT(counts); i++) {
        struct row_log *log = NULL;
        EXPECT_OK(row_log_new(&log, sizeof(struct mic_row), 100, &err));
        EXPECT_OK(fill(log, counts[i]));
        EXPECT_OK(mic_end_check_objects(log, &err));
        if (counts[i] > 0) {
            struct mic_row row = row_of(counts[i] / 2 + 1);
            row.number = 200000;
            EXPECT_OK(row_log_append(log, &row, &err));
            EXPECT_FAIL(mic_end_check_objects(log, &err), ERR_INTEGRITY,
                        "and 200000 have the same card object identifier");
        }
        row_log_free(log);
    }
}

static void test_one_identifier_in_all_records(void)
{
    struct row_log *log = NULL;
    struct mic_row row = row_of(1);
    EXPECT_OK(row_log_new(&log, sizeof(row), 100, &err));
    for (uint64_t i = 1; i <= 70000; i++) {
        row.number = i;
        EXPECT_OK(row_log_append(log, &row, &err));
    }
    EXPECT_FAIL(mic_end_check_objects(log, &err), ERR_INTEGRITY,
                "records 1 and 2 have the same card object identifier");
    row_log_free(log);
}

static void test_hash_set(void)
{
    struct hash_set set;
    uint8_t(*sorted)[SHA256_LEN] = NULL;
    uint8_t hash[SHA256_LEN] = {0};
    hash_set_init(&set, 1000);
    EXPECT_OK(hash_set_sorted(&set, &sorted, &err));
    CU_ASSERT_PTR_NULL(sorted);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 1000; i > 0; i--) { /* all in one chain */
            hash[30] = (uint8_t)(i >> 8);
            hash[31] = (uint8_t)i;
            EXPECT_OK(hash_set_add(&set, hash, &err));
        }
        CU_ASSERT_EQUAL(set.count, 1000);
    }
    hash[0] = 1;
    EXPECT_FAIL(hash_set_add(&set, hash, &err), ERR_INPUT, "more than 1000 different MACKEYs");
    EXPECT_OK(hash_set_sorted(&set, &sorted, &err));
    for (unsigned i = 1; i < 1000; i++)
        CU_ASSERT_TRUE(memcmp(sorted[i - 1], sorted[i], SHA256_LEN) < 0);
    free(sorted);
    hash_set_release(&set);
}

static const struct test_case cases[] = {
    {"rows in memory and in a file", test_rows_in_memory_and_in_a_file},
    {"no temporary file", test_no_temporary_file},
    {"object identifiers in many bins", test_object_identifiers_in_many_bins},
    {"one identifier in all records", test_one_identifier_in_all_records},
    {"set of hashes", test_hash_set},
};

int main(void)
{
    return suite_run("formats/mic_scan", cases, SUITE_COUNT(cases));
}
