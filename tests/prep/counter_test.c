#include "prep/input/counter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/outfile.h"
#include "suite.h"

static const uint8_t job_a[JOB_ID_LEN] = {0xAA};
static const uint8_t job_b[JOB_ID_LEN] = {0xBB};
static const uint8_t job_c[JOB_ID_LEN] = {0xCC};

static char folder[] = "/tmp/counter-XXXXXX";
static char path[64];

static bool reserve(const char *counter, uint64_t start, const uint8_t id[JOB_ID_LEN], uint64_t count,
                    uint64_t *first, struct err *err)
{
    struct counter_claim claim = {.count = count};
    memcpy(claim.job_id, id, JOB_ID_LEN);
    return counter_reserve(counter, start, &claim, first, err);
}

static const char *fresh(void)
{
    unlink(path);
    return path;
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static void read_text(struct buf *out)
{
    struct err err = ERR_INIT;
    buf_init(out, 4096);
    EXPECT_OK(file_read_all(path, 4096, out, &err));
}

static void test_numbers_follow_each_other(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 0;
    fresh();
    EXPECT_OK(counter_peek(path, 1000, &first, &err));
    CU_ASSERT_EQUAL(first, 1000);
    EXPECT_OK(reserve(path, 1000, job_a, 500, &first, &err));
    CU_ASSERT_EQUAL(first, 1000);
    EXPECT_OK(reserve(path, 7, job_b, 1, &first, &err));
    CU_ASSERT_EQUAL(first, 1500);
    EXPECT_OK(counter_peek(path, 7, &first, &err));
    CU_ASSERT_EQUAL(first, 1501);
}

static void test_the_same_job_gets_the_same_numbers(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 0;
    fresh();
    EXPECT_OK(reserve(path, 1, job_a, 10, &first, &err));
    EXPECT_OK(reserve(path, 1, job_b, 10, &first, &err));
    EXPECT_OK(reserve(path, 1, job_a, 10, &first, &err));
    CU_ASSERT_EQUAL(first, 1);
    EXPECT_FAIL(reserve(path, 1, job_a, 11, &first, &err), ERR_INPUT,
                "this job has 10 numbers from 1 and cannot have 11");
    EXPECT_OK(counter_peek(path, 1, &first, &err));
    CU_ASSERT_EQUAL(first, 21);
}

static void test_a_cut_line_is_dropped(void)
{
    struct err err = ERR_INIT;
    struct buf text;
    uint64_t first = 0;
    fresh();
    write_text("aa000000000000000000000000000000 5 10 2026-01-01T00:00:00Z\n"
               "bb000000000000000000000000000000 15 1");
    EXPECT_OK(counter_peek(path, 1, &first, &err));
    CU_ASSERT_EQUAL(first, 15);
    EXPECT_OK(reserve(path, 1, job_c, 2, &first, &err));
    CU_ASSERT_EQUAL(first, 15);
    read_text(&text);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&text), "00:00:00Z\ncc0"));
    buf_release(&text);
}

static void test_a_whole_last_line_without_newline_counts(void)
{
    struct err err = ERR_INIT;
    struct buf text;
    uint64_t first = 0;
    fresh();
    write_text("aa000000000000000000000000000000 5 10 2026-01-01T00:00:00Z");
    EXPECT_OK(reserve(path, 1, job_b, 2, &first, &err));
    CU_ASSERT_EQUAL(first, 15);
    read_text(&text);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&text), "00:00:00Z\nbb0"));
    buf_release(&text);
}

static void test_a_bad_line_is_named(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 77;
    fresh();
    write_text("aa000000000000000000000000000000 5 10 2026-01-01T00:00:00Z\nrubbish\n");
    EXPECT_FAIL(reserve(path, 1, job_b, 2, &first, &err), ERR_INPUT, ":2: not a reservation");
    write_text("aa000000000000000000000000000000 5 10 2026-01-01T00:00:00Z\n"
               "bb000000000000000000000000000000 14 10 2026-01-01T00:00:00Z\n");
    EXPECT_FAIL(reserve(path, 1, job_c, 2, &first, &err), ERR_INPUT,
                ":2: numbers 14 and up were reserved before");
    CU_ASSERT_EQUAL(first, 77);
}

static void test_exhausted(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 0;
    fresh();
    EXPECT_FAIL(reserve(path, 999999999999999990, job_a, 100, &first, &err), ERR_INPUT, "exhausted");
    EXPECT_OK(reserve(path, 999999999999999990, job_a, 9, &first, &err));
    EXPECT_FAIL(reserve(path, 1, job_b, 1, &first, &err), ERR_INPUT, "exhausted");
}

static void test_nothing_reserved_for_no_cards(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 0;
    fresh();
    EXPECT_OK(reserve(path, 4, job_a, 0, &first, &err));
    EXPECT_OK(reserve(path, 4, job_b, 3, &first, &err));
    CU_ASSERT_EQUAL(first, 4);
}

static void test_unwritable(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 0;
    EXPECT_FAIL(reserve("/nowhere/counter", 1, job_a, 1, &first, &err), ERR_FILE,
                "/nowhere/counter: counter file");
}

/* Many processes at once: no number twice, none lost. */
static void test_processes_at_once(void)
{
    struct err err = ERR_INIT;
    uint64_t first = 0;
    fresh();
    for (unsigned i = 0; i < 8; i++) {
        pid_t child = fork();
        if (child == 0) {
            bool ok = true;
            for (unsigned n = 0; n < 5; n++) {
                uint8_t id[JOB_ID_LEN] = {(uint8_t)(i + 1), (uint8_t)n};
                ok = ok && reserve(path, 1, id, 3, &first, &err);
            }
            _exit(ok ? 0 : 1);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        int status = 1;
        wait(&status);
        CU_ASSERT_EQUAL(status, 0);
    }
    EXPECT_OK(counter_peek(path, 1, &first, &err));
    CU_ASSERT_EQUAL(first, 1 + 8 * 5 * 3);
}

/* RLIMIT_FSIZE in the middle of a line: refused, and the file is as it was. */
static void test_disk_full(void)
{
    uint64_t first = 0;
    struct err err = ERR_INIT;
    fresh();
    EXPECT_OK(reserve(path, 1, job_a, 10, &first, &err));
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {80, 80};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool failed = !reserve(path, 1, job_b, 10, &first, &err) && err.kind == ERR_FILE;
        _exit(failed ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    EXPECT_OK(reserve(path, 1, job_c, 1, &first, &err));
    CU_ASSERT_EQUAL(first, 11);
}

/* A job id used again by mistake must not give one card's number to another. */
static void test_other_input(void)
{
    struct err err = ERR_INIT;
    struct counter_claim claim = {.count = 10}, other;
    char input[80];
    uint64_t first = 0;

    snprintf(input, sizeof(input), "%s/input", folder);
    FILE *f = fopen(input, "w");
    fputs("one\n", f);
    fclose(f);
    memcpy(claim.job_id, job_a, JOB_ID_LEN);
    other = claim;
    EXPECT_OK(counter_fingerprint(input, claim.input, &err));
    f = fopen(input, "w");
    fputs("two\n", f);
    fclose(f);
    EXPECT_OK(counter_fingerprint(input, other.input, &err));
    fresh();
    EXPECT_OK(counter_reserve(path, 1, &claim, &first, &err));
    EXPECT_FAIL(counter_reserve(path, 1, &other, &first, &err), ERR_INPUT, "with another input");
    EXPECT_OK(counter_reserve(path, 1, &claim, &first, &err));
    CU_ASSERT_EQUAL(first, 1);
    unlink(input);
}

static const struct test_case cases[] = {
    {"numbers follow each other", test_numbers_follow_each_other},
    {"the same job gets the same numbers", test_the_same_job_gets_the_same_numbers},
    {"a cut line is dropped", test_a_cut_line_is_dropped},
    {"a whole last line without newline counts", test_a_whole_last_line_without_newline_counts},
    {"a bad line is named", test_a_bad_line_is_named},
    {"exhausted", test_exhausted},
    {"nothing reserved for no cards", test_nothing_reserved_for_no_cards},
    {"unwritable", test_unwritable},
    {"processes at once", test_processes_at_once},
    {"disk full", test_disk_full},
    {"the same job id with another input gets nothing", test_other_input},
};

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof(path), "%s/counter", folder);
    int status = suite_run("prep/counter", cases, SUITE_COUNT(cases));
    unlink(path);
    rmdir(folder);
    return status;
}
