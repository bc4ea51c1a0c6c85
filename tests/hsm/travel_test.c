/* The whole journey on two tokens of one module: the ZCMK by RSA-OAEP, then KEK and KMC under the ZCMK; and what the
 * sender refuses. With the argument `nss`, on the one token that NSS has. */
#include "base/hex.h"
#include "hsm/internal.h"
#include "suite.h"
#include "zone.h"

static struct softtoken soft;

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
    struct zone_tokens s;
    struct zone z;
    if (!zone_open(&soft, &s)) return;
    zone_make(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(keys); i++) {
        struct hsm_key issuer = HSM_KEY_NONE, bureau = HSM_KEY_NONE;
        const struct zone_journey j = {zone_ref(keys[i].here, keys[i].at_issuer, keys[i].algorithm),
                                       zone_ref(keys[i].there, keys[i].at_bureau, keys[i].algorithm),
                                       &z.sender, &z.receiver, NULL};
        zone_travel(&s, &j, &issuer, &bureau);
        hsm_key_destroy(s.issuer, &issuer);
        hsm_key_destroy(s.bureau, &bureau);
    }
    zone_end(&s, &z);
    zone_close(&s);
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
    struct hsm_key_ref ref = zone_ref("kmc", HSM_ROLE_MASTER, HSM_DES2);
    struct secret value = SECRET_NONE, zero = SECRET_NONE, parity = SECRET_NONE;
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    struct zone_tokens s;
    if (!zone_open(&soft, &s)) return;
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
    zone_close(&s);
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
    struct zone_tokens s;
    if (!zone_open(&soft, &s)) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        const struct hsm_key_ref ref = zone_ref("x", rows[i].role, rows[i].algorithm);
        EXPECT_FAIL(hsm_travel_generate(s.issuer, &ref, &key, &err), ERR_CONFIG, rows[i].expected);
        CU_ASSERT_EQUAL(key.handle, 0);
    }
    zone_close(&s);
}

/* A label that is taken, at either end; another algorithm than the key's. */
static void test_install_refused(void)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, there = HSM_KEY_NONE, installed = HSM_KEY_NONE;
    struct hsm_key_ref ref = zone_ref("kmc", HSM_ROLE_MASTER, HSM_AES256);
    struct zone_tokens s;
    if (!zone_open(&soft, &s)) return;
    EXPECT_OK(hsm_key_generate(s.issuer, &ref, &there, &err));
    size_t before = zone_kept_objects(s.issuer);
    EXPECT_OK(hsm_travel_generate(s.issuer, &ref, &key, &err));
    EXPECT_FAIL(hsm_travel_install(s.issuer, &key, &ref, &installed, &err), ERR_TOKEN,
                "install key 'kmc': token 'issuer' has an object 'kmc' already");
    ref = zone_ref("other", HSM_ROLE_MASTER, HSM_AES128);
    EXPECT_FAIL(hsm_travel_install(s.issuer, &key, &ref, &installed, &err), ERR_INTERNAL,
                "AES-256, not AES-128");
    CU_ASSERT_NOT_EQUAL(key.handle, 0);
    CU_ASSERT_EQUAL(installed.handle, 0);
    CU_ASSERT_EQUAL(zone_kept_objects(s.issuer), before);
    hsm_key_destroy(s.issuer, &key);
    hsm_key_destroy(s.issuer, &there);
    zone_close(&s);
}

/* Each end of a transport key does the one thing of its role. */
static void test_wrong_end(void)
{
    struct err err = ERR_INIT;
    struct zone_tokens s;
    struct zone z;
    struct hsm_key key = HSM_KEY_NONE;
    struct buf blob;
    struct hsm_key_ref ref = zone_ref("kmc", HSM_ROLE_MASTER, HSM_DES2);
    if (soft.kind == SOFTTOKEN_NSS || !zone_open(&soft, &s)) return; /* NSS lets either end do either */
    buf_init(&blob, 1024);
    zone_make(&s, &z);
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
    ref.kcv_len = 3;
    const struct hsm_travel_blob oaep = {HSM_TRAVEL_OAEP, &z.receiver, blob.data, blob.len};
    EXPECT_FAIL(hsm_travel_receive(s.bureau, &oaep, &ref, &key, &err), ERR_TOKEN, "C_UnwrapKey: CKR_");
    zone_end(&s, &z);
    buf_release(&blob);
    zone_close(&s);
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
    const struct hsm_key_ref ref = zone_ref("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256);
    struct zone_tokens s;
    struct buf blob;
    uint8_t block[16] = {0};
    if (soft.kind == SOFTTOKEN_NSS || !zone_open(&soft, &s)) return; /* NSS stores and ignores them */
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
    zone_close(&s);
}

/* Asked of a receiver: a session key with all the restrictions, but with this one turned round or not stated. */
static CK_RV unwrap_without(struct hsm_token *t, CK_MECHANISM *m, const struct hsm_key *by,
                            const struct buf *blob, CK_ATTRIBUTE_TYPE type, bool stated)
{
    const struct hsm_key_ref ref = zone_ref("loose", HSM_ROLE_TRAVELLING, HSM_AES256);
    struct err err = ERR_INIT;
    struct hsm_template tp;
    CK_OBJECT_HANDLE out = 0;
    hsm_template_init(&tp);
    hsm_template_secret(&tp, HSM_AES256, HSM_UNWRAPPED, 0);
    EXPECT_OK(hsm_template_role(t, &tp, &ref, HSM_PART_SECRET, &err));
    for (CK_ULONG i = 0; i < tp.count; i++) {
        CK_ATTRIBUTE *a = &tp.attr[i];
        if (a->type == CKA_EXTRACTABLE) a->pValue = &tp.no;
        if (a->type != type) continue;
        if (stated)
            a->pValue = *(CK_BBOOL *)a->pValue ? &tp.no : &tp.yes;
        else
            *a = tp.attr[0]; /* which stands there twice */
    }
    return t->fn->C_UnwrapKey(t->session, m, by->handle, blob->data, blob->len, tp.attr, tp.count, &out);
}

static void refuse_loose(struct hsm_token *t, CK_MECHANISM *m, const struct hsm_key *by,
                         const struct buf *blob)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE,
                                              CKA_DECRYPT, CKA_COPYABLE,  CKA_MODIFIABLE};
    for (size_t i = 0; i < SUITE_COUNT(types); i++) {
        CU_ASSERT_EQUAL(unwrap_without(t, m, by, blob, types[i], true), CKR_TEMPLATE_INCONSISTENT);
        if (types[i] == CKA_PRIVATE) continue; /* SoftHSM states it where the caller does not */
        CU_ASSERT_EQUAL(unwrap_without(t, m, by, blob, types[i], false), CKR_TEMPLATE_INCONSISTENT);
    }
}

static void test_loose(void)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM by_oaep = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep}, by_kwp;
    struct err err = ERR_INIT;
    struct zone_tokens s;
    struct zone z;
    struct hsm_key key = HSM_KEY_NONE;
    struct buf kwp, wrapped;
    const struct hsm_key_ref ref = zone_ref("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256);
    if (soft.kind == SOFTTOKEN_NSS || !zone_open(&soft, &s))
        return; /* NSS stores templates and ignores them */
    buf_init(&kwp, 64);
    buf_init(&wrapped, 512);
    zone_make(&s, &z);
    EXPECT_OK(hsm_travel_generate(s.issuer, &ref, &key, &err));
    EXPECT_OK(hsm_travel_wrap(s.issuer, &z.sender, &key, &kwp, &err));
    EXPECT_OK(hsm_travel_wrap_oaep(s.issuer, &z.public, &key, &wrapped, &err));
    EXPECT_OK(hsm_wrap_kwp_mechanism(s.bureau, &by_kwp, &err));
    refuse_loose(s.bureau, &by_kwp, &z.receiver, &kwp);
    refuse_loose(s.bureau, &by_oaep, &z.exchange.private_key, &wrapped);
    hsm_key_destroy(s.issuer, &key);
    zone_end(&s, &z);
    buf_release(&wrapped);
    buf_release(&kwp);
    zone_close(&s);
}

static const struct test_case cases[] = {
    {"ZCMK by OAEP, then KEK and masters under it: same values, exact attributes", test_journey},
    {"a key from components: its check value, and what is no key", test_import},
    {"pairs, session keys and unfit algorithms do not travel", test_not_travelling},
    {"a taken label or another algorithm: nothing is installed", test_install_refused},
    {"a sender's key does not unwrap, a receiver's does not wrap", test_wrong_end},
    {"what arrives comes out of a receiver with the restrictions of roles or not at all", test_loose},
    {"an installed key is neither changed, copied nor misused", test_honoured},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = zone_add(&soft) ? suite_run("hsm/travel", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
