/* A key's journey through the recording proxy: what it calls, and what happens when any one call fails. Sender and
 * receiver are one token here. */
#include "faults.h"
#include "hsm/data.h"
#include "hsm/objects.h"
#include "hsm/probe.h"
#include "hsm/travel.h"
#include "hsm/trust.h"
#include "suite.h"

static struct softtoken soft;    /* the token itself */
static struct softtoken through; /* the same behind the proxy */

static const struct hsm_key_ref sender = {
    .name = "zcmk-out", .label = "zcmk-out", .role = HSM_ROLE_ZCMK_SENDER, .algorithm = HSM_AES256};
static const struct hsm_key_ref receiver = {
    .name = "zcmk-in", .label = "zcmk-in", .role = HSM_ROLE_ZCMK_RECEIVER, .algorithm = HSM_AES256};
static const struct hsm_pair_ref exchange = {
    {.name = "exchange", .label = "exchange", .role = HSM_ROLE_KEY_EXCHANGE_PAIR, .algorithm = HSM_RSA},
    1024,
    65537};
static const struct hsm_key_ref kmc = {
    .name = "kmc", .label = "kmc", .role = HSM_ROLE_MASTER, .algorithm = HSM_DES2};
static const struct hsm_key_ref kmc_there = {
    .name = "kmc-there", .label = "kmc-there", .role = HSM_ROLE_MASTER, .algorithm = HSM_DES2};
static const struct hsm_key_ref kek = {
    .name = "kek", .label = "kek", .role = HSM_ROLE_KEK_ISSUER, .algorithm = HSM_AES256};
static const struct hsm_key_ref zcmk_there = {
    .name = "zcmk-there", .label = "zcmk-there", .role = HSM_ROLE_ZCMK_RECEIVER, .algorithm = HSM_AES256};
static const struct hsm_key_ref trusted = {
    .name = "trusted", .label = "trusted", .role = HSM_ROLE_TRUSTED_SIGNER, .algorithm = HSM_RSA};

/* What a ceremony makes on the token, and takes away again. */
static const char *const made[] = {"kmc", "kmc-there", "kek", "zcmk-there", "trusted"};

struct work {
    struct hsm_token *t;
    struct hsm_key sender, receiver, key, kmc, kmc_there, kek, zcmk_there;
    struct hsm_pair exchange;
    struct hsm_public public;
    struct secret value;
    struct buf blob;
};

static bool work_master(struct work *w, struct err *err)
{
    const struct hsm_travel_blob blob = {HSM_TRAVEL_KWP, &w->receiver, w->blob.data, w->blob.len};
    struct hsm_travel_blob arrived = blob;
    if (!hsm_key_find(w->t, &sender, &w->sender, err) || !hsm_key_find(w->t, &receiver, &w->receiver, err))
        return false;
    if (!hsm_travel_import(w->t, &kmc, &w->value, &w->key, err) ||
        !hsm_travel_wrap(w->t, &w->sender, &w->key, &w->blob, err) ||
        !hsm_travel_install(w->t, &w->key, &kmc, &w->kmc, err))
        return false;
    arrived.data = w->blob.data;
    arrived.len = w->blob.len;
    return hsm_travel_receive(w->t, &arrived, &kmc_there, &w->kmc_there, err);
}

static bool work_exchange(struct work *w, struct err *err)
{
    struct hsm_key_ref there = zcmk_there;
    buf_clear(&w->blob);
    if (!hsm_pair_find(w->t, &exchange.key, &w->exchange, err)) return false;
    hsm_public_of_pair(&w->exchange, &w->public);
    if (!hsm_travel_generate(w->t, &kek, &w->key, err) ||
        !hsm_kcv(w->t, &w->key, HSM_ROLE_TRAVELLING, there.kcv, &there.kcv_len, err) ||
        !hsm_travel_wrap_oaep(w->t, &w->public, &w->key, &w->blob, err) ||
        !hsm_travel_install(w->t, &w->key, &kek, &w->kek, err))
        return false;
    const struct hsm_travel_blob arrived = {HSM_TRAVEL_OAEP, &w->exchange.private_key, w->blob.data,
                                            w->blob.len};
    return hsm_travel_receive(w->t, &arrived, &there, &w->zcmk_there, err);
}

static bool work_objects(struct work *w, struct err *err)
{
    struct hsm_public found;
    bool is_there = false;
    return hsm_probe_destroyable(w->t, err) && hsm_trust_import(w->t, &trusted, &w->public, err) &&
           hsm_trust_find(w->t, &trusted, &found, err) && hsm_key_remove(w->t, "trusted", err) &&
           hsm_data_put(w->t, "head", (const uint8_t *)"1", 1, err) &&
           hsm_data_put(w->t, "head", (const uint8_t *)"2", 1, err) &&
           hsm_data_get(w->t, "head", NULL, &w->blob, &is_there, err) && hsm_data_remove(w->t, "head", err);
}

static bool work(size_t *left, bool *broken, struct err *err)
{
    struct work w = {.t = NULL};
    uint8_t bytes[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
                         0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10};
    size_t all = 0, kept = 0;
    bool ok = false;
    struct err unused = ERR_INIT;
    buf_init(&w.blob, 2048);
    if (!secret_copy(&w.value, bytes, sizeof bytes, err)) goto out;
    if (!softtoken_open(&through, "zone", &w.t, err)) goto out;
    ok = work_master(&w, err) && work_exchange(&w, err) && work_objects(&w, err);
    struct hsm_key *keys[] = {&w.key, &w.kmc, &w.kmc_there, &w.kek, &w.zcmk_there};
    for (size_t i = 0; i < SUITE_COUNT(keys); i++)
        hsm_key_destroy(w.t, keys[i]);
    if (!ok) {
        err_ignore(hsm_key_remove(w.t, "trusted", &unused), "it may not be there");
        err_ignore(hsm_data_remove(w.t, "head", &unused), "counted by the test");
    }
    *broken = hsm_token_is_broken(w.t);
    if (hsm_token_count_objects(w.t, &all, &kept, &unused)) *left = all - kept;
out:
    hsm_token_close(w.t);
    secret_release(&w.value);
    buf_release(&w.blob);
    return ok;
}

static size_t before;

/* Nothing of the journey is on the token, save what a failed C_DestroyObject was to remove. */
static void after(const char *function, bool ok);

static const struct faults faults = {
    .soft = &soft, .through = &through, .label = "zone", .work = work, .after = after, .calls_min = 200};

static void after(const char *function, bool ok)
{
    size_t now = fault_objects(&faults), removed = 0;
    struct hsm_token *t = NULL;
    struct err err = ERR_INIT;
    /* Kept from the module, its end leaves the search open: the work's own cleaning up cannot search any more. */
    bool searching = strcmp(function, "C_FindObjectsFinal") == 0;
    (void)ok;
    if (now == before) return;
    EXPECT_OK(softtoken_open(&soft, "zone", &t, &err));
    if (!t) return;
    for (size_t i = 0; i < SUITE_COUNT(made); i++) {
        struct err none = ERR_INIT;
        bool there = hsm_key_remove(t, made[i], &none);
        removed += there && !(searching && strcmp(made[i], "trusted") == 0);
    }
    EXPECT_OK(hsm_data_remove(t, "head", &err));
    hsm_token_close(t);
    CU_ASSERT_EQUAL(fault_objects(&faults), before);
    if (strcmp(function, "C_DestroyObject") == 0 || (searching && removed == 0)) return;
    fprintf(stderr, "%s: %zu keys left\n", function, removed);
    CU_FAIL("an object was left");
}

static void test_device_error(void)
{
    before = fault_objects(&faults);
    fault_each(&faults, FAULT_DEVICE_ERROR, "CKR_DEVICE_ERROR");
}

static void test_device_memory(void)
{
    before = fault_objects(&faults);
    fault_each(&faults, FAULT_DEVICE_MEMORY, "CKR_DEVICE_MEMORY");
}

/* What the log must not show, read line by line. *values: secret values that enter by C_CreateObject. */
static void check_line(const char *line, const char *previous, size_t *values)
{
    bool reads = strstr(line, "C_GetAttributeValue") && strstr(line, " CKA_VALUE ");
    bool after_check = strstr(previous, "C_DeriveKey") && strstr(previous, "CKA_SENSITIVE=false");
    bool data_object = strstr(previous, "C_FindObjectsFinal") != NULL;
    bool clear = strstr(line, "CKA_SENSITIVE=false") != NULL;
    bool bad = (reads && !after_check && !data_object) || strstr(line, "C_SetAttributeValue") ||
               (strstr(line, "C_CopyObject") && strstr(line, "-> 0x0\n")) ||
               strstr(line, "CKA_CHECK_VALUE") || strstr(line, " CKA_PRIVATE_EXPONENT");
    if (clear && !(strstr(line, "C_DeriveKey") && strstr(line, "data=zeros"))) bad = true;
    if (strstr(line, "C_CreateObject") && strstr(line, "CKA_CLASS=4")) (*values)++;
    if (bad) fprintf(stderr, "%s", line);
    CU_ASSERT_FALSE(bad);
}

static void test_recording(void)
{
    struct err err = ERR_INIT;
    char path[256], line[4096], previous[4096] = "";
    size_t left = 1, lines = 0, values = 0;
    bool broken = true;
    before = fault_objects(&faults);
    fault_clear_log(&through);
    EXPECT_OK(work(&left, &broken, &err));
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_FALSE(broken);
    CU_ASSERT_EQUAL(fault_objects(&faults), before);
    softtoken_log_path(&through, path, sizeof path);
    FILE *log = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    while (fgets(line, sizeof line, log)) {
        check_line(line, previous, &values);
        lines++;
        memcpy(previous, line, sizeof previous);
    }
    fclose(log);
    CU_ASSERT_TRUE(lines > 150);
    CU_ASSERT_EQUAL(values, 1); /* the components' sum */
}

static bool make_keys(void)
{
    static const char zcmk[] = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_key key;
    struct hsm_pair pair;
    bool ok = softtoken_open(&soft, "zone", &t, &err) && softtoken_import(t, &sender, zcmk, &key, &err) &&
              softtoken_import(t, &receiver, zcmk, &key, &err) &&
              hsm_pair_generate(t, &exchange, &pair, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    hsm_token_close(t);
    return ok;
}

static const struct test_case cases[] = {
    {"no secret value leaves, and one enters: that of the components", test_recording},
    {"each call fails in turn with a lost device: named, and nothing left", test_device_error},
    {"each call fails in turn with a full device: named, and nothing left", test_device_memory},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "zone") && make_keys();
    through = soft;
    softtoken_proxy(&through);
    int status = ready ? suite_run("hsm/travel-fault", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
