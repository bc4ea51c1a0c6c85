/* The whole journey on two tokens of one module: the ZCMK by RSA-OAEP, then KEK and KMC under the ZCMK; and what is
 * refused on the way. With the argument `nss`, on the one token that NSS has. */
#include <openssl/evp.h>

#include "base/hex.h"
#include "hsm/internal.h"
#include "hsm/objects.h"
#include "hsm/travel.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

struct tokens {
    struct hsm_token *issuer, *bureau; /* on NSS the same */
};

static struct hsm_key_ref ref_of(const char *label, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = a};
}

static bool open_tokens(struct tokens *s)
{
    struct err err = ERR_INIT;
    struct secret pin = SECRET_NONE;
    *s = (struct tokens){.issuer = NULL};
    EXPECT_OK(softtoken_open(&soft, "issuer", &s->issuer, &err));
    s->bureau = s->issuer;
    if (!s->issuer || soft.kind == SOFTTOKEN_NSS) return s->issuer != NULL;
    struct hsm_token_choice choice = softtoken_choice(&soft, "bureau");
    EXPECT_OK(secret_copy(&pin, SOFTTOKEN_PIN, strlen(SOFTTOKEN_PIN), &err));
    EXPECT_OK(hsm_token_open_beside(&s->bureau, s->issuer, &choice, &pin, HSM_READ_WRITE, &err));
    secret_release(&pin);
    return s->bureau != NULL;
}

static size_t session_objects(struct hsm_token *t)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return all - kept;
}

static size_t kept_objects(struct hsm_token *t)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return kept;
}

static void close_tokens(struct tokens *s)
{
    CU_ASSERT_FALSE(hsm_token_is_broken(s->issuer));
    CU_ASSERT_FALSE(hsm_token_is_broken(s->bureau));
    CU_ASSERT_EQUAL(session_objects(s->issuer), 0);
    CU_ASSERT_EQUAL(session_objects(s->bureau), 0);
    if (s->bureau != s->issuer) hsm_token_close(s->bureau);
    hsm_token_close(s->issuer);
}

/* A key of two ends, on its way by `method`. */
struct journey {
    struct hsm_key_ref at_issuer, at_bureau;
    const struct hsm_key *sender, *receiver; /* RFC 5649 */
    const struct hsm_public *public;         /* or OAEP, with the private part in receiver */
};

static void wrap_for(struct hsm_token *t, const struct journey *j, const struct hsm_key *key,
                     struct buf *blob)
{
    struct err err = ERR_INIT;
    if (j->public)
        EXPECT_OK(hsm_travel_wrap_oaep(t, j->public, key, blob, &err));
    else
        EXPECT_OK(hsm_travel_wrap(t, j->sender, key, blob, &err));
}

/* Generated, wrapped, installed at the issuer, received at the bureau: the same check value on both sides, and exactly
 * the roles' attributes. */
static void travel(struct tokens *s, const struct journey *j, struct hsm_key *issuer, struct hsm_key *bureau)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_key_ref at_bureau = j->at_bureau;
    uint8_t kcv[HSM_KCV_MAX], other[HSM_KCV_MAX];
    size_t len = 0, other_len = 0;
    struct buf blob;
    buf_init(&blob, 1024);
    EXPECT_OK(hsm_travel_generate(s->issuer, &j->at_issuer, &key, &err));
    EXPECT_OK(hsm_kcv(s->issuer, &key, HSM_ROLE_TRAVELLING, kcv, &len, &err));
    wrap_for(s->issuer, j, &key, &blob);
    EXPECT_OK(hsm_travel_install(s->issuer, &key, &j->at_issuer, issuer, &err));
    CU_ASSERT_EQUAL(key.handle, 0);
    const struct hsm_travel_blob wrapped = {j->public ? HSM_TRAVEL_OAEP : HSM_TRAVEL_KWP, j->receiver,
                                            blob.data, blob.len};
    memcpy(at_bureau.kcv, kcv, len);
    at_bureau.kcv_len = len;
    EXPECT_OK(hsm_travel_receive(s->bureau, &wrapped, &at_bureau, bureau, &err));
    EXPECT_OK(hsm_kcv(s->issuer, issuer, j->at_issuer.role, other, &other_len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, len, other, other_len));
    EXPECT_OK(hsm_kcv(s->bureau, bureau, j->at_bureau.role, other, &other_len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, len, other, other_len));
    EXPECT_OK(hsm_key_find(s->issuer, &j->at_issuer, issuer, &err));
    EXPECT_OK(hsm_key_find(s->bureau, &at_bureau, bureau, &err));
    buf_release(&blob);
}

/* The partners' transport keys. */
struct zone {
    struct hsm_pair exchange;
    struct hsm_public public;
    struct hsm_key sender, receiver;
};

static void make_zone(struct tokens *s, struct zone *z)
{
    struct err err = ERR_INIT;
    const struct hsm_pair_ref exchange = {ref_of("exchange", HSM_ROLE_KEY_EXCHANGE_PAIR, HSM_RSA), 2048,
                                          65537};
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    EXPECT_OK(hsm_pair_generate(s->bureau, &exchange, &z->exchange, &err));
    EXPECT_OK(hsm_pair_spki(&z->exchange, &spki, &err));
    EXPECT_OK(hsm_public_read_spki(spki.data, spki.len, &z->public, &err));
    const struct journey j = {ref_of("zcmk-out", HSM_ROLE_ZCMK_SENDER, HSM_AES256),
                              ref_of("zcmk-in", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256), NULL,
                              &z->exchange.private_key, &z->public};
    travel(s, &j, &z->sender, &z->receiver);
    buf_release(&spki);
}

static void end_zone(struct tokens *s, struct zone *z)
{
    hsm_key_destroy(s->issuer, &z->sender);
    hsm_key_destroy(s->bureau, &z->receiver);
    hsm_pair_destroy(s->bureau, &z->exchange);
}

static void test_journey(void)
{
    static const struct {
        const char *here, *there;
        enum hsm_role at_issuer, at_bureau;
        enum hsm_algorithm algorithm;
    } keys[] = {
        {"kek-a", "kek-b", HSM_ROLE_KEK_ISSUER, HSM_ROLE_KEK_BUREAU, HSM_AES256},
        {"kmc-a", "kmc-b", HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_AES128},
        {"kmc2-a", "kmc2-b", HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_DES2},
        {"kmc3-a", "kmc3-b", HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_DES3},
        {"zcmk-a", "zcmk-b", HSM_ROLE_ZCMK_RECEIVER, HSM_ROLE_ZCMK_SENDER, HSM_AES192},
    };
    struct tokens s;
    struct zone z;
    if (!open_tokens(&s)) return;
    make_zone(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(keys); i++) {
        struct hsm_key issuer = HSM_KEY_NONE, bureau = HSM_KEY_NONE;
        const struct journey j = {ref_of(keys[i].here, keys[i].at_issuer, keys[i].algorithm),
                                  ref_of(keys[i].there, keys[i].at_bureau, keys[i].algorithm), &z.sender,
                                  &z.receiver, NULL};
        travel(&s, &j, &issuer, &bureau);
        hsm_key_destroy(s.issuer, &issuer);
        hsm_key_destroy(s.bureau, &bureau);
    }
    end_zone(&s, &z);
    close_tokens(&s);
}

static void secret_of(struct secret *out, const char *hex)
{
    struct err err = ERR_INIT;
    uint8_t bytes[64];
    size_t len = strlen(hex) / 2;
    EXPECT_OK(hex_read_exact(hex, 2 * len, bytes, len, &err));
    EXPECT_OK(secret_copy(out, bytes, len, &err));
}

/* The published TEST value 0123456789ABCDEFFEDCBA9876543210 with other parity; TDES check value 08D7B4. */
static const char test_des2[] = "0022446688AACCEEFFDDBB9977553311";

static void test_import(void)
{
    static const uint8_t due[] = {0x08, 0xD7, 0xB4};
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, installed = HSM_KEY_NONE;
    struct hsm_key_ref ref = ref_of("kmc", HSM_ROLE_MASTER, HSM_DES2);
    struct secret value = SECRET_NONE, zero = SECRET_NONE, parity = SECRET_NONE;
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    struct tokens s;
    if (!open_tokens(&s)) return;
    secret_of(&value, test_des2);
    secret_of(&zero, "00000000000000000000000000000000");
    secret_of(&parity, "01010101010101010101010101010101");
    EXPECT_FAIL(hsm_travel_import(s.issuer, &ref, &zero, &key, &err), ERR_CONFIG,
                "'kmc': the value is all zero");
    EXPECT_FAIL(hsm_travel_import(s.issuer, &ref, &parity, &key, &err), ERR_CONFIG, "all zero");
    EXPECT_OK(hsm_travel_import(s.issuer, &ref, &value, &key, &err));
    EXPECT_OK(hsm_kcv(s.issuer, &key, HSM_ROLE_TRAVELLING, kcv, &len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, len, due, sizeof due));
    memcpy(ref.kcv, due, sizeof due);
    ref.kcv_len = sizeof due;
    ref.kcv[2] ^= 1;
    EXPECT_FAIL(hsm_travel_install(s.issuer, &key, &ref, &installed, &err), ERR_TOKEN,
                "install key 'kmc': its check value is 08D7B4");
    ref.kcv[2] ^= 1;
    EXPECT_OK(hsm_travel_install(s.issuer, &key, &ref, &installed, &err));
    EXPECT_OK(hsm_key_find(s.issuer, &ref, &installed, &err));
    hsm_key_destroy(s.issuer, &installed);
    ref.algorithm = HSM_AES256;
    EXPECT_FAIL(hsm_travel_import(s.issuer, &ref, &value, &key, &err), ERR_CONFIG,
                "16 bytes are no AES-256 key");
    secret_release(&value);
    secret_release(&zero);
    secret_release(&parity);
    close_tokens(&s);
}

static void test_not_travelling(void)
{
    static const struct {
        enum hsm_role role;
        enum hsm_algorithm algorithm;
        const char *expected;
    } rows[] = {
        {HSM_ROLE_SIGNING_PAIR, HSM_RSA, "generate key 'x': a key of role signing-pair does not travel"},
        {HSM_ROLE_CARD_KEY, HSM_DES2, "a key of role card-key does not travel"},
        {HSM_ROLE_TRUSTED_SIGNER, HSM_RSA, "a key of role trusted-signer does not travel"},
        {HSM_ROLE_KEK_ISSUER, HSM_DES2, "a key of role kek-issuer cannot be DES2"},
        {HSM_ROLE_MASTER, HSM_GENERIC, "a key of role master cannot be generic"},
    };
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    struct tokens s;
    if (!open_tokens(&s)) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        const struct hsm_key_ref ref = ref_of("x", rows[i].role, rows[i].algorithm);
        EXPECT_FAIL(hsm_travel_generate(s.issuer, &ref, &key, &err), ERR_CONFIG, rows[i].expected);
        CU_ASSERT_EQUAL(key.handle, 0);
    }
    close_tokens(&s);
}

/* A label that is taken, at either end; another algorithm than the key's. */
static void test_install_refused(void)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, there = HSM_KEY_NONE, installed = HSM_KEY_NONE;
    struct hsm_key_ref ref = ref_of("kmc", HSM_ROLE_MASTER, HSM_AES256);
    struct tokens s;
    if (!open_tokens(&s)) return;
    EXPECT_OK(hsm_key_generate(s.issuer, &ref, &there, &err));
    size_t before = kept_objects(s.issuer);
    EXPECT_OK(hsm_travel_generate(s.issuer, &ref, &key, &err));
    EXPECT_FAIL(hsm_travel_install(s.issuer, &key, &ref, &installed, &err), ERR_TOKEN,
                "install key 'kmc': token 'issuer' has an object 'kmc' already");
    ref = ref_of("other", HSM_ROLE_MASTER, HSM_AES128);
    EXPECT_FAIL(hsm_travel_install(s.issuer, &key, &ref, &installed, &err), ERR_INTERNAL,
                "AES-256, not AES-128");
    CU_ASSERT_NOT_EQUAL(key.handle, 0);
    CU_ASSERT_EQUAL(installed.handle, 0);
    CU_ASSERT_EQUAL(kept_objects(s.issuer), before);
    hsm_key_destroy(s.issuer, &key);
    hsm_key_destroy(s.issuer, &there);
    close_tokens(&s);
}

/* Nothing that is received stays, and the message says why. */
static void refuse(struct tokens *s, const struct hsm_travel_blob *blob, const struct hsm_key_ref *ref,
                   enum err_kind kind, const char *expected)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    size_t before = kept_objects(s->bureau), session = session_objects(s->bureau);
    EXPECT_FAIL(hsm_travel_receive(s->bureau, blob, ref, &key, &err), kind, expected);
    CU_ASSERT_EQUAL(key.handle, 0);
    CU_ASSERT_EQUAL(kept_objects(s->bureau), before);
    CU_ASSERT_EQUAL(session_objects(s->bureau), session);
}

static void make_blob(struct tokens *s, const struct journey *j, struct buf *blob)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    EXPECT_OK(hsm_travel_generate(s->issuer, &j->at_issuer, &key, &err));
    wrap_for(s->issuer, j, &key, blob);
    hsm_key_destroy(s->issuer, &key);
}

static void test_damaged_kwp(void)
{
    struct tokens s;
    struct zone z;
    struct buf blob;
    const struct hsm_key_ref ref = ref_of("kek", HSM_ROLE_KEK_BUREAU, HSM_AES256);
    if (!open_tokens(&s)) return;
    buf_init(&blob, 128);
    make_zone(&s, &z);
    const struct journey j = {ref_of("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256), ref, &z.sender, &z.receiver,
                              NULL};
    make_blob(&s, &j, &blob);
    CU_ASSERT_EQUAL_FATAL(blob.len, 40);
    struct hsm_travel_blob wrapped = {HSM_TRAVEL_KWP, &z.receiver, blob.data, blob.len};
    for (size_t bit = 0; bit < 8 * blob.len; bit++) {
        blob.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        refuse(&s, &wrapped, &ref, ERR_TOKEN, "receive key 'kek': C_UnwrapKey: CKR_");
        blob.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (wrapped.len = 0; wrapped.len < blob.len; wrapped.len++)
        refuse(&s, &wrapped, &ref, ERR_INPUT, "bytes are no wrapped AES-256 key");
    buf_put_fill(&blob, 0, 8);
    wrapped.data = blob.data;
    wrapped.len = blob.len;
    refuse(&s, &wrapped, &ref, ERR_INPUT, "48 bytes are no wrapped AES-256 key");
    end_zone(&s, &z);
    buf_release(&blob);
    close_tokens(&s);
}

static void test_damaged_oaep(void)
{
    struct tokens s;
    struct zone z;
    struct buf blob;
    const struct hsm_key_ref ref = ref_of("zcmk", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256);
    if (!open_tokens(&s)) return;
    buf_init(&blob, 1024);
    make_zone(&s, &z);
    const struct journey j = {ref_of("zcmk", HSM_ROLE_ZCMK_SENDER, HSM_AES256), ref, NULL, NULL, &z.public};
    make_blob(&s, &j, &blob);
    CU_ASSERT_EQUAL_FATAL(blob.len, 256);
    struct hsm_travel_blob wrapped = {HSM_TRAVEL_OAEP, &z.exchange.private_key, blob.data, blob.len};
    for (size_t byte = 0; byte < blob.len; byte += 5) {
        blob.data[byte] ^= 0x10;
        refuse(&s, &wrapped, &ref, ERR_TOKEN, "receive key 'zcmk': C_UnwrapKey: CKR_");
        blob.data[byte] ^= 0x10;
    }
    wrapped.len = 255;
    refuse(&s, &wrapped, &ref, ERR_TOKEN, "C_UnwrapKey: CKR_");
    wrapped.len = 0;
    refuse(&s, &wrapped, &ref, ERR_TOKEN, "C_UnwrapKey: CKR_");
    end_zone(&s, &z);
    buf_release(&blob);
    close_tokens(&s);
}

/* A key of one kind asked for as another: the length shows, what has the same length is left to the check value. */
static void test_other_kind(void)
{
    static const struct {
        enum hsm_algorithm is, asked;
        bool oaep;
        enum err_kind kind;
        const char *expected;
    } rows[] = {
        {HSM_DES3, HSM_DES2, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_DES2, HSM_DES3, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_AES128, HSM_DES3, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_AES128, HSM_AES256, true, ERR_TOKEN, "it is a key of 16 bytes, not AES-256"},
        {HSM_AES256, HSM_AES128, true, ERR_TOKEN, "it is a key of 32 bytes, not AES-128"},
        {HSM_AES256, HSM_DES2, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_DES3, HSM_DES2, false, ERR_INPUT, "32 bytes are no wrapped DES2 key"},
        {HSM_AES128, HSM_AES256, false, ERR_INPUT, "24 bytes are no wrapped AES-256 key"},
    };
    struct tokens s;
    struct zone z;
    if (!open_tokens(&s)) return;
    make_zone(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct buf blob;
        buf_init(&blob, 1024);
        const struct journey j = {ref_of("is", HSM_ROLE_MASTER, rows[i].is),
                                  ref_of("asked", HSM_ROLE_MASTER, rows[i].asked), &z.sender, &z.receiver,
                                  rows[i].oaep ? &z.public : NULL};
        make_blob(&s, &j, &blob);
        const struct hsm_travel_blob wrapped = {rows[i].oaep ? HSM_TRAVEL_OAEP : HSM_TRAVEL_KWP,
                                                rows[i].oaep ? &z.exchange.private_key : &z.receiver,
                                                blob.data, blob.len};
        refuse(&s, &wrapped, &j.at_bureau, rows[i].kind, rows[i].expected);
        buf_release(&blob);
    }
    end_zone(&s, &z);
    close_tokens(&s);
}

/* A KEK asked for as a master, a DES2 key as AES-128: only the check value of the header tells. */
static void test_same_length(void)
{
    static const struct {
        enum hsm_role sent, asked;
        enum hsm_algorithm is, as;
    } rows[] = {
        {HSM_ROLE_KEK_ISSUER, HSM_ROLE_MASTER, HSM_AES256, HSM_AES256},
        {HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_DES2, HSM_AES128},
        {HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_AES192, HSM_DES3},
    };
    struct err err = ERR_INIT;
    struct tokens s;
    struct zone z;
    if (!open_tokens(&s)) return;
    make_zone(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct buf blob;
        struct hsm_key key = HSM_KEY_NONE;
        buf_init(&blob, 128);
        struct journey j = {ref_of("sent", rows[i].sent, rows[i].is),
                            ref_of("asked", rows[i].asked, rows[i].as), &z.sender, &z.receiver, NULL};
        make_blob(&s, &j, &blob);
        const struct hsm_travel_blob wrapped = {HSM_TRAVEL_KWP, &z.receiver, blob.data, blob.len};
        EXPECT_OK(hsm_travel_receive(s.bureau, &wrapped, &j.at_bureau, &key, &err));
        EXPECT_OK(hsm_key_remove(s.bureau, "asked", &err));
        j.at_bureau.kcv_len = 3;
        refuse(&s, &wrapped, &j.at_bureau, ERR_TOKEN, "it should be 000000");
        buf_release(&blob);
    }
    end_zone(&s, &z);
    close_tokens(&s);
}

/* RFC 5649 by OpenSSL under the bytes 00 01 … 1F. */
static size_t wrap_outside(const uint8_t *key, size_t len, uint8_t *out)
{
    uint8_t kek[32];
    int n = 0, rest = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    for (uint8_t i = 0; i < sizeof kek; i++)
        kek[i] = i;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    CU_ASSERT_EQUAL(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek, NULL), 1);
    CU_ASSERT_EQUAL(EVP_EncryptUpdate(ctx, out, &n, key, (int)len), 1);
    CU_ASSERT_EQUAL(EVP_EncryptFinal_ex(ctx, out + n, &rest), 1);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)(n + rest);
}

/* 9 to 15 bytes are wrapped as long as 16 are. */
static void test_odd_length(void)
{
    static const enum hsm_algorithm asked[] = {HSM_AES128, HSM_DES2};
    static const uint8_t key[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
                                    0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10};
    struct err err = ERR_INIT;
    uint8_t out[64];
    struct hsm_key receiver = HSM_KEY_NONE;
    const struct hsm_key_ref ref = ref_of("zcmk", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256);
    struct tokens s;
    if (!open_tokens(&s)) return;
    EXPECT_OK(softtoken_import(
        s.bureau, &ref, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", &receiver, &err));
    for (size_t len = 9; len < 16; len++) {
        const struct hsm_travel_blob blob = {HSM_TRAVEL_KWP, &receiver, out, wrap_outside(key, len, out)};
        CU_ASSERT_EQUAL(blob.len, 24);
        for (size_t i = 0; i < SUITE_COUNT(asked); i++) {
            const struct hsm_key_ref master = ref_of("odd", HSM_ROLE_MASTER, asked[i]);
            refuse(&s, &blob, &master, ERR_TOKEN, "receive key 'odd': ");
        }
    }
    hsm_key_destroy(s.bureau, &receiver);
    close_tokens(&s);
}

/* Each end of a transport key does the one thing of its role. */
static void test_wrong_end(void)
{
    struct err err = ERR_INIT;
    struct tokens s;
    struct zone z;
    struct hsm_key key = HSM_KEY_NONE;
    struct buf blob;
    const struct hsm_key_ref ref = ref_of("kmc", HSM_ROLE_MASTER, HSM_DES2);
    if (soft.kind == SOFTTOKEN_NSS || !open_tokens(&s)) return; /* NSS lets either end do either */
    buf_init(&blob, 1024);
    make_zone(&s, &z);
    EXPECT_OK(hsm_travel_generate(s.bureau, &ref, &key, &err));
    EXPECT_FAIL(hsm_travel_wrap(s.bureau, &z.receiver, &key, &blob, &err), ERR_TOKEN,
                "C_WrapKey: CKR_KEY_FUNCTION_NOT_PERMITTED");
    CU_ASSERT_EQUAL(blob.len, 0);
    hsm_key_destroy(s.bureau, &key);
    EXPECT_OK(hsm_travel_generate(s.issuer, &ref, &key, &err));
    EXPECT_OK(hsm_travel_wrap(s.issuer, &z.sender, &key, &blob, &err));
    hsm_key_destroy(s.issuer, &key);
    const struct hsm_travel_blob wrapped = {HSM_TRAVEL_KWP, &z.sender, blob.data, blob.len};
    EXPECT_FAIL(hsm_travel_receive(s.issuer, &wrapped, &ref, &key, &err), ERR_TOKEN,
                "C_UnwrapKey: CKR_KEY_FUNCTION_NOT_PERMITTED");
    const struct hsm_travel_blob oaep = {HSM_TRAVEL_OAEP, &z.receiver, blob.data, blob.len};
    EXPECT_FAIL(hsm_travel_receive(s.bureau, &oaep, &ref, &key, &err), ERR_TOKEN, "C_UnwrapKey: CKR_");
    end_zone(&s, &z);
    buf_release(&blob);
    close_tokens(&s);
}

/* What SoftHSM refuses to do to an installed key. */
static void test_honoured(void)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE flips[] = {{CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_SENSITIVE, &no, sizeof no},
                            {CKA_UNWRAP, &yes, sizeof yes},      {CKA_MODIFIABLE, &yes, sizeof yes},
                            {CKA_COPYABLE, &yes, sizeof yes},    {CKA_TOKEN, &no, sizeof no}};
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, installed = HSM_KEY_NONE;
    const struct hsm_key_ref ref = ref_of("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256);
    struct tokens s;
    struct buf blob;
    uint8_t block[16] = {0};
    if (soft.kind == SOFTTOKEN_NSS || !open_tokens(&s)) return; /* NSS stores and ignores them */
    buf_init(&blob, 1024);
    EXPECT_OK(hsm_travel_generate(s.issuer, &ref, &key, &err));
    EXPECT_OK(hsm_travel_install(s.issuer, &key, &ref, &installed, &err));
    for (size_t i = 0; i < SUITE_COUNT(flips); i++) {
        CK_OBJECT_HANDLE copy = 0;
        struct hsm_token *t = s.issuer;
        CU_ASSERT_EQUAL(t->fn->C_SetAttributeValue(t->session, installed.handle, &flips[i], 1),
                        CKR_ACTION_PROHIBITED);
        CU_ASSERT_EQUAL(t->fn->C_CopyObject(t->session, installed.handle, &flips[i], 1, &copy),
                        CKR_ACTION_PROHIBITED);
    }
    EXPECT_FAIL(hsm_encrypt_once(s.issuer, CKM_AES_ECB, installed.handle, block, sizeof block, block, &err),
                ERR_TOKEN, "C_EncryptInit: CKR_");
    /* its own template: only session keys that are sensitive leave under it */
    EXPECT_OK(hsm_travel_generate(s.issuer, &ref, &key, &err));
    EXPECT_OK(hsm_travel_wrap(s.issuer, &installed, &key, &blob, &err));
    struct hsm_template tp;
    CK_MECHANISM m = hsm_mechanism(CKM_AES_KEY_GEN);
    struct hsm_key open = HSM_KEY_NONE;
    hsm_template_init(&tp);
    hsm_template_secret(&tp, HSM_AES256, HSM_GENERATED, 0);
    hsm_template_bool(&tp, CKA_TOKEN, false);
    hsm_template_bool(&tp, CKA_SENSITIVE, false);
    hsm_template_bool(&tp, CKA_EXTRACTABLE, true);
    CU_ASSERT_EQUAL(s.issuer->fn->C_GenerateKey(s.issuer->session, &m, tp.attr, tp.count, &open.handle),
                    CKR_OK);
    EXPECT_FAIL(hsm_travel_wrap(s.issuer, &installed, &open, &blob, &err), ERR_TOKEN,
                "C_WrapKey: CKR_KEY_NOT_WRAPPABLE");
    hsm_key_destroy(s.issuer, &open);
    hsm_key_destroy(s.issuer, &key);
    hsm_key_destroy(s.issuer, &installed);
    buf_release(&blob);
    close_tokens(&s);
}

static const struct test_case cases[] = {
    {"ZCMK by OAEP, then KEK and masters under it: same values, exact attributes", test_journey},
    {"a key from components: its check value, and what is no key", test_import},
    {"pairs, session keys and unfit algorithms do not travel", test_not_travelling},
    {"a taken label or another algorithm: nothing is installed", test_install_refused},
    {"each flipped bit, each shorter and a longer blob by RFC 5649 is refused", test_damaged_kwp},
    {"flipped and shorter blobs by RSA-OAEP are refused", test_damaged_oaep},
    {"a key of another length than asked for is refused", test_other_kind},
    {"a key of the same length passes without a check value, and is refused with one", test_same_length},
    {"wrapped secrets of 9 to 15 bytes are no keys", test_odd_length},
    {"a sender's key does not unwrap, a receiver's does not wrap", test_wrong_end},
    {"an installed key is neither changed, copied nor misused", test_honoured},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "issuer") && (nss || softtoken_add(&soft, "bureau"));
    int status = ready ? suite_run("hsm/travel", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
