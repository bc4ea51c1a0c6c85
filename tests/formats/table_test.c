#include "formats/table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "suite.h"

static const struct csv_settings with_header = {',', true};
static const struct csv_settings without_header = {',', false};
static const char *const abc[] = {"a", "b", "c"};

static struct table *open_bytes(const void *data, size_t len, const struct csv_settings *settings,
                                size_t names, struct err *err)
{
    struct reader *reader = NULL;
    struct table *t = NULL;
    CU_ASSERT_TRUE_FATAL(reader_open_memory(&reader, data, len, "in.csv", err));
    if (!table_open_csv(&t, reader, settings, abc, names, err)) {
        reader_free(reader); /* still ours */
        return NULL;
    }
    return t;
}

static struct table *open_csv(const char *text, const struct csv_settings *settings, size_t names,
                              struct err *err)
{
    return open_bytes(text, strlen(text), settings, names, err);
}

static const struct fixed_column fixed[] = {{"id", 0, 3, false}, {"name", 3, 5, true}, {"flag", 9, 1, true}};

static struct table *open_fixed(const void *data, size_t len, struct err *err)
{
    struct reader *reader = NULL;
    struct table *t = NULL;
    CU_ASSERT_TRUE_FATAL(reader_open_memory(&reader, data, len, "in.txt", err));
    if (!table_open_fixed(&t, reader, fixed, SUITE_COUNT(fixed), err)) {
        reader_free(reader);
        return NULL;
    }
    return t;
}

/* Reads all rows as text: cells in <>, the row's line in front, errors behind '!'; stops where it cannot go on. */
static void show_rows(struct table *t, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned n = 0; t && n < 100; n++) {
        struct err err = ERR_INIT;
        struct table_row row;
        bool end = false;
        if (!table_next(t, &row, &end, &err)) {
            used += (size_t)snprintf(text + used, size - used, "!%s;", err.text);
            if (!table_can_go_on(t)) return;
            continue;
        }
        if (end) return;
        used += (size_t)snprintf(text + used, size - used, "%u", (unsigned)row.line);
        for (size_t i = 0; i < row.count; i++)
            used += (size_t)snprintf(text + used, size - used, "<%.*s>", (int)row.cells[i].len,
                                     row.cells[i].text);
        used += (size_t)snprintf(text + used, size - used, ";");
    }
}

static void check_shown(const char *want, struct table *t)
{
    char text[4096];
    CU_ASSERT_PTR_NOT_NULL(t);
    show_rows(t, text, sizeof(text));
    if (strcmp(text, want) != 0) fprintf(stderr, "got  %s\nwant %s\n", text, want);
    CU_ASSERT_STRING_EQUAL(text, want);
    table_free(t);
}

/* A file and what it gives when its columns are a and b. */
struct csv_row {
    const char *text, *want;
};

static void test_rows(void)
{
    static const struct csv_row rows[] = {
        {"1,2\n3,4\n", "1<1><2>;2<3><4>;"},
        {"1,2\r\n3,4\r\n", "1<1><2>;2<3><4>;"},
        {"1,2\n3,4", "1<1><2>;2<3><4>;"},
        {"1,2\r\n3,4\r", "1<1><2>;2<3><4>;"},
        {"\xEF\xBB\xBF"
         "1,2\n",
         "1<1><2>;"},
        {",\n\"\",\"\"\n", "1<><>;2<><>;"},
        {" 1 , 2\t\n", "1< 1 >< 2\t>;"},
        {"\"a,b\",\"c\"\"d\"\n", "1<a,b><c\"d>;"},
        {"\"a\nb\r\nc\",2\n3,4\n", "1<a\nb\r\nc><2>;4<3><4>;"},
        {"\"a\n\n\",\"\nb\"\r\n3,4\n", "1<a\n\n><\nb>;5<3><4>;"},
        {"1,\"2\"", "1<1><2>;"},
        {"1,\"2\"\r\n3,\"4\"\r\n", "1<1><2>;2<3><4>;"},
        {"M\xC3\xBCller,2\n", "1<M\xC3\xBCller><2>;"},
        {"1,2\n\n\r\n\n", "1<1><2>;"},
        {"\n\n", ""},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        check_shown(rows[i].want, open_csv(rows[i].text, &without_header, 2, &err));
}

static void test_bad_rows(void)
{
    static const struct csv_row rows[] = {
        {"1,2\n3\n4,5,6\n7,8\n",
         "1<1><2>;!in.csv:2: row has 1 columns, not 2;!in.csv:3: row has 3 columns, not 2;4<7><8>;"},
        {"1,2\n\n\n3,4\n", "1<1><2>;!in.csv:2: empty line, with more rows behind it;4<3><4>;"},
        {"\n3,4\n", "!in.csv:1: empty line, with more rows behind it;2<3><4>;"},
        {"\"1\n\n\",\n3\n", "1<1\n\n><>;!in.csv:4: row has 1 columns, not 2;"},
        {"1,2\n3,4\"5\n", "1<1><2>;!in.csv:2: a quote inside an unquoted cell, or text behind a quoted one;"},
        {"1,2\n\"3\"x,4\n",
         "1<1><2>;!in.csv:2: a quote inside an unquoted cell, or text behind a quoted one;"},
        {"\"3\" ,4\n", "!in.csv:1: a quote inside an unquoted cell, or text behind a quoted one;"},
        {"1,2\n\"3\n\"x,4\n",
         "1<1><2>;!in.csv:3: a quote inside an unquoted cell, or text behind a quoted one;"},
        {"1,2\n3,\"4\n5,6\n", "1<1><2>;!in.csv:2: a quote is not closed before the file ends;"},
        {"1,\"2", "!in.csv:1: a quote is not closed before the file ends;"},
        {"1,2\r3,4\n", "!in.csv:1: a carriage return that ends no line;"},
        {"1,2\r\"3\n\",4\n", "!in.csv:1: a carriage return that ends no line;"},
        {"1,2\r\r\n3,4\n", "!in.csv:1: a carriage return that ends no line;"},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        check_shown(rows[i].want, open_csv(rows[i].text, &without_header, 2, &err));
}

static void test_failed_row_does_not_move(void)
{
    struct err err = ERR_INIT;
    struct table_row row = {NULL, 5, 0, 0};
    bool end = false;
    struct table *t = open_csv("1,2\n3,\"4\"5\n", &without_header, 2, &err);
    EXPECT_OK(table_next(t, &row, &end, &err));
    EXPECT_FAIL(table_next(t, &row, &end, &err), ERR_INPUT, "in.csv:2");
    EXPECT_FAIL(table_next(t, &row, &end, &err), ERR_INPUT, "in.csv:2");
    CU_ASSERT_FALSE(table_can_go_on(t));
    EXPECT_OK(table_rewind(t, &err));
    EXPECT_OK(table_next(t, &row, &end, &err));
    CU_ASSERT_EQUAL(row.line, 1);
    CU_ASSERT_EQUAL(row.cells[1].text[0], '2');
    table_free(t);
}

static void test_separator(void)
{
    static const char bad[] = {'"', '\n', '\r', '\0'};
    struct csv_settings semicolon = {';', false};
    struct err err = ERR_INIT;
    check_shown("1<1,5><2>;", open_csv("1,5;2\n", &semicolon, 2, &err));
    for (size_t i = 0; i < sizeof(bad); i++) {
        semicolon.separator = bad[i];
        CU_ASSERT_PTR_NULL(open_csv("1;2\n", &semicolon, 2, &err));
        CU_ASSERT_EQUAL(err.kind, ERR_CONFIG);
    }
}

static void test_header(void)
{
    struct err err = ERR_INIT;
    struct table *t = open_csv("\xEF\xBB\xBF"
                               "id,\"full\nname\"\r\n1,2\n",
                               &with_header, 0, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(table_column_count(t), 2);
    CU_ASSERT_STRING_EQUAL(table_column_name(t, 1), "full\nname");
    CU_ASSERT_PTR_NULL(table_column_name(t, 2));
    CU_ASSERT_EQUAL(table_column(t, "id"), 0);
    CU_ASSERT_EQUAL(table_column(t, "Id"), -1);
    check_shown("3<1><2>;", t);
    check_shown("", open_csv("id,name", &with_header, 0, &err));
}

struct bad_open {
    const char *text, *part;
};

static void test_bad_headers(void)
{
    static const struct bad_open rows[] = {
        {"", "in.csv:1: the file is empty"},
        {"\xEF\xBB\xBF", "in.csv:1: the file is empty"},
        {"\n\n", "nothing but empty lines"},
        {"\na,b\n", "in.csv:1: empty line"},
        {"a,,c\n", "in.csv:1: header: column 2 has no name"},
        {"a,b,a\n", "in.csv:1: header: column 3 has the name of column 1, 'a'"},
        {"a,\"b\n", "in.csv:1: a quote is not closed"},
        {"a,0123456789012345678901234567890123456789012345678901234567890123x\n", "longer than 64"},
    };
    struct err err = ERR_INIT;
    char wide[2 * (TABLE_COLUMNS_MAX + 2)];

    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        CU_ASSERT_PTR_NULL(open_csv(rows[i].text, &with_header, 0, &err));
        CU_ASSERT_EQUAL(err.kind, ERR_INPUT);
        if (!strstr(err.text, rows[i].part)) fprintf(stderr, "%s\n", err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, rows[i].part));
    }
    for (size_t i = 0; i < sizeof(wide); i += 2)
        memcpy(wide + i, "x,", 2);
    CU_ASSERT_PTR_NULL(open_bytes(wide, sizeof(wide), &with_header, 0, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "259 columns"));
    CU_ASSERT_PTR_NULL(open_csv("", &without_header, 2, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "empty"));
    CU_ASSERT_PTR_NULL(open_csv("1\n", &without_header, 0, &err));
    CU_ASSERT_EQUAL(err.kind, ERR_CONFIG);
}

static void test_many_columns(void)
{
    struct err err = ERR_INIT;
    char text[2 * 300 + 8];
    for (size_t i = 0; i < 600; i += 2)
        memcpy(text + i, "x,", 2);
    memcpy(text + 600, "y\n1,2\n", 7);
    check_shown("!in.csv:1: row has 301 columns, not 2;2<1><2>;", open_csv(text, &without_header, 2, &err));
}

static void test_nul(void)
{
    static const char in_row[] = "1,2\n3\0,4\n5,6\n", in_header[] = "a\0,b\n", quoted[] = "1,\"a\n\0\"\n";
    struct err err = ERR_INIT;
    check_shown("1<1><2>;!in.csv:2: a NUL byte: this is no text file, or not UTF-8;",
                open_bytes(in_row, sizeof(in_row) - 1, &without_header, 2, &err));
    check_shown("!in.csv:2: a NUL byte: this is no text file, or not UTF-8;",
                open_bytes(quoted, sizeof(quoted) - 1, &without_header, 2, &err));
    CU_ASSERT_PTR_NULL(open_bytes(in_header, sizeof(in_header) - 1, &with_header, 0, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "in.csv:1: a NUL byte"));
}

static void test_seek(void)
{
    struct err err = ERR_INIT;
    struct table_row row[3], again;
    bool end = false;
    struct table *t = open_csv("a,b\r\n1,2\r\n\"3\n3\",4\r\n5,6", &with_header, 0, &err);

    for (size_t i = 0; i < 3; i++)
        EXPECT_OK(table_next(t, &row[i], &end, &err));
    EXPECT_OK(table_next(t, &again, &end, &err));
    CU_ASSERT_TRUE(end);
    for (size_t i = 3; i-- > 0;) {
        EXPECT_OK(table_seek(t, row[i].offset, row[i].line, &err));
        EXPECT_OK(table_next(t, &again, &end, &err));
        CU_ASSERT_FALSE(end);
        CU_ASSERT_EQUAL(again.line, row[i].line);
        CU_ASSERT_EQUAL(again.offset, row[i].offset);
        CU_ASSERT_EQUAL(again.cells[0].text[0], "135"[i]);
    }
    EXPECT_FAIL(table_seek(t, 1000, 1, &err), ERR_INPUT, "behind the end");
    EXPECT_OK(table_rewind(t, &err));
    check_shown("2<1><2>;3<3\n3><4>;5<5><6>;", t);
}

/* Every place of a row against every place of the pieces that libcsv is fed with. */
static void test_piece_borders(void)
{
    static const char tail[] = "x,\"a\r\nb\"\r\ny,z\r\n";
    struct err err = ERR_INIT;
    char *text = malloc(8192);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t front = 4060; front <= 4110; front++) {
        struct table_row row;
        bool end = false;
        memset(text, 'q', front);
        memcpy(text + front, tail, sizeof(tail));
        struct table *t = open_csv(text, &without_header, 2, &err);
        EXPECT_OK(table_next(t, &row, &end, &err));
        CU_ASSERT_EQUAL(row.cells[0].len, front + 1);
        CU_ASSERT_TRUE(bytes_equal(row.cells[1].text, row.cells[1].len, "a\r\nb", 4));
        EXPECT_OK(table_next(t, &row, &end, &err));
        CU_ASSERT_EQUAL(row.line, 3);
        CU_ASSERT_TRUE(bytes_equal(row.cells[1].text, row.cells[1].len, "z", 1));
        EXPECT_OK(table_next(t, &row, &end, &err));
        CU_ASSERT_TRUE(end);
        table_free(t);
    }
    free(text);
}

static void test_longest_row(void)
{
    struct err err = ERR_INIT;
    struct table_row row;
    bool end = false;
    char *text = malloc(TABLE_ROW_MAX + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'q', TABLE_ROW_MAX + 1);
    text[1] = ',';
    text[TABLE_ROW_MAX - 1] = '\n';
    struct table *t = open_bytes(text, TABLE_ROW_MAX, &without_header, 2, &err);
    EXPECT_OK(table_next(t, &row, &end, &err));
    CU_ASSERT_EQUAL(row.cells[1].len, TABLE_ROW_MAX - 3);
    table_free(t);
    text[TABLE_ROW_MAX - 1] = 'q';
    text[TABLE_ROW_MAX] = '\n';
    t = open_bytes(text, TABLE_ROW_MAX + 1, &without_header, 2, &err);
    EXPECT_FAIL(table_next(t, &row, &end, &err), ERR_INPUT, "in.csv:1: row is longer than 1048576 bytes");
    table_free(t);
    free(text);
}

static long peak_kilobytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* A file of 10 GB without a line end, which takes no room on disk; its zeros begin behind 2 MB of text. */
static void make_giant(char path[])
{
    static char chunk[1 << 20];
    int fd = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    memset(chunk, 'q', sizeof(chunk));
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(write(fd, chunk, sizeof(chunk)), (ssize_t)sizeof(chunk));
    CU_ASSERT_EQUAL(ftruncate(fd, (off_t)10 << 30), 0);
    close(fd);
}

static void test_giant_line(void)
{
    char path[] = "/tmp/table_test_XXXXXX";
    struct err err = ERR_INIT;
    struct table_row row;
    bool end = false;
    struct reader *reader = NULL;
    struct table *t = NULL;

    make_giant(path);
    long before = peak_kilobytes();
    EXPECT_OK(reader_open(&reader, path, &err));
    EXPECT_FAIL(table_open_csv(&t, reader, &with_header, NULL, 0, &err), ERR_INPUT, ":1: row is longer than");
    EXPECT_OK(table_open_csv(&t, reader, &without_header, abc, 2, &err));
    EXPECT_FAIL(table_next(t, &row, &end, &err), ERR_INPUT, ":1: row is longer than");
    CU_ASSERT_FALSE(table_can_go_on(t));
    table_free(t);
    EXPECT_OK(reader_open(&reader, path, &err));
    EXPECT_OK(table_open_fixed(&t, reader, fixed, SUITE_COUNT(fixed), &err));
    EXPECT_FAIL(table_next(t, &row, &end, &err), ERR_INPUT, ":1: line is longer than");
    CU_ASSERT_FALSE(table_can_go_on(t));
    table_free(t);
    CU_ASSERT_TRUE(peak_kilobytes() - before < 64 * 1024);
    unlink(path);
}

static void test_fixed(void)
{
    static const struct csv_row rows[] = {
        {"001Ann  xY\n002Bob  x \r\n", "1<001><Ann><Y>;2<002><Bob><>;"},
        {"   Ann b Y", "1<   ><Ann b><Y>;"},
        {"\xEF\xBB\xBF"
         "001Ann  xY\n\n\r\n",
         "1<001><Ann><Y>;"},
        {"001Ann  xY\n002Bob\n003Cyd  xN  \n004Dee  xY\n",
         "1<001><Ann><Y>;!in.txt:2: line has 6 bytes, its columns 10;!in.txt:3: line has 12 bytes, its "
         "columns 10;"
         "4<004><Dee><Y>;"},
        {"001Ann  xY\n\n004Dee  xY\n",
         "1<001><Ann><Y>;!in.txt:2: empty line, with more rows behind it;3<004><Dee><Y>;"},
    };
    static const char nul[] = "001A\0n  xY\n002Bob  xY\n";
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        check_shown(rows[i].want, open_fixed(rows[i].text, strlen(rows[i].text), &err));
    check_shown("!in.txt:1: a NUL byte: this is no text file, or not UTF-8;2<002><Bob><Y>;",
                open_fixed(nul, sizeof(nul) - 1, &err));
    CU_ASSERT_PTR_NULL(open_fixed("", 0, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "in.txt:1: the file is empty"));
}

static void test_fixed_seek(void)
{
    static const char text[] = "001Ann  xY\n002Bob  xY\n003Cyd  xY\n";
    struct err err = ERR_INIT;
    struct table_row row[3], again;
    bool end = false;
    struct table *t = open_fixed(text, sizeof(text) - 1, &err);
    CU_ASSERT_EQUAL(table_column(t, "flag"), 2);
    for (size_t i = 0; i < 3; i++)
        EXPECT_OK(table_next(t, &row[i], &end, &err));
    EXPECT_OK(table_seek(t, row[1].offset, row[1].line, &err));
    EXPECT_OK(table_next(t, &again, &end, &err));
    CU_ASSERT_EQUAL(again.line, 2);
    CU_ASSERT_TRUE(bytes_equal(again.cells[0].text, again.cells[0].len, "002", 3));
    EXPECT_OK(table_rewind(t, &err));
    check_shown("1<001><Ann><Y>;2<002><Bob><Y>;3<003><Cyd><Y>;", t);
}

static void test_fixed_columns(void)
{
    static const struct fixed_column bad[][2] = {
        {{"a", 0, 1, false}, {"a", 1, 1, false}},        {{"a", 0, 1, false}, {"", 1, 1, false}},
        {{"a", 0, 0, false}, {"b", 1, 1, false}},        {{"a", SIZE_MAX, 2, false}, {"b", 1, 1, false}},
        {{"a", 0, SIZE_MAX, false}, {"b", 1, 1, false}},
    };
    struct err err = ERR_INIT;
    struct reader *reader = NULL;
    struct table *t = NULL;
    EXPECT_OK(reader_open_memory(&reader, "xy\n", 3, "in.txt", &err));
    for (size_t i = 0; i < SUITE_COUNT(bad); i++)
        EXPECT_FAIL(table_open_fixed(&t, reader, bad[i], 2, &err), ERR_CONFIG, "column");
    EXPECT_FAIL(table_open_fixed(&t, reader, bad[0], 0, &err), ERR_CONFIG, "0 columns");
    CU_ASSERT_PTR_NULL(t);
    reader_free(reader);
}

static const struct test_case cases[] = {
    {"rows as RFC 4180 has them", test_rows},
    {"rows that are refused, and whether the next one can be had", test_bad_rows},
    {"a row that cannot be parsed is not passed over", test_failed_row_does_not_move},
    {"separators", test_separator},
    {"header", test_header},
    {"headers that are refused", test_bad_headers},
    {"more columns than can be", test_many_columns},
    {"NUL bytes", test_nul},
    {"seek and rewind", test_seek},
    {"rows across the pieces that are parsed", test_piece_borders},
    {"the longest row, and one byte more", test_longest_row},
    {"a line of 10 GB takes no memory", test_giant_line},
    {"fixed width", test_fixed},
    {"fixed width: seek and rewind", test_fixed_seek},
    {"fixed width: columns that make no sense", test_fixed_columns},
};

int main(void)
{
    return suite_run("formats/table", cases, SUITE_COUNT(cases));
}
