#include "formats/apdu.h"

#include <stdlib.h>

#include "suite.h"

static struct err err;

struct sample {
    struct apdu a;
    uint8_t bytes[16];
    size_t len;
};
static const uint8_t three[3] = {1, 2, 3};
static const struct sample samples[] = {
    {{0x00, 0xA4, 0x04, 0x00, NULL, 0, 0}, {0x00, 0xA4, 0x04, 0x00}, 4},
    {{0x00, 0xA4, 0x04, 0x00, NULL, 0, 256}, {0x00, 0xA4, 0x04, 0x00, 0x00}, 5},
    {{0x00, 0xC0, 0x00, 0x00, NULL, 0, 17}, {0x00, 0xC0, 0x00, 0x00, 0x11}, 5},
    {{0x80, 0xE2, 0x80, 0x00, three, 3, 0}, {0x80, 0xE2, 0x80, 0x00, 3, 1, 2, 3}, 8},
    {{0x80, 0xE2, 0x80, 0x00, three, 3, 256}, {0x80, 0xE2, 0x80, 0x00, 3, 1, 2, 3, 0}, 9},
    {{0x80, 0xCA, 0x00, 0x66, NULL, 0, 300}, {0x80, 0xCA, 0x00, 0x66, 0, 1, 0x2C}, 7},
    {{0x80, 0xCA, 0x00, 0x66, NULL, 0, 65536}, {0x80, 0xCA, 0x00, 0x66, 0, 0, 0}, 7},
    {{0x80, 0xE2, 0x80, 0x00, three, 3, 65536}, {0x80, 0xE2, 0x80, 0x00, 0, 0, 3, 1, 2, 3, 0, 0}, 12},
};

static bool same(const struct apdu *a, const struct apdu *b)
{
    return a->cla == b->cla && a->ins == b->ins && a->p1 == b->p1 && a->p2 == b->p2 && a->le == b->le &&
           bytes_equal(a->data, a->len, b->data, b->len);
}

static void test_forms(void)
{
    struct buf b;
    struct apdu read;
    buf_init(&b, 64);
    for (size_t i = 0; i < SUITE_COUNT(samples); i++) {
        const struct sample *s = &samples[i];
        buf_clear(&b);
        apdu_put(&b, &s->a);
        CU_ASSERT_TRUE(bytes_equal(b.data, b.len, s->bytes, s->len));
        EXPECT_OK(apdu_read(s->bytes, s->len, &read, &err));
        CU_ASSERT_TRUE(same(&read, &s->a));
    }
    buf_release(&b);
}

/* From 256 bytes on the length has three bytes. */
static void test_long_data(void)
{
    uint8_t data[256] = {7};
    struct apdu a = {.cla = 0x80, .ins = 0xE2, .data = data, .len = 255}, read;
    struct buf b;
    buf_init(&b, APDU_COMMAND_MAX);
    apdu_put(&b, &a);
    CU_ASSERT_EQUAL(b.len, 4 + 1 + 255);
    buf_clear(&b);
    a.len = 256;
    apdu_put(&b, &a);
    CU_ASSERT_EQUAL(b.len, 4 + 3 + 256);
    EXPECT_OK(apdu_read(b.data, b.len, &read, &err));
    CU_ASSERT_TRUE(same(&read, &a));
    buf_release(&b);
}

static void test_too_long(void)
{
    struct buf b;
    uint8_t *data = calloc(1, APDU_DATA_MAX + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    const struct apdu a = {.data = data, .len = APDU_DATA_MAX + 1}, e = {.le = APDU_LE_MAX + 1};
    buf_init(&b, APDU_COMMAND_MAX + 16);
    apdu_put(&b, &a);
    CU_ASSERT_TRUE(b.failed);
    buf_clear(&b);
    apdu_put(&b, &e);
    CU_ASSERT_TRUE(b.failed);
    buf_release(&b);
    free(data);
}

/* A command cut at any byte is another command or none, never read past its end. */
static void test_cut(void)
{
    struct apdu read;
    for (size_t i = 0; i < SUITE_COUNT(samples); i++) {
        for (size_t len = 0; len < samples[i].len; len++) {
            uint8_t *copy = malloc(len ? len : 1);
            memcpy(copy, samples[i].bytes, len);
            if (apdu_read(copy, len, &read, &err)) CU_ASSERT_TRUE(len >= 4 && read.len <= len);
            free(copy);
        }
    }
    EXPECT_FAIL(apdu_read(samples[3].bytes, 3, &read, &err), ERR_INPUT, "header of a command");
    EXPECT_FAIL(apdu_read(samples[3].bytes, 7, &read, &err), ERR_INPUT, "lengths");
    const uint8_t over[] = {0x80, 0xE2, 0, 0, 1, 1, 2, 3};
    EXPECT_FAIL(apdu_read(over, sizeof over, &read, &err), ERR_INPUT, "lengths");
}

static void test_again(void)
{
    struct buf b;
    buf_init(&b, 64);
    EXPECT_OK(apdu_put_again(&b, samples[4].bytes, samples[4].len, 0x11, &err));
    CU_ASSERT_EQUAL(b.len, 9);
    CU_ASSERT_EQUAL(b.data[8], 0x11);
    buf_release(&b);
}

static void test_answers(void)
{
    const uint8_t bytes[] = {1, 2, 0x6A, 0x82};
    struct apdu_answer answer;
    EXPECT_OK(apdu_answer_read(bytes, sizeof bytes, &answer, &err));
    CU_ASSERT_EQUAL(answer.len, 2);
    CU_ASSERT_EQUAL(answer.sw, 0x6A82);
    EXPECT_OK(apdu_answer_read(&bytes[2], 2, &answer, &err));
    CU_ASSERT_EQUAL(answer.len, 0);
    EXPECT_FAIL(apdu_answer_read(bytes, 1, &answer, &err), ERR_INPUT, "no status word");
    EXPECT_FAIL(apdu_answer_read(bytes, 0, &answer, &err), ERR_INPUT, "no status word");
}

static void test_words(void)
{
    char text[APDU_SW_TEXT];
    static const struct {
        unsigned sw;
        const char *words;
    } rows[] = {
        {0x9000, "done"},
        {0x6A82, "file or application not found"},
        {0x6A8F, "wrong parameters"},
        {0x63C3, "verification failed, tries are left as the last digit says"},
        {0x63C0, "verification failed, tries are left as the last digit says"},
        {0x6300, "authentication of the host failed"},
        {0x6982, "security status not satisfied: no channel, or a wrong MAC"},
        {0x610A, "done, more bytes can be fetched"},
        {0x1234, "no status word of the standard"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        CU_ASSERT_STRING_EQUAL(apdu_sw_words(rows[i].sw), rows[i].words);
    apdu_sw_text(0x6A82, text);
    CU_ASSERT_STRING_EQUAL(text, "6A82 (file or application not found)");
    for (unsigned sw = 0; sw <= 0xFFFF; sw++) {
        apdu_sw_text(sw, text);
        CU_ASSERT_EQUAL_FATAL(text[strlen(text) - 1], ')'); /* none is cut */
    }
    CU_ASSERT_TRUE(apdu_sw_has_more(0x6110) && !apdu_sw_has_more(0x6210));
    CU_ASSERT_TRUE(apdu_sw_wrong_le(0x6C10) && !apdu_sw_wrong_le(0x6B00));
    CU_ASSERT_TRUE(apdu_sw_is_warning(0x6283) && apdu_sw_is_warning(0x63C1) && !apdu_sw_is_warning(0x6400));
}

static const struct test_case cases[] = {
    {"the four forms, short and extended", test_forms},
    {"data of 255 and 256 bytes", test_long_data},
    {"too long", test_too_long},
    {"cut at every byte, and one byte over", test_cut},
    {"again with another Le", test_again},
    {"answers", test_answers},
    {"status words in words", test_words},
};

int main(void)
{
    return suite_run("formats/apdu", cases, SUITE_COUNT(cases));
}
