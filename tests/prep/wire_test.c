/* Messages between the processes of a run: whole, cut anywhere, one after another, nonsense. */
#include "prep/pool/wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

struct ends {
    struct wire a, b;
};

static struct ends *ends_new(void)
{
    struct ends *e = calloc(1, sizeof(*e));
    int fds[2];
    if (!e || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
    wire_init(&e->a, fds[0]);
    wire_init(&e->b, fds[1]);
    return e;
}

static void ends_free(struct ends *e)
{
    wire_release(&e->a);
    wire_release(&e->b);
    free(e);
}

static void put(struct wire *w, enum wire_type type, const void *data, size_t len)
{
    size_t begin = wire_put_begin(w, type);
    buf_put(&w->out, data, len);
    wire_put_end(w, begin);
}

static void test_messages(void)
{
    struct ends *e = ends_new();
    struct err err = ERR_INIT;
    enum wire_type type;
    struct cur payload;
    bool closed = false;

    put(&e->a, WIRE_CARD, "one", 3);
    put(&e->a, WIRE_SIGN, "", 0);
    EXPECT_OK(wire_flush(&e->a, &err));
    CU_ASSERT_EQUAL(wire_unsent(&e->a), 0);
    EXPECT_OK(wire_receive(&e->b, &type, &payload, &closed, &err));
    CU_ASSERT_EQUAL(type, WIRE_CARD);
    CU_ASSERT_EQUAL_FATAL(cur_left(&payload), 3);
    CU_ASSERT_EQUAL(memcmp(payload.data, "one", 3), 0);
    EXPECT_OK(wire_receive(&e->b, &type, &payload, &closed, &err));
    CU_ASSERT_EQUAL(type, WIRE_SIGN);
    CU_ASSERT_EQUAL(cur_left(&payload), 0);
    wire_release(&e->a);
    EXPECT_OK(wire_receive(&e->b, &type, &payload, &closed, &err));
    CU_ASSERT_TRUE(closed);
    ends_free(e);
}

static void test_cut(void)
{
    struct ends *e = ends_new();
    struct err err = ERR_INIT;
    enum wire_type type;
    struct cur payload;
    bool closed = false, got = true;

    put(&e->a, WIRE_RECORD, "abcdef", 6);
    for (size_t i = 0; i < e->a.out.len; i++) {
        EXPECT_OK(wire_next(&e->b, &type, &payload, &got, &err));
        CU_ASSERT_FALSE(got);
        CU_ASSERT_EQUAL(write(e->a.fd, e->a.out.data + i, 1), 1);
        EXPECT_OK(wire_fill(&e->b, &closed, &err));
    }
    EXPECT_OK(wire_next(&e->b, &type, &payload, &got, &err));
    CU_ASSERT_TRUE(got);
    CU_ASSERT_EQUAL(cur_left(&payload), 6);
    ends_free(e);
}

static void test_too_long(void)
{
    struct ends *e = ends_new();
    struct err err = ERR_INIT;
    enum wire_type type;
    struct cur payload;
    bool closed = false, got = false;
    const uint8_t head[WIRE_HEAD] = {WIRE_RECORD, 0xFF, 0xFF, 0xFF, 0xFF};

    CU_ASSERT_EQUAL(write(e->a.fd, head, sizeof(head)), sizeof(head));
    EXPECT_OK(wire_fill(&e->b, &closed, &err));
    EXPECT_FAIL(wire_next(&e->b, &type, &payload, &got, &err), ERR_INTERNAL, "4294967295 bytes");
    ends_free(e);
}

/* A coordinator that always has a little more to send than the socket takes. */
static void test_slow_peer(void)
{
    enum { PART = 100000, ROUNDS = 2000 };
    struct ends *e = ends_new();
    struct err err = ERR_INIT;
    enum wire_type type;
    struct cur payload;
    bool closed = false, got = false;
    char *part = calloc(1, PART);
    size_t received = 0, largest = 0;

    fcntl(e->a.fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 8; i++)
        put(&e->a, WIRE_CARD, part, PART);
    for (int i = 0; i < ROUNDS; i++) {
        put(&e->a, WIRE_CARD, part, PART);
        EXPECT_OK(wire_flush(&e->a, &err));
        if (e->a.out.len > largest) largest = e->a.out.len;
        do {
            EXPECT_OK(wire_fill(&e->b, &closed, &err));
            EXPECT_OK(wire_next(&e->b, &type, &payload, &got, &err));
            if (!got) EXPECT_OK(wire_flush(&e->a, &err));
        } while (!got);
        received += cur_left(&payload);
    }
    CU_ASSERT_EQUAL(received, (size_t)PART * ROUNDS);
    CU_ASSERT_TRUE(largest < 40 * PART);
    free(part);
    ends_free(e);
}

static void test_errors_travel(void)
{
    struct err err = ERR_INIT, sent = ERR_INIT, got = ERR_INIT;
    struct buf b;
    err_set(&sent, ERR_INPUT, "record 3: %s", "too long");
    buf_init(&b, 4096);
    wire_put_err(&b, &sent);
    for (size_t len = 0; len < b.len; len++) {
        struct cur cut = cur_make(b.data, len, 0);
        CU_ASSERT_FALSE(wire_get_err(&cut, &got, &err));
    }
    struct cur whole = cur_make(b.data, b.len, 0);
    EXPECT_OK(wire_get_err(&whole, &got, &err));
    CU_ASSERT_EQUAL(got.kind, ERR_INPUT);
    CU_ASSERT_STRING_EQUAL(got.text, "record 3: too long");
    b.data[0] = 99;
    whole = cur_make(b.data, b.len, 0);
    EXPECT_FAIL(wire_get_err(&whole, &got, &err), ERR_INTERNAL, "unknown error kind");
    buf_release(&b);
}

static void test_descriptor(void)
{
    struct ends *e = ends_new();
    struct err err = ERR_INIT;
    int pair[2], fd = -1;
    bool closed = false;
    char byte = 0;

    if (pipe(pair) != 0) abort();
    EXPECT_OK(wire_send_fd(e->a.fd, pair[1], &err));
    EXPECT_OK(wire_receive_fd(e->b.fd, &fd, &closed, &err));
    CU_ASSERT_TRUE(fd >= 0 && fd != pair[1]);
    CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
    CU_ASSERT_EQUAL(read(pair[0], &byte, 1), 1);
    close(fd);
    close(pair[0]);
    close(pair[1]);
    wire_release(&e->a);
    EXPECT_OK(wire_receive_fd(e->b.fd, &fd, &closed, &err));
    CU_ASSERT_TRUE(closed);
    ends_free(e);
}

static const struct test_case cases[] = {
    {"messages arrive whole and in order, then the end", test_messages},
    {"a message cut at every byte is no message yet", test_cut},
    {"a length beyond every message is refused", test_too_long},
    {"a peer that never catches up costs bounded memory", test_slow_peer},
    {"an error arrives with kind and text", test_errors_travel},
    {"a descriptor arrives, and so does the end", test_descriptor},
};

int main(void)
{
    return suite_run("prep/wire", cases, SUITE_COUNT(cases));
}
