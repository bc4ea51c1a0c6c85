#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "blank.h"
#include "card/inside.h"
#include "formats/afl.h"
#include "formats/tlv.h"
#include "issue.h"
#include "suite.h"
#include "vectors.h"

static struct err err;

#define EMV_AID "A0000000031010"

struct paid {
    struct card *card;
    struct issue issue;
    struct host h;
};

/* A personalized payment card; keys of the channel are AES, those of the application as asked. */
static void paid_init(struct paid *p, bool aes)
{
    p->card = blank_card(3, 0x70, 16);
    host_init(&p->h, p->card, 3, 0x70, 16);
    issue_emv(&p->issue, aes, 16);
    CU_ASSERT_EQUAL(issue_all(&p->issue, &p->h, 0x33), 0x9000);
    CU_ASSERT_EQUAL(host_select(&p->h, EMV_AID), 0x9000);
}

static void paid_release(struct paid *p)
{
    issue_release(&p->issue);
    host_release(&p->h);
    card_free(p->card);
}

static bool answer_is(const struct host *h, const char *hex)
{
    struct buf b;
    buf_init(&b, 512);
    bool same =
        hex_read(hex, strlen(hex), &b, &err) && bytes_equal(b.data, b.len, h->answer.data, h->answer.len);
    buf_release(&b);
    return same;
}

/* One element out of an answer, in templates too. */
static bool element(struct cur c, uint32_t tag, struct tlv *out)
{
    struct tlv t;
    while (cur_left(&c) > 0 && tlv_read(&c, &t, &err)) {
        if (t.tag == tag) {
            *out = t;
            return true;
        }
        if (tlv_is_constructed(t.tag) && element(cur_make(t.value, t.len, 0), tag, out)) return true;
    }
    return false;
}

static struct cur answer_of(const struct host *h)
{
    return cur_make(h->answer.data, h->answer.len, 0);
}

static void test_select(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_TRUE(answer_is(&p.h, "6F168407A0000000031010A50B50064352454449548701"
                                   "01"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040005A00000000300"), 0x9000); /* part: the first in the table */
    CU_ASSERT_TRUE(answer_is(&p.h, "6F0C8408A000000003101001A500"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040205A00000000300"), 0x9000);
    CU_ASSERT_TRUE(memcmp(p.h.answer.data + 2, "\x84\x07\xA0\x00\x00\x00\x03\x10\x10", 9) == 0);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040205A00000000300"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040205A00000000300"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040007A000000003101000"), 0x9000); /* whole before part */
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A4040207A000000003101000"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&p.h, "6F0C8408A000000003101001A500"));
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
    CU_ASSERT_TRUE(answer_is(&p.h, "6F15840E315041592E5359532E4444463031A503880101"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2010C00"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&p.h, "701661144F07A00000000310105006435245444954870101"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2020C00"), 0x6A83);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00B2011400"), 0x6A82);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80A8000002830000"), 0x6D00);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00A404000E325041592E5359532E444446303100"), 0x9000);
    CU_ASSERT_TRUE(answer_is(
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

struct terminal {
    struct paid *p;
    struct buf records[8][8];
    struct afl_range ranges[AFL_RANGES_MAX];
    size_t range_count;
};

static void record_of(void *context, uint8_t sfi, uint8_t record, const uint8_t **value, size_t *len)
{
    struct terminal *t = context;
    struct buf *b = &t->records[sfi][record];
    *value = b->data;
    *len = b->len;
}

/* Reads all that the AFL names, as a terminal does. */
static void read_application(struct terminal *t, struct paid *p)
{
    struct tlv afl;

    *t = (struct terminal){.p = p};
    CU_ASSERT_EQUAL(host_hex(&p->h, "80A8000002830000"), 0x9000);
    CU_ASSERT_TRUE_FATAL(element(answer_of(&p->h), 0x94, &afl));
    CU_ASSERT_TRUE(afl_read(afl.value, afl.len, t->ranges, &t->range_count, &err));
    for (size_t i = 0; i < t->range_count; i++) {
        for (uint8_t r = t->ranges[i].first; r <= t->ranges[i].last; r++) {
            char text[16];
            struct buf *b = &t->records[t->ranges[i].sfi][r];
            snprintf(text, sizeof(text), "00B2%02X%02X00", r, t->ranges[i].sfi << 3 | 4);
            if (host_hex(&p->h, text) != 0x9000) continue; /* no SSAD here */
            buf_init(b, 256);
            buf_put(b, p->h.answer.data, p->h.answer.len);
        }
    }
}

static void terminal_release(struct terminal *t)
{
    for (size_t s = 0; s < 8; s++) {
        for (size_t r = 0; r < 8; r++)
            buf_release(&t->records[s][r]);
    }
}

static bool from_records(struct terminal *t, uint32_t tag, struct tlv *out)
{
    for (size_t s = 0; s < 8; s++) {
        for (size_t r = 0; r < 8; r++) {
            if (t->records[s][r].len &&
                element(cur_make(t->records[s][r].data, t->records[s][r].len, 0), tag, out))
                return true;
        }
    }
    *out = (struct tlv){0};
    return false;
}

/* From the scheme's key down to the card's: EMV Book 2, 6.3 and 6.4. */
static bool card_key_of(struct terminal *t, struct emv_public_key *out)
{
    struct tlv certificate, rest, exponent;
    struct emv_certificate issuer, card;
    struct buf statics;
    static const uint8_t aip[2] = {0x7C, 0x00};

    buf_init(&statics, 2048);
    bool ok = from_records(t, 0x90, &certificate) && from_records(t, 0x92, &rest) &&
              from_records(t, 0x9F32, &exponent);
    struct emv_signed s = {certificate.value, certificate.len, rest.value,
                           rest.len,          exponent.value,  exponent.len};
    ok = ok && emv_issuer_recover(&s, &t->p->issue.ca.key, &issuer, &err) &&
         from_records(t, 0x9F46, &certificate) && from_records(t, 0x9F47, &exponent);
    from_records(t, 0x9F48, &rest);
    s = (struct emv_signed){certificate.value, certificate.len, rest.value,
                            rest.len,          exponent.value,  exponent.len};
    ok = ok && afl_static_data(t->ranges, t->range_count, record_of, t, aip, &statics, &err) &&
         emv_icc_recover(&s, &issuer.key, statics.data, statics.len, &card, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    *out = card.key;
    buf_release(&statics);
    return ok;
}

/* EMV Book 2, 6.5.2: recovered with the card's public key, checked field by field. */
static bool signature_is_right(const struct emv_public_key *key, const uint8_t *sig, size_t len,
                               const uint8_t *data, size_t data_len)
{
    uint8_t block[256], hash[20], text[300];

    if (len != key->modulus_len || !emv_rsa_public(key, sig, len, block, &err)) return false;
    size_t hashed = len - 22;
    memcpy(text, block + 1, hashed);
    memcpy(text + hashed, data, data_len);
    return block[0] == 0x6A && block[1] == 0x05 && block[2] == 0x01 && block[3] == 9 && block[4] == 8 &&
           block[13] == 0xBB && block[len - 1] == 0xBC && sha1(text, hashed + data_len, hash, &err) &&
           memcmp(hash, block + len - 21, 20) == 0;
}

static void test_dynamic_authentication(void)
{
    struct paid p;
    struct terminal t;
    struct emv_public_key key;
    struct tlv sig;
    uint8_t first[256];

    paid_init(&p, false);
    read_application(&t, &p);
    CU_ASSERT_TRUE_FATAL(card_key_of(&t, &key));
    CU_ASSERT_EQUAL(host_hex(&p.h, "0088000004112233440"
                                   "0"),
                    0x9000);
    CU_ASSERT_TRUE(element(answer_of(&p.h), 0x80, &sig));
    CU_ASSERT_TRUE(signature_is_right(&key, sig.value, sig.len, (const uint8_t *)"\x11\x22\x33\x44", 4));
    CU_ASSERT_FALSE(signature_is_right(&key, sig.value, sig.len, (const uint8_t *)"\x11\x22\x33\x45", 4));
    memcpy(first, sig.value, sig.len);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00880000041122334400"), 0x9000);
    CU_ASSERT_TRUE(element(answer_of(&p.h), 0x80, &sig));
    CU_ASSERT_TRUE(memcmp(first, sig.value, sig.len) != 0); /* its own number is new each time */
    CU_ASSERT_EQUAL(host_hex(&p.h, "008800000311223300"), 0x6700);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00880100041122334400"), 0x6A86);
    terminal_release(&t);
    paid_release(&p);
}

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

    CU_ASSERT_TRUE(element(answer_of(&p->h), 0x9F27, &t) && t.len == 1 && t.value[0] == type);
    CU_ASSERT_TRUE(element(answer_of(&p->h), 0x9F36, &t) && bytes_be(t.value, t.len) == atc);
    expected_cryptogram(p, atc, want);
    CU_ASSERT_TRUE(element(answer_of(&p->h), 0x9F26, &t) && t.len == 8 && memcmp(t.value, want, 8) == 0);
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
        CU_ASSERT_TRUE(answer_is(&p.h, "9F36020003"));
        CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1300"), 0x9000);
        CU_ASSERT_TRUE(answer_is(&p.h, "9F13020003"));
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
    CU_ASSERT_TRUE(answer_is(&p.h, "7712820"
                                   "27C00940C080101001001020218010500"));
    paid_release(&p);
}

static void test_pin(void)
{
    struct paid p;
    paid_init(&p, false);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1700"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&p.h, "9F170103"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "00200080082412"
                                   "35FFFFFFFFFF"),
                    0x63C2);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241235FFFFFFFFFF"), 0x63C1);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241234FFFFFFFFFF"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&p.h, "80CA9F1700"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&p.h, "9F170103"));
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008007241234FFFFFFFF"), 0x6700);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008108241234FFFFFFFFFF"), 0x6A86);
    for (unsigned left = 2; left > 0; left--)
        CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241235FFFFFFFFFF"), 0x63C0 + left);
    CU_ASSERT_EQUAL(host_hex(&p.h, "0020008008241235FFFFFFFFFF"), 0x6983);
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
    {"SELECT by name and part", test_select},
    {"directories", test_directories},
    {"READ RECORD", test_records},
    {"dynamic data authentication up to the scheme", test_dynamic_authentication},
    {"cryptograms", test_cryptograms},
    {"cryptogram offline", test_offline_cryptogram},
    {"end of the counter", test_counter_end},
    {"processing options", test_options_data},
    {"PIN", test_pin},
    {"PIN without power", test_pin_without_power},
    {"enciphered PIN", test_enciphered_pin},
    {"proof of keys", test_proof_of_keys},
    {"session keys of others", test_vectors}};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/emv", cases, SUITE_COUNT(cases));
}
