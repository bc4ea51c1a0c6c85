/* Dynamic data authentication as a terminal checks it, from the scheme's key down. */
#include <string.h>

#include "base/digest.h"
#include "formats/afl.h"
#include "paid.h"
#include "suite.h"

static struct err err;

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
    CU_ASSERT_TRUE_FATAL(paid_element(paid_answer(&p->h), 0x94, &afl));
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
                paid_element(cur_make(t->records[s][r].data, t->records[s][r].len, 0), tag, out))
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
    CU_ASSERT_TRUE(paid_element(paid_answer(&p.h), 0x80, &sig));
    CU_ASSERT_TRUE(signature_is_right(&key, sig.value, sig.len, (const uint8_t *)"\x11\x22\x33\x44", 4));
    CU_ASSERT_FALSE(signature_is_right(&key, sig.value, sig.len, (const uint8_t *)"\x11\x22\x33\x45", 4));
    memcpy(first, sig.value, sig.len);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00880000041122334400"), 0x9000);
    CU_ASSERT_TRUE(paid_element(paid_answer(&p.h), 0x80, &sig));
    CU_ASSERT_TRUE(memcmp(first, sig.value, sig.len) != 0); /* its own number is new each time */
    CU_ASSERT_EQUAL(host_hex(&p.h, "008800000311223300"), 0x6700);
    CU_ASSERT_EQUAL(host_hex(&p.h, "00880100041122334400"), 0x6A86);
    terminal_release(&t);
    paid_release(&p);
}

static const struct test_case cases[] = {
    {"dynamic data authentication up to the scheme", test_dynamic_authentication},
};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/dynamic", cases, SUITE_COUNT(cases));
}
