#include "base/reader.h"
#include "scratch.h"
#include "suite.h"

#include <time.h>

/* The next line must be exactly this one; NULL: the end. */
static void expect_line(struct reader *r, size_t limit, const char *expected)
{
    struct err err = ERR_INIT;
    const uint8_t *line = NULL;
    size_t len = 0;
    EXPECT_OK(reader_take_line(r, limit, &line, &len, &err));
    if (expected) CU_ASSERT_TRUE(line && bytes_equal(line, len, expected, strlen(expected)));
    if (!expected) CU_ASSERT_PTR_NULL(line);
}

/* The same bytes from memory and from a file: every reading test runs over both. */
struct sources {
    struct scratch scratch;
    struct reader *readers[2];
};

static void sources_init(struct sources *s, const void *data, size_t len)
{
    struct err err = ERR_INIT;
    scratch_init(&s->scratch);
    EXPECT_OK(reader_open_memory(&s->readers[0], data, len, "memory", &err));
    EXPECT_OK(reader_open(&s->readers[1], scratch_file(&s->scratch, "in", data, len), &err));
}

static void sources_release(struct sources *s)
{
    reader_free(s->readers[0]);
    reader_free(s->readers[1]);
    scratch_release(&s->scratch);
}

static void test_lines(void)
{
    static const char text[] = "one\r\ntwo\n\n\r\nth\rree\r\r\nlast";
    struct sources s;
    sources_init(&s, text, sizeof(text) - 1);
    for (int i = 0; i < 2; i++) {
        struct reader *r = s.readers[i];
        expect_line(r, 7, "one");
        expect_line(r, 7, "two");
        CU_ASSERT_EQUAL(reader_lines(r), 2);
        CU_ASSERT_EQUAL(reader_offset(r), 9);
        expect_line(r, 7, "");
        expect_line(r, 7, "");
        expect_line(r, 7, "th\rree\r");
        expect_line(r, 7, "last");
        expect_line(r, 7, NULL);
        expect_line(r, 7, NULL);
        CU_ASSERT_EQUAL(reader_lines(r), 6);
    }
    sources_release(&s);
}

static void test_empty_file(void)
{
    struct err err = ERR_INIT;
    const uint8_t *data = (const uint8_t *)"";
    size_t got = 1;
    struct sources s;
    sources_init(&s, "", 0);
    for (int i = 0; i < 2; i++) {
        struct reader *r = s.readers[i];
        CU_ASSERT_EQUAL(reader_size(r), 0);
        expect_line(r, 10, NULL);
        EXPECT_OK(reader_take(r, 10, 10, "record", &data, &err));
        CU_ASSERT_PTR_NULL(data);
        EXPECT_OK(reader_peek(r, 10, &data, &got, &err));
        CU_ASSERT_EQUAL(got, 0);
    }
    sources_release(&s);
}

static void test_line_limit_exact_and_one_over(void)
{
    struct err err = ERR_INIT;
    const uint8_t *line = NULL;
    size_t len = 0;
    static const char text[] = "1234\r\n1234\n12345\n";
    struct sources s;
    sources_init(&s, text, sizeof(text) - 1);
    for (int i = 0; i < 2; i++) {
        struct reader *r = s.readers[i];
        expect_line(r, 4, "1234");
        expect_line(r, 4, "1234");
        EXPECT_FAIL(reader_take_line(r, 4, &line, &len, &err), ERR_INPUT,
                    "line 3 (offset 11) is longer than 4");
        CU_ASSERT_EQUAL(reader_offset(r), 11);
        expect_line(r, 5, "12345");
    }
    sources_release(&s);
}

/* Bytes that this process has read so far, or 0 where the system does not say. */
static unsigned long long bytes_read(void)
{
    unsigned long long count = 0;
    FILE *f = fopen("/proc/self/io", "r");
    if (f && fscanf(f, "rchar: %llu", &count) != 1) count = 0;
    if (f) fclose(f);
    return count;
}

static void test_giant_line_is_not_read_whole(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct reader *r = NULL;
    const uint8_t *line = NULL;
    size_t len = 0;
    scratch_init(&s);
    const char *path = scratch_file(&s, "giant", "x", 1);
    CU_ASSERT_EQUAL(truncate(path, 10LL * 1000 * 1000 * 1000), 0);
    EXPECT_OK(reader_open(&r, path, &err));
    unsigned long long before = bytes_read();
    EXPECT_FAIL(reader_take_line(r, 100000, &line, &len, &err), ERR_INPUT,
                "line 1 (offset 0) is longer than 100000");
    CU_ASSERT_TRUE(bytes_read() - before < 1000000);
    EXPECT_FAIL(reader_take(r, 5000000000, 100000, "record", &line, &err), ERR_INPUT,
                "record of 5000000000 bytes is larger than 100000");
    reader_free(r);
    scratch_release(&s);
}

static void test_long_lines_cross_the_window(void)
{
    enum { LINES = 40, LENGTH = 50000 };
    struct err err = ERR_INIT;
    struct sources s;
    struct buf text;
    buf_init(&text, (LENGTH + LINES + 1) * LINES);
    for (size_t i = 0; i < LINES; i++) {
        buf_put_fill(&text, (uint8_t)('A' + i), LENGTH + i);
        buf_put_u8(&text, '\n');
    }
    sources_init(&s, text.data, text.len);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < LINES; i++) {
            const uint8_t *line = NULL;
            size_t len = 0;
            EXPECT_OK(reader_take_line(s.readers[k], 300000, &line, &len, &err));
            CU_ASSERT_EQUAL(len, LENGTH + i);
            CU_ASSERT_TRUE(line && bytes_all(line, len, (uint8_t)('A' + i)));
        }
        expect_line(s.readers[k], 300000, NULL);
    }
    sources_release(&s);
    buf_release(&text);
}

static void test_take_exact_truncated_and_limited(void)
{
    struct err err = ERR_INIT;
    const uint8_t *data = NULL;
    struct sources s;
    sources_init(&s, "abcdef", 6);
    for (int i = 0; i < 2; i++) {
        struct reader *r = s.readers[i];
        EXPECT_FAIL(reader_take(r, 4, 3, "record", &data, &err), ERR_INPUT,
                    "record of 4 bytes is larger than 3");
        EXPECT_OK(reader_take(r, 3, 3, "record", &data, &err));
        CU_ASSERT_TRUE(bytes_equal(data, 3, "abc", 3));
        EXPECT_FAIL(reader_take(r, 4, 10, "record", &data, &err), ERR_INPUT,
                    "offset 3: record needs 4 bytes, 3 are left");
        EXPECT_FAIL(reader_take(r, SIZE_MAX, SIZE_MAX, "record", &data, &err), ERR_INPUT, "3 are left");
        CU_ASSERT_EQUAL(reader_offset(r), 3);
        EXPECT_OK(reader_take(r, 3, 10, "record", &data, &err));
        CU_ASSERT_TRUE(bytes_equal(data, 3, "def", 3));
        EXPECT_OK(reader_take(r, 1, 10, "record", &data, &err));
        CU_ASSERT_PTR_NULL(data);
    }
    sources_release(&s);
}

static void test_peek_and_seek(void)
{
    struct err err = ERR_INIT;
    const uint8_t *data = NULL;
    size_t got = 0;
    struct sources s;
    sources_init(&s, "ab\ncdef", 7);
    for (int i = 0; i < 2; i++) {
        struct reader *r = s.readers[i];
        EXPECT_OK(reader_peek(r, 3, &data, &got, &err));
        CU_ASSERT_TRUE(bytes_equal(data, got, "ab\n", 3));
        EXPECT_OK(reader_peek(r, SIZE_MAX, &data, &got, &err));
        CU_ASSERT_EQUAL(got, 7);
        CU_ASSERT_EQUAL(reader_offset(r), 0);
        expect_line(r, 10, "ab");
        EXPECT_OK(reader_seek(r, 6, &err));
        expect_line(r, 10, "f");
        EXPECT_OK(reader_seek(r, 7, &err));
        expect_line(r, 10, NULL);
        EXPECT_FAIL(reader_seek(r, 8, &err), ERR_INPUT, "offset 8 lies behind the end at 7");
        EXPECT_OK(reader_seek(r, 0, &err));
        expect_line(r, 10, "ab");
        CU_ASSERT_EQUAL(reader_lines(r), 1);
    }
    sources_release(&s);
}

static void test_seek_far_and_back(void)
{
    enum { SIZE = 300000 };
    struct err err = ERR_INIT;
    struct sources s;
    const uint8_t *data = NULL;
    uint8_t *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    sources_init(&s, bytes, SIZE);
    for (size_t step = 0; step < 400; step++) {
        size_t at = step * 7919 % (SIZE - 100);
        for (int i = 0; i < 2; i++) {
            EXPECT_OK(reader_seek(s.readers[i], at, &err));
            EXPECT_OK(reader_take(s.readers[i], 100, 100, "record", &data, &err));
            CU_ASSERT_TRUE(data && memcmp(data, bytes + at, 100) == 0);
        }
    }
    sources_release(&s);
    free(bytes);
}

static void test_what_is_no_regular_file_is_refused(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct reader *r = NULL;
    scratch_init(&s);
    EXPECT_FAIL(reader_open(&r, s.folder, &err), ERR_FILE, "not a regular file");
    EXPECT_FAIL(reader_open(&r, scratch_path(&s, "none"), &err), ERR_FILE,
                "none: cannot be opened: No such file");
    CU_ASSERT_EQUAL(mkfifo(scratch_path(&s, "pipe"), 0600), 0);
    EXPECT_FAIL(reader_open(&r, s.path, &err), ERR_FILE, "not a regular file");
    CU_ASSERT_PTR_NULL(r);
    reader_free(NULL);
    scratch_release(&s);
}

static void test_changed_file_is_noticed(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct reader *r = NULL;
    const uint8_t *data = NULL;
    const struct timespec touched[2] = {{1000000000, 0}, {1000000000, 1}};
    scratch_init(&s);
    const char *path = scratch_file(&s, "in", "abcdef", 6);
    EXPECT_OK(reader_open(&r, path, &err));
    CU_ASSERT_STRING_EQUAL(reader_name(r), path);
    EXPECT_OK(reader_unchanged(r, &err));
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, touched, 0), 0);
    EXPECT_FAIL(reader_unchanged(r, &err), ERR_INPUT, "was changed");
    CU_ASSERT_EQUAL(truncate(path, 3), 0);
    EXPECT_FAIL(reader_unchanged(r, &err), ERR_INPUT, "was changed");
    EXPECT_FAIL(reader_take(r, 6, 6, "record", &data, &err), ERR_INPUT, "record needs 6 bytes, 3 are left");
    reader_free(r);
    scratch_release(&s);
}

static const struct test_case cases[] = {
    {"lines", test_lines},
    {"empty file", test_empty_file},
    {"line limit, exact and one over", test_line_limit_exact_and_one_over},
    {"giant line is not read whole", test_giant_line_is_not_read_whole},
    {"long lines cross the window", test_long_lines_cross_the_window},
    {"take: exact, truncated, limited", test_take_exact_truncated_and_limited},
    {"peek and seek", test_peek_and_seek},
    {"seek far and back", test_seek_far_and_back},
    {"what is no regular file is refused", test_what_is_no_regular_file_is_refused},
    {"changed file is noticed", test_changed_file_is_noticed},
};

int main(void)
{
    return suite_run("base/reader", cases, SUITE_COUNT(cases));
}
