#include "formats/derivation.h"

#include <openssl/evp.h>

#include "base/hex.h"
#include "suite.h"
#include "vectors.h"

/* The block under the master in ECB, as the token does it. OpenSSL's three-key TDES takes a two-key one as K1 K2 K1. */
static void encrypt_ecb(const struct buf *master, enum derivation_cipher cipher, const uint8_t *in,
                        size_t len, uint8_t *out)
{
    const EVP_CIPHER *aes = master->len == 16   ? EVP_aes_128_ecb()
                            : master->len == 24 ? EVP_aes_192_ecb()
                                                : EVP_aes_256_ecb();
    const EVP_CIPHER *tdes = master->len == 16 ? EVP_des_ede_ecb() : EVP_des_ede3_ecb();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int got = 0;
    CU_ASSERT_EQUAL_FATAL(
        EVP_EncryptInit_ex(ctx, cipher == CIPHER_AES ? aes : tdes, NULL, master->data, NULL), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    CU_ASSERT_EQUAL(EVP_EncryptUpdate(ctx, out, &got, in, (int)len), 1);
    CU_ASSERT_EQUAL(got, (int)len);
    EVP_CIPHER_CTX_free(ctx);
}

/* Derives as a token and its caller do together. */
static size_t derive(const struct buf *master, const struct derivation_block *block, uint8_t key[32])
{
    struct derivation_block b = *block;
    if (b.xor_k1) {
        uint8_t k1[16] = {0};
        encrypt_ecb(master, CIPHER_AES, k1, sizeof(k1), k1);
        derivation_double(k1, k1);
        for (size_t i = 0; i < b.len; i++)
            b.data[i] ^= k1[i % 16];
    }
    encrypt_ecb(master, b.cipher, b.data, b.len, key);
    return b.key_len;
}

/* The check value that the vectors mean: zeros for DES; 16 bytes of 01 for the AES keys of GlobalPlatform. */
static void check_kcv(const struct vector_block *block, const char *name, enum derivation_cipher cipher,
                      const struct buf *key)
{
    struct buf want;
    uint8_t in[16], out[16];
    buf_init(&want, 16);
    if (vector_hex(block, name, &want)) {
        memset(in, cipher == CIPHER_AES ? 0x01 : 0x00, sizeof(in));
        encrypt_ecb(key, cipher, in, 16, out);
        CU_ASSERT_TRUE(bytes_equal(out, want.len, want.data, want.len));
    }
    buf_release(&want);
}

static void check_key(const struct vector_block *block, const char *key_name, const char *kcv_name,
                      const struct buf *master, const struct derivation_block *made)
{
    struct buf want, key;
    uint8_t bytes[32];
    const char *parity = vector_text(block, "parity");
    size_t len = derive(master, made, bytes);

    buf_init(&want, 32);
    buf_init(&key, 32);
    /* The card manager's keys stand in the vectors as encrypted, EMV ones with odd parity unless the block says so. */
    bool adjusted = strcmp(key_name, "mk") == 0 && !(parity && strcmp(parity, "none") == 0);
    if (made->cipher == CIPHER_TDES && adjusted) des_parity(bytes, len);
    buf_put(&key, bytes, len);
    if (vector_hex(block, key_name, &want)) {
        bool same = bytes_equal(key.data, key.len, want.data, want.len);
        if (!same) vector_show(block);
        CU_ASSERT_TRUE(same);
    }
    check_kcv(block, kcv_name, made->cipher, &key);
    buf_release(&want);
    buf_release(&key);
}

static enum secret_kind kind_of(enum derivation_cipher cipher, size_t master_len)
{
    if (cipher == CIPHER_TDES) return SECRET_DES2;
    return master_len == 16 ? SECRET_AES128 : master_len == 24 ? SECRET_AES192 : SECRET_AES256;
}

static void check_emv(const struct vector_block *block, enum derivation_method method,
                      enum derivation_cipher cipher)
{
    struct err err = ERR_INIT;
    struct derivation_block made;
    struct buf master, data;
    const char *pan = vector_text(block, "pan");
    const char *psn = vector_text(block, "psn");

    buf_init(&master, 32);
    buf_init(&data, 32);
    CU_ASSERT_TRUE_FATAL(vector_hex(block, "imk", &master));
    EXPECT_OK(derivation_data_emv(pan, strlen(pan), psn, strlen(psn), &data, &err));
    struct derivation_input in = {
        .method = method, .data = data.data, .len = data.len, .kind = kind_of(cipher, master.len)};
    EXPECT_OK(derivation_make(&in, cipher, &made, &err));
    check_key(block, "mk", "mk_kcv", &master, &made);
    buf_release(&master);
    buf_release(&data);
}

static void check_kmc(const struct vector_block *block, enum derivation_method method,
                      enum derivation_cipher cipher)
{
    static const char *const names[][2] = {{"enc", "enc_kcv"}, {"mac", "mac_kcv"}, {"dek", "dek_kcv"}};
    struct err err = ERR_INIT;
    struct derivation_block made;
    struct buf master, data;

    buf_init(&master, 32);
    buf_init(&data, 32);
    CU_ASSERT_TRUE_FATAL(vector_hex(block, "kmc", &master));
    CU_ASSERT_TRUE_FATAL(vector_hex(block, "keydata", &data));
    for (size_t i = 0; i < 3; i++) {
        struct derivation_input in = {method, data.data, data.len, kind_of(cipher, master.len),
                                      (enum card_key_which)(CARD_KEY_ENC + i)};
        EXPECT_OK(derivation_make(&in, cipher, &made, &err));
        check_key(block, names[i][0], names[i][1], &master, &made);
    }
    buf_release(&master);
    buf_release(&data);
}

static void check_decimalise(const struct vector_block *block, enum derivation_method method,
                             enum derivation_cipher cipher)
{
    struct buf hash, want;
    uint8_t digits[8];
    (void)method;
    (void)cipher;
    buf_init(&hash, 20);
    buf_init(&want, 8);
    CU_ASSERT_TRUE_FATAL(vector_hex(block, "digest", &hash) && hash.len == 20);
    CU_ASSERT_TRUE_FATAL(vector_hex(block, "digits", &want));
    derivation_decimalise(hash.data, digits);
    CU_ASSERT_TRUE(bytes_equal(digits, sizeof(digits), want.data, want.len));
    buf_release(&hash);
    buf_release(&want);
}

struct op_row {
    const char *op;
    unsigned count; /* blocks in the file */
    void (*check)(const struct vector_block *, enum derivation_method, enum derivation_cipher);
    enum derivation_method method;
    enum derivation_cipher cipher;
};
static const struct op_row ops[] = {
    {"emv_option_a", 7, check_emv, DERIVE_EMV_A, CIPHER_TDES},
    {"emv_option_b", 9, check_emv, DERIVE_EMV_B, CIPHER_TDES},
    {"emv_option_c", 3, check_emv, DERIVE_EMV_C, CIPHER_AES},
    {"emv_decimalise", 2, check_decimalise, DERIVE_EMV_B, CIPHER_TDES},
    {"cps", 2, check_kmc, DERIVE_KMC_CPS, CIPHER_TDES},
    {"visa2", 2, check_kmc, DERIVE_KMC_VISA2, CIPHER_TDES},
    {"kdf3", 7, check_kmc, DERIVE_KMC_AES, CIPHER_AES},
};

static void test_vectors(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen[SUITE_COUNT(ops)] = {0};

    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (f && vector_next(f, &block, &end, &err) && !end) {
        for (size_t i = 0; i < SUITE_COUNT(ops); i++) {
            if (!vector_is_op(&block, ops[i].op)) continue;
            ops[i].check(&block, ops[i].method, ops[i].cipher);
            seen[i]++;
        }
    }
    CU_ASSERT_TRUE(end);
    for (size_t i = 0; i < SUITE_COUNT(ops); i++)
        CU_ASSERT_EQUAL(seen[i], ops[i].count);
    vector_file_free(f);
}

static bool make(enum derivation_method method, const char *hex, enum secret_kind kind,
                 enum derivation_cipher cipher, struct derivation_block *out, struct err *err)
{
    struct buf data;
    buf_init(&data, 64);
    bool ok = hex_read(hex, strlen(hex), &data, err);
    struct derivation_input in = {method, data.data ? data.data : (const uint8_t *)"", data.len, kind,
                                  CARD_KEY_MAC};
    if (ok) ok = derivation_make(&in, cipher, out, err);
    buf_release(&data);
    return ok;
}

static bool block_is(const struct derivation_block *block, const char *hex)
{
    struct err err = ERR_INIT;
    struct buf want;
    buf_init(&want, 32);
    bool same =
        hex_read(hex, strlen(hex), &want, &err) && bytes_equal(block->data, block->len, want.data, want.len);
    buf_release(&want);
    return same;
}

static void test_complement(void)
{
    struct err err = ERR_INIT;
    struct derivation_block b;
    EXPECT_OK(make(DERIVE_COMPLEMENT, "4761730000000001", SECRET_DES2, CIPHER_TDES, &b, &err));
    CU_ASSERT_TRUE(block_is(&b, "4761730000000001B89E8CFFFFFFFFFE"));
    CU_ASSERT_EQUAL(b.key_len, 16);
    CU_ASSERT_EQUAL(b.cipher, CIPHER_TDES);
    CU_ASSERT_FALSE(b.xor_k1);
}

#define H8 "0123456789ABCDEF"
static void test_direct(void)
{
    struct err err = ERR_INIT;
    struct derivation_block b;
    EXPECT_OK(make(DERIVE_DIRECT, H8 H8, SECRET_DES2, CIPHER_TDES, &b, &err));
    EXPECT_OK(make(DERIVE_DIRECT, H8 H8 H8, SECRET_DES3, CIPHER_TDES, &b, &err));
    CU_ASSERT_EQUAL(b.key_len, 24);
    EXPECT_OK(make(DERIVE_DIRECT, H8 H8, SECRET_AES128, CIPHER_AES, &b, &err));
    CU_ASSERT_TRUE(block_is(&b, H8 H8));
    EXPECT_OK(make(DERIVE_DIRECT, H8 H8 H8 H8, SECRET_AES256, CIPHER_AES, &b, &err));
    CU_ASSERT_TRUE(block_is(&b, H8 H8 H8 H8));
    EXPECT_FAIL(make(DERIVE_DIRECT, H8 H8 H8, SECRET_DES2, CIPHER_TDES, &b, &err), ERR_INPUT, "needs 16");
    EXPECT_FAIL(make(DERIVE_DIRECT, H8 H8, SECRET_AES256, CIPHER_AES, &b, &err), ERR_INPUT, "needs 32");
    EXPECT_FAIL(make(DERIVE_DIRECT, H8 H8 H8, SECRET_AES192, CIPHER_AES, &b, &err), ERR_CONFIG, "AES-192");
}

static void test_zeros(void)
{
    struct err err = ERR_INIT;
    struct derivation_block b = {.len = 99};
    EXPECT_FAIL(make(DERIVE_COMPLEMENT, "0000000000000000", SECRET_DES2, CIPHER_TDES, &b, &err), ERR_INPUT,
                "all zero");
    EXPECT_FAIL(make(DERIVE_COMPLEMENT, "FFFFFFFFFFFFFFFF", SECRET_DES2, CIPHER_TDES, &b, &err), ERR_INPUT,
                "zeros");
    EXPECT_FAIL(make(DERIVE_EMV_C, "0000000000", SECRET_AES128, CIPHER_AES, &b, &err), ERR_INPUT, "all zero");
    EXPECT_FAIL(make(DERIVE_DIRECT, "0000000000000000" H8, SECRET_DES2, CIPHER_TDES, &b, &err), ERR_INPUT,
                "zeros");
    EXPECT_OK(make(DERIVE_DIRECT, "0000000000000000" H8, SECRET_AES128, CIPHER_AES, &b, &err));
    b.len = 99;
    EXPECT_FAIL(
        make(DERIVE_DIRECT, H8 H8 "00000000000000000000000000000000", SECRET_AES256, CIPHER_AES, &b, &err),
        ERR_INPUT, "zeros");
    EXPECT_FAIL(make(DERIVE_KMC_AES, "00000000000000000000", SECRET_AES128, CIPHER_AES, &b, &err), ERR_INPUT,
                "all zero");
    CU_ASSERT_EQUAL(b.len, 99);
}

static void test_lengths(void)
{
    static const char digits[] = "11111111111111111111111111111111111111111111111111111111111111111111";
    struct err err = ERR_INIT;
    struct derivation_block b;
    for (unsigned m = 0; m < DERIVATION_METHOD_COUNT; m++) {
        const struct derivation_row *row = derivation_row((enum derivation_method)m);
        enum derivation_cipher cipher = row->tdes_master ? CIPHER_TDES : CIPHER_AES;
        enum secret_kind kind = cipher == CIPHER_TDES ? SECRET_DES2 : SECRET_AES128;
        for (size_t len = 0; len <= 34; len++) {
            char hex[80] = "";
            memcpy(hex, digits, 2 * len);
            bool fits = m == DERIVE_DIRECT ? len == 16 : len >= row->data_min && len <= row->data_max;
            CU_ASSERT_EQUAL(make(row->method, hex, kind, cipher, &b, &err), fits);
            if (!fits) CU_ASSERT_EQUAL(err.kind, ERR_INPUT);
        }
    }
}

static void test_mismatches(void)
{
    struct err err = ERR_INIT;
    struct derivation_block b;
    EXPECT_FAIL(make(DERIVE_COMPLEMENT, H8, SECRET_AES128, CIPHER_AES, &b, &err), ERR_CONFIG, "AES master");
    EXPECT_FAIL(make(DERIVE_EMV_C, H8, SECRET_DES2, CIPHER_TDES, &b, &err), ERR_CONFIG, "TDES master");
    EXPECT_FAIL(make(DERIVE_EMV_A, H8, SECRET_AES128, CIPHER_TDES, &b, &err), ERR_CONFIG, "no AES card key");
    EXPECT_FAIL(make(DERIVE_DIRECT, H8 H8, SECRET_DES2, CIPHER_AES, &b, &err), ERR_CONFIG,
                "no TDES card key");
    EXPECT_FAIL(make(DERIVE_EMV_A, H8, SECRET_DES3, CIPHER_TDES, &b, &err), ERR_CONFIG, "double-length");
    EXPECT_FAIL(make(DERIVE_EMV_A, H8, SECRET_RSA, CIPHER_TDES, &b, &err), ERR_CONFIG,
                "DES and AES keys only");
    EXPECT_FAIL(make(DERIVE_EMV_A, H8, SECRET_OPAQUE, CIPHER_TDES, &b, &err), ERR_CONFIG,
                "DES and AES keys only");
    EXPECT_FAIL(make(DERIVATION_METHOD_COUNT, H8, SECRET_DES2, CIPHER_TDES, &b, &err), ERR_CONFIG, "unknown");

    uint8_t keydata[10] = {1};
    struct derivation_input in = {DERIVE_KMC_CPS, keydata, sizeof(keydata), SECRET_DES2,
                                  (enum card_key_which)0};
    EXPECT_FAIL(derivation_make(&in, CIPHER_TDES, &b, &err), ERR_CONFIG, "ENC, MAC or DEK");
    in.which = (enum card_key_which)4;
    EXPECT_FAIL(derivation_make(&in, CIPHER_TDES, &b, &err), ERR_CONFIG, "ENC, MAC or DEK");
}

static void test_not_bcd(void)
{
    struct err err = ERR_INIT;
    struct derivation_block b;
    EXPECT_FAIL(make(DERIVE_EMV_A, "54133300890200A101", SECRET_DES2, CIPHER_TDES, &b, &err), ERR_INPUT,
                "byte 8");
    EXPECT_FAIL(make(DERIVE_EMV_B, "067999989000002F001102", SECRET_DES2, CIPHER_TDES, &b, &err), ERR_INPUT,
                "byte 8");
    EXPECT_FAIL(make(DERIVE_EMV_C, "5413330F", SECRET_AES128, CIPHER_AES, &b, &err), ERR_INPUT, "4 bytes");
    EXPECT_FAIL(make(DERIVE_EMV_C, "541333001F", SECRET_AES128, CIPHER_AES, &b, &err), ERR_INPUT, "byte 5");
}

static void test_emv_data(void)
{
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, 16);
    EXPECT_OK(derivation_data_emv("5413330089020011", 16, "", 0, &out, &err));
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, "\x54\x13\x33\x00\x89\x02\x00\x11\x00", 9));
    buf_clear(&out);
    EXPECT_OK(derivation_data_emv("400000000000002", 15, "03", 2, &out, &err));
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, "\x04\x00\x00\x00\x00\x00\x00\x02\x03", 9));
    EXPECT_FAIL(derivation_data_emv("5413330089020011", 16, "1", 1, &out, &err), ERR_INPUT, "two digits");
    EXPECT_FAIL(derivation_data_emv("5413330089020011", 16, "0x", 2, &out, &err), ERR_INPUT, "two digits");
    EXPECT_FAIL(derivation_data_emv("541333008902001x", 16, "00", 2, &out, &err), ERR_INPUT, "character 16");
    EXPECT_FAIL(derivation_data_emv("5413330089020011", 16, "00", 2, &out, &err), ERR_INPUT,
                "larger than 16");
    CU_ASSERT_EQUAL(out.len, 9);
    buf_release(&out);
}

static void test_names(void)
{
    for (unsigned m = 0; m < DERIVATION_METHOD_COUNT; m++) {
        const struct derivation_row *row = derivation_row((enum derivation_method)m);
        CU_ASSERT_EQUAL(row->method, m);
        CU_ASSERT_PTR_EQUAL(derivation_find(row->name), row);
    }
    CU_ASSERT_PTR_NULL(derivation_find("emv-d"));
    CU_ASSERT_PTR_NULL(derivation_row(DERIVATION_METHOD_COUNT));
}

/* RFC 4493 section 4: L = AES-128(K, 0), K1 and K2 of it. */
static void test_double(void)
{
    struct err err = ERR_INIT;
    uint8_t l[16], k1[16], k2[16];
    EXPECT_OK(hex_read_exact("7DF76B0C1AB899B33E42F047B91B546F", 32, l, 16, &err));
    EXPECT_OK(hex_read_exact("FBEED618357133667C85E08F7236A8DE", 32, k1, 16, &err));
    EXPECT_OK(hex_read_exact("F7DDAC306AE266CCF90BC11EE46D513B", 32, k2, 16, &err));
    derivation_double(l, l);
    CU_ASSERT_TRUE(bytes_equal(l, 16, k1, 16));
    derivation_double(l, l);
    CU_ASSERT_TRUE(bytes_equal(l, 16, k2, 16));
}

static void test_parity(void)
{
    for (unsigned value = 0; value < 256; value++) {
        uint8_t key = (uint8_t)value;
        des_parity(&key, 1);
        CU_ASSERT_EQUAL(__builtin_popcount(key) % 2, 1);
        CU_ASSERT_EQUAL(key >> 1, value >> 1);
    }
}

static const struct test_case cases[] = {
    {"every known answer of our methods", test_vectors},
    {"complement", test_complement},
    {"direct, for each kind of key", test_direct},
    {"zeros are refused, whole and as one block", test_zeros},
    {"every length from 0 to 34", test_lengths},
    {"method, master and kind that do not go together", test_mismatches},
    {"EMV data that is no BCD", test_not_bcd},
    {"card number and sequence number as derivation data", test_emv_data},
    {"names lead to rows and back", test_names},
    {"doubling, RFC 4493", test_double},
    {"odd parity on every byte", test_parity},
};

int main(void)
{
    return suite_run("formats/derivation", cases, SUITE_COUNT(cases));
}
