#include "formats/emv_cert.h"

#include <openssl/bn.h>

#include "suite.h"
#include "vectors.h"

/* The private operation, as the token does it. */
static void sign_raw(const struct buf *modulus, const struct buf *private_exponent, const struct buf *in,
                     struct buf *out)
{
    uint8_t bytes[256];
    BN_CTX *context = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(modulus->data, (int)modulus->len, NULL);
    BIGNUM *d = BN_bin2bn(private_exponent->data, (int)private_exponent->len, NULL);
    BIGNUM *m = BN_bin2bn(in->data, (int)in->len, NULL);
    CU_ASSERT_EQUAL_FATAL(BN_mod_exp(m, m, d, n, context), 1);
    CU_ASSERT_EQUAL_FATAL(BN_bn2binpad(m, bytes, (int)modulus->len), (int)modulus->len);
    buf_clear(out);
    buf_put(out, bytes, modulus->len);
    BN_free(n);
    BN_free(d);
    BN_free(m);
    BN_CTX_free(context);
}

enum field {
    SIGNER_MODULUS,
    SIGNER_EXPONENT,
    SIGNER_PRIVATE,
    CERTIFICATE,
    REMAINDER,
    EXPONENT,
    SUBJECT,
    EXPIRY,
    SERIAL,
    MODULUS,
    STATIC_DATA,
    DAC,
    FIELD_COUNT
};

/* One block of the vectors; every value NULL/0 where the block lacks it. */
struct known {
    struct buf f[FIELD_COUNT];
    struct emv_public_key signer;
    struct emv_certificate want;
    struct emv_signed value;
};

struct names_row {
    const char *op;
    const char *names[FIELD_COUNT];
};
static const struct names_row names[] = {
    {"emv_issuer",
     {"ca_modulus", "ca_exponent", "ca_private_exponent", "certificate", "remainder", "exponent", "issuer_id",
      "expiry", "serial", "modulus", "static_data", "dac"}},
    {"emv_icc",
     {"issuer_modulus", "issuer_exponent", "issuer_private_exponent", "certificate", "remainder", "exponent",
      "pan", "expiry", "serial", "modulus", "static_data", "dac"}},
    {"emv_icc_no_static_data",
     {"issuer_modulus", "issuer_exponent", "issuer_private_exponent", "certificate", "remainder", "exponent",
      "pan", "expiry", "serial", "modulus", "static_data", "dac"}},
    {"emv_ssad",
     {"issuer_modulus", "issuer_exponent", "issuer_private_exponent", "ssad", "remainder", "exponent", "pan",
      "expiry", "serial", "modulus", "static_data", "dac"}},
};

static void key_set(struct emv_public_key *key, const struct buf *modulus, const struct buf *exponent)
{
    memset(key, 0, sizeof(*key));
    if (modulus->len) memcpy(key->modulus, modulus->data, modulus->len);
    key->modulus_len = modulus->len;
    if (exponent->len) memcpy(key->exponent, exponent->data, exponent->len);
    key->exponent_len = exponent->len;
}

static void copy_field(uint8_t *to, size_t room, const struct buf *from)
{
    CU_ASSERT_TRUE_FATAL(from->len <= room);
    if (from->len) memcpy(to, from->data, from->len);
}

static void known_init(struct known *k, const struct vector_block *block, const struct names_row *row)
{
    memset(k, 0, sizeof(*k));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        buf_init(&k->f[i], 4096);
        if (vector_text(block, row->names[i]))
            CU_ASSERT_TRUE_FATAL(vector_hex(block, row->names[i], &k->f[i]));
    }
    key_set(&k->signer, &k->f[SIGNER_MODULUS], &k->f[SIGNER_EXPONENT]);
    key_set(&k->want.key, &k->f[MODULUS], &k->f[EXPONENT]);
    copy_field(k->want.subject, sizeof(k->want.subject), &k->f[SUBJECT]);
    copy_field(k->want.expiry, sizeof(k->want.expiry), &k->f[EXPIRY]);
    copy_field(k->want.serial, sizeof(k->want.serial), &k->f[SERIAL]);
    k->value = (struct emv_signed){k->f[CERTIFICATE].data, k->f[CERTIFICATE].len, k->f[REMAINDER].data,
                                   k->f[REMAINDER].len,    k->f[EXPONENT].data,   k->f[EXPONENT].len};
}

static void known_release(struct known *k)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_release(&k->f[i]);
}

/* Runs check over every block with this op; gives how many there were. */
static unsigned each(const char *op, void (*check)(struct known *k, const struct vector_block *block))
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen = 0;
    const struct names_row *row = NULL;

    for (size_t i = 0; i < SUITE_COUNT(names); i++) {
        if (strcmp(names[i].op, op) == 0) row = &names[i];
    }
    EXPECT_OK(vector_file_open(&f, "emv_cert.txt", &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        if (!vector_is_op(&block, op)) continue;
        struct known k;
        known_init(&k, &block, row);
        unsigned before = CU_get_number_of_failures();
        check(&k, &block);
        if (CU_get_number_of_failures() != before) vector_show(&block);
        known_release(&k);
        seen++;
    }
    CU_ASSERT_TRUE(end);
    vector_file_free(f);
    return seen;
}

static unsigned signed_blocks; /* counted by the checks below: blocks that have a private exponent */

static void check_signed(struct known *k, const struct buf *template)
{
    struct buf made;
    CU_ASSERT_EQUAL(template->len, k->f[SIGNER_MODULUS].len);
    if (!k->f[SIGNER_PRIVATE].len) return;
    buf_init(&made, 256);
    sign_raw(&k->f[SIGNER_MODULUS], &k->f[SIGNER_PRIVATE], template, &made);
    CU_ASSERT_TRUE(bytes_equal(made.data, made.len, k->f[CERTIFICATE].data, k->f[CERTIFICATE].len));
    signed_blocks++;
    buf_release(&made);
}

/* Also without a private key: the template is what the certificate recovers to. */
static void check_template(struct known *k, const struct buf *template, const struct buf *remainder)
{
    struct err err = ERR_INIT;
    uint8_t block[256];
    EXPECT_OK(emv_rsa_public(&k->signer, k->f[CERTIFICATE].data, k->f[CERTIFICATE].len, block, &err));
    CU_ASSERT_TRUE(bytes_equal(block, k->f[CERTIFICATE].len, template->data, template->len));
    CU_ASSERT_TRUE(bytes_equal(remainder->data, remainder->len, k->f[REMAINDER].data, k->f[REMAINDER].len));
    check_signed(k, template);
}

static void check_fields(const struct emv_certificate *got, const struct emv_certificate *want,
                         size_t subject_len)
{
    CU_ASSERT_TRUE(bytes_equal(got->subject, subject_len, want->subject, subject_len));
    CU_ASSERT_TRUE(bytes_equal(got->expiry, 2, want->expiry, 2));
    CU_ASSERT_TRUE(bytes_equal(got->serial, 3, want->serial, 3));
    CU_ASSERT_TRUE(
        bytes_equal(got->key.modulus, got->key.modulus_len, want->key.modulus, want->key.modulus_len));
    CU_ASSERT_TRUE(
        bytes_equal(got->key.exponent, got->key.exponent_len, want->key.exponent, want->key.exponent_len));
}

static void check_issuer(struct known *k, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct emv_certificate got;
    struct buf template, remainder;
    (void)block;
    buf_init(&template, 256);
    buf_init(&remainder, 256);
    EXPECT_OK(emv_issuer_template(&k->want, k->f[SIGNER_MODULUS].len, &template, &remainder, &err));
    check_template(k, &template, &remainder);
    EXPECT_OK(emv_issuer_recover(&k->value, &k->signer, &got, &err));
    check_fields(&got, &k->want, 4);
    buf_release(&template);
    buf_release(&remainder);
}

static bool icc_recover(const struct known *k, struct emv_certificate *out, struct err *err)
{
    return emv_icc_recover(&k->value, &k->signer, k->f[STATIC_DATA].data, k->f[STATIC_DATA].len, out, err);
}

static void check_icc(struct known *k, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct emv_certificate got;
    struct buf template, remainder;
    (void)block;
    buf_init(&template, 256);
    buf_init(&remainder, 256);
    EXPECT_OK(emv_icc_template(&k->want, k->f[STATIC_DATA].data, k->f[STATIC_DATA].len,
                               k->f[SIGNER_MODULUS].len, &template, &remainder, &err));
    check_template(k, &template, &remainder);
    EXPECT_OK(icc_recover(k, &got, &err));
    check_fields(&got, &k->want, 10);
    buf_release(&template);
    buf_release(&remainder);
}

/* These give the certificate's hash but not the static data that went into it: all else must stand. */
static void check_icc_without_data(struct known *k, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct emv_certificate got;
    struct buf template, remainder, digest;
    uint8_t recovered[256];
    size_t len = k->f[CERTIFICATE].len;

    buf_init(&template, 256);
    buf_init(&remainder, 256);
    buf_init(&digest, 20);
    EXPECT_OK(emv_icc_template(&k->want, NULL, 0, len, &template, &remainder, &err));
    EXPECT_OK(emv_rsa_public(&k->signer, k->f[CERTIFICATE].data, len, recovered, &err));
    CU_ASSERT_TRUE(bytes_equal(recovered, len - 21, template.data, template.len - 21));
    CU_ASSERT_TRUE(bytes_equal(remainder.data, remainder.len, k->f[REMAINDER].data, k->f[REMAINDER].len));
    CU_ASSERT_TRUE(vector_hex(block, "hash", &digest));
    CU_ASSERT_TRUE(bytes_equal(recovered + len - 21, 20, digest.data, digest.len));
    EXPECT_FAIL(icc_recover(k, &got, &err), ERR_INTEGRITY, "hash differs");
    buf_release(&template);
    buf_release(&remainder);
    buf_release(&digest);
}

static bool ssad_recover(const struct known *k, uint8_t dac[2], struct err *err)
{
    return emv_ssad_recover(k->f[CERTIFICATE].data, k->f[CERTIFICATE].len, &k->signer, k->f[STATIC_DATA].data,
                            k->f[STATIC_DATA].len, dac, err);
}

static void check_ssad(struct known *k, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    uint8_t dac[2];
    struct buf template, none;
    (void)block;
    buf_init(&template, 256);
    buf_init(&none, 1);
    EXPECT_OK(emv_ssad_template(k->f[DAC].data, k->f[STATIC_DATA].data, k->f[STATIC_DATA].len,
                                k->f[SIGNER_MODULUS].len, &template, &err));
    check_template(k, &template, &none);
    EXPECT_OK(ssad_recover(k, dac, &err));
    CU_ASSERT_TRUE(bytes_equal(dac, 2, k->f[DAC].data, k->f[DAC].len));
    buf_release(&template);
}

static void test_issuer(void)
{
    signed_blocks = 0;
    CU_ASSERT_EQUAL(each("emv_issuer", check_issuer), 10);
    CU_ASSERT_EQUAL(signed_blocks, 5);
}

static void test_icc(void)
{
    signed_blocks = 0;
    CU_ASSERT_EQUAL(each("emv_icc", check_icc), 7);
    CU_ASSERT_EQUAL(signed_blocks, 5);
    CU_ASSERT_EQUAL(each("emv_icc_no_static_data", check_icc_without_data), 2);
}

static void test_ssad(void)
{
    signed_blocks = 0;
    CU_ASSERT_EQUAL(each("emv_ssad", check_ssad), 5);
    CU_ASSERT_EQUAL(signed_blocks, 4);
}

static void test_ca_checksum(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    struct buf rid, index, modulus, exponent, want;
    bool end = false;
    unsigned seen = 0;

    buf_init(&rid, 5);
    buf_init(&index, 1);
    buf_init(&modulus, 256);
    buf_init(&exponent, 3);
    buf_init(&want, 20);
    EXPECT_OK(vector_file_open(&f, "emv_cert.txt", &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        struct emv_ca_key ca = {.index = 0};
        uint8_t got[20];
        if (!vector_is_op(&block, "emv_capk_checksum")) continue;
        CU_ASSERT_TRUE_FATAL(vector_hex(&block, "rid", &rid) && vector_hex(&block, "index", &index));
        CU_ASSERT_TRUE_FATAL(vector_hex(&block, "modulus", &modulus) &&
                             vector_hex(&block, "exponent", &exponent));
        CU_ASSERT_TRUE_FATAL(vector_hex(&block, "checksum", &want));
        copy_field(ca.rid, sizeof(ca.rid), &rid);
        ca.index = index.data[0];
        key_set(&ca.key, &modulus, &exponent);
        EXPECT_OK(emv_ca_checksum(&ca, got, &err));
        CU_ASSERT_TRUE(bytes_equal(got, sizeof(got), want.data, want.len));
        seen++;
    }
    CU_ASSERT_EQUAL(seen, 3);
    buf_release(&rid);
    buf_release(&index);
    buf_release(&modulus);
    buf_release(&exponent);
    buf_release(&want);
    vector_file_free(f);
}

static void flip_issuer(struct known *k, const struct vector_block *block)
{
    static const enum field parts[] = {CERTIFICATE, REMAINDER, EXPONENT};
    struct err err = ERR_INIT;
    struct emv_certificate got;
    (void)block;
    for (size_t p = 0; p < SUITE_COUNT(parts); p++) {
        struct buf *bytes = &k->f[parts[p]];
        for (size_t i = 0; i < bytes->len; i++) {
            bytes->data[i] ^= 0x04;
            CU_ASSERT_FALSE(emv_issuer_recover(&k->value, &k->signer, &got, &err));
            CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
            bytes->data[i] ^= 0x04;
        }
    }
}

static void flip_icc(struct known *k, const struct vector_block *block)
{
    static const enum field parts[] = {CERTIFICATE, REMAINDER, EXPONENT, STATIC_DATA};
    struct err err = ERR_INIT;
    struct emv_certificate got;
    (void)block;
    for (size_t p = 0; p < SUITE_COUNT(parts); p++) {
        struct buf *bytes = &k->f[parts[p]];
        for (size_t i = 0; i < bytes->len; i++) {
            bytes->data[i] ^= 0x40;
            CU_ASSERT_FALSE(icc_recover(k, &got, &err));
            CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
            bytes->data[i] ^= 0x40;
        }
    }
}

static void flip_ssad(struct known *k, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    uint8_t dac[2];
    (void)block;
    for (size_t i = 0; i < k->f[CERTIFICATE].len; i++) {
        k->f[CERTIFICATE].data[i] ^= 0x01;
        CU_ASSERT_FALSE(ssad_recover(k, dac, &err));
        CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
        k->f[CERTIFICATE].data[i] ^= 0x01;
    }
}

static void test_every_byte_changed(void)
{
    each("emv_issuer", flip_issuer);
    each("emv_icc", flip_icc);
    each("emv_ssad", flip_ssad);
}

static void cut_icc(struct known *k, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct emv_certificate got;
    (void)block;
    for (size_t len = 0; len < k->f[CERTIFICATE].len; len++) {
        k->value.len = len;
        CU_ASSERT_FALSE(icc_recover(k, &got, &err));
        CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
    }
    k->value.len = k->f[CERTIFICATE].len;
    k->signer.modulus[k->signer.modulus_len - 1] ^= 2;
    CU_ASSERT_FALSE(icc_recover(k, &got, &err));
    CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
    memset(k->signer.modulus, 0, sizeof(k->signer.modulus));
    EXPECT_FAIL(icc_recover(k, &got, &err), ERR_INTEGRITY, "not below");
    k->signer.modulus_len--;
    EXPECT_FAIL(icc_recover(k, &got, &err), ERR_INTEGRITY, "under a key of");
}

static void test_cut_and_wrong_key(void)
{
    each("emv_icc", cut_icc);
}

/* Certificates with one field wrong and everything else right, under a key whose public operation changes nothing:
 * exponent 1. So the checks behind the header can be met one by one. */
struct wrong_row {
    size_t at;
    uint8_t value;
    const char *part;
};

static struct emv_certificate sound_certificate(void)
{
    struct emv_certificate c = {
        .subject = {0x54, 0x13, 0x33, 0xFF}, .expiry = {0x12, 0x30}, .serial = {0, 0, 1}};
    memset(c.key.modulus, 0xC5, 80);
    c.key.modulus_len = 80;
    c.key.exponent[0] = 3;
    c.key.exponent_len = 1;
    return c;
}

static struct emv_public_key plain_key(size_t len)
{
    struct emv_public_key key = {.modulus_len = len, .exponent = {1}, .exponent_len = 1};
    memset(key.modulus, 0xFF, len);
    return key;
}

static void test_fields_of_issuer(void)
{
    static const struct wrong_row rows[] = {
        {0, 0x6B, "header"},          {1, 0x04, "format"},         {127, 0xBD, "trailer"},
        {11, 2, "hash algorithm 02"}, {12, 9, "key algorithm 09"}, {13, 0, "key of 0 bytes"},
        {13, 129, "key of 129"},      {14, 3, "exponent has 1"},   {107 - 1, 0, "padding"},
        {2, 0, "hash differs"},       {110, 1, "hash differs"},    {13, 128, "remainder has 0 bytes, not 36"},
        {13, 79, "padding"},
    };
    struct err err = ERR_INIT;
    struct emv_certificate c = sound_certificate(), got;
    struct emv_public_key signer = plain_key(128);
    struct buf block, remainder;
    const uint8_t exponent[] = {3, 0, 1}, two[] = {2};

    buf_init(&block, 128);
    buf_init(&remainder, 128);
    EXPECT_OK(emv_issuer_template(&c, 128, &block, &remainder, &err));
    CU_ASSERT_EQUAL(remainder.len, 0);
    struct emv_signed value = {block.data, block.len, NULL, 0, exponent, 1};
    EXPECT_OK(emv_issuer_recover(&value, &signer, &got, &err));
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        uint8_t right = block.data[rows[i].at];
        block.data[rows[i].at] = rows[i].value;
        EXPECT_FAIL(emv_issuer_recover(&value, &signer, &got, &err), ERR_INTEGRITY, rows[i].part);
        block.data[rows[i].at] = right;
    }
    value.exponent_len = 3;
    EXPECT_FAIL(emv_issuer_recover(&value, &signer, &got, &err), ERR_INTEGRITY, "exponent has 3");
    value.exponent_len = 1;
    value.exponent = two;
    EXPECT_FAIL(emv_issuer_recover(&value, &signer, &got, &err), ERR_INTEGRITY, "neither 3 nor 65537");
    value.exponent = exponent;
    value.remainder = exponent;
    value.remainder_len = 1;
    EXPECT_FAIL(emv_issuer_recover(&value, &signer, &got, &err), ERR_INTEGRITY, "remainder has 1");
    buf_release(&block);
    buf_release(&remainder);
}

static void test_fields_of_ssad(void)
{
    static const struct wrong_row rows[] = {
        {0, 0x6B, "header"}, {1, 2, "format"},       {2, 2, "hash algorithm"}, {5, 0, "padding"},
        {63, 0, "trailer"},  {3, 9, "hash differs"}, {62, 9, "hash differs"},
    };
    struct err err = ERR_INIT;
    struct emv_public_key signer = plain_key(64);
    uint8_t dac[2] = {1, 2}, got[2] = {7, 7};
    struct buf block;

    buf_init(&block, 64);
    EXPECT_OK(emv_ssad_template(dac, (const uint8_t *)"data", 4, 64, &block, &err));
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        uint8_t right = block.data[rows[i].at];
        block.data[rows[i].at] = rows[i].value;
        EXPECT_FAIL(emv_ssad_recover(block.data, 64, &signer, (const uint8_t *)"data", 4, got, &err),
                    ERR_INTEGRITY, rows[i].part);
        block.data[rows[i].at] = right;
    }
    CU_ASSERT_EQUAL(got[0], 7);
    EXPECT_FAIL(emv_ssad_recover(block.data, 64, &signer, (const uint8_t *)"date", 4, got, &err),
                ERR_INTEGRITY, "hash differs");
    EXPECT_OK(emv_ssad_recover(block.data, 64, &signer, (const uint8_t *)"data", 4, got, &err));
    CU_ASSERT_EQUAL(got[1], 2);
    signer.modulus_len = 25;
    EXPECT_FAIL(emv_ssad_recover(block.data, 25, &signer, NULL, 0, got, &err), ERR_INTEGRITY, "too few");
    buf_release(&block);
}

static void test_sizes(void)
{
    struct err err = ERR_INIT;
    struct emv_certificate c = sound_certificate();
    const uint8_t dac[2] = {0, 0};
    struct buf block, remainder, small;

    buf_init(&block, 512);
    buf_init(&remainder, 512);
    buf_init(&small, 40);
    EXPECT_FAIL(emv_issuer_template(&c, 249, &block, &remainder, &err), ERR_CONFIG, "more than 248");
    EXPECT_FAIL(emv_issuer_template(&c, 79, &block, &remainder, &err), ERR_CONFIG,
                "key has 80 bytes, its signer's 79");
    c.key.modulus_len = 20;
    EXPECT_FAIL(emv_issuer_template(&c, 36, &block, &remainder, &err), ERR_CONFIG, "no room");
    EXPECT_FAIL(emv_icc_template(&c, NULL, 0, 42, &block, &remainder, &err), ERR_CONFIG, "no room");
    EXPECT_FAIL(emv_ssad_template(dac, NULL, 0, 25, &block, &err), ERR_CONFIG, "25 bytes");
    EXPECT_FAIL(emv_ssad_template(dac, NULL, 0, 249, &block, &err), ERR_CONFIG, "249 bytes");
    c.key.modulus_len = 0;
    EXPECT_FAIL(emv_issuer_template(&c, 128, &block, &remainder, &err), ERR_CONFIG, "key has 0 bytes");
    c = sound_certificate();
    c.key.exponent[0] = 5;
    EXPECT_FAIL(emv_issuer_template(&c, 128, &block, &remainder, &err), ERR_CONFIG, "neither 3 nor 65537");
    c = sound_certificate();
    c.key.modulus[0] = 0;
    EXPECT_FAIL(emv_issuer_template(&c, 128, &block, &remainder, &err), ERR_CONFIG, "zero byte");
    c = sound_certificate();
    EXPECT_FAIL(emv_issuer_template(&c, 80, &small, &remainder, &err), ERR_INPUT, "larger than 40");
    CU_ASSERT_EQUAL(small.len + block.len + remainder.len, 0);
    c.key.modulus_len = 248;
    memset(c.key.modulus, 0xAA, 248);
    EXPECT_OK(emv_issuer_template(&c, 248, &block, &remainder, &err));
    CU_ASSERT_EQUAL(block.len, 248);
    CU_ASSERT_EQUAL(remainder.len, 36);
    buf_release(&block);
    buf_release(&remainder);
    buf_release(&small);
}

static void test_expiry(void)
{
    static const uint8_t dec_29[2] = {0x12, 0x29}, jan_30[2] = {0x01, 0x30}, feb_30[2] = {0x02, 0x30},
                         dec_99[2] = {0x12, 0x99};
    CU_ASSERT_TRUE(emv_expires_after(jan_30, dec_29));
    CU_ASSERT_FALSE(emv_expires_after(dec_29, jan_30));
    CU_ASSERT_TRUE(emv_expires_after(feb_30, jan_30));
    CU_ASSERT_FALSE(emv_expires_after(jan_30, jan_30));
    CU_ASSERT_FALSE(emv_expires_after(dec_99, dec_29));
}

static const struct test_case cases[] = {
    {"issuer certificates: template, signature, recovery", test_issuer},
    {"card certificates: template, signature, recovery", test_icc},
    {"signed static data: template, signature, recovery", test_ssad},
    {"checksums of CA keys", test_ca_checksum},
    {"every changed byte is refused", test_every_byte_changed},
    {"cut certificates and wrong keys", test_cut_and_wrong_key},
    {"each wrong field of a certificate is named", test_fields_of_issuer},
    {"each wrong field of signed static data is named", test_fields_of_ssad},
    {"sizes that break the rules", test_sizes},
    {"which certificate outlives which", test_expiry},
};

int main(void)
{
    return suite_run("formats/emv_cert", cases, SUITE_COUNT(cases));
}
