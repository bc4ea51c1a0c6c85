/* The keys of secure channels in a token, against known answers. The bytes that are MACed come from formats/scp.c. */
#include "hsm/channel.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "formats/derivation.h"
#include "formats/scp.h"
#include "hsm/probe.h"
#include "hsm/readable.h"
#include "softtoken.h"
#include "suite.h"
#include "vectors.h"

static struct softtoken soft;
static struct err err;

static struct hsm_token *open_token(void)
{
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "channel", &t, &err));
    return t;
}

static void close_token(struct hsm_token *t)
{
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, 0);
    CU_ASSERT_FALSE(hsm_token_is_broken(t));
    hsm_token_close(t);
}

static enum hsm_algorithm aes_of(size_t hex_digits)
{
    return hex_digits == 32 ? HSM_AES128 : hex_digits == 48 ? HSM_AES192 : HSM_AES256;
}

static bool import(struct hsm_token *t, const char *hex, enum hsm_role role, bool aes, struct hsm_key *out)
{
    struct hsm_key_ref ref = {.name = "static", .role = role};
    ref.algorithm = aes ? aes_of(strlen(hex)) : HSM_DES2;
    bool ok = softtoken_import(t, &ref, hex, out, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    return ok;
}

/* The static keys of a block; where it lacks one, another stands in. */
static bool import_static(struct hsm_token *t, const struct vector_block *block, bool aes,
                          struct hsm_card_keys *keys)
{
    const char *enc = vector_text(block, "static_enc"), *mac = vector_text(block, "static_mac"),
               *dek = vector_text(block, "static_dek");
    *keys = (struct hsm_card_keys)HSM_CARD_KEYS_NONE;
    return import(t, enc, HSM_ROLE_CHANNEL_BASE, aes, &keys->enc) &&
           import(t, mac, HSM_ROLE_CHANNEL_BASE, aes, &keys->mac) &&
           import(t, dek ? dek : enc, aes ? HSM_ROLE_CHANNEL_DATA : HSM_ROLE_CHANNEL_BASE, aes, &keys->dek);
}

static bool is(const struct vector_block *block, const char *name, const uint8_t *bytes, size_t len)
{
    struct buf due;
    buf_init(&due, 512);
    bool same = !vector_text(block, name) ||
                (vector_hex(block, name, &due) && bytes_equal(due.data, due.len, bytes, len));
    if (!same) fprintf(stderr, "%s is another\n", name);
    buf_release(&due);
    return same;
}

static bool take(const struct vector_block *block, const char *name, uint8_t *out, size_t len)
{
    struct buf b;
    buf_init(&b, 512);
    bool ok = vector_hex(block, name, &b) && b.len == len;
    if (ok) memcpy(out, b.data, len);
    buf_release(&b);
    return ok;
}

/* ---- SCP02 ---- */

static bool scp02_channel(struct hsm_token *t, const struct hsm_card_keys *keys, const uint8_t sequence[2],
                          struct hsm_channel *c)
{
    uint8_t enc[16], mac[16], rmac[16], dek[16];
    const struct hsm_channel_data data = {enc, mac, rmac, dek};
    scp02_session_data(SCP02_ENC, sequence, enc);
    scp02_session_data(SCP02_C_MAC, sequence, mac);
    scp02_session_data(SCP02_R_MAC, sequence, rmac);
    scp02_session_data(SCP02_DEK, sequence, dek);
    return hsm_channel_open(t, keys, &data, c, &err);
}

/* EXTERNAL AUTHENTICATE whole: both cryptograms and the first MAC. */
static bool scp02_authenticate(struct hsm_token *t, const struct hsm_channel *c,
                               const struct vector_block *block, const struct scp_answer *answer)
{
    static const uint8_t no_iv[8];
    uint8_t host[8], level = 0, in[24], out[24], mac[8], icv[8];
    struct buf b;
    bool ok = take(block, "host_challenge", host, 8) && take(block, "level", &level, 1);
    buf_init(&b, 512);
    scp02_cryptogram_input(answer, host, true, in);
    ok = ok && hsm_channel_encrypt(t, c, NULL, in, sizeof in, out, &err) &&
         is(block, "card_cryptogram", &out[16], 8);
    scp02_cryptogram_input(answer, host, false, in);
    ok = ok && hsm_channel_encrypt(t, c, NULL, in, sizeof in, out, &err) &&
         is(block, "host_cryptogram", &out[16], 8);
    const struct apdu a = {0x80, 0x82, level, 0, &out[16], 8, 0};
    ok = ok && scp02_mac_input(&a, &b, &err);
    ok = ok && hsm_channel_retail_mac(t, c, HSM_CHANNEL_COMMAND, no_iv, &(struct hsm_span){b.data, b.len},
                                      mac, &err);
    buf_clear(&b);
    ok = ok && scp_put_secured(&b, &a, mac, &err) && is(block, "external_authenticate", b.data, b.len) &&
         hsm_channel_next_iv(t, c, mac, icv, &err);
    buf_release(&b);
    return ok;
}

static bool encrypted_key(struct hsm_token *t, const struct hsm_channel *c, const struct vector_block *block)
{
    uint8_t key[16], out[16];
    if (!take(block, "key", key, sizeof key)) return true;
    return hsm_channel_encrypt_data(t, c, NULL, key, sizeof key, out, &err) &&
           is(block, "encrypted_key", out, sizeof out);
}

static void test_scp02(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct hsm_token *t = open_token();
    bool end = false;
    unsigned seen = 0;
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        struct hsm_card_keys keys;
        struct hsm_channel c = {.aes = false};
        struct scp_answer answer = {.protocol = SCP02};
        if (!vector_is_op(&block, "scp02")) continue;
        bool right = take(&block, "sequence", answer.sequence, 2) && import_static(t, &block, false, &keys) &&
                     scp02_channel(t, &keys, answer.sequence, &c);
        if (take(&block, "card_challenge", answer.challenge, 6))
            right = right && scp02_authenticate(t, &c, &block, &answer);
        right = right && encrypted_key(t, &c, &block);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
        hsm_channel_close(t, &c);
        hsm_card_keys_destroy(t, &keys);
        seen++;
    }
    CU_ASSERT_TRUE(seen >= 4);
    vector_file_free(f);
    close_token(t);
}

/* The R-MAC blocks give the session key itself: it and its left half are put in as they are. */
static void test_rmac(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct hsm_token *t = open_token();
    bool end = false;
    unsigned seen = 0;
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        struct hsm_channel c = {.aes = false};
        struct apdu command;
        uint8_t bytes[8], response[13], icv[8], out[8];
        char left[33];
        struct buf in;
        if (!vector_is_op(&block, "scp02_rmac")) continue;
        buf_init(&in, 256);
        snprintf(left, sizeof left, "%.16s%.16s", vector_text(&block, "s_rmac"),
                 vector_text(&block, "s_rmac"));
        bool right = import(t, vector_text(&block, "s_rmac"), HSM_ROLE_CHANNEL_MAC, false, &c.rmac) &&
                     import(t, left, HSM_ROLE_CHANNEL_MAC, false, &c.rmac_left) &&
                     take(&block, "command", bytes, sizeof bytes) && take(&block, "icv", icv, 8) &&
                     apdu_read(bytes, sizeof bytes, &command, &err);
        right = right && take(&block, "response", response, sizeof response);
        const struct apdu_answer answer = {response, sizeof response - 2, 0x9000};
        if (right) scp02_rmac_input(&command, &answer, &in);
        right = right && hsm_channel_retail_mac(t, &c, HSM_CHANNEL_ANSWER, icv,
                                                &(struct hsm_span){in.data, in.len}, out, &err);
        right = right && is(&block, "rmac", out, 8);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
        hsm_channel_close(t, &c);
        buf_release(&in);
        seen++;
    }
    CU_ASSERT_EQUAL(seen, 2);
    vector_file_free(f);
    close_token(t);
}

/* ---- SCP03 ---- */

static void kdf(enum scp03_constant constant, size_t bits, const uint8_t challenges[16], uint8_t out[64])
{
    for (uint8_t n = 0; n < 2; n++) {
        const struct scp03_derivation d = {constant, bits, (uint8_t)(n + 1)};
        scp03_kdf_input(&d, challenges, &challenges[8], &out[32 * n]);
    }
}

static bool scp03_authenticate(struct hsm_token *t, const struct hsm_channel *c,
                               const struct vector_block *block, const uint8_t challenges[16])
{
    static const uint8_t no_chain[16];
    uint8_t in[64], out[16], mac[16], level = 0;
    struct buf b;
    buf_init(&b, 512);
    kdf(SCP03_CARD_CRYPTOGRAM, 64, challenges, in);
    bool ok = take(block, "level", &level, 1) &&
              hsm_channel_cmac(t, c, HSM_CHANNEL_COMMAND, in, 32, out, &err) &&
              is(block, "card_cryptogram", out, 8);
    kdf(SCP03_HOST_CRYPTOGRAM, 64, challenges, in);
    ok = ok && hsm_channel_cmac(t, c, HSM_CHANNEL_COMMAND, in, 32, out, &err) &&
         is(block, "host_cryptogram", out, 8);
    const struct apdu a = {0x80, 0x82, level, 0, out, 8, 0};
    ok = ok && scp03_mac_input(no_chain, &a, &b, &err) &&
         hsm_channel_cmac(t, c, HSM_CHANNEL_COMMAND, b.data, b.len, mac, &err);
    buf_clear(&b);
    ok = ok && scp_put_secured(&b, &a, mac, &err) && is(block, "external_authenticate", b.data, b.len);
    buf_release(&b);
    return ok;
}

static void test_scp03(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct hsm_token *t = open_token();
    bool end = false;
    unsigned seen = 0;
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        struct hsm_card_keys keys;
        struct hsm_channel c = {.aes = true};
        uint8_t challenges[16], enc[64], mac[64], rmac[64];
        const struct hsm_channel_data data = {enc, mac, rmac, NULL};
        if (!vector_is_op(&block, "scp03") || !take(&block, "host_challenge", challenges, 8))
            continue; /* S16 */
        const size_t bits = strlen(vector_text(&block, "static_enc")) * 4;
        bool right =
            take(&block, "card_challenge", &challenges[8], 8) && import_static(t, &block, true, &keys);
        kdf(SCP03_S_ENC, bits, challenges, enc);
        kdf(SCP03_S_MAC, bits, challenges, mac);
        kdf(SCP03_S_RMAC, bits, challenges, rmac);
        right = right && hsm_channel_open(t, &keys, &data, &c, &err) &&
                scp03_authenticate(t, &c, &block, challenges);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
        hsm_channel_close(t, &c);
        hsm_card_keys_destroy(t, &keys);
        seen++;
    }
    CU_ASSERT_TRUE(seen >= 6);
    vector_file_free(f);
    close_token(t);
}

/* ---- static keys out of a master ---- */

struct diversification {
    const char *op;
    enum derivation_method method;
    enum hsm_algorithm algorithm;
};

static bool blocks(struct hsm_token *t, const struct diversification *d, const struct hsm_key *master,
                   const uint8_t key_data[10], struct hsm_card_keys_data *out)
{
    uint8_t l[16], k1[16] = {0};
    uint8_t *const into[] = {out->enc, out->mac, out->dek};
    const bool aes = d->algorithm != HSM_DES2;
    const enum secret_kind kind = !aes                         ? SECRET_DES2
                                  : d->algorithm == HSM_AES128 ? SECRET_AES128
                                  : d->algorithm == HSM_AES192 ? SECRET_AES192
                                                               : SECRET_AES256;
    if (aes && !hsm_derive_cmac_l(t, master, l, &err)) return false;
    if (aes) derivation_double(l, k1);
    for (size_t i = 0; i < 3; i++) {
        const struct derivation_input in = {d->method, key_data, 10, kind,
                                            (enum card_key_which)(CARD_KEY_ENC + i)};
        struct derivation_block block;
        if (!derivation_make(&in, aes ? CIPHER_AES : CIPHER_TDES, &block, &err)) return false;
        for (size_t n = 0; n < block.len; n++)
            into[i][n] = (uint8_t)(block.data[n] ^ (block.xor_k1 ? k1[n % 16] : 0));
        out->len = block.len;
    }
    return true;
}

/* Check values: of TDES keys that only derive by derivation, of AES keys by encryption of 01…01. */
static bool check_value(struct hsm_token *t, const struct hsm_key *key, bool data_key, uint8_t out[3])
{
    static const uint8_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, no_iv[16];
    uint8_t kcv[HSM_KCV_MAX], block[16];
    size_t len = 0;
    const struct hsm_channel c = {.aes = true, .data = *key};
    if (key->algorithm == HSM_DES2) {
        bool ok = hsm_kcv(t, key, HSM_ROLE_MASTER, kcv, &len, &err);
        memcpy(out, kcv, 3);
        return ok;
    }
    if (!data_key) return hsm_kcv_gp(t, key, out, &err);
    bool ok = hsm_channel_encrypt_data(t, &c, no_iv, ones, 16, block, &err);
    memcpy(out, block, 3);
    return ok;
}

static bool static_is(struct hsm_token *t, const struct diversification *row,
                      const struct vector_block *block)
{
    struct hsm_key master = HSM_KEY_NONE;
    struct hsm_card_keys keys = HSM_CARD_KEYS_NONE;
    struct hsm_card_keys_data data;
    struct diversification d = *row;
    uint8_t key_data[10], kcv[3];
    if (d.algorithm != HSM_DES2) d.algorithm = aes_of(strlen(vector_text(block, "kmc")));
    const struct hsm_key_ref ref = {
        .name = "KMC", .label = "KMC", .role = HSM_ROLE_MASTER, .algorithm = d.algorithm};
    bool right = take(block, "keydata", key_data, 10) &&
                 softtoken_import(t, &ref, vector_text(block, "kmc"), &master, &err) &&
                 blocks(t, &d, &master, key_data, &data) &&
                 hsm_card_keys_derive(t, &master, &data, d.algorithm, &keys, &err);
    right = right && check_value(t, &keys.enc, false, kcv) && is(block, "enc_kcv", kcv, 3);
    right = right && check_value(t, &keys.mac, false, kcv) && is(block, "mac_kcv", kcv, 3);
    right = right && check_value(t, &keys.dek, true, kcv) && is(block, "dek_kcv", kcv, 3);
    hsm_card_keys_destroy(t, &keys);
    hsm_key_destroy(t, &master);
    return right;
}

static void test_static(void)
{
    const struct diversification all[] = {{"cps", DERIVE_KMC_CPS, HSM_DES2},
                                          {"visa2", DERIVE_KMC_VISA2, HSM_DES2},
                                          {"kdf3", DERIVE_KMC_AES, HSM_AES128}};
    struct vector_file *f = NULL;
    struct vector_block block;
    struct hsm_token *t = open_token();
    bool end = false;
    unsigned seen = 0;
    if (!t) return;
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        for (size_t i = 0; i < SUITE_COUNT(all); i++) {
            if (!vector_is_op(&block, all[i].op)) continue;
            bool right = static_is(t, &all[i], &block);
            if (!right) vector_show(&block);
            if (!right) fprintf(stderr, "%s\n", err.text);
            CU_ASSERT_TRUE(right);
            seen++;
        }
    }
    CU_ASSERT_TRUE(seen >= 11);
    vector_file_free(f);
    close_token(t);
}

static bool openssl_cmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[16])
{
    char name[] = "AES-256-CBC";
    size_t out_len = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    bool ok = EVP_MAC_init(ctx, key, key_len, params) == 1 && EVP_MAC_update(ctx, data, len) == 1 &&
              EVP_MAC_final(ctx, out, &out_len, 16) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok;
}

/* A card key of 256 bits is the CMAC of two blocks; read here, and compared with OpenSSL's. */
static void test_static_256(void)
{
    static const char kmc_hex[] = "404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F";
    static const uint8_t key_data[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const struct diversification d = {"kdf3", DERIVE_KMC_AES, HSM_AES256};
    struct hsm_key master = HSM_KEY_NONE;
    struct hsm_card_keys_data data = {.len = 0};
    struct hsm_key_ref ref = {
        .name = "KMC", .label = "KMC", .role = HSM_ROLE_MASTER, .algorithm = HSM_AES256};
    struct secret value = SECRET_NONE;
    uint8_t kmc[32], due[32], block[16] = {0};
    struct hsm_token *t = open_token();
    if (!t) return;
    for (uint8_t i = 0; i < 32; i++)
        kmc[i] = (uint8_t)(0x40 + i);
    EXPECT_OK(softtoken_import(t, &ref, kmc_hex, &master, &err));
    CU_ASSERT_TRUE(blocks(t, &d, &master, key_data, &data));
    EXPECT_OK(hsm_read_derived(t, &master, &(struct hsm_span){data.mac, data.len}, HSM_AES256, &value, &err));
    block[4] = 2;
    memcpy(&block[6], key_data, 10);
    for (uint8_t i = 0; i < 2; i++) {
        block[0] = (uint8_t)(i + 1);
        CU_ASSERT_TRUE(openssl_cmac(kmc, 32, block, 16, &due[16 * i]));
    }
    CU_ASSERT_TRUE(value.len == 32 && value.data && bytes_equal(value.data, value.len, due, 32));
    secret_release(&value);
    hsm_key_destroy(t, &master);
    close_token(t);
}

/* ---- secrets ---- */

/* A key wrapped under the data key and the same bytes encrypted are equal, where the token wraps. */
static void test_wrap(void)
{
    static const char hex[] = "404142434445464748494A4B4C4D4E4F";
    static const uint8_t iv[16] = {5};
    struct hsm_channel_abilities can;
    struct hsm_token *t = open_token();
    uint8_t value[16], due[16];
    if (!t) return;
    for (uint8_t i = 0; i < 16; i++)
        value[i] = (uint8_t)(0x40 + i);
    des_parity(value, sizeof value);
    EXPECT_OK(hsm_channel_probe(t, &can, &err));
    const bool nss = soft.kind == SOFTTOKEN_NSS;
    CU_ASSERT_EQUAL(can.wraps_tdes, nss);
    CU_ASSERT_TRUE(can.wraps_aes);
    CU_ASSERT_EQUAL(can.why_not_tdes[0] == 0, nss);
    CU_ASSERT_TRUE(hsm_channel_can_wrap(&can, true, HSM_DES2) &&
                   hsm_channel_can_wrap(&can, true, HSM_AES256));
    CU_ASSERT_FALSE(hsm_channel_can_wrap(&can, true, HSM_DES3) || hsm_channel_can_wrap(&can, true, HSM_RSA));
    CU_ASSERT_EQUAL(hsm_channel_can_wrap(&can, false, HSM_DES3), nss);
    for (int aes = 0; aes < 2; aes++) {
        struct hsm_channel c = {.aes = aes == 1};
        struct hsm_key key = HSM_KEY_NONE;
        struct buf out;
        buf_init(&out, 64);
        CU_ASSERT_TRUE(import(t, hex, HSM_ROLE_CHANNEL_DATA, c.aes, &c.data));
        CU_ASSERT_TRUE(import(t, hex, HSM_ROLE_CARD_KEY, false, &key));
        EXPECT_OK(hsm_channel_encrypt_data(t, &c, iv, value, sizeof value, due, &err));
        if (c.aes || nss) {
            EXPECT_OK(hsm_channel_wrap(t, &c, c.aes ? iv : NULL, &key, &out, &err));
            CU_ASSERT_TRUE(bytes_equal(out.data, out.len, due, sizeof due));
        } else {
            EXPECT_FAIL(hsm_channel_wrap(t, &c, NULL, &key, &out, &err), ERR_TOKEN, "C_WrapKey");
        }
        hsm_key_destroy(t, &key);
        hsm_key_destroy(t, &c.data);
        buf_release(&out);
    }
    close_token(t);
}

static void test_misuse(void)
{
    struct hsm_token *t = open_token();
    struct hsm_channel c = {.aes = false}, aes = {.aes = true};
    uint8_t data[24] = {1}, out[24];
    if (!t) return;
    CU_ASSERT_TRUE(import(t, "404142434445464748494A4B4C4D4E4F", HSM_ROLE_CHANNEL_CIPHER, false, &c.enc));
    EXPECT_FAIL(hsm_channel_encrypt(t, &c, NULL, data, 7, out, &err), ERR_INTERNAL, "no whole blocks");
    EXPECT_FAIL(hsm_channel_encrypt(t, &c, NULL, data, 0, out, &err), ERR_INTERNAL, "no whole blocks");
    EXPECT_FAIL(hsm_channel_decrypt(t, &c, data, data, 16, out, &err), ERR_INTERNAL, "encrypts no answers");
    EXPECT_FAIL(hsm_channel_cmac(t, &c, HSM_CHANNEL_COMMAND, data, 8, out, &err), ERR_INTERNAL,
                "no such key");
    EXPECT_FAIL(hsm_channel_cmac(t, &aes, HSM_CHANNEL_ANSWER, data, 8, out, &err), ERR_INTERNAL,
                "no such key");
    EXPECT_FAIL(hsm_channel_next_iv(t, &aes, data, out, &err), ERR_INTERNAL, "no such key");
    hsm_channel_close(t, &c);
    close_token(t);
}

static const struct test_case cases[] = {
    {"SCP02: session keys, cryptograms, first MAC, encrypted keys", test_scp02},
    {"SCP02: R-MAC", test_rmac},
    {"SCP03 with 128, 192 and 256 bits: session keys, cryptograms, first MAC", test_scp03},
    {"a card's keys out of a master by three methods", test_static},
    {"a card's keys of 256 bits", test_static_256},
    {"wrapped and encrypted under the data key are the same bytes", test_wrap},
    {"misuse is refused", test_misuse},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "channel") ? suite_run("hsm/channel", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
