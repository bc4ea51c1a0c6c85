#include <string.h>

#include "card/inside.h"
#include "paid.h"
#include "suite.h"

static struct err err;

static void test_pin(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1700"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "9F170103"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00200080082412"
                                   "35FFFFFFFFFF"),
                    0x63C2);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241235FFFFFFFFFF"), 0x63C1);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241234FFFFFFFFFF"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1700"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "9F170103"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008007241234FFFFFFFF"), 0x6700);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008108241234FFFFFFFFFF"), 0x6A86);
    /* EMV Book 3, 6.5.12.5: the last wrong one has no tries left, and only what comes after it is refused unread. */
    for (unsigned left = 3; left-- > 0;)
        CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241235FFFFFFFFFF"), 0x63C0 + left);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241235FFFFFFFFFF"), 0x6983);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1700"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "9F170100"));
    card_power_on(p.card);
    CU_ASSERT_EQUAL(host_select(&p.h, EMV_AID), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241234FFFFFFFFFF"), 0x6983); /* the right one, too late */
    paid_release(&p);
}

/* Power that goes away between the trial and its outcome gives no try back: it is kept before the PIN is compared. */
static bool no_keeping(void *context, const struct card *card, struct err *e)
{
    unsigned *calls = context;
    (void)card;
    (*calls)++;
    return err_set(e, ERR_FILE, "full");
}

static void test_pin_without_power(void)
{
    struct paid p;
    unsigned calls = 0;
    paid_init(&p, false);
    card_set_keeper(p.card, no_keeping, &calls);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241234FFFFFFFFFF"), 0x6581);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x6581);
    CU_ASSERT_EQUAL(p.card->now.apps[1].atc, 0);
    CU_ASSERT_EQUAL(card_error(p.card)->kind, ERR_FILE);
    paid_release(&p);
}

static void test_enciphered_pin(void)
{
    struct paid p;
    uint8_t clear[128], sealed[128];
    static const uint8_t head[4] = {0x00, 0x20, 0x00, 0x88};

    paid_init(&p, false);
    memset(clear, 0x5A, sizeof(clear));
    clear[0] = 0x7F;
    memcpy(clear + 1, "\x24\x12\x34\xFF\xFF\xFF\xFF\xFF", 8);
    EXPECT_OK(emv_rsa_public(&p.issue.card.key, clear, sizeof(clear), sealed, &err));
    CU_ASSERT_EQUAL(host_send(&p.h, head, sealed, sizeof(sealed)), 0x6985); /* no challenge yet */
    CU_ASSERT_EQUAL(host_hex(&p.h, "0084000000"), 0x9000);
    CU_ASSERT_EQUAL(p.h.answer.len, 8);
    memcpy(clear + 9, p.h.answer.data, 8);
    EXPECT_OK(emv_rsa_public(&p.issue.card.key, clear, sizeof(clear), sealed, &err));
    CU_ASSERT_EQUAL(host_send(&p.h, head, sealed, sizeof(sealed)), 0x9000);
    CU_ASSERT_EQUAL(host_send(&p.h, head, sealed, sizeof(sealed)), 0x6985); /* a challenge serves once */
    CU_ASSERT_EQUAL(host_hex(&p.h, "0084000000"), 0x9000);
    CU_ASSERT_EQUAL(host_send(&p.h, head, sealed, sizeof(sealed)), 0x6A80);
    CU_ASSERT_EQUAL(p.card->now.apps[1].pin_left, 3);
    paid_release(&p);
}

static const struct test_case cases[] = {
    {"PIN", test_pin},
    {"PIN without power", test_pin_without_power},
    {"enciphered PIN", test_enciphered_pin},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/pin", cases, SUITE_COUNT(cases));
}
