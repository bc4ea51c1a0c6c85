/* What comes out of the token, against known answers and OpenSSL; on SoftHSM, or with the argument `nss` on NSS. The two
 * must give the same keys, check values and MACs, and wrapped keys that unwrap to the same bytes. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "formats/derivation.h"
#include "hsm/crypto.h"
#include "hsm/probe.h"
#include "softtoken.h"
#include "suite.h"
#include "vectors.h"

static struct softtoken soft;

static enum hsm_algorithm aes_of(size_t len)
{
    return len == 16 ? HSM_AES128 : len == 24 ? HSM_AES192 : HSM_AES256;
}

static struct hsm_key_ref ref_of(const char *label, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = a};
}

static struct hsm_token *open_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "crypto", &t, &err));
    return t;
}

/* RFC 5649 by OpenSSL: the bytes that are in `wrapped`; out.len stays 0 if it does not unwrap. */
static void open_wrapped(const struct buf *kek, const struct buf *wrapped, struct buf *out)
{
    const EVP_CIPHER *cipher = kek->len == 16   ? EVP_aes_128_wrap_pad()
                               : kek->len == 24 ? EVP_aes_192_wrap_pad()
                                                : EVP_aes_256_wrap_pad();
    uint8_t plain[4096];
    int len = 0, rest = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    buf_clear(out);
    if (EVP_DecryptInit_ex(ctx, cipher, NULL, kek->data, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, plain, &len, wrapped->data, (int)wrapped->len) == 1 &&
        EVP_DecryptFinal_ex(ctx, plain + len, &rest) == 1)
        buf_put(out, plain, (size_t)(len + rest));
    EVP_CIPHER_CTX_free(ctx);
}

static void wrap_one(struct hsm_token *t, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct hsm_key kek = HSM_KEY_NONE, opener = HSM_KEY_NONE, key = HSM_KEY_NONE, back = HSM_KEY_NONE;
    const char *kek_text = vector_text(block, "kek"), *key_text = vector_text(block, "key");
    size_t kek_len = strlen(kek_text) / 2, key_len = strlen(key_text) / 2, len = 0;
    uint8_t kcv[HSM_KCV_MAX], kcv_back[HSM_KCV_MAX];
    struct buf expected, wrapped;
    struct hsm_key_ref kek_ref = ref_of("kek", HSM_ROLE_KEK_ISSUER, aes_of(kek_len)),
                       opener_ref = ref_of("opener", HSM_ROLE_KEK_BUREAU, aes_of(kek_len)),
                       key_ref = ref_of("key", HSM_ROLE_CARD_KEY, aes_of(key_len));
    buf_init(&expected, 4096);
    buf_init(&wrapped, 4096);
    CU_ASSERT_TRUE(vector_hex(block, "wrapped", &expected));
    EXPECT_OK(softtoken_import(t, &kek_ref, kek_text, &kek, &err));
    EXPECT_OK(softtoken_import(t, &opener_ref, kek_text, &opener, &err));
    EXPECT_OK(softtoken_import(t, &key_ref, key_text, &key, &err));
    EXPECT_OK(hsm_wrap_kwp(t, &kek, &key, &wrapped, &err));
    CU_ASSERT_TRUE(bytes_equal(wrapped.data, wrapped.len, expected.data, expected.len));
    EXPECT_OK(hsm_unwrap_kwp(t, &opener, expected.data, expected.len, &key_ref, &back, &err));
    EXPECT_OK(hsm_kcv(t, &key, HSM_ROLE_CARD_KEY, kcv, &len, &err));
    EXPECT_OK(hsm_kcv(t, &back, HSM_ROLE_CARD_KEY, kcv_back, &len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, len, kcv_back, len));
    EXPECT_OK(hsm_key_check_role(t, &key_ref, &back, &err));
    struct hsm_key *all[] = {&back, &key, &opener, &kek};
    for (size_t i = 0; i < SUITE_COUNT(all); i++)
        hsm_key_destroy(t, all[i]);
    buf_release(&expected);
    buf_release(&wrapped);
}

static void unwrap_invalid(struct hsm_token *t, const struct vector_block *block)
{
    struct err err = ERR_INIT;
    struct hsm_key opener = HSM_KEY_NONE, back = HSM_KEY_NONE;
    struct buf wrapped;
    const char *kek_text = vector_text(block, "kek");
    struct hsm_key_ref opener_ref = ref_of("opener", HSM_ROLE_KEK_BUREAU, aes_of(strlen(kek_text) / 2)),
                       key_ref = ref_of("key", HSM_ROLE_CARD_KEY, HSM_AES128);
    buf_init(&wrapped, 4096);
    CU_ASSERT_TRUE(vector_hex(block, "wrapped", &wrapped));
    EXPECT_OK(softtoken_import(t, &opener_ref, kek_text, &opener, &err));
    err_clear(&err);
    bool ok = wrapped.len > 0 && hsm_unwrap_kwp(t, &opener, wrapped.data, wrapped.len, &key_ref, &back, &err);
    if (ok) vector_show(block);
    CU_ASSERT_FALSE(ok);
    hsm_key_destroy(t, &back);
    hsm_key_destroy(t, &opener);
    buf_release(&wrapped);
}

static void test_wrap(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    size_t wrapped = 0, refused = 0;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "wrap.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        size_t len = vector_text(&block, "key") ? strlen(vector_text(&block, "key")) / 2 : 0;
        if (vector_is_op(&block, "aes_kwp") && (len == 16 || len == 24 || len == 32)) {
            wrap_one(t, &block);
            wrapped++;
        }
        if (vector_is_op(&block, "aes_kwp_invalid")) {
            unwrap_invalid(t, &block);
            refused++;
        }
    }
    CU_ASSERT_TRUE(wrapped >= 6);
    CU_ASSERT_TRUE(refused > 20);
    vector_file_free(f);
    hsm_token_close(t);
}

static void test_cmac(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    size_t seen = 0;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "cmac.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        struct buf msg, mac;
        uint8_t out[16];
        struct hsm_key key = HSM_KEY_NONE;
        if (!vector_is_op(&block, "aes_cmac")) continue;
        const char *text = vector_text(&block, "key");
        struct hsm_key_ref ref = ref_of("mac", HSM_ROLE_MAC_KEY, aes_of(strlen(text) / 2));
        buf_init(&msg, 4096);
        buf_init(&mac, 16);
        CU_ASSERT_TRUE(vector_hex(&block, "msg", &msg));
        CU_ASSERT_TRUE(vector_hex(&block, "mac", &mac));
        EXPECT_OK(softtoken_import(t, &ref, text, &key, &err));
        if (msg.len > 0) { /* our messages are never empty */
            EXPECT_OK(hsm_cmac(t, &key, msg.data, msg.len, out, &err));
            CU_ASSERT_TRUE(bytes_equal(out, mac.len, mac.data, mac.len));
            seen++;
        }
        hsm_key_destroy(t, &key);
        buf_release(&msg);
        buf_release(&mac);
    }
    CU_ASSERT_TRUE(seen > 8);
    vector_file_free(f);
    hsm_token_close(t);
}

static const char kek_hex[] = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";

/* Derives from `master` over the block, and compares the key that leaves wrapped with `expected`; DES keys have odd
 * parity then. */
static void derive_one(struct hsm_token *t, const char *master_hex, enum hsm_algorithm master,
                       const struct derivation_block *block, enum hsm_algorithm result,
                       const struct buf *expected)
{
    struct err err = ERR_INIT;
    struct hsm_key mk = HSM_KEY_NONE, kek = HSM_KEY_NONE, key = HSM_KEY_NONE;
    struct hsm_key_ref mk_ref = ref_of("mk", HSM_ROLE_MASTER, master),
                       kek_ref = ref_of("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256),
                       key_ref = ref_of("card", HSM_ROLE_CARD_KEY, result);
    struct buf wrapped, plain, kek_bytes;
    buf_init(&wrapped, 4096);
    buf_init(&plain, 4096);
    buf_init(&kek_bytes, 32);
    for (size_t i = 0; i < 32; i++)
        buf_put_u8(&kek_bytes, (uint8_t)i);
    EXPECT_OK(softtoken_import(t, &mk_ref, master_hex, &mk, &err));
    EXPECT_OK(softtoken_import(t, &kek_ref, kek_hex, &kek, &err));
    EXPECT_OK(hsm_derive(t, &mk, block->data, block->len, &key_ref, &key, &err));
    EXPECT_OK(hsm_key_check_role(t, &key_ref, &key, &err));
    EXPECT_OK(hsm_wrap_kwp(t, &kek, &key, &wrapped, &err));
    open_wrapped(&kek_bytes, &wrapped, &plain);
    CU_ASSERT_TRUE(bytes_equal(plain.data, plain.len, expected->data, expected->len));
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &kek);
    hsm_key_destroy(t, &mk);
    buf_release(&wrapped);
    buf_release(&plain);
    buf_release(&kek_bytes);
}

static const struct {
    const char *op;
    enum derivation_method method;
} emv[] = {{"emv_option_a", DERIVE_EMV_A}, {"emv_option_b", DERIVE_EMV_B}, {"emv_option_c", DERIVE_EMV_C}};

static bool derive_vector(struct hsm_token *t, const struct vector_block *v)
{
    struct err err = ERR_INIT;
    struct derivation_block block;
    struct buf data, expected;
    bool seen = false;
    buf_init(&data, 64);
    buf_init(&expected, 64);
    for (size_t i = 0; i < SUITE_COUNT(emv) && !seen; i++) {
        const char *pan = vector_text(v, "pan"), *psn = vector_text(v, "psn");
        if (!vector_is_op(v, emv[i].op) || !vector_text(v, "mk")) continue;
        bool aes = emv[i].method == DERIVE_EMV_C;
        CU_ASSERT_TRUE(vector_hex(v, "mk", &expected));
        enum hsm_algorithm result = aes ? aes_of(expected.len) : HSM_DES2;
        enum hsm_algorithm master = aes ? aes_of(strlen(vector_text(v, "imk")) / 2) : HSM_DES2;
        enum secret_kind kind = !aes                   ? SECRET_DES2
                                : result == HSM_AES128 ? SECRET_AES128
                                : result == HSM_AES192 ? SECRET_AES192
                                                       : SECRET_AES256;
        EXPECT_OK(derivation_data_emv(pan, strlen(pan), psn, strlen(psn), &data, &err));
        if (!aes) des_parity(expected.data, expected.len); /* some sources leave the ciphertext as it is */
        struct derivation_input in = {emv[i].method, data.data, data.len, kind, CARD_KEY_ENC};
        EXPECT_OK(derivation_make(&in, aes ? CIPHER_AES : CIPHER_TDES, &block, &err));
        derive_one(t, vector_text(v, "imk"), master, &block, result, &expected);
        seen = true;
    }
    buf_release(&data);
    buf_release(&expected);
    return seen;
}

static void test_derive(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    size_t seen = 0;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end)
        seen += derive_vector(t, &block);
    CU_ASSERT_TRUE(seen >= 5);
    vector_file_free(f);
    hsm_token_close(t);
}

static void test_derive_refused(void)
{
    struct err err = ERR_INIT;
    struct hsm_key mk = HSM_KEY_NONE, key = HSM_KEY_NONE;
    struct hsm_key_ref mk_ref = ref_of("mk", HSM_ROLE_MASTER, HSM_AES128),
                       key_ref = ref_of("card", HSM_ROLE_CARD_KEY, HSM_AES256);
    uint8_t data[48] = {0};
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(hsm_key_generate(t, &mk_ref, &mk, &err));
    EXPECT_FAIL(hsm_derive(t, &mk, data, 32, &key_ref, &key, &err), ERR_INPUT, "all zero");
    data[0] = 1;
    EXPECT_FAIL(hsm_derive(t, &mk, data, 16, &key_ref, &key, &err), ERR_INTERNAL, "16 bytes for a key of 32");
    EXPECT_FAIL(hsm_derive(t, &mk, data, 48, &key_ref, &key, &err), ERR_INTERNAL, "48 bytes");
    CU_ASSERT_EQUAL(key.handle, 0);
    hsm_key_destroy(t, &mk);
    hsm_token_close(t);
}

/* A card's private key leaves as PKCS#8 that OpenSSL reads, with at most seven zeros behind. */
static void test_card_pair(void)
{
    struct err err = ERR_INIT;
    struct hsm_pair_ref ref = {ref_of("card", HSM_ROLE_CARD_PAIR, HSM_RSA), 1024, 65537};
    struct hsm_key_ref kek_ref = ref_of("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256);
    struct hsm_pair pair;
    struct hsm_key kek = HSM_KEY_NONE;
    struct buf wrapped, plain, kek_bytes, spki;
    struct hsm_token *t = open_token();
    if (!t) return;
    buf_init(&wrapped, 4096);
    buf_init(&plain, 4096);
    buf_init(&kek_bytes, 32);
    buf_init(&spki, HSM_SPKI_MAX);
    for (size_t i = 0; i < 32; i++)
        buf_put_u8(&kek_bytes, (uint8_t)i);
    EXPECT_OK(softtoken_import(t, &kek_ref, kek_hex, &kek, &err));
    EXPECT_OK(hsm_pair_generate(t, &ref, &pair, &err));
    EXPECT_OK(hsm_wrap_kwp(t, &kek, &pair.private_key, &wrapped, &err));
    open_wrapped(&kek_bytes, &wrapped, &plain);
    const unsigned char *p = plain.data;
    EVP_PKEY *key = plain.len ? d2i_AutoPrivateKey(NULL, &p, (long)plain.len) : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    size_t tail = plain.len - (size_t)(p - plain.data);
    CU_ASSERT_TRUE(tail < 8 && bytes_all(p, tail, 0));
    unsigned char *der = NULL;
    int der_len = i2d_PUBKEY(key, &der);
    EXPECT_OK(hsm_pair_spki(&pair, &spki, &err));
    CU_ASSERT_TRUE(bytes_equal(der, (size_t)der_len, spki.data, spki.len));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    hsm_pair_destroy(t, &pair);
    hsm_key_destroy(t, &kek);
    buf_release(&wrapped);
    buf_release(&plain);
    buf_release(&kek_bytes);
    buf_release(&spki);
    hsm_token_close(t);
}

/* Keys under a card's own AES key: what comes out decrypts to the key. */
static void test_second_embodiment(void)
{
    struct err err = ERR_INIT;
    struct hsm_key own = HSM_KEY_NONE, key = HSM_KEY_NONE, odd = HSM_KEY_NONE;
    struct hsm_key_ref own_ref = ref_of("own", HSM_ROLE_CARD_STATIC, HSM_AES128),
                       key_ref = ref_of("key", HSM_ROLE_CARD_KEY, HSM_AES128),
                       odd_ref = ref_of("odd", HSM_ROLE_CARD_KEY, HSM_AES192);
    static const char own_hex[] = "404142434445464748494A4B4C4D4E4F";
    static const char key_hex[] = "000102030405060708090A0B0C0D0E0F";
    uint8_t own_bytes[16], iv[16] = {9}, plain[32];
    struct buf wrapped;
    int len = 0;
    struct hsm_token *t = open_token();
    if (!t) return;
    buf_init(&wrapped, 64);
    for (uint8_t i = 0; i < 16; i++)
        own_bytes[i] = (uint8_t)(0x40 + i);
    EXPECT_OK(softtoken_import(t, &own_ref, own_hex, &own, &err));
    EXPECT_OK(softtoken_import(t, &key_ref, key_hex, &key, &err));
    EXPECT_OK(hsm_wrap_aes_cbc(t, &own, iv, &key, &wrapped, &err));
    CU_ASSERT_EQUAL_FATAL(wrapped.len, 16);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CU_ASSERT_EQUAL(EVP_DecryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, own_bytes, iv), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    CU_ASSERT_EQUAL(EVP_DecryptUpdate(ctx, plain, &len, wrapped.data, 16), 1);
    for (int i = 0; i < len; i++)
        CU_ASSERT_EQUAL(plain[i], i);
    EVP_CIPHER_CTX_free(ctx);
    EXPECT_OK(hsm_key_generate(t, &odd_ref, &odd, &err));
    EXPECT_FAIL(hsm_wrap_aes_cbc(t, &own, iv, &odd, &wrapped, &err), ERR_TOKEN, "a key of 24 bytes");
    CU_ASSERT_EQUAL(wrapped.len, 16);
    hsm_key_destroy(t, &odd);
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &own);
    buf_release(&wrapped);
    hsm_token_close(t);
}

static void test_profile(void)
{
    struct err err = ERR_INIT;
    size_t all = 1, kept = 1;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_OK(hsm_probe(t, true, &err));
    const struct hsm_profile *p = hsm_token_profile(t);
    bool nss = soft.kind == SOFTTOKEN_NSS;
    CU_ASSERT_TRUE(p->can[HSM_CAN_KWP] && p->can[HSM_CAN_KWP_RSA] && p->can[HSM_CAN_DERIVE_TDES]);
    CU_ASSERT_TRUE(p->can[HSM_CAN_DERIVE_AES] && p->can[HSM_CAN_CMAC] && p->can[HSM_CAN_RSA_RAW]);
    CU_ASSERT_TRUE(p->can[HSM_CAN_RSA_SHA256] && p->can[HSM_CAN_RSA_E65537] && p->can[HSM_CAN_WRAP_AES_CBC]);
    CU_ASSERT_EQUAL(p->kwp_mechanism, nss ? 0x210B : 0x210A);
    CU_ASSERT_EQUAL(p->can[HSM_CAN_RSA_E3], !nss);
    CU_ASSERT_EQUAL(p->can[HSM_CAN_WRAP_TDES_ECB], nss);
    CU_ASSERT_EQUAL(p->can[HSM_CAN_XOR], nss);
    CU_ASSERT_EQUAL(p->can[HSM_HONOURS_ALLOWED_MECHANISMS], !nss);
    CU_ASSERT_EQUAL(p->can[HSM_HONOURS_EXTRACTABLE], !nss);
    if (nss) CU_ASSERT_STRING_EQUAL(p->why[HSM_CAN_RSA_E3], "C_GenerateKeyPair: CKR_ARGUMENTS_BAD");
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(kept, 0);
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"the profile is what is known of this token", test_profile},
    {"wrapped keys equal the known answers, and broken ones are refused", test_wrap},
    {"CMACs equal the known answers", test_cmac},
    {"derived keys, unwrapped by OpenSSL, equal the known answers", test_derive},
    {"unusable derivation data is refused", test_derive_refused},
    {"a card's private key leaves as PKCS#8", test_card_pair},
    {"a key under a card's own AES key", test_second_embodiment},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "crypto") ? suite_run("hsm/crypto", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
