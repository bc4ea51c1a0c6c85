/* Commands and answers on lines of either protocol, and what an ATR offers. */
#include "bureau/exchange.h"

#include "bureau/atr.h"
#include "suite.h"

/* A line that expects commands in their order. */
struct line {
    struct turn {
        const char *sent;
        size_t sent_len;
        const char *back;
        size_t back_len;
    } turns[8];
    size_t count, at;
};
#define TURN(sent, back)                                                                                     \
    {                                                                                                        \
        sent, sizeof(sent) - 1, back, sizeof(back) - 1                                                       \
    }

static bool line_send(void *context, const uint8_t *bytes, size_t len, struct buf *answer)
{
    struct line *l = context;
    CU_ASSERT_TRUE_FATAL(l->at < l->count);
    const struct turn *t = &l->turns[l->at++];
    CU_ASSERT_TRUE(bytes_equal(bytes, len, t->sent, t->sent_len));
    buf_put(answer, t->back, t->back_len);
    return true;
}

static void expect(bool t0, struct line *l, const char *command, size_t len, const char *answer,
                   size_t answer_len)
{
    struct err err = ERR_INIT;
    struct buf got;
    const struct exchange x = {t0, true, line_send, l};
    buf_init(&got, EXCHANGE_ANSWER_MAX);
    EXPECT_OK(exchange_command(&x, (const uint8_t *)command, len, &got, &err));
    CU_ASSERT_TRUE(bytes_equal(got.data, got.len, answer, answer_len));
    CU_ASSERT_EQUAL(l->at, l->count);
    buf_release(&got);
}
#define EXPECT(t0, l, command, answer) expect(t0, l, command, sizeof(command) - 1, answer, sizeof(answer) - 1)

static void test_t1_sends_as_it_is(void)
{
    struct line l = {{TURN("\x80\xE2\x00\x00\x01\xAA\x00", "\x01\x90\x00")}, 1, 0};
    EXPECT(false, &l, "\x80\xE2\x00\x00\x01\xAA\x00", "\x01\x90\x00");
}

static void test_t0_first_case_gets_a_fifth_byte(void)
{
    struct line l = {{TURN("\x80\xE2\x00\x00\x00", "\x90\x00")}, 1, 0};
    EXPECT(true, &l, "\x80\xE2\x00\x00", "\x90\x00");
}

static void test_t0_answer_in_pieces(void)
{
    struct line l = {{TURN("\x84\x50\x00\x00\x01\xAA", "\x61\x02"),
                      TURN("\x00\xC0\x00\x00\x02", "\x01\x02\x61\x00"),
                      TURN("\x00\xC0\x00\x00\x00", "\x6C\x01"), TURN("\x00\xC0\x00\x00\x01", "\x03\x90\x00")},
                     4,
                     0};
    EXPECT(true, &l, "\x84\x50\x00\x00\x01\xAA\x00", "\x01\x02\x03\x90\x00");
}

static void test_get_response_keeps_the_channel(void)
{
    struct line l = {
        {TURN("\x83\xE2\x00\x00\x01\xAA", "\x61\x01"), TURN("\x03\xC0\x00\x00\x01", "\x01\x90\x00")}, 2, 0};
    EXPECT(true, &l, "\x83\xE2\x00\x00\x01\xAA\x00", "\x01\x90\x00");
    struct line further = {
        {TURN("\xC5\xE2\x00\x00\x01\xAA", "\x61\x01"), TURN("\x45\xC0\x00\x00\x01", "\x01\x90\x00")}, 2, 0};
    EXPECT(true, &further, "\xC5\xE2\x00\x00\x01\xAA\x00", "\x01\x90\x00");
}

static void test_corrected_le(void)
{
    struct line l = {
        {TURN("\x80\xCA\x00\x66\x00", "\x6C\x03"), TURN("\x80\xCA\x00\x66\x03", "\x01\x02\x03\x90\x00")},
        2,
        0};
    EXPECT(false, &l, "\x80\xCA\x00\x66\x00", "\x01\x02\x03\x90\x00");
    /* A command with data may have been carried out: the caller gets to see what the card said. */
    struct line data = {{TURN("\x84\xE2\x00\x00\x01\xAA", "\x6C\x03")}, 1, 0};
    EXPECT(true, &data, "\x84\xE2\x00\x00\x01\xAA", "\x6C\x03");
}

static void test_no_answer(void)
{
    struct line none = {{TURN("\x80\xE2\x00\x00", "")}, 1, 0},
                one = {{TURN("\x80\xE2\x00\x00", "\x90")}, 1, 0};
    struct line half = {{TURN("\x80\xE2\x00\x00", "\x01\x61\x01"), TURN("\x00\xC0\x00\x00\x01", "")}, 2, 0};
    EXPECT(false, &none, "\x80\xE2\x00\x00", "");
    EXPECT(false, &one, "\x80\xE2\x00\x00", "");
    EXPECT(false, &half, "\x80\xE2\x00\x00", "");
}

static bool endless(void *context, const uint8_t *bytes, size_t len, struct buf *answer)
{
    (void)context;
    (void)bytes;
    (void)len;
    buf_put(answer, "\x61\x01", 2);
    return true;
}

static void test_endless_answer_ends(void)
{
    struct err err = ERR_INIT;
    struct buf got;
    const struct exchange x = {false, true, endless, NULL};
    buf_init(&got, EXCHANGE_ANSWER_MAX);
    EXPECT_OK(exchange_command(&x, (const uint8_t *)"\x80\xCA\x00\x00\x00", 5, &got, &err));
    CU_ASSERT_EQUAL(got.len, 0);
    buf_release(&got);
}

static void test_what_is_no_command(void)
{
    struct err err = ERR_INIT;
    struct buf got;
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {{"", 0},
                 {"\x80\xE2\x00", 3},
                 {"\x80\xE2\x00\x00\x02\x01", 6},
                 {"\x80\xE2\x00\x00\x01\x01\x00\x00", 8},
                 {"\x80\xE2\x00\x00\x00\x00\x00\x00", 8},
                 {"\x80\xE2\x00\x00\x00\x00\x02\x01", 8},
                 {"\x80\xE2\x00\x00\x00\x00\x01\x01\x00", 9}};
    const struct exchange x = {false, true, line_send, NULL};
    buf_init(&got, EXCHANGE_ANSWER_MAX);
    for (size_t i = 0; i < SUITE_COUNT(wrong); i++)
        EXPECT_FAIL(exchange_command(&x, (const uint8_t *)wrong[i].bytes, wrong[i].len, &got, &err),
                    ERR_INTERNAL, "a command of");
    const struct exchange plain = {false, false, line_send, NULL}, t0 = {true, true, line_send, NULL};
    const uint8_t extended[] = {0x80, 0xE2, 0, 0, 0, 0, 1, 0xAA};
    EXPECT_FAIL(exchange_command(&plain, extended, sizeof(extended), &got, &err), ERR_INTERNAL,
                "takes short ones");
    EXPECT_FAIL(exchange_command(&t0, extended, sizeof(extended), &got, &err), ERR_INTERNAL,
                "takes short ones");
    buf_release(&got);
}

static void test_forms(void)
{
    struct err err = ERR_INIT;
    struct command_form f;
    EXPECT_OK(command_form_read((const uint8_t *)"\x00\xB0\x00\x00\x00", 5, &f, &err));
    CU_ASSERT_TRUE(f.has_le && f.le == 256 && f.lc == 0 && !f.extended);
    EXPECT_OK(command_form_read((const uint8_t *)"\x00\xB0\x00\x00\x00\x00\x00", 7, &f, &err));
    CU_ASSERT_TRUE(f.has_le && f.le == 65536 && f.extended);
    EXPECT_OK(command_form_read((const uint8_t *)"\x00\xB0\x00\x00\x00\x00\x01\xAA\x01\x00", 10, &f, &err));
    CU_ASSERT_TRUE(f.has_le && f.le == 256 && f.lc == 1 && f.extended && f.data[0] == 0xAA);
}

static void test_atr(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good, t0, t1, extended;
    } atrs[] = {
        {"\x3B\x00", 2, true, true, false, false},
        {"\x3B\x85\x01\x80\x73\x00\x00\x40\x37", 9, true, false, true, true},
        {"\x3B\x85\x80\x01\x80\x73\x00\x00\x40\x37", 10, true, true, true, true},
        {"\x3B\x85\x80\x01\x80\x73\x00\x00\x00\x77", 10, true, true, true, false},
        {"\x3B\x88\x01\x00\x73\x00\x00\x40\x01\x90\x00\x00\x00", 13, false, false, false, false},
        {"\x3B\x88\x80\x01\x00\x73\x00\x00\x40\x01\x90\x00\x00", 13, true, true, true, true},
        {"\xFF\xFF", 2, false, false, false, false},
    };
    struct atr atr;
    for (size_t i = 0; i < SUITE_COUNT(atrs); i++) {
        const uint8_t *bytes = (const uint8_t *)atrs[i].bytes;
        CU_ASSERT_EQUAL(atr_read(bytes, atrs[i].len, &atr), atrs[i].good);
        CU_ASSERT_TRUE(atr.t0 == atrs[i].t0 && atr.t1 == atrs[i].t1 && atr.extended == atrs[i].extended);
        for (size_t len = 0; atrs[i].good && len < atrs[i].len; len++)
            CU_ASSERT_FALSE(atr_read(bytes, len, &atr));
    }
}

static const struct test_case cases[] = {
    {"T=1 sends as it is", test_t1_sends_as_it_is},
    {"T=0: the first case gets a fifth byte", test_t0_first_case_gets_a_fifth_byte},
    {"T=0: an answer in pieces", test_t0_answer_in_pieces},
    {"GET RESPONSE keeps the channel", test_get_response_keeps_the_channel},
    {"corrected Le", test_corrected_le},
    {"no answer", test_no_answer},
    {"an endless answer ends", test_endless_answer_ends},
    {"what is no command", test_what_is_no_command},
    {"forms of commands", test_forms},
    {"ATR", test_atr},
};

int main(void)
{
    return suite_run("bureau/exchange", cases, SUITE_COUNT(cases));
}
