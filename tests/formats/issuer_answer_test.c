/* A scheme's answer in each of its forms. The values in it are not looked into here: any bytes will do. */
#include "formats/issuer_answer.h"

#include "formats/tlv.h"
#include "suite.h"

enum { SIGNER = 144, REST = 20 };

/* Bytes of which no prefix is one of the tags. */
static void fill(uint8_t *out, size_t len, uint8_t from)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(from + i % 64);
}

static void put_tlv(struct buf *b, size_t rest)
{
    uint8_t certificate[SIGNER], remainder[ISSUER_REMAINDER_MAX];
    fill(certificate, sizeof(certificate), 0x20);
    fill(remainder, sizeof(remainder), 0x30);
    tlv_put(b, 0x9F32, "\x01\x00\x01", 3);
    tlv_put(b, 0x90, certificate, sizeof(certificate));
    tlv_put(b, 0x92, remainder, rest);
    tlv_put(b, 0x8F, "\x92", 1);
}

static void test_bare(void)
{
    struct err err = ERR_INIT;
    struct issuer_answer a;
    uint8_t bytes[SIGNER + ISSUER_REMAINDER_MAX + 1];
    fill(bytes, sizeof(bytes), 0x20);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        if (len < SIGNER || len > SIGNER + ISSUER_REMAINDER_MAX) {
            EXPECT_FAIL(issuer_answer_read(bytes, len, SIGNER, &a, &err), ERR_INTEGRITY, "length: ");
            continue;
        }
        EXPECT_OK(issuer_answer_read(bytes, len, SIGNER, &a, &err));
        CU_ASSERT(bytes_equal(a.certificate, a.certificate_len, bytes, SIGNER));
        CU_ASSERT(bytes_equal(a.remainder, a.remainder_len, bytes + SIGNER, len - SIGNER));
        CU_ASSERT(a.exponent_len == 0 && !a.has_ca_index);
    }
    EXPECT_FAIL(issuer_answer_read(bytes, 10, 0, &a, &err), ERR_INTEGRITY, "not 1 to 248");
    EXPECT_FAIL(issuer_answer_read(bytes, 10, 249, &a, &err), ERR_INTEGRITY, "not 1 to 248");
}

static void test_tlv(void)
{
    struct err err = ERR_INIT;
    struct issuer_answer a;
    struct buf b;
    buf_init(&b, 1024);
    put_tlv(&b, REST);
    EXPECT_OK(issuer_answer_read(b.data, b.len, SIGNER, &a, &err));
    CU_ASSERT(a.certificate_len == SIGNER && a.certificate[0] == 0x20);
    CU_ASSERT(a.remainder_len == REST && a.remainder[0] == 0x30);
    CU_ASSERT(bytes_equal(a.exponent, a.exponent_len, "\x01\x00\x01", 3));
    CU_ASSERT(a.has_ca_index && a.ca_index == 0x92);
    /* Cut anywhere, it is no TLV of that kind any more, except where a whole object is gone. */
    for (size_t len = 0; len < b.len; len++) {
        struct issuer_answer cut = {.certificate_len = 0};
        bool ok = issuer_answer_read(b.data, len, SIGNER, &cut, &err);
        bool whole = len == b.len - 3 || len == b.len - 3 - REST - 2;
        CU_ASSERT_EQUAL(ok && cut.certificate[0] == 0x20, whole);
    }
    EXPECT_OK(issuer_answer_read(b.data, b.len, SIGNER + 1, &a, &err)); /* so it is bare */
    CU_ASSERT_EQUAL(a.certificate[0], 0x9F);
    buf_release(&b);
}

static void test_tlv_refused(void)
{
    struct err err = ERR_INIT;
    struct issuer_answer a;
    struct buf b;
    buf_init(&b, 1024);
    put_tlv(&b, 0);
    EXPECT_OK(issuer_answer_read(b.data, b.len, SIGNER, &a, &err));
    CU_ASSERT_EQUAL(a.remainder_len, 0);
    tlv_put(&b, 0x5F24, "\x32\x12\x31", 3);
    EXPECT_OK(issuer_answer_read(b.data, b.len, SIGNER, &a, &err)); /* another tag: bare */
    CU_ASSERT_EQUAL(a.certificate[0], 0x9F);
    buf_clear(&b);
    put_tlv(&b, 0);
    tlv_put(&b, 0x8F, "\x92", 1); /* twice: bare */
    EXPECT_OK(issuer_answer_read(b.data, b.len, SIGNER, &a, &err));
    CU_ASSERT_EQUAL(a.certificate[0], 0x9F);

    static const struct {
        uint32_t tag;
        size_t len;
        const char *part;
    } rows[] = {{0x92, ISSUER_REMAINDER_MAX + 1, "remainder (92) has 37"},
                {0x9F32, 4, "exponent (9F32) has 4"},
                {0x9F32, 0, "exponent (9F32) has 0"},
                {0x8F, 2, "CA key index (8F) has 2"}};
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        uint8_t certificate[SIGNER] = {0};
        buf_clear(&b);
        tlv_put(&b, 0x90, certificate, sizeof(certificate));
        tlv_put(&b, rows[i].tag, certificate, rows[i].len);
        EXPECT_FAIL(issuer_answer_read(b.data, b.len, SIGNER, &a, &err), ERR_INTEGRITY, rows[i].part);
    }
    buf_release(&b);
}

static void expect_bytes(const char *file, size_t len, const char *due, size_t due_len)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 64);
    EXPECT_OK(issuer_answer_bytes(file, len, &b, &err));
    CU_ASSERT(bytes_equal(b.data, b.len, due, due_len));
    buf_release(&b);
}

static void test_hex(void)
{
    struct err err = ERR_INIT;
    struct buf b;
    expect_bytes("01aB", 4, "\x01\xAB", 2);
    expect_bytes(" 0 1\r\n\taB\n", 10, "\x01\xAB", 2);
    expect_bytes("01aG", 4, "01aG", 4);
    expect_bytes("01\0a", 4, "01\0a", 4);
    expect_bytes("\x01\xAB", 2, "\x01\xAB", 2);
    buf_init(&b, 4);
    EXPECT_FAIL(issuer_answer_bytes("", 0, &b, &err), ERR_INPUT, "nothing is in it");
    EXPECT_FAIL(issuer_answer_bytes(" \n", 2, &b, &err), ERR_INPUT, "nothing is in it");
    EXPECT_FAIL(issuer_answer_bytes("01 2", 4, &b, &err), ERR_INPUT, "odd");
    CU_ASSERT_EQUAL(b.len, 0);
    buf_release(&b);
}

static const struct test_case cases[] = {
    {"certificate and remainder, of every length", test_bare},
    {"TLV in any order, cut at every byte", test_tlv},
    {"TLV with other tags, tags twice and wrong lengths", test_tlv_refused},
    {"hex text or binary", test_hex},
};

int main(void)
{
    return suite_run("formats/issuer_answer", cases, SUITE_COUNT(cases));
}
