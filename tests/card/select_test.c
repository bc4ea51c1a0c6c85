#include "blank.h"
#include "paid.h"
#include "suite.h"

static struct err err;

static void test_select(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "6F168407A0000000031010A50B50064352454449548701"
                                        "01"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040005A00000000300"), 0x9000); /* part: the first in the table */
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "6F0C8408A000000003101001A500"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040205A00000000300"), 0x9000);
    CU_ASSERT_TRUE(memcmp(p.h.answer.data + 2, "\x84\x07\xA0\x00\x00\x00\x03\x10\x10", 9) == 0);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040205A00000000300"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040205A00000000300"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040007A000000003101000"), 0x9000); /* whole before part */
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040207A000000003101000"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "6F0C8408A000000003101001A500"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040207A000000003101000"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4000007A000000003101000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040107A000000003101000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040007A000000003101100"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040011A00000000310100000000000000000000000"), 0x6A80);
    paid_release(&p);
}

static void test_directories(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A404000E315041592E5359532E444446303100"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "6F15840E315041592E5359532E4444463031A503880101"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2010C00"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "701661144F07A00000000310105006435245444954870101"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2020C00"), 0x6A83);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2011400"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x6D00);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A404000E325041592E5359532E444446303100"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(
        &p.h, "6F2B840E325041592E5359532E4444463031A519BF0C1661144F07A0000000031010500643524544495487"
              "0101"));
    paid_release(&p);
    struct card *card = blank_card(3, 0, 16);
    struct host h;
    host_init(&h, card, 3, 0, 16);
    CU_ASSERT_EQUAL(host_hex(&h, "00A404000E315041592E5359532E444446303100"), 0x6A82); /* nothing to list */
    host_release(&h);
    card_free(card);
}

static const struct test_case cases[] = {
    {"SELECT by name and part", test_select},
    {"directories", test_directories},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/select", cases, SUITE_COUNT(cases));
}
