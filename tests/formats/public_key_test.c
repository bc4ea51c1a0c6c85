#include "formats/public_key.h"

#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "suite.h"

enum { KEY_COUNT = 3 };

/* RSA-2048 with e = 65537, RSA-1024 with e = 65537, P-256. */
static EVP_PKEY *keys[KEY_COUNT];

static struct err err;

static void spki_of(EVP_PKEY *key, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    CU_ASSERT_FATAL(len > 0);
    buf_init(out, 2000);
    buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
}

/* As libcrypto writes it. */
static void pem_of(EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    CU_ASSERT_EQUAL_FATAL(PEM_write_bio_PUBKEY(bio, key), 1);
    long len = BIO_get_mem_data(bio, &text);
    buf_put(out, text, (size_t)len);
    BIO_free(bio);
}

static void test_pem(void)
{
    struct buf der, text, read;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        spki_of(keys[i], &der);
        const struct public_key key = {der.data, der.len};
        buf_init(&text, 4000);
        buf_init(&read, 4000);
        public_key_put_pem(&key, &text);
        EXPECT_OK(public_key_read_pem(text.data, text.len, &read, &err));
        CU_ASSERT_TRUE(bytes_equal(read.data, read.len, der.data, der.len));
        buf_clear(&read);
        pem_of(keys[i], &read);
        CU_ASSERT_TRUE(bytes_equal(read.data, read.len, text.data, text.len));
        buf_release(&der);
        buf_release(&text);
        buf_release(&read);
    }
}

static void test_around(void)
{
    struct buf der, text, read;
    spki_of(keys[0], &der);
    buf_init(&text, 8000);
    buf_init(&read, 4000);
    buf_put_text(&text, "TEST. Public key of somebody\n-----BEGIN NOTE-----\nAAAA\n-----END NOTE-----\n");
    pem_of(keys[0], &text);
    buf_put_text(&text, "Fingerprint: read it aloud\n");
    EXPECT_OK(public_key_read_pem(text.data, text.len, &read, &err));
    CU_ASSERT_TRUE(bytes_equal(read.data, read.len, der.data, der.len));
    pem_of(keys[1], &text);
    EXPECT_FAIL(public_key_read_pem(text.data, text.len, &read, &err), ERR_CONFIG,
                "more than one public key");
    CU_ASSERT_EQUAL(read.len, der.len);
    buf_release(&der);
    buf_release(&text);
    buf_release(&read);
}

static void test_none(void)
{
    static const char *const texts[] = {"", "-----BEGIN PUBLIC KEY-----\n",
                                        "-----BEGIN PUBLIC KEY-----\nAAA\n-----END PUBLIC KEY-----\n",
                                        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    struct buf read;
    buf_init(&read, 4000);
    for (size_t i = 0; i < SUITE_COUNT(texts); i++)
        EXPECT_FAIL(public_key_read_pem(texts[i], strlen(texts[i]), &read, &err), ERR_CONFIG,
                    "holds no public key in PEM form");
    static const char wrong[] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    EXPECT_FAIL(public_key_read_pem(wrong, strlen(wrong), &read, &err), ERR_CONFIG,
                "no DER SubjectPublicKeyInfo");
    /* libcrypto would ask for a password at the terminal. */
    static const char locked[] = "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                                 "00000000000000000000000000000000\n\nAAAA\n-----END PUBLIC KEY-----\n";
    EXPECT_FAIL(public_key_read_pem(locked, strlen(locked), &read, &err), ERR_CONFIG, "PEM headers");
    static const char much[PUBLIC_KEY_PEM_MAX + 1];
    EXPECT_FAIL(public_key_read_pem(much, sizeof(much), &read, &err), ERR_CONFIG, "more than 65536 bytes");
    CU_ASSERT_EQUAL(read.len, 0);
    buf_release(&read);
}

static void test_cut(void)
{
    struct buf text, read;
    buf_init(&text, 4000);
    buf_init(&read, 4000);
    pem_of(keys[2], &text);
    for (size_t len = 0; len + 1 < text.len; len++) { /* the last newline may be missing */
        char *cut = malloc(len + 1);
        memcpy(cut, text.data, len);
        EXPECT_FAIL(public_key_read_pem(cut, len, &read, &err), ERR_CONFIG, "no public key in PEM form");
        free(cut);
    }
    buf_release(&text);
    struct buf small;
    buf_init(&text, 4000);
    buf_init(&small, 90);
    pem_of(keys[2], &text);
    EXPECT_FAIL(public_key_read_pem(text.data, text.len, &small, &err), ERR_INPUT, "public key");
    buf_release(&small);
    buf_release(&text);
    buf_release(&read);
}

static void test_rsa(void)
{
    static const size_t lengths[] = {256, 128};
    static const uint8_t f4[] = {1, 0, 1};
    struct public_key_rsa rsa;
    struct buf der;
    for (size_t i = 0; i < SUITE_COUNT(lengths); i++) {
        BIGNUM *n = NULL;
        uint8_t bytes[512];
        spki_of(keys[i], &der);
        EXPECT_OK(public_key_read_rsa(&(struct public_key){der.data, der.len}, &rsa, &err));
        CU_ASSERT_EQUAL(EVP_PKEY_get_bn_param(keys[i], "n", &n), 1);
        size_t len = (size_t)BN_bn2bin(n, bytes);
        CU_ASSERT_EQUAL(len, lengths[i]);
        CU_ASSERT_TRUE(bytes_equal(bytes, len, rsa.modulus, rsa.modulus_len));
        CU_ASSERT_TRUE(bytes_equal(f4, sizeof(f4), rsa.exponent, rsa.exponent_len));
        BN_free(n);
        buf_release(&der);
    }
}

static void read_numbers_fail(const char *modulus, const char *exponent, const char *text)
{
    struct public_key_rsa rsa = {.modulus_len = 1};
    struct buf der;
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY *key = NULL;
    BN_hex2bn(&n, modulus);
    BN_hex2bn(&e, exponent);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(builder, "n", n);
    OSSL_PARAM_BLD_push_BN(builder, "e", e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    CU_ASSERT_EQUAL(EVP_PKEY_fromdata_init(ctx), 1);
    CU_ASSERT_EQUAL(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    spki_of(key, &der);
    EXPECT_FAIL(public_key_read_rsa(&(struct public_key){der.data, der.len}, &rsa, &err), ERR_INTEGRITY,
                text);
    CU_ASSERT_EQUAL(rsa.modulus_len, 1);
    buf_release(&der);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
}

#define TIMES_8(text) text text text text text text text text
#define BYTES_64      TIMES_8("C1D3E5F708192B3D")
#define BYTES_512     TIMES_8(BYTES_64)

static void test_other_rsa(void)
{
    read_numbers_fail(BYTES_512 "01", "010001", "has not 64 to 512 bytes");
    read_numbers_fail("C1D3E5F7", "03", "has not 64 to 512 bytes");
    read_numbers_fail(BYTES_64, "01", "the RSA exponent is not an odd number from 3");
    read_numbers_fail(BYTES_64, "010000", "the RSA exponent");
    read_numbers_fail(BYTES_64, "0100000001", "the RSA exponent");
}

static void test_not_rsa(void)
{
    struct public_key_rsa rsa;
    struct buf der;
    spki_of(keys[2], &der);
    EXPECT_FAIL(public_key_read_rsa(&(struct public_key){der.data, der.len}, &rsa, &err), ERR_INTEGRITY,
                "is no RSA key");
    for (size_t len = 0; len < der.len; len++)
        EXPECT_FAIL(public_key_read_rsa(&(struct public_key){der.data, len}, &rsa, &err), ERR_INTEGRITY,
                    "no DER SubjectPublicKeyInfo");
    buf_put_u8(&der, 0);
    EXPECT_FAIL(public_key_read_rsa(&(struct public_key){der.data, der.len}, &rsa, &err), ERR_INTEGRITY,
                "no DER SubjectPublicKeyInfo");
    buf_release(&der);
}

/* The same key with a length of one byte more than it needs. */
static void test_other_encoding(void)
{
    struct public_key_rsa rsa;
    struct buf der, longer;
    spki_of(keys[2], &der);
    buf_init(&longer, 2000);
    buf_put_u8(&longer, 0x30);
    buf_put_u8(&longer, 0x81);
    buf_put(&longer, der.data + 1, der.len - 1);
    EXPECT_FAIL(public_key_read_rsa(&(struct public_key){longer.data, longer.len}, &rsa, &err), ERR_INTEGRITY,
                "no DER SubjectPublicKeyInfo");
    buf_release(&der);
    buf_release(&longer);
}

static const struct test_case cases[] = {
    {"PEM there and back", test_pem},
    {"lines and blocks around the key", test_around},
    {"PEM texts without a key", test_none},
    {"truncated at every byte, and no room", test_cut},
    {"modulus and exponent", test_rsa},
    {"moduli and exponents that are refused", test_other_rsa},
    {"other keys, and bytes that are none", test_not_rsa},
    {"another encoding of a key", test_other_encoding},
};

int main(void)
{
    keys[0] = EVP_RSA_gen(2048);
    keys[1] = EVP_RSA_gen(1024);
    keys[2] = EVP_EC_gen("P-256");
    int result = suite_run("formats/public_key", cases, SUITE_COUNT(cases));
    for (size_t i = 0; i < KEY_COUNT; i++)
        EVP_PKEY_free(keys[i]);
    return result;
}
