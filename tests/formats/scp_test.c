#include "formats/scp.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "suite.h"
#include "vectors.h"

static struct err err;

/* key data 00…09, version 30, then the protocol's own. */
static const uint8_t scp02[28] = {0,    1,    2,    3,    4,    5,    6,    7,    8,    9,
                                  0x30, 0x02, 0x00, 0x2A, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6,
                                  0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8};
static const uint8_t scp03[32] = {0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    0x30,
                                  0x03, 0x70, 0xB1, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xC1,
                                  0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0x00, 0x00, 0x15};

static void test_answer(void)
{
    struct scp_answer a;
    EXPECT_OK(scp_answer_read(scp02, sizeof scp02, &a, &err));
    CU_ASSERT_EQUAL(a.protocol, SCP02);
    CU_ASSERT_EQUAL(a.key_version, 0x30);
    CU_ASSERT_EQUAL(a.options, 0x15);
    CU_ASSERT_TRUE(bytes_equal(a.sequence, a.sequence_len, &scp02[12], 2));
    CU_ASSERT_TRUE(bytes_equal(a.challenge, a.challenge_len, &scp02[14], 6));
    CU_ASSERT_TRUE(bytes_equal(a.cryptogram, 8, &scp02[20], 8));
    EXPECT_OK(scp_answer_read(scp03, sizeof scp03, &a, &err));
    CU_ASSERT_EQUAL(a.protocol, SCP03);
    CU_ASSERT_EQUAL(a.options, 0x70);
    CU_ASSERT_TRUE(bytes_equal(a.challenge, a.challenge_len, &scp03[13], 8));
    CU_ASSERT_TRUE(bytes_equal(a.sequence, a.sequence_len, &scp03[29], 3));
    CU_ASSERT_TRUE(bytes_equal(a.key_data, 10, scp03, 10));
}

/* i decides whether the sequence counter stands at the end. */
static void test_options(void)
{
    static const struct {
        uint8_t i;
        size_t len;
        const char *refusal; /* NULL: read */
    } rows[] = {
        {0x00, 29, NULL},
        {0x10, 32, NULL},
        {0x20, 29, NULL},
        {0x30, 32, NULL},
        {0x60, 29, NULL},
        {0x70, 32, NULL},
        {0x00, 32, "3 bytes too many"},
        {0x10, 29, "answer to INITIALIZE UPDATE"},
        {0x40, 29, "unknown options (i = 40)"},
        {0x80, 29, "unknown options"},
        {0x01, 29, "S16"},
        {0x11, 32, "S16"},
        {0x02, 29, "unknown options"},
    };
    struct scp_answer a;
    uint8_t bytes[sizeof scp03];
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        memcpy(bytes, scp03, sizeof bytes);
        bytes[12] = rows[i].i;
        if (rows[i].refusal)
            EXPECT_FAIL(scp_answer_read(bytes, rows[i].len, &a, &err), ERR_INPUT, rows[i].refusal);
        else
            EXPECT_OK(scp_answer_read(bytes, rows[i].len, &a, &err));
    }
    memcpy(bytes, scp03, sizeof bytes);
    bytes[11] = 1;
    EXPECT_FAIL(scp_answer_read(bytes, 32, &a, &err), ERR_INPUT, "SCP01");
}

static void test_answer_cut(void)
{
    struct scp_answer a;
    const uint8_t *all[] = {scp02, scp03};
    const size_t lens[] = {sizeof scp02, sizeof scp03};
    for (size_t i = 0; i < 2; i++) {
        for (size_t len = 0; len < lens[i]; len++) {
            uint8_t *copy = malloc(len ? len : 1);
            memcpy(copy, all[i], len);
            EXPECT_FAIL(scp_answer_read(copy, len, &a, &err), ERR_INPUT, "answer to INITIALIZE UPDATE");
            free(copy);
        }
    }
    uint8_t over[29] = {0};
    memcpy(over, scp02, sizeof scp02);
    EXPECT_FAIL(scp_answer_read(over, sizeof over, &a, &err), ERR_INPUT, "1 bytes too many");
}

static void test_level(void)
{
    struct scp_answer a = {.protocol = SCP02, .options = 0x15};
    CU_ASSERT_EQUAL(scp_level(&a, false, true), 0x01);
    CU_ASSERT_EQUAL(scp_level(&a, true, true), 0x03);
    a.protocol = SCP03;
    static const struct {
        uint8_t i, mac, mac_rmac, enc, enc_rmac;
    } rows[] = {
        {0x00, 1, 1, 3, 3},       {0x10, 1, 1, 3, 3},       {0x20, 1, 0x11, 3, 0x13},
        {0x30, 1, 0x11, 3, 0x13}, {0x60, 1, 0x11, 3, 0x33}, {0x70, 1, 0x11, 3, 0x33},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        a.options = rows[i].i;
        CU_ASSERT_EQUAL(scp_level(&a, false, false), rows[i].mac);
        CU_ASSERT_EQUAL(scp_level(&a, false, true), rows[i].mac_rmac);
        CU_ASSERT_EQUAL(scp_level(&a, true, false), rows[i].enc);
        CU_ASSERT_EQUAL(scp_level(&a, true, true), rows[i].enc_rmac);
    }
    CU_ASSERT_EQUAL(scp_data_max(SCP02, 1, 255), 247);
    CU_ASSERT_EQUAL(scp_data_max(SCP02, 3, 255), 239);
    CU_ASSERT_EQUAL(scp_data_max(SCP03, 1, 255), 247);
    CU_ASSERT_EQUAL(scp_data_max(SCP03, 3, 255), 239);
    CU_ASSERT_EQUAL(scp_data_max(SCP03, 1, 4000), 3992);
    CU_ASSERT_EQUAL(scp_data_max(SCP02, 3, 2000), 1991);
}

static void test_padding(void)
{
    struct buf b;
    buf_init(&b, 64);
    for (size_t n = 0; n < 17; n++) {
        buf_clear(&b);
        buf_put_u8(&b, 0xFF); /* stands before what is padded */
        buf_put_fill(&b, 0xAA, n);
        scp_pad(&b, 1, 8);
        size_t len = b.len - 1;
        CU_ASSERT_EQUAL(len, (n / 8 + 1) * 8);
        EXPECT_OK(scp_unpad(&b.data[1], &len, &err));
        CU_ASSERT_EQUAL(len, n);
    }
    const uint8_t none[8] = {1, 2, 3, 4, 5, 6, 7, 8}, zeros[8] = {0};
    size_t len = 8;
    EXPECT_FAIL(scp_unpad(none, &len, &err), ERR_INTEGRITY, "padding");
    EXPECT_FAIL(scp_unpad(zeros, &len, &err), ERR_INTEGRITY, "padding");
    CU_ASSERT_EQUAL(len, 8);
    len = 0;
    EXPECT_FAIL(scp_unpad(zeros, &len, &err), ERR_INTEGRITY, "padding");
    buf_release(&b);
}

static bool cmac(const struct buf *key, const uint8_t *data, size_t len, uint8_t out[16])
{
    const char *cipher = key->len == 16 ? "AES-128-CBC" : key->len == 24 ? "AES-192-CBC" : "AES-256-CBC";
    char name[16];
    size_t out_len = 0;
    snprintf(name, sizeof name, "%s", cipher);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    bool ok = EVP_MAC_init(ctx, key->data, key->len, params) == 1 && EVP_MAC_update(ctx, data, len) == 1 &&
              EVP_MAC_final(ctx, out, &out_len, 16) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok && out_len == 16;
}

struct kdf_case {
    struct buf base, due, host, card;
};

static bool kdf_is(const struct vector_block *block, struct kdf_case *k, const char *base, const char *due,
                   enum scp03_constant constant)
{
    uint8_t in[SCP03_KDF], out[32];
    if (!vector_hex(block, base, &k->base) || !vector_hex(block, due, &k->due)) return true; /* not given */
    for (size_t n = 0; n < (k->due.len + 15) / 16; n++) {
        const struct scp03_derivation d = {constant, k->base.len * 8, (uint8_t)(n + 1)};
        scp03_kdf_input(&d, k->host.data, k->card.data, in);
        if (!cmac(&k->base, in, sizeof in, &out[16 * n])) return false;
    }
    return bytes_equal(out, k->due.len, k->due.data, k->due.len);
}

/* Session keys and cryptograms of SCP03, with OpenSSL's CMAC over what is built here. */
static void test_kdf(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct kdf_case k;
    bool end = false;
    unsigned seen = 0;
    uint8_t in[SCP03_KDF], out[16];
    struct buf *bufs[] = {&k.base, &k.due, &k.host, &k.card};
    for (size_t i = 0; i < SUITE_COUNT(bufs); i++)
        buf_init(bufs[i], 64);
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        if (!vector_is_op(&block, "scp03") || !vector_hex(&block, "host_challenge", &k.host) ||
            !vector_hex(&block, "card_challenge", &k.card) || k.host.len != 8)
            continue; /* S16 */
        bool right = kdf_is(&block, &k, "static_enc", "s_enc", SCP03_S_ENC) &&
                     kdf_is(&block, &k, "static_mac", "s_mac", SCP03_S_MAC) &&
                     kdf_is(&block, &k, "static_mac", "s_rmac", SCP03_S_RMAC);
        if (vector_hex(&block, "s_mac", &k.base) && vector_hex(&block, "card_cryptogram", &k.due)) {
            const struct scp03_derivation d = {SCP03_CARD_CRYPTOGRAM, SCP03_CRYPTOGRAM_BITS, 1};
            scp03_kdf_input(&d, k.host.data, k.card.data, in);
            right = right && cmac(&k.base, in, sizeof in, out) && bytes_equal(out, 8, k.due.data, k.due.len);
            seen++;
        }
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
    }
    CU_ASSERT_TRUE(seen >= 4);
    vector_file_free(f);
    for (size_t i = 0; i < SUITE_COUNT(bufs); i++)
        buf_release(bufs[i]);
}

static void test_inputs(void)
{
    static const uint8_t host[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    static const uint8_t data[] = {0x01, 0x01}, mac[8] = {9, 9, 9, 9, 9, 9, 9, 9}, chain[16] = {0xCC};
    static const uint8_t of_card[24] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x00,
                                        0x2A, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0x80};
    static const uint8_t of_host[24] = {0x00, 0x2A, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0x11,
                                        0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x80};
    static const uint8_t macked[8] = {0x84, 0xE2, 0x80, 0x03, 0x0A, 0x01, 0x01, 0x80};
    static const uint8_t sent[] = {0x84, 0xE2, 0x80, 0x03, 0x0A, 0x01, 0x01, 9, 9, 9, 9, 9, 9, 9, 9, 0};
    const struct apdu command = {0x80, 0xE2, 0x80, 0x03, data, sizeof data, 256};
    struct scp_answer answer;
    struct buf b;
    uint8_t out[24];
    buf_init(&b, 512);
    EXPECT_OK(scp_answer_read(scp02, sizeof scp02, &answer, &err));
    scp02_cryptogram_input(&answer, host, true, out);
    CU_ASSERT_TRUE(bytes_equal(out, 24, of_card, 24));
    scp02_cryptogram_input(&answer, host, false, out);
    CU_ASSERT_TRUE(bytes_equal(out, 24, of_host, 24));
    EXPECT_OK(scp02_mac_input(&command, &b, &err));
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, macked, sizeof macked));
    buf_clear(&b);
    EXPECT_OK(scp03_mac_input(chain, &command, &b, &err));
    CU_ASSERT_TRUE(b.len == 23 && bytes_equal(b.data, 16, chain, 16) &&
                   bytes_equal(&b.data[16], 7, macked, 7));
    buf_clear(&b);
    EXPECT_OK(scp_put_secured(&b, &command, mac, &err));
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, sent, sizeof sent));
    scp02_session_data(SCP02_DEK, (const uint8_t[]){0x06, 0x9F}, out);
    CU_ASSERT_TRUE(bytes_equal(out, 4, "\x01\x81\x06\x9F", 4) && bytes_all(&out[4], 12, 0));
    scp03_counter_block(0x0102, true, out);
    CU_ASSERT_TRUE(out[0] == 0x80 && out[14] == 1 && out[15] == 2 && bytes_all(&out[1], 13, 0));
    buf_release(&b);
}

/* One byte more than a short command carries: the length has three bytes in what is MACed and in what is sent, Le two. */
static void test_extended(void)
{
    static const uint8_t chain[16] = {1}, mac[8] = {0xF0}, longest[65528];
    const struct apdu exact = {0x80, 0xE2, 0, 0, longest, 247, 256},
                      more = {0x80, 0xE2, 0, 0, longest, 248, 256},
                      most = {0x80, 0xE2, 0, 0, longest, 65527, 65536},
                      over = {0x80, 0xE2, 0, 0, longest, 65528, 0};
    struct buf b;
    buf_init(&b, 70000);
    EXPECT_OK(scp_put_secured(&b, &exact, mac, &err));
    CU_ASSERT_TRUE(b.len == 5 + 255 + 1 && bytes_equal(b.data, 5, "\x84\xE2\x00\x00\xFF", 5) &&
                   b.data[b.len - 1] == 0);
    buf_clear(&b);
    EXPECT_OK(scp_put_secured(&b, &more, mac, &err));
    CU_ASSERT_TRUE(b.len == 7 + 256 + 2 && bytes_equal(b.data, 7, "\x84\xE2\x00\x00\x00\x01\x00", 7) &&
                   bytes_equal(&b.data[b.len - 2], 2, "\x01\x00", 2));
    buf_clear(&b);
    EXPECT_OK(scp02_mac_input(&more, &b, &err));
    CU_ASSERT_TRUE(b.len == 256 && bytes_equal(b.data, 7, "\x84\xE2\x00\x00\x00\x01\x00", 7) &&
                   b.data[7 + 248] == 0x80);
    buf_clear(&b);
    EXPECT_OK(scp03_mac_input(chain, &more, &b, &err));
    CU_ASSERT_TRUE(b.len == 16 + 7 + 248 && bytes_equal(&b.data[16], 7, "\x84\xE2\x00\x00\x00\x01\x00", 7));
    buf_clear(&b);
    EXPECT_OK(scp_put_secured(&b, &most, mac, &err));
    CU_ASSERT_TRUE(b.len == 7 + 65535 + 2 && bytes_equal(&b.data[4], 3, "\x00\xFF\xFF", 3) &&
                   bytes_equal(&b.data[b.len - 2], 2, "\x00\x00", 2));
    buf_clear(&b);
    EXPECT_FAIL(scp_put_secured(&b, &over, mac, &err), ERR_INPUT, "65528 bytes and a MAC");
    buf_release(&b);
}

/* The known answers give command and answer; what is MACed is built as E.4.5 says. */
static void test_rmac_input(void)
{
    static const uint8_t due[] = {0x80, 0xF2, 0x80, 0x00, 0x02, 0x4F, 0x00, 0x02,
                                  0xAB, 0xCD, 0x90, 0x00, 0x80, 0x00, 0x00, 0x00};
    static const uint8_t data[] = {0x4F, 0x00}, back[] = {0xAB, 0xCD}, chain[16] = {1};
    const struct apdu command = {0x80, 0xF2, 0x80, 0x00, data, sizeof data, 256};
    const struct apdu_answer answer = {back, sizeof back, 0x9000};
    struct buf b;
    buf_init(&b, 64);
    scp02_rmac_input(&command, &answer, &b);
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, due, sizeof due));
    buf_clear(&b);
    scp03_rmac_input(chain, &answer, &b);
    CU_ASSERT_TRUE(b.len == 20 && bytes_equal(&b.data[16], 4, "\xAB\xCD\x90\x00", 4));
    buf_release(&b);
}

static void test_new_key(void)
{
    static const uint8_t text[16] = {7, 7};
    static const uint8_t des[] = {0x80, 0x10}, aes[] = {0x88, 0x11, 0x10}, tail[] = {3, 1, 2, 3};
    struct buf b;
    buf_init(&b, 64);
    struct scp_new_key key = {false, text, sizeof text, 16, {1, 2, 3}};
    scp_new_key_put(&b, &key);
    CU_ASSERT_TRUE(b.len == 22 && bytes_equal(b.data, 2, des, 2) && bytes_equal(&b.data[18], 4, tail, 4));
    buf_clear(&b);
    key.aes = true;
    scp_new_key_put(&b, &key);
    CU_ASSERT_TRUE(b.len == 23 && bytes_equal(b.data, 3, aes, 3) && bytes_equal(&b.data[19], 4, tail, 4));
    buf_release(&b);
}

static const struct test_case cases[] = {
    {"answers of both protocols", test_answer},
    {"options of SCP03", test_options},
    {"answers cut at every byte, and one byte over", test_answer_cut},
    {"the level that is opened", test_level},
    {"padding and back", test_padding},
    {"SCP03 keys and cryptograms equal the known answers", test_kdf},
    {"what is encrypted and MACed", test_inputs},
    {"commands of extended length", test_extended},
    {"what R-MAC covers", test_rmac_input},
    {"keys in PUT KEY", test_new_key},
};

int main(void)
{
    return suite_run("formats/scp", cases, SUITE_COUNT(cases));
}
