/* The sample is right; every change of it is refused. What the sample lacks is made of it. */
#include "suite.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "fixture.h"

static void test_sample(void)
{
    struct fixture f = fixture_set_up();
    CU_ASSERT_TRUE(fixture_check(&f, 0));
    CU_ASSERT_EQUAL(f.summary.records, 5);
    CU_ASSERT_EQUAL(f.summary.secrets, 20);
    CU_ASSERT_EQUAL(f.summary.certificates, 15);
    fixture_tear_down(&f);
}

static size_t accepted_flips(struct fixture *f, size_t from, size_t to, size_t stride, unsigned flags)
{
    size_t accepted = 0;
    for (size_t bit = 8 * from; bit < 8 * to; bit += stride) {
        f->image.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (fixture_check(f, flags)) {
            fprintf(stderr, "bit %zu of byte %zu changed: accepted\n", bit % 8, bit / 8);
            accepted++;
        }
        f->image.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return accepted;
}

static void test_bit_flips(void)
{
    struct fixture f = fixture_set_up();
    CU_ASSERT_EQUAL(accepted_flips(&f, 0, 600, 1, 0), 0);
    CU_ASSERT_EQUAL(accepted_flips(&f, 600, f.image.len, 13, 0), 0);
    fixture_tear_down(&f);
}

static void test_bit_flips_under_end(void)
{
    struct fixture f = fixture_set_up();
    size_t first_card = FIND(&f.image, "CARD   ", 0) - 7, end = FIND(&f.image, "END    ", 0) - 7;
    CU_ASSERT_EQUAL(accepted_flips(&f, first_card, end, 101, READER_UNSEALED), 0);
    fixture_tear_down(&f);
}

static void test_cut_short(void)
{
    struct fixture f = fixture_set_up();
    size_t end = FIND(&f.image, "END    ", 0) - 7;
    f.image.len = end;
    CU_ASSERT_FALSE(fixture_check(&f, 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.refusal, "incomplete"));
    CU_ASSERT_FALSE(fixture_check(&f, READER_INCOMPLETE));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.refusal, "the 5 card records"));
    for (size_t len = 0; len < end; len += 61) {
        f.image.len = len;
        CU_ASSERT_FALSE(fixture_check(&f, 0));
        CU_ASSERT_FALSE(fixture_check(&f, READER_INCOMPLETE));
    }
    fixture_tear_down(&f);
}

/* ---- card keys wrapped again: the first card's DER has 488 bytes, the others' 487 and a zero ---- */
static void wrap_again(struct fixture *f, size_t nth, size_t drop, uint8_t change_last)
{
    static const uint8_t ID[6] = {0x47, 0x61, 0x73, 0xFF, 0x00, 0x01};
    uint8_t plain[512] = {0}, *c7 = &BYTE(&f->image, "\xC7\x82\x01\xF0", nth, 4);
    struct span kek;
    size_t len;
    int done = 0;
    if (!keys_kek(f->keys, span_of(ID, 6), &kek) || !crypto_kwp_unwrap(kek, span_of(c7, 0x1F0), plain, &len))
        abort();
    len -= drop;
    plain[len - 1] ^= change_last;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek.at, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, c7, &done, plain, (int)len) != 1 || done != 0x1F0)
        abort();
    EVP_CIPHER_CTX_free(ctx);
}

static void test_padding(void)
{
    struct fixture f = fixture_set_up();
    wrap_again(&f, 1, 1, 0);
    expect_accepted(&f);
    fixture_tear_down(&f);
    f = fixture_set_up();
    wrap_again(&f, 1, 0, 1);
    expect_refused(&f, SEAL_ALL, "padding", "padding behind the unwrapped bytes is not zero");
    fixture_tear_down(&f);
}

static void test_crt_relation(void)
{
    struct fixture f = fixture_set_up();
    wrap_again(&f, 0, 0, 2);
    expect_refused(&f, SEAL_ALL, "q inverse", "q^-1 mod p does not fit");
    fixture_tear_down(&f);
}

/* The first card's certificate with one byte of its inside changed, hashed and signed anew. */
static void certify_again(struct fixture *f, size_t offset, uint8_t byte)
{
    BIGNUM *n = NULL, *d = NULL, *three = BN_new();
    uint8_t plain[144], *cert = &BYTE(&f->image, "\x9F\x46\x81\x90", 0, 4);
    EVP_PKEY *issuer = image_private("issuer");
    struct span parts[] = {span_of(plain + 1, 122), span_of("\x03", 1),
                           span_of(&BYTE(&f->image, "\x70\x18\x5A\x08", 0, 2), 0x18), span_of("\x38\0", 2)};
    if (!BN_set_word(three, 3) || EVP_PKEY_get_bn_param(issuer, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(issuer, OSSL_PKEY_PARAM_RSA_D, &d) != 1 ||
        !crypto_rsa_public(n, three, span_of(cert, 144), plain))
        abort();
    plain[offset] = byte;
    /* the raw private operation is the public one with d */
    if (!crypto_sha1(parts, 4, plain + 123) || !crypto_rsa_public(n, d, span_of(plain, 144), cert)) abort();
    BN_free(n);
    BN_clear_free(d);
    BN_free(three);
    EVP_PKEY_free(issuer);
}

static void test_card_certificate(void)
{
    static const struct {
        size_t offset;
        uint8_t byte;
        const char *refusal;
    } CHANGES[] = {
        {1, 0x05, "does not recover"}, {2, 0x48, "PAN or identifier differs"},
        {12, 0x13, "no expiry date"},  {13, 0x99, "outlives the issuer"},
        {17, 2, "unknown algorithm"},  {20, 2, "exponent is not"},
        {21, 0xFF, "for another key"}, {122, 0xBA, "padding is not BB"},
    };
    struct fixture f = fixture_set_up();
    certify_again(&f, 2, 0x47);
    expect_accepted(&f);
    fixture_tear_down(&f);
    for (size_t i = 0; i < SUITE_COUNT(CHANGES); i++) {
        f = fixture_set_up();
        certify_again(&f, CHANGES[i].offset, CHANGES[i].byte);
        expect_refused(&f, SEAL_ALL, "card certificate", CHANGES[i].refusal);
        fixture_tear_down(&f);
    }
}

/* ---- what the sample does not have ---- */
static void test_set_aside(void)
{
    struct fixture f = fixture_set_up();
    for (size_t n = 5; n >= 3; n--) { /* 3, 4, 5 become 4, 5, 6 */
        BYTE(&f.image, "\xDA\x08", n - 1, 9)++;
        for (size_t entry = 0; entry < 3; entry++)
            BYTE(&f.image, "\xC1\x18", 3 * (n - 1) + entry, 25)++;
    }
    BYTE(&f.image, "\xDC\x08\0\0\0\0\0\0\0\x05", 0, 9) = 6;
    expect_refused(&f, SEAL_ALL, "a number left out", "record number 4, 3 expected");
    image_splice(&f.image, FIND(&f.image, "\xCF\x20\x28\x88", 0), 0, "\xCC\x08\0\0\0\0\0\0\0\x03", 10);
    expect_accepted(&f);
    BYTE(&f.image, "\xCC\x08\0\0\0\0\0\0\0\x03", 0, 9) = 7;
    expect_refused(&f, SEAL_ALL, "a number too much", "record number 4, 3 expected");
    fixture_tear_down(&f);
}

static void test_further_pass(void)
{
    struct fixture f = fixture_set_up();
    uint8_t d9[18] = {0xD9, 16};
    size_t job = FIND(&f.image, "\xD2\x10", 0) + 2, end = FIND(&f.image, "END    ", 0) + 16;
    memcpy(d9 + 2, f.image.bytes + job, 16);
    f.image.bytes[job] ^= 1;
    f.image.bytes[end] ^= 1;
    for (size_t n = 0; n < 5; n++)
        BYTE(&f.image, "SEAL   0000081", n, 14) ^= 1;
    expect_refused(&f, SEAL_ALL, "no D9", "CARD has another job id");
    image_splice(&f.image,
                 FIND(&f.image,
                      "\xD0\x04"
                      "CHIP",
                      0),
                 0, d9, sizeof(d9));
    expect_accepted(&f);
    fixture_tear_down(&f);
}

/* The sample's keys with more beside them. */
static void use_keys(struct fixture *f, const char *method, const char *signer_hex)
{
    static const char PATH[] = TEST_BUILD_DIR "/reader_test.keys.json";
    json_error_t error;
    json_t *root = json_load_file(SAMPLE_KEYS, 0, &error);
    if (method) {
        json_object_set_new(
            json_object_get(root, "derive"), "KMC/3",
            json_pack("{ssss}", "master", "30313233343536373839616263646566", "method", method));
        json_object_set_new(root, "keydata",
                            json_pack("{ss}", "3bba7fde0cc79d077947bf0d693e71b1-1", "00010203040506070809"));
    }
    if (signer_hex) json_object_set_new(root, "signer", json_string(signer_hex));
    keys_free(f->keys);
    if (json_dump_file(root, PATH, 0) != 0 || !keys_load(PATH, &f->keys)) abort();
    json_decref(root);
}

/* KDL and KDU of the first card under its own key: method 12 makes one CBC text of them. */
static void to_own_key(struct fixture *f, int method)
{
    static const char *const NAMES[] = {"\xE1\x35\xC3\x03KDL", "\xE1\x35\xC3\x03KDU"};
    static const uint8_t KEYDATA[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, ID[6] = {0x47, 0x61, 0x73, 0xFF, 0, 1};
    struct master kmc = {span_text("0123456789abcdef"), method == 0x12 ? KMC_AES : KMC_CPS};
    uint8_t key[32], value[32], last[16] = {0}, tail[] = "\xCC\x09KMC/3/DEK\xC7\x10................";
    struct span kek;
    size_t len, plain;
    if (!keys_kek(f->keys, span_of(ID, 6), &kek) ||
        !derive_static_key(&kmc, span_of(KEYDATA, 10), 3, key, &len))
        abort();
    for (size_t i = 0; i < 2; i++) {
        size_t e1 = image_find(&f->image, NAMES[i], 7, 0), c7 = e1 + 0x37 - 4 - 26;
        if (!crypto_kwp_unwrap(kek, span_of(f->image.bytes + c7 + 2, 24), value, &plain)) abort();
        for (size_t b = 0; b < 16; b++)
            last[b] = method == 0x12 ? last[b] ^ value[b] : value[b];
        struct span in = span_of(last, 16);
        if (!(method == 0x12 ? crypto_aes_ecb(span_of(key, len), in, tail + 13)
                             : crypto_tdes_ecb(span_of(key, len), true, in, tail + 13)))
            abort();
        memcpy(last, tail + 13, 16);
        BYTE(&f->image, "\xC6\x01\x01", 0, 2) = (uint8_t)method;
        image_splice(&f->image, c7, 26, tail, 13 + 16);
    }
}

static void expect_own_key(int method, const char *kmc_method)
{
    struct fixture f = fixture_set_up();
    to_own_key(&f, method);
    expect_accepted(&f);
    CU_ASSERT_EQUAL(f.summary.not_decrypted, 2);
    use_keys(&f, kmc_method, NULL);
    expect_accepted(&f);
    CU_ASSERT_EQUAL(f.summary.not_decrypted, 0);
    CU_ASSERT_EQUAL(f.summary.secrets, 20);
    BYTE(&f.image, "DEK\xC7\x10", 0, 5) ^= 1;
    expect_refused(&f, SEAL_ALL, kmc_method, "check value");
    BYTE(&f.image, "KMC/3/DEK", 0, 8) = 'X';
    expect_refused(&f, SEAL_ALL, kmc_method, "CC is not name/version/which");
    fixture_tear_down(&f);
}

static void test_second_embodiment(void)
{
    expect_own_key(0x11, "kmc-cps");
    expect_own_key(0x12, "kmc-aes");
}

static void test_opaque(void)
{
    struct fixture f = fixture_set_up();
    size_t at = FIND(&f.image, "\xC3\x03KDU\xC4\x01\x01\xC5\x03", 0);
    f.image.bytes[at + 7] = KIND_OPAQUE;
    image_splice(&f.image, FIND(&f.image, "\xCD\x05KMU/1", 0), 7, "\xCE\x02\x00\x10", 4);
    expect_refused(&f, SEAL_ALL, "kind 07 with check value", "C5 is not what its kind asks for");
    image_splice(&f.image, at + 8, 5, NULL, 0);
    expect_accepted(&f);
    BYTE(&f.image, "\xCE\x02\x00\x10", 0, 3) = 15;
    expect_refused(&f, SEAL_ALL, "kind 07", "padding behind the unwrapped bytes is not zero");
    BYTE(&f.image, "\xCE\x02\x00\x0F", 0, 3) = 17;
    expect_refused(&f, SEAL_ALL, "kind 07", "unwrapped length is wrong");
    fixture_tear_down(&f);
}

/* END anew under an ECDSA key: r‖s instead of DER. */
static void sign_ecdsa(struct image *image, EVP_PKEY *key, struct span spki)
{
    static const char CONTEXT[] = "cardprep-mic-end-1";
    uint8_t text[256], der[128], tail[5 + 64] = {0xCA, 1, 2, 0xCB, 64};
    size_t end = FIND(image, "END    ", 0) + 14, cb = FIND(image, "\xCA\x01\x01\xCB", 0), len = sizeof(der);
    image_splice(image, cb, image->len - cb, tail, sizeof(tail));
    if (!crypto_sha256(spki, &BYTE(image, "\xDE\x20", 0, 2)) ||
        !crypto_sha256(span_of(image->bytes, end - 21), &BYTE(image, "\xDD\x20", 0, 2)))
        abort();
    memcpy(text, CONTEXT, sizeof(CONTEXT));
    memcpy(text + sizeof(CONTEXT), image->bytes + end, cb + 3 - end);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(ctx, der, &len, text, sizeof(CONTEXT) + cb + 3 - end) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), image->bytes + cb + 5, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), image->bytes + cb + 37, 32);
    ECDSA_SIG_free(sig);
}

static void test_ecdsa(void)
{
    struct fixture f = fixture_set_up();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t *spki = NULL;
    char hex[512] = "";
    int len = i2d_PUBKEY(key, &spki);
    for (int i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", spki[i]);
    use_keys(&f, NULL, hex);
    CU_ASSERT_FALSE(fixture_check(&f, 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.refusal, "signed by another key"));
    sign_ecdsa(&f.image, key, span_of(spki, (size_t)len));
    CU_ASSERT_TRUE(fixture_check(&f, 0));
    f.image.bytes[f.image.len - 1] ^= 1;
    CU_ASSERT_FALSE(fixture_check(&f, 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.refusal, "signature does not verify"));
    OPENSSL_free(spki);
    EVP_PKEY_free(key);
    fixture_tear_down(&f);
}

static char *dump(struct fixture *f, unsigned flags)
{
    struct reader r = {.keys = f->keys, .file = span_of(f->image.bytes, f->image.len)};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CU_ASSERT_TRUE(reader_check(&r) && reader_dump(&r, flags, out));
    fclose(out);
    reader_release(&r);
    return text;
}

static void test_mask(void)
{
    struct fixture f = fixture_set_up();
    char *first = dump(&f, DUMP_MASK | DUMP_UNWRAP), *bare = dump(&f, 0);
    for (size_t i = 0; i + 32 <= f.image.len; i++) { /* another job id, wherever it stands */
        if (memcmp(f.image.bytes + i, "\x3b\xba\x7f\xde", 4) == 0) f.image.bytes[i + 3] = 0xdf;
        if (memcmp(f.image.bytes + i, "3bba7fde0cc7", 12) == 0) f.image.bytes[i + 7] = 'f';
    }
    expect_accepted(&f);
    char *second = dump(&f, DUMP_MASK | DUMP_UNWRAP), *bare_second = dump(&f, 0);
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_STRING_NOT_EQUAL(bare, bare_second);
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "record 2/CHIP/entry A000000003101001/E1 KDL/C7 unwrapped = "));
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "E2 0301/C9/70/9F46 = *\n"));
    free(first);
    free(second);
    free(bare);
    free(bare_second);
    fixture_tear_down(&f);
}

static const struct test_case CASES[] = {
    {"the sample is accepted, all of it", test_sample},
    {"any bit changed is refused", test_bit_flips},
    {"any bit changed in a card record is refused without END's help", test_bit_flips_under_end},
    {"a file cut short is incomplete", test_cut_short},
    {"zero padding is taken, other padding is not", test_padding},
    {"a CRT part that does not fit is refused", test_crt_relation},
    {"a card certificate must fit its card and its issuer", test_card_certificate},
    {"numbers set aside are left out", test_set_aside},
    {"a further pass keeps the first one's job id", test_further_pass},
    {"methods 11 and 12 decrypt under the card's own key", test_second_embodiment},
    {"kind 07 has its true length and zeros", test_opaque},
    {"END may be signed by ECDSA", test_ecdsa},
    {"the masked dump of two runs is the same", test_mask},
};

int main(void)
{
    return suite_run("reader", CASES, SUITE_COUNT(CASES));
}
