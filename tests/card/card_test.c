/* What stands around the commands: protocols, transactions, settings. */
#include "card/card.h"

#include <string.h>

#include "blank.h"
#include "card/inside.h"
#include "issue.h"
#include "raw.h"
#include "suite.h"

static struct err err;

enum { FCI_LEN = 18 };

static void test_t1(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct buf answer;

    buf_init(&answer, CARD_ANSWER_MAX);
    CU_ASSERT_EQUAL(raw_send(card, "00A4040000", &answer), 0x9000);
    CU_ASSERT_EQUAL(answer.len, FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "00A40400", &answer), 0x6100 + FCI_LEN); /* case 1: no Le */
    CU_ASSERT_EQUAL(raw_send(card, "00C0000005", &answer), 0x6100 + FCI_LEN - 5);
    CU_ASSERT_TRUE(answer.len == 5 && answer.data[0] == 0x6F);
    CU_ASSERT_EQUAL(raw_send(card, "00C00000FF", &answer), 0x9000);
    CU_ASSERT_EQUAL(answer.len, FCI_LEN - 5);
    CU_ASSERT_EQUAL(raw_send(card, "00C0000000", &answer), 0x6985); /* nothing left */
    CU_ASSERT_EQUAL(raw_send(card, "00A4040008A000000151000000", &answer), 0x6100 + FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "00C0000100", &answer), 0x6A86);
    CU_ASSERT_EQUAL(raw_send(card, "00C0000000", &answer), 0x9000);
    CU_ASSERT_EQUAL(raw_send(card, "00A4040008A00000015100000004", &answer), 0x6100 + FCI_LEN - 4);
    CU_ASSERT_EQUAL(answer.len, 4);
    CU_ASSERT_EQUAL(raw_send(card, "80CA00CF00", &answer), 0x9000);
    CU_ASSERT_EQUAL(raw_send(card, "00C0000000", &answer), 0x6985); /* the other command dropped it */
    CU_ASSERT_EQUAL(raw_send(card, "00A40400000008A0000001510000000000", &answer), 0x9000); /* extended */
    CU_ASSERT_EQUAL(answer.len, FCI_LEN);
    buf_release(&answer);
    card_free(card);
}

/* The basic answers to reset of EMV Book 1, 8.3: a terminal may reject a card whose answer lacks TB1 = 00 or whose TB3 allows more
 * than BWI 4 and CWI 5. */
static void test_answers_to_reset(void)
{
    static const uint8_t t1[] = {0x3B, 0xE8, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 's',
                                 'o',  'f',  't',  'c',  'a',  'r',  'd',  0xF9};
    static const uint8_t t0[] = {0x3B, 0x68, 0x00, 0x00, 's', 'o', 'f', 't', 'c', 'a', 'r', 'd'};
    struct card_settings settings;
    struct card *card = NULL;
    uint8_t atr[CARD_ATR_MAX];

    card_test_settings(&settings, 3, 0x70);
    EXPECT_OK(card_new(&card, &settings, &err));
    CU_ASSERT_TRUE(bytes_equal(t1, sizeof(t1), atr, card_atr(card, atr)));
    card_free(card);
    settings.protocol = CARD_T0;
    EXPECT_OK(card_new(&card, &settings, &err));
    CU_ASSERT_TRUE(bytes_equal(t0, sizeof(t0), atr, card_atr(card, atr)));
    card_free(card);
}

static void test_t0(void)
{
    struct card_settings settings;
    struct card *card = NULL;
    struct buf answer;

    card_test_settings(&settings, 2, 0x15);
    settings.protocol = CARD_T0;
    EXPECT_OK(card_new(&card, &settings, &err));
    buf_init(&answer, CARD_ANSWER_MAX);
    CU_ASSERT_EQUAL(raw_send(card, "00A4040008A000000151000000", &answer), 0x6100 + FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "00C0000013", &answer), 0x6C00 + FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "00C0000012", &answer), 0x9000);
    CU_ASSERT_EQUAL(answer.len, FCI_LEN);
    /* Some hosts fetch with the class of the command that has the answer, secure messaging and all. */
    CU_ASSERT_EQUAL(raw_send(card, "00A4040008A000000151000000", &answer), 0x6100 + FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "84C0000012", &answer), 0x9000);
    CU_ASSERT_EQUAL(answer.len, FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "00A4040008A00000015100000000", &answer), 0x6100 + FCI_LEN);
    CU_ASSERT_EQUAL(raw_send(card, "80CA00CF00", &answer), 0x6C0C);
    CU_ASSERT_EQUAL(answer.len, 0);
    CU_ASSERT_EQUAL(raw_send(card, "80CA00CF0C", &answer), 0x9000);
    CU_ASSERT_EQUAL(answer.len, 12);
    CU_ASSERT_EQUAL(raw_send(card, "80CA00CF20", &answer), 0x6C0C);
    buf_release(&answer);
    card_free(card);
    struct issue o;
    struct host h;
    EXPECT_OK(card_new(&card, &settings, &err));
    host_init(&h, card, 2, 0x15, 16); /* all of a personalization over T=0 */
    issue_purse(&o, false, 8);
    CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
    issue_release(&o);
    host_release(&h);
    card_free(card);
}

/* An FCI of 2,012 bytes: by GET RESPONSE in pieces, and at once with an extended Le. */
static void test_long_answer(void)
{
    enum { VALUE = 2000, FCI = 4 + 10 + VALUE };
    uint8_t group[5 + VALUE] = {
        0x91, 0x02, 0xFF, VALUE >> 8, VALUE & 0xFF, 0xA5, 0x82, (VALUE - 4) >> 8, (VALUE - 4) & 0xFF};
    struct card *card = blank_card(3, 0, 16);
    struct host h;
    struct buf answer;

    host_init(&h, card, 3, 0, 16);
    buf_init(&answer, CARD_ANSWER_MAX);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    for (size_t at = 0, n = 0; at < sizeof(group); at += 200, n++) {
        size_t len = sizeof(group) - at < 200 ? sizeof(group) - at : 200;
        uint8_t head[4] = {0x80, 0xE2, at + len == sizeof(group) ? 0x80 : 0x00, (uint8_t)n};
        CU_ASSERT_EQUAL(host_send(&h, head, group + at, len), 0x9000);
    }
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(h.answer.len, FCI);
    CU_ASSERT_EQUAL(raw_send(card, "00A4040008F04C4F59414C545900", &answer), 0x6100);
    CU_ASSERT_EQUAL(answer.len, 256);
    CU_ASSERT_EQUAL(raw_send(card, "00A40400000008F04C4F59414C54590000", &answer), 0x9000);
    CU_ASSERT_EQUAL(answer.len, FCI);
    buf_release(&answer);
    host_release(&h);
    card_free(card);
}

static void test_refused_commands(void)
{
    static const struct {
        const char *hex;
        unsigned sw;
    } commands[] = {{"00", 0x6700},
                    {"00A4", 0x6700},
                    {"00A4040002A0", 0x6700},
                    {"01A4040000", 0x6881},
                    {"10A4040000", 0x6884},
                    {"A0A4040000", 0x6E00},
                    {"08A4040000", 0x6E00},
                    {"00FF000000", 0x6D00},
                    {"80FF000000", 0x6D00},
                    {"84E2000000", 0x6982},
                    {"8482010000", 0x6982},
                    {"80E2000000", 0x6982},
                    {"00B2010C00", 0x6D00},
                    {"80A8000000", 0x6D00},
                    {"04B2010C00", 0x6982},
                    {"FFFFFFFF", 0x6881},
                    {"0084010000", 0x6A86},
                    {"00840000"
                     "010000",
                     0x6700}};
    struct card *card = blank_card(3, 0x70, 16);
    struct buf answer;

    buf_init(&answer, CARD_ANSWER_MAX);
    for (size_t i = 0; i < SUITE_COUNT(commands); i++) {
        unsigned sw = raw_send(card, commands[i].hex, &answer);
        if (sw != commands[i].sw) printf("%s: %04X\n", commands[i].hex, sw);
        CU_ASSERT_EQUAL(sw, commands[i].sw);
    }
    buf_release(&answer);
    card_free(card);
}

struct keeper {
    unsigned calls, fail_at;
};

static bool keep(void *context, const struct card *card, struct err *e)
{
    struct keeper *k = context;
    (void)card;
    return ++k->calls != k->fail_at || err_set(e, ERR_FILE, "disk full");
}

/* Whichever keeping fails: the card answers 6581, is as before it, and can be used again. */
static void test_each_keeping_fails(void)
{
    unsigned failed = 1;
    for (unsigned at = 1; failed; at++) {
        struct card *card = blank_card(2, 0x15, 16);
        struct keeper k = {.fail_at = at};
        struct issue o;
        struct host h;
        host_init(&h, card, 2, 0x15, 16);
        card_set_keeper(card, keep, &k);
        issue_purse(&o, false, 8);
        unsigned sw = issue_all(&o, &h, 3);
        failed = k.calls >= at;
        CU_ASSERT_EQUAL(sw, failed ? 0x6581 : 0x9000);
        EXPECT_OK(state_check(&card->now, &err));
        if (failed) {
            CU_ASSERT_EQUAL(card->now.apps[0].life, APP_SELECTABLE);
            CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
        }
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

static bool no_random(void *context, uint8_t *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return false;
}

static void test_no_random(void)
{
    struct card *card = blank_card(3, 0x60, 16);
    struct host h;

    host_init(&h, card, 3, 0x60, 16);
    card_set_random(card, no_random, NULL);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x6F00);
    CU_ASSERT_EQUAL(card_error(card)->kind, ERR_INTERNAL);
    CU_ASSERT_EQUAL(host_hex(&h, "0084000000"), 0x6F00);
    host_release(&h);
    card_free(card);
}

static void test_settings(void)
{
    struct card_settings settings, good;
    struct card *card = NULL;

    card_test_settings(&good, 3, 0x70);
    settings = good;
    settings.i = 0x15;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "no SCP03 with i = 15");
    settings = good;
    settings.scp = 2;
    settings.i = 0x15;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "do not fit SCP02");
    settings = good;
    settings.keys.key[1].len = 24;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "key set 01");
    settings = good;
    settings.keys.version = 0;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "no key set");
    settings = good;
    settings.keys.version = 0x80;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "key set 80");
    settings = good;
    settings.apps[4] = settings.apps[0];
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "application 5 has the AID of another");
    settings = good;
    settings.apps[0].aid_len = 4;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "application 1");
    settings = good;
    settings.apps[0].kind = 9;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "application 1");
    settings = good;
    settings.protocol = 2;
    EXPECT_FAIL(card_new(&card, &settings, &err), ERR_CONFIG, "transmission protocol 2");
    CU_ASSERT_PTR_NULL(card);
    card_free(NULL);
}

static const struct test_case cases[] = {
    {"T=1 and GET RESPONSE", test_t1},
    {"answers to reset", test_answers_to_reset},
    {"T=0", test_t0},
    {"a long answer", test_long_answer},
    {"refused commands", test_refused_commands},
    {"each keeping fails", test_each_keeping_fails},
    {"no random bytes", test_no_random},
    {"settings", test_settings},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/card", cases, SUITE_COUNT(cases));
}
