/* Pairs on two tokens of one module: made, wrapped, installed, received; what is refused on the way; and each call failing
 * once. With the argument `nss`: a token that unwraps a private key with more uses than it was told gets none. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "hsm/internal.h"
#include "hsm/objects.h"
#include "hsm/travel_pair.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

/* The partners' transport key, and a pair between them. */
struct tokens {
    struct hsm_token *issuer, *backup; /* on NSS the same */
    struct hsm_key sender, receiver;
};

static struct hsm_pair_ref ref_of(const char *label, enum hsm_role role, unsigned bits,
                                  unsigned long exponent)
{
    return (struct hsm_pair_ref){
        {.name = label, .label = label, .role = role, .algorithm = HSM_RSA}, bits, exponent};
}

static void import(struct hsm_token *t, const char *label, enum hsm_role role, struct hsm_key *out)
{
    struct err err = ERR_INIT;
    const struct hsm_key_ref ref = {.name = label, .label = label, .role = role, .algorithm = HSM_AES256};
    EXPECT_OK(softtoken_import(t, &ref, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                               out, &err));
}

static bool open_tokens(struct tokens *s)
{
    struct err err = ERR_INIT;
    struct secret pin = SECRET_NONE;
    *s = (struct tokens){.issuer = NULL};
    EXPECT_OK(softtoken_open(&soft, "issuer", &s->issuer, &err));
    s->backup = s->issuer;
    if (s->issuer && soft.kind == SOFTTOKEN_SOFTHSM) {
        struct hsm_token_choice choice = softtoken_choice(&soft, "backup");
        s->backup = NULL;
        EXPECT_OK(secret_copy(&pin, SOFTTOKEN_PIN, strlen(SOFTTOKEN_PIN), &err));
        EXPECT_OK(hsm_token_open_beside(&s->backup, s->issuer, &choice, &pin, HSM_READ_WRITE, &err));
        secret_release(&pin);
    }
    if (!s->backup) return false;
    import(s->issuer, "zcmk-out", HSM_ROLE_ZCMK_SENDER, &s->sender);
    import(s->backup, "zcmk-in", HSM_ROLE_ZCMK_RECEIVER, &s->receiver);
    return true;
}

static size_t objects(struct hsm_token *t, bool on_token)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return on_token ? kept : all - kept;
}

static void close_tokens(struct tokens *s)
{
    hsm_key_destroy(s->issuer, &s->sender);
    hsm_key_destroy(s->backup, &s->receiver);
    CU_ASSERT_FALSE(hsm_token_is_broken(s->issuer));
    CU_ASSERT_FALSE(hsm_token_is_broken(s->backup));
    CU_ASSERT_EQUAL(objects(s->issuer, false) + objects(s->issuer, true), 0);
    CU_ASSERT_EQUAL(objects(s->backup, false) + objects(s->backup, true), 0);
    if (s->backup != s->issuer) hsm_token_close(s->backup);
    hsm_token_close(s->issuer);
}

static void check_value(const struct hsm_pair *pair, struct hsm_key_ref *ref)
{
    struct err err = ERR_INIT;
    uint8_t hash[SHA256_LEN];
    EXPECT_OK(sha256(pair->modulus, pair->modulus_len, hash, &err));
    memcpy(ref->kcv, hash, 3);
    ref->kcv_len = 3;
}

static bool same_public(const struct hsm_pair *a, const struct hsm_pair *b)
{
    return bytes_equal(a->modulus, a->modulus_len, b->modulus, b->modulus_len) &&
           bytes_equal(a->exponent, a->exponent_len, b->exponent, b->exponent_len);
}

static struct hsm_travel_blob kwp(const struct hsm_key *transport, const struct buf *blob)
{
    return (struct hsm_travel_blob){HSM_TRAVEL_KWP, transport, blob->data, blob->len};
}

/* Made at the issuer and wrapped; pair is the travelling one. */
static void depart(struct tokens *s, const struct hsm_pair_ref *ref, struct hsm_pair *pair, struct buf *blob)
{
    struct err err = ERR_INIT;
    EXPECT_OK(hsm_travel_pair_generate(s->issuer, ref, pair, &err));
    EXPECT_OK(hsm_travel_wrap(s->issuer, &s->sender, &pair->private_key, blob, &err));
    CU_ASSERT_TRUE(blob->len <= HSM_TRAVEL_PAIR_MAX && blob->len % 8 == 0);
}

/* What this public part verifies with another program. */
static void verifies(const struct hsm_pair *pair, const void *text, size_t len, const struct buf *signature)
{
    struct err err = ERR_INIT;
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    EXPECT_OK(hsm_pair_spki(pair, &spki, &err));
    const unsigned char *at = spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    CU_ASSERT_EQUAL(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    CU_ASSERT_EQUAL(EVP_DigestVerify(ctx, signature->data, signature->len, text, len), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    buf_release(&spki);
}

/* A pair of role signing-pair signs here as it did there. */
static void sign_alike(struct tokens *s, const struct hsm_pair *here, const struct hsm_pair *there)
{
    static const uint8_t text[] = "end";
    struct err err = ERR_INIT;
    struct buf a, b;
    buf_init(&a, HSM_MODULUS_MAX);
    buf_init(&b, HSM_MODULUS_MAX);
    EXPECT_OK(hsm_sign_sha256(s->issuer, &here->private_key, text, sizeof text, &a, &err));
    EXPECT_OK(hsm_sign_sha256(s->backup, &there->private_key, text, sizeof text, &b, &err));
    CU_ASSERT_TRUE(bytes_equal(a.data, a.len, b.data, b.len));
    verifies(here, text, sizeof text, &b);
    buf_release(&a);
    buf_release(&b);
}

static void travel(struct tokens *s, const struct hsm_pair_ref *ref)
{
    struct err err = ERR_INIT;
    struct hsm_pair_ref there = *ref;
    struct hsm_pair pair, issuer, backup, found;
    struct buf blob;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    depart(s, ref, &pair, &blob);
    check_value(&pair, &there.key);
    const struct hsm_pair made = pair;
    EXPECT_OK(hsm_travel_pair_install(s->issuer, &pair, ref, &issuer, &err));
    CU_ASSERT_EQUAL(pair.private_key.handle + pair.public_key.handle, 0);
    const struct hsm_travel_blob wrapped = kwp(&s->receiver, &blob);
    EXPECT_OK(hsm_travel_pair_receive(s->backup, &wrapped, &there, &backup, &err));
    CU_ASSERT_TRUE(same_public(&made, &issuer) && same_public(&made, &backup));
    EXPECT_OK(hsm_pair_find(s->issuer, &ref->key, &found, &err));
    CU_ASSERT_TRUE(same_public(&made, &found));
    EXPECT_OK(hsm_pair_find(s->backup, &there.key, &found, &err));
    CU_ASSERT_TRUE(same_public(&made, &found));
    EXPECT_OK(hsm_template_check(s->issuer, &ref->key, HSM_PART_PUBLIC, issuer.public_key.handle, &err));
    EXPECT_OK(hsm_template_check(s->backup, &there.key, HSM_PART_PUBLIC, backup.public_key.handle, &err));
    if (ref->key.role == HSM_ROLE_SIGNING_PAIR) sign_alike(s, &issuer, &backup);
    hsm_pair_destroy(s->issuer, &issuer);
    hsm_pair_destroy(s->backup, &backup);
    buf_release(&blob);
}

static void test_journey(void)
{
    static const struct {
        enum hsm_role role;
        unsigned bits;
        unsigned long exponent;
    } pairs[] = {
        {HSM_ROLE_ISSUER_PAIR, 512, 65537},        {HSM_ROLE_ISSUER_PAIR, 1408, 3},
        {HSM_ROLE_ISSUER_PAIR, 1976, 65537},       {HSM_ROLE_SIGNING_PAIR, 2048, 65537},
        {HSM_ROLE_KEY_EXCHANGE_PAIR, 1024, 65537}, {HSM_ROLE_SIGNING_PAIR, 4096, 65537},
    };
    struct tokens s;
    if (!open_tokens(&s)) return;
    for (size_t i = 0; i < SUITE_COUNT(pairs); i++) {
        const struct hsm_pair_ref ref = ref_of("pair", pairs[i].role, pairs[i].bits, pairs[i].exponent);
        travel(&s, &ref);
    }
    close_tokens(&s);
}

/* Before it is anywhere, it vouches for its own hand-over. */
static void test_signs_on_its_way(void)
{
    static const uint8_t text[] = "hand-over";
    const struct hsm_pair_ref ref = ref_of("signer", HSM_ROLE_SIGNING_PAIR, 1024, 65537);
    struct err err = ERR_INIT;
    struct hsm_pair pair;
    struct tokens s;
    struct buf signature, unused;
    if (!open_tokens(&s)) return;
    buf_init(&signature, HSM_MODULUS_MAX);
    buf_init(&unused, HSM_MODULUS_MAX);
    EXPECT_OK(hsm_travel_pair_generate(s.issuer, &ref, &pair, &err));
    EXPECT_FAIL(hsm_sign_sha256(s.issuer, &pair.private_key, text, sizeof text, &unused, &err), ERR_TOKEN,
                "C_SignInit");
    EXPECT_OK(hsm_travel_pair_sign(s.issuer, &pair, text, sizeof text, &signature, &err));
    verifies(&pair, text, sizeof text, &signature);
    CU_ASSERT_EQUAL(objects(s.issuer, false), 2);
    hsm_pair_destroy(s.issuer, &pair);
    buf_release(&unused);
    buf_release(&signature);
    close_tokens(&s);
}

static void refused(struct tokens *s, const struct hsm_travel_blob *blob, const struct hsm_pair_ref *ref,
                    enum err_kind kind, const char *part)
{
    struct err err = ERR_INIT;
    struct hsm_pair got = {.modulus_len = 7};
    const size_t before = objects(s->backup, true), session = objects(s->backup, false);
    EXPECT_FAIL(hsm_travel_pair_receive(s->backup, blob, ref, &got, &err), kind, part);
    CU_ASSERT_EQUAL(got.modulus_len, 7);
    CU_ASSERT_EQUAL(objects(s->backup, true), before);
    CU_ASSERT_EQUAL(objects(s->backup, false), session);
}

static void refuse_all(struct tokens *s, const struct hsm_pair_ref *ref, struct hsm_travel_blob blob)
{
    struct hsm_pair_ref other = *ref;
    other.bits = 1032;
    refused(s, &blob, &other, ERR_TOKEN,
            "receive key pair 'pair': it is a pair of at most 1024 bits, not of 1032");
    other = *ref;
    other.exponent = 3;
    refused(s, &blob, &other, ERR_TOKEN, "another exponent than 3");
    other = *ref;
    other.key.kcv_len = 3;
    refused(s, &blob, &other, ERR_TOKEN, ", not 000000: it is another pair");
    other = *ref;
    other.key.role = HSM_ROLE_MASTER;
    refused(s, &blob, &other, ERR_CONFIG, "a pair of role master does not travel");
    other.key.role = HSM_ROLE_CARD_PAIR;
    refused(s, &blob, &other, ERR_CONFIG, "a pair of role card-pair does not travel");
    blob.method = HSM_TRAVEL_OAEP;
    refused(s, &blob, ref, ERR_CONFIG, "under a transport key alone");
    blob.method = HSM_TRAVEL_KWP;
    blob.len -= 1;
    refused(s, &blob, ref, ERR_INPUT, "are no wrapped pair of 1024 bits");
    blob.len -= 7;
    refused(s, &blob, ref, ERR_TOKEN, "C_UnwrapKey");
    blob.len = 128;
    refused(s, &blob, ref, ERR_INPUT, "128 bytes are no wrapped pair of 1024 bits");
    blob.len = HSM_TRAVEL_PAIR_MAX + 8;
    refused(s, &blob, ref, ERR_INPUT, "2400 bytes are no wrapped pair");
}

/* The private key in clear: as its bytes, and as a key that can be read. */
static void refuse_clear(struct tokens *s, const struct buf *blob)
{
    static const struct {
        CK_OBJECT_CLASS class;
        CK_KEY_TYPE type;
    } rows[] = {{CKO_SECRET_KEY, CKK_GENERIC_SECRET}, {CKO_PRIVATE_KEY, CKK_RSA}};
    struct hsm_token *t = s->backup;
    struct err err = ERR_INIT;
    CK_MECHANISM m;
    EXPECT_OK(hsm_wrap_kwp_mechanism(t, &m, &err));
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        CK_OBJECT_HANDLE out = 0;
        struct hsm_template tp;
        hsm_template_init(&tp);
        hsm_template_number(&tp, CKA_CLASS, rows[i].class);
        hsm_template_number(&tp, CKA_KEY_TYPE, rows[i].type);
        hsm_template_bool(&tp, CKA_SENSITIVE, false);
        hsm_template_bool(&tp, CKA_EXTRACTABLE, true);
        CU_ASSERT_EQUAL(t->fn->C_UnwrapKey(t->session, &m, s->receiver.handle, blob->data, blob->len, tp.attr,
                                           tp.count, &out),
                        CKR_TEMPLATE_INCONSISTENT);
    }
}

static void test_refusals(void)
{
    const struct hsm_pair_ref ref = ref_of("pair", HSM_ROLE_SIGNING_PAIR, 1024, 65537);
    struct err err = ERR_INIT;
    struct hsm_pair pair, installed;
    struct tokens s;
    struct buf blob;
    if (!open_tokens(&s)) return;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    depart(&s, &ref, &pair, &blob);
    refuse_all(&s, &ref, kwp(&s.receiver, &blob));
    refuse_clear(&s, &blob);
    blob.data[20] ^= 1;
    const struct hsm_travel_blob wrapped = kwp(&s.receiver, &blob);
    refused(&s, &wrapped, &ref, ERR_TOKEN, "C_UnwrapKey");
    blob.data[20] ^= 1;
    EXPECT_OK(hsm_travel_pair_receive(s.backup, &wrapped, &ref, &installed, &err));
    refused(&s, &wrapped, &ref, ERR_TOKEN, "has an object 'pair' already");
    buf_clear(&blob);
    EXPECT_FAIL(hsm_wrap_kwp(s.backup, &s.receiver, &installed.private_key, &blob, &err), ERR_TOKEN,
                "C_WrapKey");
    hsm_pair_destroy(s.issuer, &pair);
    hsm_pair_destroy(s.backup, &installed);
    buf_release(&blob);
    close_tokens(&s);
}

/* PKCS#8 of a new key of 1024 bits, and where its modulus is. */
static size_t private_key(uint8_t der[1024], uint8_t **modulus)
{
    uint8_t n[128];
    unsigned char *at = der;
    BIGNUM *number = NULL;
    EVP_PKEY *key = EVP_RSA_gen(1024);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    CU_ASSERT_EQUAL_FATAL(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &number), 1);
    CU_ASSERT_EQUAL_FATAL(BN_bn2bin(number, n), sizeof n);
    *modulus = memmem(der, (size_t)len, n, sizeof n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*modulus);
    BN_free(number);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    return (size_t)len;
}

/* RFC 5649 under the test's transport key, by another program. */
static void wrap_outside(const uint8_t *data, size_t data_len, struct buf *blob)
{
    uint8_t key[32], out[1024];
    int len = 0;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    CU_ASSERT_EQUAL(EVP_EncryptInit_ex2(ctx, EVP_aes_256_wrap_pad(), key, NULL, NULL), 1);
    CU_ASSERT_EQUAL(EVP_EncryptUpdate(ctx, out, &len, data, (int)data_len), 1);
    EVP_CIPHER_CTX_free(ctx);
    buf_clear(blob);
    buf_put(blob, out, (size_t)len);
}

/* The modulus of one key, the rest of another: its check value would be right. */
static void test_parts_of_two_pairs(void)
{
    struct hsm_pair_ref ref = ref_of("pair", HSM_ROLE_ISSUER_PAIR, 1024, 65537);
    struct err err = ERR_INIT;
    struct hsm_pair received;
    uint8_t one[1024], other[1024], *one_modulus = NULL, *other_modulus = NULL;
    struct tokens s;
    struct buf blob;
    if (!open_tokens(&s)) return;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    size_t len = private_key(one, &one_modulus);
    private_key(other, &other_modulus);
    wrap_outside(one, len, &blob);
    struct hsm_travel_blob wrapped = kwp(&s.receiver, &blob);
    EXPECT_OK(hsm_travel_pair_receive(s.backup, &wrapped, &ref, &received, &err));
    check_value(&received, &ref.key);
    hsm_pair_destroy(s.backup, &received);
    memcpy(other_modulus, one_modulus, 128);
    wrap_outside(other, len, &blob);
    wrapped = kwp(&s.receiver, &blob);
    refused(&s, &wrapped, &ref, ERR_TOKEN, "");
    buf_release(&blob);
    close_tokens(&s);
}

/* ---- each call fails once ---- */

static CK_FUNCTION_LIST real;
static long calls, failing; /* the number of the call that fails */
static const char *failed;  /* its name */

static bool fails(const char *name)
{
    if (++calls != failing) return false;
    failed = name;
    return true;
}

#define WRAPPERS(X)                                                                                          \
    X(C_GenerateKey,                                                                                         \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_ATTRIBUTE * c, CK_ULONG d, CK_OBJECT_HANDLE * e),           \
      (a, b, c, d, e))                                                                                       \
    X(C_GenerateKeyPair,                                                                                     \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_ATTRIBUTE * c, CK_ULONG d, CK_ATTRIBUTE * e, CK_ULONG f,    \
       CK_OBJECT_HANDLE * g, CK_OBJECT_HANDLE * h),                                                          \
      (a, b, c, d, e, f, g, h))                                                                              \
    X(C_WrapKey,                                                                                             \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, CK_OBJECT_HANDLE d, unsigned char *e,      \
       CK_ULONG *f),                                                                                         \
      (a, b, c, d, e, f))                                                                                    \
    X(C_UnwrapKey,                                                                                           \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, unsigned char *d, CK_ULONG e,              \
       CK_ATTRIBUTE *f, CK_ULONG g, CK_OBJECT_HANDLE *h),                                                    \
      (a, b, c, d, e, f, g, h))                                                                              \
    X(C_CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE * b, CK_ULONG c, CK_OBJECT_HANDLE * d),             \
      (a, b, c, d))                                                                                          \
    X(C_GetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE * c, CK_ULONG d),          \
      (a, b, c, d))                                                                                          \
    X(C_FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE * b, CK_ULONG c), (a, b, c))                     \
    X(C_SignInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c))                    \
    X(C_Sign, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),            \
      (a, b, c, d, e))                                                                                       \
    X(C_VerifyInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c))                  \
    X(C_Verify, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG e),           \
      (a, b, c, d, e))

/* What ends an operation ends it also when it fails. */
#define REFUSE(name, parameters, arguments)                                                                  \
    static CK_RV refuse_##name parameters                                                                    \
    {                                                                                                        \
        if (!fails(#name)) return real.name arguments;                                                       \
        if (strcmp(#name, "C_Sign") == 0 || strcmp(#name, "C_Verify") == 0) real.name arguments;             \
        return CKR_DEVICE_MEMORY;                                                                            \
    }
WRAPPERS(REFUSE)

static CK_FUNCTION_LIST *through(void)
{
    static CK_FUNCTION_LIST list;
    list = real;
#define ENTER(name, parameters, arguments) list.name = refuse_##name;
    WRAPPERS(ENTER)
#undef ENTER
    return &list;
}

typedef bool step_fn(struct tokens *s, const struct hsm_pair_ref *ref, struct hsm_pair *pair,
                     const struct buf *blob, struct hsm_pair *out, struct err *err);

static bool step_install(struct tokens *s, const struct hsm_pair_ref *ref, struct hsm_pair *pair,
                         const struct buf *blob, struct hsm_pair *out, struct err *err)
{
    (void)blob;
    return hsm_travel_pair_install(s->issuer, pair, ref, out, err);
}

static bool step_receive(struct tokens *s, const struct hsm_pair_ref *ref, struct hsm_pair *pair,
                         const struct buf *blob, struct hsm_pair *out, struct err *err)
{
    const struct hsm_travel_blob wrapped = kwp(&s->receiver, blob);
    (void)pair;
    return hsm_travel_pair_receive(s->backup, &wrapped, ref, out, err);
}

/* Until it is done without the call that is to fail. *t is where it is done. */
static void fail_each(struct tokens *s, struct hsm_token *t, step_fn *step, struct hsm_pair *pair,
                      const struct buf *blob)
{
    const struct hsm_pair_ref ref = ref_of("pair", HSM_ROLE_SIGNING_PAIR, 1024, 65537);
    CK_FUNCTION_LIST *fn = t->fn;
    const size_t session = objects(t, false), kept = objects(t, true);
    struct hsm_pair out = {.private_key = HSM_KEY_NONE};
    bool done = false;
    real = *fn;
    for (failing = 1; !done && failing < 100; failing++) {
        struct err err = ERR_INIT;
        calls = 0;
        failed = NULL;
        t->fn = through();
        done = step(s, &ref, pair, blob, &out, &err);
        t->fn = fn;
        CU_ASSERT_EQUAL(done, failed == NULL);
        if (done) break;
        CU_ASSERT_EQUAL(err.kind, ERR_TOKEN);
        CU_ASSERT_TRUE(failed && strstr(err.text, failed));
        CU_ASSERT_EQUAL(objects(t, false), session);
        CU_ASSERT_EQUAL(objects(t, true), kept);
        CU_ASSERT_FALSE(hsm_token_is_broken(t));
    }
    CU_ASSERT_TRUE(done && failing > 15);
    hsm_pair_destroy(t, &out);
}

static void test_each_call_fails(void)
{
    const struct hsm_pair_ref ref = ref_of("pair", HSM_ROLE_SIGNING_PAIR, 1024, 65537);
    struct hsm_pair pair;
    struct tokens s;
    struct buf blob;
    if (!open_tokens(&s)) return;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    depart(&s, &ref, &pair, &blob);
    fail_each(&s, s.backup, step_receive, &pair, &blob);
    fail_each(&s, s.issuer, step_install, &pair, &blob);
    CU_ASSERT_EQUAL(pair.private_key.handle, 0);
    buf_release(&blob);
    close_tokens(&s);
}

/* NSS: C_UnwrapKey gives every RSA private key DECRYPT, SIGN and UNWRAP, whatever the template says. */
static void test_wider_than_told(void)
{
    const struct hsm_pair_ref ref = ref_of("pair", HSM_ROLE_SIGNING_PAIR, 1024, 65537);
    struct err err = ERR_INIT;
    struct hsm_pair pair, installed;
    struct tokens s;
    struct buf blob;
    if (!open_tokens(&s)) return;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    depart(&s, &ref, &pair, &blob);
    EXPECT_FAIL(hsm_travel_pair_install(s.issuer, &pair, &ref, &installed, &err), ERR_TOKEN,
                "install key pair 'pair': key 'pair' may decrypt: role signing-pair forbids that");
    const struct hsm_travel_blob wrapped = kwp(&s.receiver, &blob);
    refused(&s, &wrapped, &ref, ERR_TOKEN, "receive key pair 'pair': key 'pair' may decrypt");
    hsm_pair_destroy(s.issuer, &pair);
    buf_release(&blob);
    close_tokens(&s);
}

static const struct test_case nss_cases[] = {
    {"a travelling pair signs its own hand-over, and nothing else", test_signs_on_its_way},
    {"a pair that would get more uses than its role has is refused, and nothing left", test_wider_than_told},
};
static const struct test_case cases[] = {
    {"each role and size: the same pair on both tokens, exact attributes", test_journey},
    {"a travelling pair signs its own hand-over, and nothing else", test_signs_on_its_way},
    {"another pair, another role, damage and a taken label are refused", test_refusals},
    {"a private part that does not belong to its public part is refused", test_parts_of_two_pairs},
    {"each call fails in turn: named, and nothing left", test_each_call_fails},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "issuer") && (nss || softtoken_add(&soft, "backup"));
    int status = !ready ? 1
                 : nss  ? suite_run("hsm/travel_pair", nss_cases, SUITE_COUNT(nss_cases))
                        : suite_run("hsm/travel_pair", cases, SUITE_COUNT(cases));
    softtoken_stop(&soft);
    return status;
}
