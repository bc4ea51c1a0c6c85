#include <string.h>

#include "blank.h"
#include "host_cipher.h"
#include "paid.h"
#include "suite.h"

static struct err err;

static void test_records(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2010C00"), 0x9000);
    struct group *g = issue_find(&p.issue, 0x0101);
    CU_ASSERT_TRUE(bytes_equal(g->value, g->len, p.h.answer.data, p.h.answer.len));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2031400"), 0x6A83);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2012400"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2000C00"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2010000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B201FC00"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2010B00"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2010C010000"), 0x6700);
    paid_release(&p);
}

/* Each loaded key shows itself, DES and AES, in payment and purse. */
static void test_proof_of_keys(void)
{
    for (int n = 0; n < 4; n++) {
        bool aes = n & 1;
        static const uint8_t zeros[8];
        struct card *card = blank_card(2, 0x15, 16);
        struct issue o;
        struct host h;
        host_init(&h, card, 2, 0x15, 16);
        if (n < 2)
            issue_emv(&o, aes, 8);
        else
            issue_purse(&o, aes, 8);
        CU_ASSERT_EQUAL(host_select(&h, o.aid), 0x9000);
        CU_ASSERT_EQUAL(host_hex(&h, "8088010008A1A2A3A4A5A6A7A800"), 0x6985);
        CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
        CU_ASSERT_EQUAL(host_select(&h, o.aid), 0x9000);
        for (uint8_t k = 1; k <= 3; k++) {
            uint8_t text[14] = {'P', 'R', 'O', 'V', 'E', k, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8},
                    mac[16];
            char hex[64];
            snprintf(hex, sizeof(hex), "8088%02X0008A1A2A3A4A5A6A7A800", k);
            CU_ASSERT_EQUAL(host_hex(&h, hex), 0x9000);
            if (aes)
                host_cmac(o.keys[k - 1], 16, text, sizeof(text), mac);
            else
                host_retail_mac(o.keys[k - 1], zeros, text, sizeof(text), mac);
            CU_ASSERT_TRUE(h.answer.len == 8 && memcmp(h.answer.data, mac, 8) == 0);
        }
        CU_ASSERT_EQUAL(host_hex(&h, "8088040008A1A2A3A4A5A6A7A800"), 0x6A88);
        CU_ASSERT_EQUAL(host_hex(&h, "8088000008A1A2A3A4A5A6A7A800"), 0x6A86);
        CU_ASSERT_EQUAL(host_hex(&h, "8088010007A1A2A3A4A5A6A700"), 0x6700);
        CU_ASSERT_EQUAL(host_hex(&h, "008800000411223344"
                                     "00"),
                        0x9000);
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

static const struct test_case cases[] = {
    {"READ RECORD", test_records},
    {"proof of keys", test_proof_of_keys},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/application", cases, SUITE_COUNT(cases));
}
