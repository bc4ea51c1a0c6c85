#include "bureau/commands/card_answers.h"

#include <stdlib.h>
#include <unistd.h>

#include "suite.h"

static struct err err;

static void read_text(struct card_answers *a, const char *text)
{
    char path[] = "/tmp/answers-XXXXXX";
    const int fd = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    card_answers_init(a);
    EXPECT_OK(card_answers_read(a, path, &err));
    unlink(path);
}

static void expect_next(struct card_answers *a, const char *bytes, size_t len)
{
    struct buf b;
    buf_init(&b, 64);
    EXPECT_OK(card_answers_take(a, &b, &err));
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, bytes, len));
    buf_release(&b);
}

static void test_lines(void)
{
    struct card_answers a;
    read_text(&a, "# SELECT\n9000\n\n6F009000  \r\n#\n6985");
    expect_next(&a, "\x90\x00", 2);
    expect_next(&a, "\x6F\x00\x90\x00", 4);
    expect_next(&a, "\x69\x85", 2);
    expect_next(&a, "\x90\x00", 2); /* and for ever */
    expect_next(&a, "\x90\x00", 2);
    card_answers_release(&a);
}

static void test_refused(void)
{
    struct card_answers a;
    struct buf b;
    read_text(&a, "9000\n90 00\n");
    a.path = "answers";
    expect_next(&a, "\x90\x00", 2);
    buf_init(&b, 64);
    EXPECT_FAIL(card_answers_take(&a, &b, &err), ERR_INPUT, "answers:2");
    buf_release(&b);
    card_answers_release(&a);
    card_answers_init(&a);
    EXPECT_FAIL(card_answers_read(&a, "/nowhere/answers", &err), ERR_FILE, "/nowhere/answers");
    card_answers_release(&a);
}

static const struct test_case cases[] = {
    {"one answer a line", test_lines},
    {"what is no answer", test_refused},
};

int main(void)
{
    return suite_run("bureau/card_answers", cases, SUITE_COUNT(cases));
}
