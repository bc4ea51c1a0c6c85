#include "bureau/message.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static struct err err;

static void test_round_trip(void)
{
    int ends[2];
    enum message_type type = MESSAGE_DONE;
    bool closed = false;
    struct buf out, in;
    buf_init(&out, MESSAGE_MAX);
    buf_init(&in, MESSAGE_MAX);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    for (size_t len = 0; len < 3; len++) {
        buf_clear(&out);
        buf_put_fill(&out, 7, len);
        EXPECT_OK(message_send(ends[0], MESSAGE_ANSWER, &out, &err));
        EXPECT_OK(message_receive(ends[1], &type, &in, 1000, &closed, &err));
        CU_ASSERT_TRUE(!closed && type == MESSAGE_ANSWER && bytes_equal(in.data, in.len, out.data, out.len));
    }
    EXPECT_FAIL(message_receive(ends[1], &type, &in, 1, &closed, &err), ERR_INTERNAL, "does not answer");
    close(ends[0]);
    EXPECT_OK(message_receive(ends[1], &type, &in, 1000, &closed, &err));
    CU_ASSERT_TRUE(closed);
    EXPECT_FAIL(message_send(ends[1], MESSAGE_ANSWER, &out, &err), ERR_INTERNAL, "send");
    close(ends[1]);
    buf_release(&out);
    buf_release(&in);
}

/* More than a socket takes at once comes in pieces, and whole. */
static void test_large(void)
{
    enum { LARGE = 5000000 };
    int ends[2];
    enum message_type type = MESSAGE_DONE;
    bool closed = false;
    struct buf out, in;
    buf_init(&out, MESSAGE_MAX);
    buf_init(&in, MESSAGE_MAX);
    for (size_t i = 0; i < LARGE / 4; i++)
        buf_put_be(&out, i * 2654435761U % 0xFFFFFFFFU, 4);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t sender = fork();
    if (sender == 0) _exit(message_send(ends[0], MESSAGE_CHECK, &out, &err) ? 0 : 1);
    close(ends[0]);
    EXPECT_OK(message_receive(ends[1], &type, &in, 20000, &closed, &err));
    CU_ASSERT_TRUE(!closed && type == MESSAGE_CHECK && bytes_equal(in.data, in.len, out.data, out.len));
    int status = 1;
    CU_ASSERT_EQUAL(waitpid(sender, &status, 0), sender);
    CU_ASSERT_EQUAL(status, 0);
    close(ends[1]);
    buf_release(&out);
    buf_release(&in);
}

static void receive_raw(const uint8_t *bytes, size_t len, const char *text)
{
    int ends[2];
    enum message_type type = MESSAGE_DONE;
    bool closed = false;
    struct buf in;
    buf_init(&in, MESSAGE_MAX);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CU_ASSERT_EQUAL(write(ends[0], bytes, len), (ssize_t)len);
    close(ends[0]);
    EXPECT_FAIL(message_receive(ends[1], &type, &in, 1000, &closed, &err), ERR_INTERNAL, text);
    close(ends[1]);
    buf_release(&in);
}

static void test_cut(void)
{
    static const uint8_t whole[] = {3, 0, 0, 0, 2, 1, 2}, giant[] = {3, 0xFF, 0xFF, 0xFF, 0xFF};
    for (size_t len = 1; len < sizeof whole; len++)
        receive_raw(whole, len, len < 5 ? "that is none" : "ends short");
    receive_raw(giant, sizeof giant, "that is none");
}

/* Each payload back as it was; cut anywhere it is refused. */
static void test_payloads(void)
{
    static const uint8_t record[] = {1, 2, 3}, challenge[8] = {8};
    struct card_order order = {.record = record,
                               .len = 3,
                               .dry_run = true,
                               .challenge = challenge,
                               .tries = 2,
                               .again = true,
                               .repeated = true},
                      back;
    struct card_turn turn, turn_back;
    struct err failure = ERR_INIT;
    char what[64];
    struct buf b;
    buf_init(&b, 65536);
    message_put_order(&b, &order);
    for (size_t len = 0; len <= b.len; len++) {
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, b.data, len);
        struct cur c = cur_make(copy, len, 0);
        bool ok = message_get_order(&c, &back, &err);
        CU_ASSERT_EQUAL(ok, len == b.len);
        if (ok)
            CU_ASSERT_TRUE(back.dry_run && !back.supply && back.again && back.repeated && back.tries == 2 &&
                           bytes_equal(back.record, back.len, record, 3) &&
                           bytes_equal(back.challenge, 8, challenge, 8));
        free(copy);
    }
    buf_clear(&b);
    card_turn_init(&turn);
    card_turn_init(&turn_back);
    turn.done = true;
    turn.outcome = CARD_SPOILED;
    turn.what = "STORE DATA";
    snprintf(turn.serial, sizeof turn.serial, "1234");
    err_set_text(&turn.err, ERR_INPUT, "refused");
    buf_put(&turn.command, record, 3);
    err_set_text(&failure, ERR_TOKEN, "lost");
    message_put_turn(&b, &turn, &failure);
    for (size_t len = 0; len <= b.len; len++) {
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, b.data, len);
        struct cur c = cur_make(copy, len, 0);
        struct message_turn m = {.turn = &turn_back, .what = what, .what_size = sizeof what};
        bool ok = message_get_turn(&c, &m, &err);
        CU_ASSERT_EQUAL(ok, len == b.len);
        if (ok)
            CU_ASSERT_TRUE(m.failed && m.failure.kind == ERR_TOKEN && turn_back.done &&
                           turn_back.outcome == CARD_SPOILED && strcmp(turn_back.what, "STORE DATA") == 0 &&
                           strcmp(turn_back.serial, "1234") == 0 && turn_back.err.kind == ERR_INPUT &&
                           bytes_equal(turn_back.command.data, turn_back.command.len, record, 3));
        free(copy);
    }
    card_turn_release(&turn);
    card_turn_release(&turn_back);
    buf_release(&b);
}

static void test_unknown(void)
{
    struct err out = ERR_INIT;
    const uint8_t bytes[] = {99, 0, 0};
    struct cur c = cur_make(bytes, sizeof bytes, 0);
    EXPECT_FAIL(message_get_err(&c, &out, &err), ERR_INTERNAL, "error of kind 99");
}

static const struct test_case cases[] = {
    {"there and back, waiting, and a peer that has gone", test_round_trip},
    {"a large one", test_large},
    {"cut anywhere, and giant", test_cut},
    {"orders and turns, cut anywhere", test_payloads},
    {"an error of an unknown kind", test_unknown},
};

int main(void)
{
    return suite_run("bureau/message", cases, SUITE_COUNT(cases));
}
