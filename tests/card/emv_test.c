#include <string.h>

#include "base/hex.h"
#include "blank.h"
#include "card/inside.h"
#include "host_cipher.h"
#include "paid.h"
#include "suite.h"
#include "vectors.h"

static struct err err;

/* Elements of CDOL1 by tag, then what the cryptogram covers. */
static const char cdol1_data[] = "000000010000" /* 9F02 */
                                 "000000000000" /* 9F03 */
                                 "0840"         /* 9F1A */
                                 "0000000000"   /* 95 */
                                 "0978"         /* 5F2A */
                                 "310509"       /* 9A */
                                 "00"           /* 9C */
                                 "A1B2C3D4"     /* 9F37 */
                                 "22"           /* 9F35 */
                                 "0000"         /* 9F45 */
                                 "0000000000000000"
                                 "1F0302";
enum { COVERED = 29 };

static void session_key(bool aes, const uint8_t *master, unsigned atc, uint8_t *out)
{
    uint8_t r[16] = {(uint8_t)(atc >> 8), (uint8_t)atc, 0, 0, 0, 0, 0, 0, (uint8_t)(atc >> 8), (uint8_t)atc};

    if (aes) {
        memset(r + 8, 0, 8);
    } else {
        r[2] = 0xF0;
        r[10] = 0x0F;
    }
    host_ecb(aes, master, 16, r, 16, out);
}

static void expected_cryptogram(const struct paid *p, unsigned atc, uint8_t out[16])
{
    static const uint8_t zeros[8];
    uint8_t key[16], data[64];

    CU_ASSERT_TRUE(hex_read_exact(cdol1_data, (size_t)2 * COVERED, data, COVERED, &err));
    memcpy(data + COVERED, "\x7C\x00", 2);
    data[COVERED + 2] = (uint8_t)(atc >> 8);
    data[COVERED + 3] = (uint8_t)atc;
    session_key(p->issue.aes, p->issue.keys[0], atc, key);
    if (p->issue.aes)
        host_cmac(key, 16, data, COVERED + 4, out);
    else
        host_retail_mac(key, zeros, data, COVERED + 4, out);
}

static unsigned generate(struct paid *p, unsigned type, bool second)
{
    char text[200];
    size_t lead = second ? 2 : 0, len = 43;
    /* CDOL2: authorisation response code, the eight elements, 9F4C */
    if (second)
        snprintf(text, sizeof(text), "80AE%02X00%02X3030%.58s000000000000000000", type, 2 + COVERED + 8,
                 cdol1_data);
    else
        snprintf(text, sizeof(text), "80AE%02X00%02zX%s00", type, len + lead, cdol1_data);
    return host_hex(&p->h, text);
}

static void check_cryptogram(struct paid *p, unsigned type, unsigned atc)
{
    struct tlv t;
    uint8_t want[16];

    CU_ASSERT_TRUE(paid_element(paid_answer(&p->h), 0x9F27, &t) && t.len == 1 && t.value[0] == type);
    CU_ASSERT_TRUE(paid_element(paid_answer(&p->h), 0x9F36, &t) && bytes_be(t.value, t.len) == atc);
    expected_cryptogram(p, atc, want);
    CU_ASSERT_TRUE(paid_element(paid_answer(&p->h), 0x9F26, &t) && t.len == 8 &&
                   memcmp(t.value, want, 8) == 0);
}

static void test_cryptograms(void)
{
    for (int aes = 0; aes <= 1; aes++) {
        struct paid p;
        paid_init(&p, aes);
        CU_ASSERT_EQUAL(generate(&p, 0x80, false), 0x6985); /* before GET PROCESSING OPTIONS */
        for (unsigned atc = 1; atc <= 3; atc++) {
            CU_ASSERT_EQUAL(host_select(&p.h, EMV_AID), 0x9000);
            CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x9000);
            CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x6985);
            CU_ASSERT_EQUAL(generate(&p, 0x90, false), 0x6A86); /* combined DDA */
            CU_ASSERT_EQUAL(generate(&p, 0xC0, false), 0x6A86);
            CU_ASSERT_EQUAL(host_hex(&p.h, "80AE800001FF00"), 0x6700);
            CU_ASSERT_EQUAL(generate(&p, 0x80, false), 0x9000);
            check_cryptogram(&p, 0x80, atc);
            CU_ASSERT_EQUAL(generate(&p, 0x80, true), 0x6985);
            CU_ASSERT_EQUAL(generate(&p, 0x40, true), 0x9000);
            check_cryptogram(&p, 0x40, atc);
            CU_ASSERT_EQUAL(generate(&p, 0x00, true), 0x6985); /* no third */
        }
        CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F3600"), 0x9000);
        CU_ASSERT_TRUE(paid_answer_is(&p.h, "9F36020003"));
        CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1300"), 0x9000);
        CU_ASSERT_TRUE(paid_answer_is(&p.h, "9F13020003"));
        CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F4F00"), 0x6A88);
        CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F7F00"), 0x6A88);
        paid_release(&p);
    }
}

/* After a TC or an AAC there is no second cryptogram. */
static void test_offline_cryptogram(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x9000);
    CU_ASSERT_EQUAL(generate(&p, 0x40, false), 0x9000);
    check_cryptogram(&p, 0x40, 1);
    CU_ASSERT_EQUAL(generate(&p, 0x40, true), 0x6985);
    paid_release(&p);
}

/* The counter ends at FFFF and never turns. */
static void test_counter_end(void)
{
    struct paid p;
    paid_init(&p, false);
    p.card->now.apps[1].atc = p.card->kept.apps[1].atc = 0xFFFE;
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x9000);
    CU_ASSERT_EQUAL(generate(&p, 0x80, false), 0x9000);
    check_cryptogram(&p, 0x80, 0xFFFF);
    CU_ASSERT_EQUAL(host_select(&p.h, EMV_AID), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x6985);
    paid_release(&p);
}

static void test_options_data(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A800000283010"
                                   "0"),
                    0x6A80);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A800000383010000"), 0x6A80); /* there is no PDOL */
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000000"), 0x6A80);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8010002830000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x9000);
    CU_ASSERT_TRUE(paid_answer_is(&p.h, "7712820"
                                        "27C00940C080101001001020218010500"));
    paid_release(&p);
}

/* Session keys and cryptograms that other programs made (tests/vectors/derivation.txt). */
static void test_vectors(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct buf mk, r, want, kcv;
    bool end = false;
    unsigned seen = 0;

    buf_init(&mk, 64);
    buf_init(&r, 64);
    buf_init(&want, 64);
    buf_init(&kcv, 64);
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        if (!vector_hex(&block, "mk", &mk) || !vector_hex(&block, "r", &r) ||
            !vector_hex(&block, "sk", &want))
            continue;
        struct card *card = blank_card(3, 0, 16);
        struct card_key master = {.type = r.len == 8 ? CARD_KEY_DES : CARD_KEY_AES, .len = (uint8_t)mk.len},
                        session;
        memcpy(master.value, mk.data, mk.len);
        CU_ASSERT_TRUE(card_session_key(card, &master, (uint16_t)bytes_be(r.data, 2), &session));
        /* the vector's DES keys have odd parity, which no cipher sees */
        uint8_t differs = 0;
        for (size_t i = 0; i < want.len; i++)
            differs |= (uint8_t)((want.data[i] ^ session.value[i]) & (r.len == 8 ? 0xFE : 0xFF));
        CU_ASSERT_TRUE(session.len == want.len && differs == 0);
        card_free(card);
        seen++;
    }
    CU_ASSERT_TRUE(seen >= 9);
    vector_file_free(f);
    buf_release(&mk);
    buf_release(&r);
    buf_release(&want);
    buf_release(&kcv);
}

static const struct test_case cases[] = {
    {"cryptograms", test_cryptograms},        {"cryptogram offline", test_offline_cryptogram},
    {"end of the counter", test_counter_end}, {"processing options", test_options_data},
    {"session keys of others", test_vectors},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/emv", cases, SUITE_COUNT(cases));
}
