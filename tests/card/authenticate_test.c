/* Channels that are refused, and what ends one. */
#include <string.h>

#include "blank.h"
#include "card/inside.h"
#include "host.h"
#include "raw.h"
#include "suite.h"

static struct err err;

/* A wrong MAC, or none, ends the channel; so does SELECT, a reset, and another INITIALIZE UPDATE. */
static void test_end_of_channel(void)
{
    static const struct {
        unsigned scp, i;
        uint8_t level;
    } offers[] = {{2, 0x15, 1}, {2, 0x15, 3}, {3, 0x70, 1}, {3, 0x70, 0x33}};
    for (size_t n = 0; n < SUITE_COUNT(offers); n++) {
        struct card *card = blank_card(offers[n].scp, offers[n].i, 16);
        struct host h;
        struct buf answer;
        host_init(&h, card, offers[n].scp, offers[n].i, 16);
        buf_init(&answer, CARD_ANSWER_MAX);
        CU_ASSERT_EQUAL(host_open(&h, 0, offers[n].level), 0x9000);
        h.spoil = true;
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
        CU_ASSERT_EQUAL(host_open(&h, 0, offers[n].level), 0x9000);
        CU_ASSERT_EQUAL(raw_send(card, "80F28002024F0000", &answer), 0x6982); /* no MAC */
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
        CU_ASSERT_EQUAL(host_open(&h, 0, offers[n].level), 0x9000);
        CU_ASSERT_EQUAL(raw_send(card, "84F2800207AABBCCDDEEFF0000", &answer),
                        0x6982); /* shorter than a MAC */
        CU_ASSERT_EQUAL(host_open(&h, 0, offers[n].level), 0x9000);
        CU_ASSERT_EQUAL(raw_send(card, "00A4040000", &answer), 0x9000);
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
        CU_ASSERT_EQUAL(host_open(&h, 0, offers[n].level), 0x9000);
        card_power_on(card);
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
        CU_ASSERT_EQUAL(host_open(&h, 0, offers[n].level), 0x9000);
        CU_ASSERT_EQUAL(raw_send(card, "8050000008112233445566778800", &answer), 0x9000);
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
        buf_release(&answer);
        host_release(&h);
        card_free(card);
    }
}

/* The same secured command twice: the second has an old MAC. */
static void test_replay(void)
{
    struct card *card = blank_card(2, 0x15, 16);
    struct host h, copy;

    host_init(&h, card, 2, 0x15, 16);
    CU_ASSERT_EQUAL(host_open(&h, 0, 3), 0x9000);
    copy = h;
    buf_init(&copy.answer, CARD_ANSWER_MAX);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA006600"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&copy, "80CA006600"), 0x6982);
    host_release(&copy);
    host_release(&h);
    card_free(card);
}

static void test_levels_not_offered(void)
{
    static const struct {
        unsigned scp, i;
        uint8_t level;
        unsigned sw;
    } levels[] = {{2, 0x15, 0x02, 0x6A86}, {2, 0x15, 0x11, 0x6A86}, {2, 0x55, 0x33, 0x6A86},
                  {2, 0x15, 0x00, 0x9000}, {3, 0x00, 0x11, 0x6A86}, {3, 0x20, 0x33, 0x6A86},
                  {3, 0x60, 0x31, 0x6A86}, {3, 0x60, 0x10, 0x6A86}, {3, 0x70, 0x40, 0x6A86},
                  {3, 0x70, 0x00, 0x9000}, {2, 0x35, 0x10, 0x9000}};
    for (size_t n = 0; n < SUITE_COUNT(levels); n++) {
        struct card *card = blank_card(levels[n].scp, levels[n].i, 16);
        struct host h;
        host_init(&h, card, levels[n].scp, levels[n].i, 16);
        CU_ASSERT_EQUAL(host_open(&h, 0, levels[n].level), levels[n].sw);
        h.open = false;
        CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982); /* not without C-MAC */
        host_release(&h);
        card_free(card);
    }
}

static void test_attempts(void)
{
    struct card *card = blank_card(2, 0x15, 16);
    struct host h;
    uint8_t right;

    host_init(&h, card, 2, 0x15, 16);
    right = h.enc[0];
    CU_ASSERT_EQUAL(host_open(&h, 0x7E, 1), 0x6A88); /* no such version */
    CU_ASSERT_EQUAL(host_hex(&h, "805000010811223344556677880"
                                 "0"),
                    0x6A86);
    CU_ASSERT_EQUAL(host_hex(&h, "80500000071122334455667700"), 0x6700);
    for (int n = 0; n < 9; n++) {
        struct buf answer;
        buf_init(&answer, CARD_ANSWER_MAX);
        CU_ASSERT_EQUAL(raw_send(card, "8050000008112233445566778800", &answer), 0x9000);
        CU_ASSERT_EQUAL(raw_send(card, "848201001000000000000000000000000000000000", &answer), 0x6300);
        CU_ASSERT_EQUAL(raw_send(card, "848201001000000000000000000000000000000000", &answer), 0x6982);
        buf_release(&answer);
        CU_ASSERT_EQUAL(card->kept.keysets[0].failures, n + 1);
        card_power_on(card);
    }
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000); /* the tenth is right: the count begins anew */
    CU_ASSERT_EQUAL(card->kept.keysets[0].failures, 0);
    CU_ASSERT_EQUAL(card->kept.keysets[0].sequence, 1);
    h.open = false;
    for (int n = 0; n < 10; n++) {
        struct buf answer;
        buf_init(&answer, CARD_ANSWER_MAX);
        CU_ASSERT_EQUAL(raw_send(card, "8050000008112233445566778800", &answer), 0x9000);
        CU_ASSERT_EQUAL(raw_send(card, "848201001000000000000000000000000000000000", &answer), 0x6300);
        buf_release(&answer);
    }
    h.enc[0] = right;
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x6983);
    host_release(&h);
    card_free(card);
}

/* The right cryptogram with a wrong MAC is a wrong try as well. */
static void test_wrong_mac_of_authentication(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct host h;

    host_init(&h, card, 3, 0x70, 16);
    h.spoil = true;
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x6982);
    CU_ASSERT_EQUAL(card->kept.keysets[0].failures, 1);
    host_release(&h);
    card_free(card);
}

static void test_wrong_card_cryptogram(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct host h;

    host_init(&h, card, 3, 0x70, 16);
    card_lie_about_cryptogram(card, true);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0); /* the host sees it and goes no further */
    host_release(&h);
    card_free(card);
}

/* The pseudo-random challenge is the same until a channel was opened; who knows the keys can foretell it. */
static void test_known_challenges(void)
{
    for (unsigned scp = 2; scp <= 3; scp++) {
        unsigned i = scp == 2 ? 0x55 : 0x10;
        struct card *card = blank_card(scp, i, 16);
        struct host h;
        uint8_t first[8];
        host_init(&h, card, scp, i, 16);
        CU_ASSERT_EQUAL(host_hex(&h, "8050000008112233445566778800"), 0x9000);
        size_t at = scp == 2 ? 12 : 13;
        memcpy(first, h.answer.data + at, 8);
        CU_ASSERT_EQUAL(host_hex(&h, "8050000008112233445566778800"), 0x9000);
        CU_ASSERT_TRUE(memcmp(first, h.answer.data + at, 8) == 0);
        CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
        h.open = false;
        CU_ASSERT_EQUAL(host_hex(&h, "8050000008112233445566778800"), 0x9000);
        CU_ASSERT_TRUE(memcmp(first, h.answer.data + at, 8) != 0);
        host_release(&h);
        card_free(card);
    }
}

static void test_sequence_end(void)
{
    struct card *card = blank_card(2, 0x15, 16);
    struct host h;

    host_init(&h, card, 2, 0x15, 16);
    card->now.keysets[0].sequence = card->kept.keysets[0].sequence = 0xFFFE;
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    h.open = false;
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x6985);
    host_release(&h);
    card_free(card);
}

static const struct test_case cases[] = {
    {"end of a channel", test_end_of_channel},
    {"replay", test_replay},
    {"levels not offered", test_levels_not_offered},
    {"wrong cryptograms are counted", test_attempts},
    {"wrong MAC of EXTERNAL AUTHENTICATE", test_wrong_mac_of_authentication},
    {"wrong card cryptogram", test_wrong_card_cryptogram},
    {"challenges that can be known", test_known_challenges},
    {"end of the sequence counter", test_sequence_end},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/authenticate", cases, SUITE_COUNT(cases));
}
