/* A worker's session through the recording proxy: what it calls, and what happens when any one call fails. */
#include "faults.h"
#include "hsm/crypto.h"
#include "hsm/probe.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;    /* the token itself */
static struct softtoken through; /* the same behind the proxy */

static const struct hsm_key_ref kml = {.name = "KML",
                                       .label = "KML",
                                       .role = HSM_ROLE_MASTER,
                                       .algorithm = HSM_DES2,
                                       .kcv = {0x08, 0xD7, 0xB4},
                                       .kcv_len = 2};
static const struct hsm_key_ref mkac = {
    .name = "MK-AC", .label = "MK-AC", .role = HSM_ROLE_MASTER, .algorithm = HSM_AES128};
static const struct hsm_key_ref kek = {
    .name = "kek-a", .label = "kek-a", .role = HSM_ROLE_KEK_ISSUER, .algorithm = HSM_AES256};
static const struct hsm_pair_ref issuer = {
    {.name = "issuer-key", .label = "issuer-key", .role = HSM_ROLE_ISSUER_PAIR, .algorithm = HSM_RSA},
    512,
    65537};

/* What a worker does for one card, with every kind of call. */
struct work {
    struct hsm_token *t;
    struct hsm_key master, aes_master, kek, mac, card, aes_card;
    struct hsm_pair issuer, card_pair;
    struct buf out;
};

static bool work_keys(struct work *w, struct err *err)
{
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    struct hsm_key_ref mac = {.name = "mac", .role = HSM_ROLE_MAC_KEY, .algorithm = HSM_AES256};
    return hsm_key_find(w->t, &kml, &w->master, err) && hsm_key_find(w->t, &mkac, &w->aes_master, err) &&
           hsm_kcv(w->t, &w->aes_master, HSM_ROLE_MASTER, kcv, &len, err) &&
           hsm_key_find(w->t, &kek, &w->kek, err) && hsm_pair_find(w->t, &issuer.key, &w->issuer, err) &&
           hsm_key_generate(w->t, &mac, &w->mac, err) && hsm_wrap_kwp(w->t, &w->kek, &w->mac, &w->out, err);
}

static bool work_card(struct work *w, struct err *err)
{
    uint8_t data[16] = {1, 2, 3}, block[64] = {0}, mac[16], kcv[HSM_KCV_MAX];
    size_t len = 0;
    struct hsm_key_ref des = {.name = "KDL", .role = HSM_ROLE_CARD_KEY, .algorithm = HSM_DES2},
                       aes = {.name = "MK-AC", .role = HSM_ROLE_CARD_KEY, .algorithm = HSM_AES128};
    struct hsm_pair_ref pair = {
        {.name = "card-key", .role = HSM_ROLE_CARD_PAIR, .algorithm = HSM_RSA}, 512, 65537};
    return hsm_derive(w->t, &w->master, data, sizeof data, &des, &w->card, err) &&
           hsm_kcv(w->t, &w->card, HSM_ROLE_CARD_KEY, kcv, &len, err) &&
           hsm_wrap_kwp(w->t, &w->kek, &w->card, &w->out, err) &&
           hsm_derive(w->t, &w->aes_master, data, sizeof data, &aes, &w->aes_card, err) &&
           hsm_kcv(w->t, &w->aes_card, HSM_ROLE_CARD_KEY, kcv, &len, err) &&
           hsm_wrap_kwp(w->t, &w->kek, &w->aes_card, &w->out, err) &&
           hsm_pair_generate(w->t, &pair, &w->card_pair, err) &&
           hsm_wrap_kwp(w->t, &w->kek, &w->card_pair.private_key, &w->out, err) &&
           hsm_sign_raw(w->t, &w->issuer.private_key, block, sizeof block, &w->out, err) &&
           hsm_cmac(w->t, &w->mac, block, sizeof block, mac, err) &&
           hsm_random(w->t, block, sizeof block, err);
}

/* *counted: session objects that the work left behind. */
static bool work(size_t *left, bool *broken, struct err *err)
{
    struct work w = {.t = NULL};
    size_t all = 0, kept = 0;
    bool ok = false;
    buf_init(&w.out, 8192);
    if (!softtoken_open(&through, "issuer", &w.t, err)) goto out;
    ok = work_keys(&w, err) && work_card(&w, err);
    struct hsm_key *keys[] = {&w.card, &w.aes_card, &w.mac};
    for (size_t i = 0; i < SUITE_COUNT(keys); i++)
        hsm_key_destroy(w.t, keys[i]);
    hsm_pair_destroy(w.t, &w.card_pair);
    *broken = hsm_token_is_broken(w.t);
    struct err unused = ERR_INIT;
    if (hsm_token_count_objects(w.t, &all, &kept, &unused)) *left = all - kept;
out:
    hsm_token_close(w.t);
    buf_release(&w.out);
    return ok;
}

static const struct faults faults = {
    .soft = &soft, .through = &through, .label = "issuer", .work = work, .calls_min = 60};

static void test_device_error(void)
{
    fault_each(&faults, FAULT_DEVICE_ERROR, "CKR_DEVICE_ERROR");
}

static void test_device_memory(void)
{
    fault_each(&faults, FAULT_DEVICE_MEMORY, "CKR_DEVICE_MEMORY");
}

/* Session objects all end destroyed when nothing fails. */
static void test_nothing_left(void)
{
    struct err err = ERR_INIT;
    size_t before = fault_objects(&faults), left = 1;
    bool broken = true;
    EXPECT_OK(work(&left, &broken, &err));
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_FALSE(broken);
    CU_ASSERT_EQUAL(fault_objects(&faults), before);
}

/* What the log must not show, read line by line. */
static void check_line(const char *line, const char *previous)
{
    static const char *const secret[] = {" CKA_VALUE ",     " CKA_PRIVATE_EXPONENT", " CKA_PRIME_1",
                                         " CKA_PRIME_2",    " CKA_EXPONENT_1",       " CKA_EXPONENT_2",
                                         " CKA_COEFFICIENT"};
    bool reads = strstr(line, "C_GetAttributeValue") != NULL;
    bool clear = strstr(line, "CKA_SENSITIVE=false") != NULL;
    bool after_check = strstr(previous, "C_DeriveKey") && strstr(previous, "CKA_SENSITIVE=false");
    CU_ASSERT_PTR_NULL(strstr(line, "C_CreateObject"));
    CU_ASSERT_PTR_NULL(strstr(line, "C_SetAttributeValue"));
    CU_ASSERT_PTR_NULL(strstr(line, "CKA_CHECK_VALUE"));
    for (size_t i = 0; i < SUITE_COUNT(secret) && reads; i++) {
        bool bad = strstr(line, secret[i]) && !(i == 0 && after_check);
        if (bad) fprintf(stderr, "%s", line);
        CU_ASSERT_FALSE(bad);
    }
    /* the check-value derivation: over zeros, or five bytes over K1, which comes from zeros */
    bool check =
        strstr(line, "C_DeriveKey") && (strstr(line, "data=zeros") || strstr(line, "CKA_VALUE_LEN=5"));
    if (clear && !check) fprintf(stderr, "%s", line);
    CU_ASSERT_TRUE(!clear || check);
}

static void test_recording(void)
{
    struct err err = ERR_INIT;
    char path[256], line[4096], previous[4096] = "";
    size_t left = 0, lines = 0, clear = 0;
    bool broken = false;
    fault_clear_log(&through);
    EXPECT_OK(work(&left, &broken, &err));
    softtoken_log_path(&through, path, sizeof path);
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f)) {
        check_line(line, previous);
        clear += strstr(line, "CKA_SENSITIVE=false") != NULL;
        lines++;
        memcpy(previous, line, sizeof previous);
    }
    fclose(f);
    CU_ASSERT_TRUE(lines > 60);
    CU_ASSERT_EQUAL(clear, 3); /* one for the DES master, two for the AES master */
}

static bool make_keys(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_key key;
    struct hsm_pair pair;
    bool ok = softtoken_open(&soft, "issuer", &t, &err) &&
              softtoken_import(t, &kml, "0123456789ABCDEFFEDCBA9876543210", &key, &err) &&
              hsm_key_generate(t, &mkac, &key, &err) && hsm_key_generate(t, &kek, &key, &err) &&
              hsm_pair_generate(t, &issuer, &pair, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    hsm_token_close(t);
    return ok;
}

static const struct test_case cases[] = {
    {"nothing is left after a worker's session", test_nothing_left},
    {"no secret is read, created or made readable, save by the check-value derivation", test_recording},
    {"each call fails in turn with a lost device: named, and nothing left", test_device_error},
    {"each call fails in turn with a full device: named, and nothing left", test_device_memory},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "issuer") && make_keys();
    through = soft;
    softtoken_proxy(&through);
    int status = ready ? suite_run("hsm/fault", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
