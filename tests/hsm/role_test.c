/* A key whose attributes are wider than its role is refused, and the attribute named. */
#include "hsm/internal.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

struct case_row {
    CK_ATTRIBUTE_TYPE type;
    const char *expected; /* when its value is turned round */
};

static CK_ATTRIBUTE *attribute(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < tp->count; i++) {
        if (tp->attr[i].type == type) return &tp->attr[i];
    }
    return NULL;
}

static void turn_round(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE *a = attribute(tp, type);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    a->pValue = *(CK_BBOOL *)a->pValue ? &tp->no : &tp->yes;
}

static void make(struct hsm_token *t, struct hsm_template *tp, CK_MECHANISM_TYPE type, struct hsm_key *out)
{
    CK_MECHANISM m = hsm_mechanism(type);
    CK_RV rv = t->fn->C_GenerateKey(t->session, &m, tp->attr, tp->count, &out->handle);
    CU_ASSERT_EQUAL_FATAL(rv, CKR_OK);
}

static void secret_template(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_template *tp)
{
    struct err err = ERR_INIT;
    hsm_template_init(tp);
    hsm_template_secret(tp, ref->algorithm, HSM_GENERATED, 0);
    EXPECT_OK(hsm_template_role(t, tp, ref, HSM_PART_SECRET, &err));
}

static const struct hsm_key_ref kml = {
    .name = "KML", .label = "KML", .role = HSM_ROLE_MASTER, .algorithm = HSM_AES256};
static const struct hsm_key_ref kek = {
    .name = "kek-a", .label = "kek-a", .role = HSM_ROLE_KEK_ISSUER, .algorithm = HSM_AES256};

static struct hsm_token *open_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "issuer", &t, &err));
    return t;
}

static void refuse(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_template *tp,
                   const char *expected)
{
    struct err err = ERR_INIT;
    struct hsm_key made = HSM_KEY_NONE, found = HSM_KEY_NONE;
    make(t, tp, CKM_AES_KEY_GEN, &made);
    EXPECT_FAIL(hsm_key_find(t, ref, &found, &err), ERR_TOKEN, expected);
    CU_ASSERT_EQUAL(found.handle, 0);
    hsm_key_destroy(t, &made);
}

static void test_master(void)
{
    static const struct case_row rows[] = {
        {CKA_PRIVATE, "key 'KML' can be used without login"},
        {CKA_SENSITIVE, "key 'KML' is not sensitive"},
        {CKA_EXTRACTABLE, "key 'KML' is extractable: role master forbids that"},
        {CKA_ENCRYPT, "key 'KML' may encrypt"},
        {CKA_DECRYPT, "key 'KML' may decrypt"},
        {CKA_SIGN, "key 'KML' may sign"},
        {CKA_VERIFY, "key 'KML' may verify"},
        {CKA_WRAP, "key 'KML' may wrap"},
        {CKA_UNWRAP, "key 'KML' may unwrap"},
        {CKA_DERIVE, "key 'KML' may not derive"},
        {CKA_COPYABLE, "key 'KML' may be copied"},
        {CKA_MODIFIABLE, "key 'KML' may be modified"},
    };
    struct hsm_template tp;
    struct hsm_token *t = open_token();
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        secret_template(t, &kml, &tp);
        turn_round(&tp, rows[i].type);
        refuse(t, &kml, &tp, rows[i].expected);
    }
    hsm_token_close(t);
}

/* Each attribute of this template turned round, one more and one less, and none. */
static void refuse_inner(struct hsm_token *t, const struct hsm_key_ref *ref, CK_ATTRIBUTE_TYPE type,
                         const char *expected)
{
    struct hsm_template tp;
    secret_template(t, ref, &tp);
    CK_ATTRIBUTE *a = attribute(&tp, type);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    const size_t count = a->ulValueLen / sizeof(CK_ATTRIBUTE);
    for (size_t i = 0; i < count; i++) {
        CK_ATTRIBUTE *inner = a->pValue;
        CK_BBOOL *value = inner[i].pValue;
        inner[i].pValue = *value ? &tp.no : &tp.yes;
        refuse(t, ref, &tp, expected);
        inner[i].pValue = value;
    }
    CK_ATTRIBUTE more[HSM_INNER_MAX + 1];
    memcpy(more, a->pValue, count * sizeof more[0]);
    more[count] = (CK_ATTRIBUTE){CKA_LOCAL, &tp.no, sizeof tp.no};
    hsm_template_init(&tp);
    secret_template(t, ref, &tp);
    a = attribute(&tp, type);
    a->ulValueLen -= sizeof(CK_ATTRIBUTE);
    refuse(t, ref, &tp, expected);
    a->pValue = more;
    a->ulValueLen = (count + 1) * sizeof more[0];
    refuse(t, ref, &tp, expected);
    *a = tp.attr[0]; /* without it: the first attribute stands there twice */
    refuse(t, ref, &tp, expected);
}

static void test_kek(void)
{
    static const struct case_row rows[] = {
        {CKA_UNWRAP, "key 'kek-a' may unwrap: role kek-issuer forbids that"},
        {CKA_ENCRYPT, "key 'kek-a' may encrypt"},
        {CKA_DERIVE, "key 'kek-a' may derive"},
        {CKA_WRAP, "key 'kek-a' may not wrap"},
        {CKA_EXTRACTABLE, "key 'kek-a' is extractable"},
    };
    static const CK_ATTRIBUTE_TYPE templates[] = {CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE};
    struct hsm_template tp;
    struct hsm_token *t = open_token();
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        secret_template(t, &kek, &tp);
        turn_round(&tp, rows[i].type);
        refuse(t, &kek, &tp, rows[i].expected);
    }
    for (size_t i = 0; i < SUITE_COUNT(templates); i++)
        refuse_inner(t, &kek, templates[i],
                     i ? "key 'kek-a' has no or another CKA_UNWRAP_TEMPLATE: role kek-issuer needs its own"
                       : "another CKA_WRAP_TEMPLATE");
    hsm_token_close(t);
}

/* A pair for key exchange without its template. */
static void refuse_exchange(struct hsm_token *t)
{
    static const struct hsm_key_ref ref = {
        .name = "exchange", .label = "exchange", .role = HSM_ROLE_KEY_EXCHANGE_PAIR, .algorithm = HSM_RSA};
    struct err err = ERR_INIT;
    struct hsm_template pub, priv;
    struct hsm_pair made = {.public_key = HSM_KEY_NONE}, found;
    CK_MECHANISM m = hsm_mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN);
    hsm_template_init(&pub);
    hsm_template_init(&priv);
    hsm_template_number(&pub, CKA_MODULUS_BITS, 1024);
    EXPECT_OK(hsm_template_role(t, &pub, &ref, HSM_PART_PUBLIC, &err));
    EXPECT_OK(hsm_template_role(t, &priv, &ref, HSM_PART_PRIVATE, &err));
    CK_ATTRIBUTE *a = attribute(&priv, CKA_UNWRAP_TEMPLATE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    *a = priv.attr[0];
    CK_RV rv = t->fn->C_GenerateKeyPair(t->session, &m, pub.attr, pub.count, priv.attr, priv.count,
                                        &made.public_key.handle, &made.private_key.handle);
    CU_ASSERT_EQUAL_FATAL(rv, CKR_OK);
    EXPECT_FAIL(hsm_pair_find(t, &ref, &found, &err), ERR_TOKEN,
                "key 'exchange' has no or another CKA_UNWRAP_TEMPLATE: role key-exchange-pair needs its own");
    hsm_pair_destroy(t, &made);
}

/* Each row of the template under which keys arrive. */
static void test_receivers(void)
{
    static const struct hsm_key_ref zcmk = {
        .name = "zcmk", .label = "zcmk", .role = HSM_ROLE_ZCMK_RECEIVER, .algorithm = HSM_AES256};
    static const struct hsm_key_ref bureau = {
        .name = "kek-b", .label = "kek-b", .role = HSM_ROLE_KEK_BUREAU, .algorithm = HSM_AES256};
    struct hsm_template tp;
    struct hsm_token *t = open_token();
    if (!t) return;
    refuse_inner(t, &zcmk, CKA_UNWRAP_TEMPLATE,
                 "key 'zcmk' has no or another CKA_UNWRAP_TEMPLATE: role zcmk-receiver needs its own");
    refuse_exchange(t);
    secret_template(t, &bureau, &tp);
    CU_ASSERT_PTR_NULL(attribute(&tp, CKA_UNWRAP_TEMPLATE)); /* cards' keys are opened under it */
    hsm_token_close(t);
}

static void test_mechanisms(void)
{
    struct hsm_template tp;
    struct hsm_token *t = open_token();
    if (!t) return;
    secret_template(t, &kml, &tp);
    tp.allowed[1] = CKM_AES_CBC;
    attribute(&tp, CKA_ALLOWED_MECHANISMS)->ulValueLen = 2 * sizeof tp.allowed[0];
    refuse(t, &kml, &tp, "key 'KML' allows mechanism CKM_AES_CBC: role master forbids that");
    secret_template(t, &kml, &tp);
    *attribute(&tp, CKA_ALLOWED_MECHANISMS) = tp.attr[0];
    refuse(t, &kml, &tp, "key 'KML' allows every mechanism");
    secret_template(t, &kek, &tp);
    attribute(&tp, CKA_ALLOWED_MECHANISMS)->ulValueLen = sizeof tp.allowed[0];
    refuse(t, &kek, &tp, "key 'kek-a' does not allow mechanism CKM_AES_CMAC: role kek-issuer needs it");
    hsm_token_close(t);
}

static void test_kind(void)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, found = HSM_KEY_NONE;
    struct hsm_key_ref ref = kml;
    struct hsm_template tp;
    struct hsm_token *t = open_token();
    if (!t) return;
    EXPECT_FAIL(hsm_key_find(t, &kml, &found, &err), ERR_TOKEN,
                "key 'KML': token 'issuer' has no secret key 'KML'");
    EXPECT_OK(hsm_key_generate(t, &kml, &key, &err));
    ref.algorithm = HSM_AES128;
    EXPECT_FAIL(hsm_key_find(t, &ref, &found, &err), ERR_TOKEN, "AES key of 256 bits, not AES-128");
    ref.algorithm = HSM_DES2;
    EXPECT_FAIL(hsm_key_find(t, &ref, &found, &err), ERR_TOKEN, "it is no DES2 key");
    ref = kml;
    ref.role = HSM_ROLE_KEK_ISSUER;
    EXPECT_FAIL(hsm_key_find(t, &ref, &found, &err), ERR_TOKEN,
                "key 'KML' may not sign: role kek-issuer needs it");
    ref = kml;
    ref.uri = "pkcs11:token=issuer;object=KML";
    EXPECT_OK(hsm_key_find(t, &ref, &found, &err));
    ref.uri = "pkcs11:id=KML";
    EXPECT_OK(hsm_key_find(t, &ref, &found, &err));
    ref.uri = "pkcs11:token=other;object=KML";
    EXPECT_FAIL(hsm_key_find(t, &ref, &found, &err), ERR_TOKEN, "names another token");
    struct hsm_key twin = HSM_KEY_NONE;
    secret_template(t, &kml, &tp);
    make(t, &tp, CKM_AES_KEY_GEN, &twin);
    EXPECT_FAIL(hsm_key_find(t, &kml, &found, &err), ERR_TOKEN, "more than one key 'KML'");
    hsm_key_destroy(t, &twin);
    hsm_key_destroy(t, &key);
    ref = kml;
    ref.role = HSM_ROLE_KEK_ISSUER;
    ref.algorithm = HSM_DES3;
    EXPECT_FAIL(hsm_key_generate(t, &ref, &key, &err), ERR_CONFIG, "a key of role kek-issuer cannot be DES3");
    hsm_token_close(t);
}

static void test_pair(void)
{
    static const struct case_row rows[] = {
        {CKA_EXTRACTABLE, "key 'issuer-key' is extractable"},
        {CKA_SENSITIVE, "key 'issuer-key' is not sensitive"},
        {CKA_DECRYPT, "key 'issuer-key' may decrypt"},
        {CKA_UNWRAP, "key 'issuer-key' may unwrap"},
        {CKA_DERIVE, "key 'issuer-key' may derive"},
        {CKA_COPYABLE, "key 'issuer-key' may be copied"},
        {CKA_MODIFIABLE, "key 'issuer-key' may be modified"},
        {CKA_SIGN, "key 'issuer-key' may not sign"},
    };
    static const struct hsm_key_ref ref = {
        .name = "issuer-key", .label = "issuer-key", .role = HSM_ROLE_ISSUER_PAIR, .algorithm = HSM_RSA};
    struct err err = ERR_INIT;
    struct hsm_template pub, priv;
    struct hsm_pair made = {.public_key = HSM_KEY_NONE}, found;
    CK_MECHANISM m = hsm_mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN);
    uint8_t e[3] = {1, 0, 1};
    struct hsm_token *t = open_token();
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        hsm_template_init(&pub);
        hsm_template_init(&priv);
        hsm_template_number(&pub, CKA_MODULUS_BITS, 512);
        hsm_template_bytes(&pub, CKA_PUBLIC_EXPONENT, e, sizeof e);
        EXPECT_OK(hsm_template_role(t, &pub, &ref, HSM_PART_PUBLIC, &err));
        EXPECT_OK(hsm_template_role(t, &priv, &ref, HSM_PART_PRIVATE, &err));
        turn_round(&priv, rows[i].type);
        CK_RV rv = t->fn->C_GenerateKeyPair(t->session, &m, pub.attr, pub.count, priv.attr, priv.count,
                                            &made.public_key.handle, &made.private_key.handle);
        CU_ASSERT_EQUAL_FATAL(rv, CKR_OK);
        EXPECT_FAIL(hsm_pair_find(t, &ref, &found, &err), ERR_TOKEN, rows[i].expected);
        hsm_pair_destroy(t, &made);
    }
    hsm_token_close(t);
}

static void test_names(void)
{
    struct err err = ERR_INIT;
    for (int i = 0; i < HSM_ROLE_COUNT; i++) {
        enum hsm_role role = HSM_ROLE_COUNT;
        EXPECT_OK(hsm_role_find(hsm_role_name((enum hsm_role)i), &role, &err));
        CU_ASSERT_EQUAL(role, (enum hsm_role)i);
    }
    for (int i = HSM_DES2; i <= HSM_GENERIC; i++) {
        enum hsm_algorithm a = HSM_DES2;
        EXPECT_OK(hsm_algorithm_find(hsm_algorithm_name((enum hsm_algorithm)i), &a, &err));
        CU_ASSERT_EQUAL(a, (enum hsm_algorithm)i);
    }
    enum hsm_role role;
    EXPECT_FAIL(hsm_role_find("admin", &role, &err), ERR_CONFIG, "unknown role 'admin'");
}

static const struct test_case cases[] = {
    {"a master key with any attribute turned round is refused by name", test_master},
    {"a KEK with any attribute or template turned round is refused by name", test_kek},
    {"a receiving key with any row of its template turned round, added or missing is refused by name",
     test_receivers},
    {"mechanisms beyond the role's, or none named, are refused", test_mechanisms},
    {"another kind of key, none, or two of one name are refused", test_kind},
    {"a private key with any attribute turned round is refused by name", test_pair},
    {"names of roles and algorithms lead back", test_names},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "issuer") ? suite_run("hsm/role", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
