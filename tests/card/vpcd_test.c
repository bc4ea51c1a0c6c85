/* The virtual reader's protocol over a socket pair, and cards that misbehave. */
#include "card/vpcd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hex.h"
#include "blank.h"
#include "card/echo.h"
#include "card/slot.h"
#include "suite.h"

static struct err err;

/* Sends all messages, closes that side, serves, and gives what came back, in hex: length and body of each answer. */
static enum vpcd_end talk_to(const struct vpcd_card *contacts, const char *messages, struct buf *text)
{
    volatile sig_atomic_t stop = 0;
    enum vpcd_end end = VPCD_STOPPED;
    struct buf bytes;
    uint8_t got[4096];
    int pair[2];

    buf_init(&bytes, 4096);
    CU_ASSERT_TRUE(hex_read(messages, strlen(messages), &bytes, &err));
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CU_ASSERT_EQUAL(write(pair[0], bytes.data, bytes.len), (ssize_t)bytes.len);
    CU_ASSERT_EQUAL(shutdown(pair[0], SHUT_WR), 0);
    EXPECT_OK(vpcd_serve(pair[1], contacts, &stop, &end, &err));
    close(pair[1]);
    buf_clear(text);
    for (ssize_t n = read(pair[0], got, sizeof(got)); n > 0; n = read(pair[0], got, sizeof(got)))
        hex_put(text, got, (size_t)n);
    close(pair[0]);
    buf_release(&bytes);
    return end;
}

static enum vpcd_end talk(struct slot *s, const char *messages, struct buf *text)
{
    const struct vpcd_card contacts = slot_contacts(s);
    return talk_to(&contacts, messages, text);
}

static void expect_talk(struct slot *s, const char *messages, enum vpcd_end end, const char *answers)
{
    struct buf text;
    buf_init(&text, 16384);
    CU_ASSERT_EQUAL(talk(s, messages, &text), end);
    const char *got = buf_text(&text);
    if (strcmp(got, answers) != 0) printf("%s\n", got);
    CU_ASSERT_STRING_EQUAL(got, answers);
    buf_release(&text);
}

#define ATR      "00113BE800008131FE45736F667463617264F9"
#define ECHO_ATR "00083B84014543484F84"
#define FCI      "00146F108408A000000151000000A5049F6501FF9000"
#define SELECT   "000500A4040000"
#define CHALLENGE                                                                                            \
    "000500840"                                                                                              \
    "00008"
#define DATA    "000580CA00CF00"
#define DATA_IS "000ECF0A000000000000000100009000"

static struct slot slot_of(struct card *card)
{
    struct slot s = {.card = card};
    return s;
}

static void test_messages(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct slot s = slot_of(card);

    expect_talk(&s, "", VPCD_CLOSED, "");
    expect_talk(&s,
                "000101"
                "000104",
                VPCD_CLOSED, ATR);
    expect_talk(&s, "000101" SELECT "000104" SELECT "000100", VPCD_CLOSED, FCI ATR FCI);
    expect_talk(&s,
                "000102" DATA "000103"
                "0000" DATA,
                VPCD_CLOSED, DATA_IS DATA_IS); /* unknown orders are passed over */
    expect_talk(&s, "00020011", VPCD_CLOSED, "00026700");
    expect_talk(&s, "000500A404", VPCD_CLOSED, ""); /* the reader goes away in a message */
    expect_talk(&s, "00", VPCD_CLOSED, "");
    card_free(card);
}

/* No card: 9000 whatever comes. */
static void test_echo(void)
{
    const struct vpcd_card contacts = echo_contacts();
    struct buf text;

    buf_init(&text, 1024);
    CU_ASSERT_EQUAL(talk_to(&contacts,
                            "000101"
                            "000104" SELECT "000102"
                            "00020011"
                            "000104"
                            "000100",
                            &text),
                    VPCD_CLOSED);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), ECHO_ATR "00029000"
                                                     "00029000" ECHO_ATR);
    buf_release(&text);
}

/* A reset in the middle ends the channel. */
static void test_reset(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct slot s = slot_of(card);

    expect_talk(&s, "000500A4040008", VPCD_CLOSED, "000A6F108408A0000001610A");
    expect_talk(&s,
                "000400A40400"
                "000102"
                "000500C0000012",
                VPCD_CLOSED,
                "00026112"
                "00026985");
    card_free(card);
}

static void test_longest(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct slot s = slot_of(card);
    char *hex = malloc(2 * 65537 + 1);
    struct buf text;

    /* 65,535 bytes at once would fill the socket before anybody reads: half of that */
    enum { BODY = 32767 };
    CU_ASSERT_PTR_NOT_NULL_FATAL(hex);
    memset(hex, '0', 2 * (size_t)(BODY + 2));
    hex[2 * (BODY + 2)] = '\0';
    memcpy(hex, "7FFF", 4);
    memcpy(hex + 4, "00A40400007FF8", 14);
    buf_init(&text, 64);
    struct buf bytes;
    buf_init(&bytes, 65537);
    CU_ASSERT_TRUE(hex_read(hex, 2 * (size_t)(BODY + 2), &bytes, &err));
    struct vpcd_card contacts = slot_contacts(&s);
    volatile sig_atomic_t stop = 0;
    enum vpcd_end end;
    int pair[2];
    uint8_t got[8];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CU_ASSERT_EQUAL(write(pair[0], bytes.data, bytes.len), (ssize_t)bytes.len);
    shutdown(pair[0], SHUT_WR);
    EXPECT_OK(vpcd_serve(pair[1], &contacts, &stop, &end, &err));
    CU_ASSERT_EQUAL(read(pair[0], got, sizeof(got)), 4);
    CU_ASSERT_TRUE(memcmp(got, "\x00\x02\x6A\x80", 4) == 0); /* no AID is so long */
    close(pair[0]);
    close(pair[1]);
    buf_release(&bytes);
    buf_release(&text);
    free(hex);
    card_free(card);
}

static void trouble(struct slot *s, const char *text)
{
    EXPECT_OK(trouble_read(text, &s->troubles[s->trouble_count++], &err));
    slot_start(s);
}

static void test_troubles(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct slot s = slot_of(card);

    trouble(&s, "sw:6982@2");
    trouble(&s, "mute@3");
    expect_talk(&s, DATA DATA DATA DATA "000102" DATA, VPCD_CLOSED, DATA_IS "00026982" DATA_IS);
    CU_ASSERT_EQUAL(s.commands, 5);
    s = slot_of(card);
    trouble(&s, "pull@2");
    expect_talk(&s, DATA "000400A40400" DATA, VPCD_PULLED, DATA_IS);
    s = slot_of(card);
    trouble(&s, "pull-after@1");
    expect_talk(&s, "000400A40400", VPCD_PULLED, "");
    expect_talk(&s, "000500C0000012", VPCD_CLOSED, FCI); /* it was carried out */
    s = slot_of(card);
    trouble(&s, "powerloss@1");
    expect_talk(&s, DATA DATA, VPCD_PULLED, "");
    card_free(card);
}

static void test_get_response_is_not_counted(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct slot s = slot_of(card);

    trouble(&s, "sw:6F00@2");
    expect_talk(&s,
                "000400A40400"
                "000500C0000012" DATA,
                VPCD_CLOSED, "00026112" FCI "00026F00");
    card_free(card);
}

static void test_forms(void)
{
    static const char *const wrong[] = {"",
                                        "pull",
                                        "pull@",
                                        "pull@0",
                                        "pull@x",
                                        "pull@1x",
                                        "sw:69@1",
                                        "sw:6982",
                                        "sw:698G@1",
                                        "sw:6982@",
                                        "mute@-1",
                                        "wrong",
                                        "sw:6982@0",
                                        "wrong-cryptogram@1",
                                        "powerloss@99999999999999999999999",
                                        "pull@+1"};
    struct trouble t;

    for (size_t i = 0; i < SUITE_COUNT(wrong); i++)
        EXPECT_FAIL(trouble_read(wrong[i], &t, &err), ERR_CONFIG, "is none of");
    EXPECT_OK(trouble_read("sw:6a82@17", &t, &err));
    CU_ASSERT_TRUE(t.kind == TROUBLE_SW && t.sw == 0x6A82 && t.at == 17);
    EXPECT_OK(trouble_read("wrong-cryptogram", &t, &err));
    CU_ASSERT_TRUE(t.kind == TROUBLE_CRYPTOGRAM && t.at == 0);
    EXPECT_OK(trouble_read("powerloss@3", &t, &err));
    CU_ASSERT_TRUE(t.kind == TROUBLE_POWER && t.at == 3);
}

static void test_stop(void)
{
    volatile sig_atomic_t stop = 1;
    int fd = -1;
    EXPECT_FAIL(vpcd_connect("127.0.0.1", 1, &stop, &fd, &err), ERR_INTERRUPTED, "interrupted");
    stop = 0;
    EXPECT_FAIL(vpcd_connect("no host.invalid", 1, &stop, &fd, &err), ERR_CONFIG, "host 'no host.invalid'");
}

static const struct test_case cases[] = {
    {"messages", test_messages},      {"reset", test_reset},
    {"a long message", test_longest}, {"echo", test_echo},
    {"troubles", test_troubles},      {"GET RESPONSE is not counted", test_get_response_is_not_counted},
    {"forms of trouble", test_forms}, {"stop", test_stop}};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/vpcd", cases, SUITE_COUNT(cases));
}
