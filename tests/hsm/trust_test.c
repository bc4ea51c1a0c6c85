/* A foreign signer's public key: put on the token, found with exactly its attributes, read as
 * SubjectPublicKeyInfo. With the argument `nss` on NSS. */
#include "hsm/internal.h"
#include "hsm/objects.h"
#include "hsm/trust.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

static struct hsm_token *open_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "bureau", &t, &err));
    return t;
}

static const struct hsm_key_ref signer = {
    .name = "issuer-signer", .label = "issuer-signer", .role = HSM_ROLE_TRUSTED_SIGNER, .algorithm = HSM_RSA};

/* A key of somebody else: generated here, and its private part thrown away. */
static void foreign_key(struct hsm_token *t, unsigned bits, struct buf *spki, struct hsm_public *out)
{
    struct err err = ERR_INIT;
    const struct hsm_pair_ref ref = {
        {.name = "foreign", .role = HSM_ROLE_CARD_PAIR, .algorithm = HSM_RSA}, bits, 65537};
    struct hsm_pair pair;
    EXPECT_OK(hsm_pair_generate(t, &ref, &pair, &err));
    EXPECT_OK(hsm_pair_spki(&pair, spki, &err));
    EXPECT_OK(hsm_public_read_spki(spki->data, spki->len, out, &err));
    CU_ASSERT_TRUE(bytes_equal(out->modulus, out->modulus_len, pair.modulus, pair.modulus_len));
    CU_ASSERT_TRUE(bytes_equal(out->exponent, out->exponent_len, pair.exponent, pair.exponent_len));
    hsm_pair_destroy(t, &pair);
}

static void test_import(void)
{
    struct err err = ERR_INIT;
    struct hsm_public key, found;
    struct buf spki, again;
    struct hsm_token *t = open_token();
    if (!t) return;
    buf_init(&spki, HSM_SPKI_MAX);
    buf_init(&again, HSM_SPKI_MAX);
    foreign_key(t, 2048, &spki, &key);
    EXPECT_FAIL(hsm_trust_find(t, &signer, &found, &err), ERR_TOKEN,
                "signer's key 'issuer-signer': token 'bureau' has no public key 'issuer-signer'");
    EXPECT_OK(hsm_trust_import(t, &signer, &key, &err));
    EXPECT_FAIL(hsm_trust_import(t, &signer, &key, &err), ERR_TOKEN, "has an object 'issuer-signer' already");
    EXPECT_OK(hsm_trust_find(t, &signer, &found, &err));
    EXPECT_OK(hsm_public_spki(&found, &again, &err));
    CU_ASSERT_TRUE(bytes_equal(spki.data, spki.len, again.data, again.len));
    EXPECT_OK(hsm_key_remove(t, "issuer-signer", &err));
    EXPECT_FAIL(hsm_trust_find(t, &signer, &found, &err), ERR_TOKEN, "has no public key");
    buf_release(&spki);
    buf_release(&again);
    hsm_token_close(t);
}

/* A public key under the label that is wider than the role, or of a pair of our own. */
static void test_wider(void)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *expected;
    } rows[] = {
        {CKA_PRIVATE, "key 'issuer-signer' can be used without login"},
        {CKA_ENCRYPT, "key 'issuer-signer' may encrypt"},
        {CKA_WRAP, "key 'issuer-signer' may wrap: role trusted-signer forbids that"},
        {CKA_VERIFY, "key 'issuer-signer' may not verify"},
        {CKA_COPYABLE, "key 'issuer-signer' may be copied"},
        {CKA_MODIFIABLE, "key 'issuer-signer' may be modified"},
    };
    struct err err = ERR_INIT;
    struct hsm_public key, found;
    struct buf spki;
    struct hsm_token *t = open_token();
    if (!t) return;
    buf_init(&spki, HSM_SPKI_MAX);
    foreign_key(t, 1024, &spki, &key);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct hsm_template tp;
        CK_OBJECT_HANDLE object = 0;
        if (rows[i].type == CKA_COPYABLE && !hsm_token_profile(t)->takes_copyable) continue;
        hsm_template_init(&tp);
        hsm_template_number(&tp, CKA_CLASS, CKO_PUBLIC_KEY);
        hsm_template_number(&tp, CKA_KEY_TYPE, CKK_RSA);
        hsm_template_bytes(&tp, CKA_MODULUS, key.modulus, key.modulus_len);
        hsm_template_bytes(&tp, CKA_PUBLIC_EXPONENT, key.exponent, key.exponent_len);
        EXPECT_OK(hsm_template_role(t, &tp, &signer, HSM_PART_PUBLIC, &err));
        for (CK_ULONG k = 0; k < tp.count; k++) {
            if (tp.attr[k].type == rows[i].type)
                tp.attr[k].pValue = *(CK_BBOOL *)tp.attr[k].pValue ? &tp.no : &tp.yes;
        }
        CU_ASSERT_EQUAL(t->fn->C_CreateObject(t->session, tp.attr, tp.count, &object), CKR_OK);
        EXPECT_FAIL(hsm_trust_find(t, &signer, &found, &err), ERR_TOKEN, rows[i].expected);
        EXPECT_OK(hsm_key_remove(t, "issuer-signer", &err));
    }
    struct hsm_key_ref other = signer;
    other.role = HSM_ROLE_SIGNING_PAIR;
    EXPECT_FAIL(hsm_trust_import(t, &other, &key, &err), ERR_CONFIG,
                "role signing-pair is not trusted-signer");
    EXPECT_FAIL(hsm_trust_find(t, &other, &found, &err), ERR_CONFIG, "is not trusted-signer");
    buf_release(&spki);
    hsm_token_close(t);
}

static void test_spki(void)
{
    struct err err = ERR_INIT;
    struct hsm_public key, other = {.modulus_len = 0};
    struct buf spki, out;
    struct hsm_token *t = open_token();
    if (!t) return;
    buf_init(&spki, HSM_SPKI_MAX);
    buf_init(&out, HSM_SPKI_MAX);
    foreign_key(t, 1024, &spki, &key);
    for (size_t len = 0; len < spki.len; len++)
        EXPECT_FAIL(hsm_public_read_spki(spki.data, len, &other, &err), ERR_INPUT, "no SubjectPublicKeyInfo");
    buf_put_u8(&spki, 0);
    EXPECT_FAIL(hsm_public_read_spki(spki.data, spki.len, &other, &err), ERR_INPUT,
                "no SubjectPublicKeyInfo");
    key.exponent[2] = 0;
    EXPECT_OK(hsm_public_spki(&key, &out, &err));
    EXPECT_FAIL(hsm_public_read_spki(out.data, out.len, &other, &err), ERR_INPUT,
                "a public exponent that is even");
    key.exponent[0] = 1;
    key.exponent_len = 1;
    buf_clear(&out);
    EXPECT_OK(hsm_public_spki(&key, &out, &err));
    EXPECT_FAIL(hsm_public_read_spki(out.data, out.len, &other, &err), ERR_INPUT, "is even, 1, or");
    key.modulus_len = 60;
    buf_clear(&out);
    EXPECT_OK(hsm_public_spki(&key, &out, &err));
    EXPECT_FAIL(hsm_public_read_spki(out.data, out.len, &other, &err), ERR_INPUT,
                "a modulus of other than 512");
    CU_ASSERT_EQUAL(other.modulus_len, 0);
    buf_release(&spki);
    buf_release(&out);
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"a signer's key is put there once, and found as it was", test_import},
    {"a public key with any attribute turned round is refused by name", test_wider},
    {"SubjectPublicKeyInfo: truncated, longer, with unfit numbers", test_spki},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "bureau") ? suite_run("hsm/trust", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
