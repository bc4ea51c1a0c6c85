/* What is on a token: the walk over its keys, removing, keys that are kept, data objects. */
#include "hsm/data.h"
#include "hsm/internal.h"
#include "hsm/objects.h"
#include "hsm/travel.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

static struct hsm_key_ref ref_of(const char *label, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = a};
}

static struct hsm_token *open_token(const char *label)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, label, &t, &err));
    return t;
}

static bool note(void *context, const struct hsm_object_seen *seen, struct err *err)
{
    struct buf *text = context;
    buf_put_format(text, "%s %s %s\n", seen->label, hsm_object_class_name(seen->class), seen->type);
    return buf_ok(text, "list", err);
}

static bool stop(void *context, const struct hsm_object_seen *seen, struct err *err)
{
    (void)context;
    return err_set(err, ERR_CONFIG, "no such key is wanted: %s", seen->label);
}

static void expect_list(struct hsm_token *t, const char *expected)
{
    struct err err = ERR_INIT;
    struct buf text;
    buf_init(&text, 4096);
    EXPECT_OK(hsm_objects_each(t, note, &text, &err));
    CU_ASSERT_STRING_EQUAL(text.len ? buf_text(&text) : "", expected);
    buf_release(&text);
}

static void test_walk(void)
{
    struct err err = ERR_INIT;
    struct hsm_key key, session = HSM_KEY_NONE;
    struct hsm_pair pair;
    const struct hsm_key_ref kml = ref_of("KML", HSM_ROLE_MASTER, HSM_DES2),
                             kek = ref_of("kek\x1b[1m", HSM_ROLE_KEK_ISSUER, HSM_AES256),
                             mac = ref_of("mac", HSM_ROLE_MAC_KEY, HSM_AES256),
                             kmc = ref_of("kmc", HSM_ROLE_MASTER, HSM_AES128);
    const struct hsm_pair_ref signer = {ref_of("signer", HSM_ROLE_SIGNING_PAIR, HSM_RSA), 1024, 65537};
    struct hsm_token *t = open_token("issuer");
    if (!t) return;
    expect_list(t, "");
    EXPECT_OK(hsm_key_generate(t, &mac, &session, &err)); /* not on the token */
    EXPECT_OK(hsm_key_generate(t, &kml, &key, &err));
    expect_list(t, "KML secret key DES2\n");
    EXPECT_OK(hsm_pair_generate(t, &signer, &pair, &err));
    expect_list(t, "KML secret key DES2\nsigner private key RSA-1024\nsigner public key RSA-1024\n");
    EXPECT_FAIL(hsm_objects_each(t, stop, NULL, &err), ERR_CONFIG, "no such key is wanted: KML");
    EXPECT_OK(hsm_key_remove(t, "KML", &err));
    EXPECT_FAIL(hsm_key_remove(t, "KML", &err), ERR_TOKEN,
                "remove key 'KML': token 'issuer' has no such key");
    EXPECT_FAIL(hsm_key_remove(t, "", &err), ERR_CONFIG, "a label has 1 to 64 bytes");
    EXPECT_OK(hsm_key_remove(t, "signer", &err));
    EXPECT_OK(hsm_key_generate(t, &kek, &key, &err));
    expect_list(t, "kek?[1m secret key AES-256\n");
    EXPECT_OK(hsm_key_remove(t, kek.label, &err));
    struct hsm_key travelling = HSM_KEY_NONE;
    EXPECT_OK(hsm_travel_generate(t, &kmc, &travelling, &err));
    EXPECT_OK(hsm_travel_install(t, &travelling, &kmc, &key, &err));
    expect_list(t, "kmc secret key AES\n"); /* SoftHSM does not say how long unwrapped keys are */
    EXPECT_OK(hsm_key_remove(t, "kmc", &err));
    expect_list(t, "");
    hsm_key_destroy(t, &session);
    CU_ASSERT_FALSE(hsm_token_is_broken(t));
    hsm_token_close(t);
}

/* On a token of its own, with which they go. */
static void test_kept(void)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE, travelling = HSM_KEY_NONE;
    struct hsm_pair pair;
    struct hsm_key_ref made = ref_of("made", HSM_ROLE_MASTER, HSM_AES256),
                       travelled = ref_of("travelled", HSM_ROLE_KEK_ISSUER, HSM_AES256),
                       loose = ref_of("loose", HSM_ROLE_MASTER, HSM_AES256);
    struct hsm_pair_ref signer = {ref_of("signer", HSM_ROLE_SIGNING_PAIR, HSM_RSA), 1024, 65537};
    struct hsm_token *t = open_token("kept");
    if (!t) return;
    made.keep = travelled.keep = signer.key.keep = true;
    EXPECT_OK(hsm_key_generate(t, &made, &key, &err));
    EXPECT_OK(hsm_pair_generate(t, &signer, &pair, &err));
    EXPECT_OK(hsm_travel_generate(t, &travelled, &travelling, &err));
    EXPECT_OK(hsm_travel_install(t, &travelling, &travelled, &key, &err));
    EXPECT_OK(hsm_key_find(t, &made, &key, &err));
    EXPECT_OK(hsm_key_find(t, &travelled, &key, &err));
    EXPECT_OK(hsm_pair_find(t, &signer.key, &pair, &err));
    CU_ASSERT_TRUE(hsm_token_profile(t)->takes_destroyable);
    const char *const labels[] = {"made", "travelled", "signer"};
    for (size_t i = 0; i < SUITE_COUNT(labels); i++)
        EXPECT_FAIL(hsm_key_remove(t, labels[i], &err), ERR_TOKEN,
                    "may not be destroyed: it leaves only with its token");
    made.keep = false;
    EXPECT_OK(hsm_key_find(t, &made, &key, &err)); /* more than was asked for is accepted */
    EXPECT_OK(hsm_key_generate(t, &loose, &key, &err));
    loose.keep = true;
    EXPECT_FAIL(hsm_key_find(t, &loose, &key, &err), ERR_TOKEN,
                "key 'loose' may be destroyed: it should leave only with its token");
    size_t all = 0, on_token = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &on_token, &err));
    CU_ASSERT_EQUAL(all, on_token);
    CU_ASSERT_FALSE(hsm_token_is_broken(t));
    hsm_token_close(t);
}

static bool newer(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a_len > 0 && b_len > 0 && a[0] > b[0];
}

static void expect_data(struct hsm_token *t, const char *expected)
{
    struct err err = ERR_INIT;
    struct buf out;
    bool found = false;
    buf_init(&out, HSM_DATA_MAX);
    EXPECT_OK(hsm_data_get(t, "audit-head", NULL, &out, &found, &err));
    CU_ASSERT_EQUAL(found, expected != NULL);
    if (expected) CU_ASSERT_TRUE(bytes_equal(out.data, out.len, expected, strlen(expected)));
    buf_release(&out);
}

static void put_twin(struct hsm_token *t, const char *text)
{
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    struct err err = ERR_INIT;
    uint8_t bytes[8];
    size_t len = strlen(text);
    memcpy(bytes, text, len);
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_DATA);
    hsm_template_bool(&tp, CKA_TOKEN, true);
    EXPECT_OK(hsm_template_label(&tp, "audit-head", &err));
    hsm_template_bytes(&tp, CKA_VALUE, bytes, len);
    CU_ASSERT_EQUAL(t->fn->C_CreateObject(t->session, tp.attr, tp.count, &handle), CKR_OK);
}

static void test_data(void)
{
    struct err err = ERR_INIT;
    static const uint8_t one[] = "1 first", two[] = "2 second";
    static const uint8_t giant[HSM_DATA_MAX + 1];
    struct buf out, small;
    bool found = false;
    struct hsm_token *t = open_token("issuer");
    if (!t) return;
    buf_init(&out, HSM_DATA_MAX);
    buf_init(&small, 3);
    expect_data(t, NULL);
    EXPECT_OK(hsm_data_remove(t, "audit-head", &err));
    EXPECT_OK(hsm_data_put(t, "audit-head", one, sizeof one - 1, &err));
    expect_data(t, "1 first");
    EXPECT_OK(hsm_data_put(t, "audit-head", two, sizeof two - 1, &err));
    expect_data(t, "2 second");
    EXPECT_FAIL(hsm_data_put(t, "audit-head", one, 0, &err), ERR_INTERNAL, "put data 'audit-head': 0 bytes");
    EXPECT_FAIL(hsm_data_put(t, "audit-head", giant, sizeof giant, &err), ERR_INTERNAL, "4097 bytes");
    EXPECT_FAIL(hsm_data_get(t, "audit-head", NULL, &small, &found, &err), ERR_INPUT, "data object");
    put_twin(t, "1 old"); /* what a power cut leaves */
    EXPECT_FAIL(hsm_data_get(t, "audit-head", NULL, &out, &found, &err), ERR_TOKEN, "has 2 of them, not one");
    EXPECT_OK(hsm_data_get(t, "audit-head", newer, &out, &found, &err));
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, "2 second", 8));
    put_twin(t, "3 new");
    buf_clear(&out);
    EXPECT_OK(hsm_data_get(t, "audit-head", newer, &out, &found, &err));
    CU_ASSERT_TRUE(bytes_equal(out.data, out.len, "3 new", 5));
    EXPECT_OK(hsm_data_put(t, "audit-head", giant, HSM_DATA_MAX, &err));
    buf_clear(&out);
    EXPECT_OK(hsm_data_get(t, "audit-head", NULL, &out, &found, &err));
    CU_ASSERT_EQUAL(out.len, HSM_DATA_MAX);
    EXPECT_FAIL(hsm_key_remove(t, "audit-head", &err), ERR_TOKEN, "no such key"); /* it is none */
    EXPECT_OK(hsm_data_remove(t, "audit-head", &err));
    expect_data(t, NULL);
    buf_release(&out);
    buf_release(&small);
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"every key of the token and no session key; removed by label", test_walk},
    {"kept keys of every origin are found, and cannot be removed", test_kept},
    {"data objects: replaced, the newest of several, every length", test_data},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "issuer") && softtoken_add(&soft, "kept");
    int status = ready ? suite_run("hsm/objects", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
