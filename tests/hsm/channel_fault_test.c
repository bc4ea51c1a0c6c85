/* A card's session through the recording proxy: each call fails once; and no value leaves the token, save those that are
 * read by name. */
#include "faults.h"
#include "hsm/readable.h"
#include "suite.h"

static struct softtoken soft, through;

static const struct hsm_key_ref
    kmc = {.name = "KMC", .label = "KMC", .role = HSM_ROLE_MASTER, .algorithm = HSM_DES2},
    kmc_aes = {.name = "KMC-AES", .label = "KMC-AES", .role = HSM_ROLE_MASTER, .algorithm = HSM_AES256};

struct work {
    struct hsm_token *t;
    struct hsm_key master, aes_master, card;
    struct hsm_card_keys keys, aes_keys;
    struct hsm_channel channel, aes_channel;
    struct buf out;
};

static bool work_tdes(struct work *w, struct err *err)
{
    static const uint8_t base[16] = {1, 0x82, 0, 5}, mac_base[16] = {1, 1, 0, 5}, iv[8];
    const struct hsm_card_keys_data from = {{1}, {2}, {3}, 16};
    const struct hsm_channel_data data = {base, mac_base, mac_base, base};
    uint8_t text[24] = {4}, out[24];
    return hsm_key_find(w->t, &kmc, &w->master, err) &&
           hsm_card_keys_derive(w->t, &w->master, &from, HSM_DES2, &w->keys, err) &&
           hsm_channel_open(w->t, &w->keys, &data, &w->channel, err) &&
           hsm_channel_encrypt(w->t, &w->channel, NULL, text, sizeof text, out, err) &&
           hsm_channel_retail_mac(w->t, &w->channel, HSM_CHANNEL_COMMAND, iv,
                                  &(struct hsm_span){text, sizeof text}, out, err) &&
           hsm_channel_retail_mac(w->t, &w->channel, HSM_CHANNEL_ANSWER, iv,
                                  &(struct hsm_span){text, sizeof text}, out, err) &&
           hsm_channel_next_iv(w->t, &w->channel, out, out, err) &&
           hsm_channel_encrypt_data(w->t, &w->channel, NULL, text, sizeof text, out, err);
}

static bool work_aes(struct work *w, struct err *err)
{
    static const uint8_t base[64] = {[11] = 4, [15] = 1, [43] = 4, [47] = 2}, iv[16];
    const struct hsm_card_keys_data from = {{1}, {2}, {3}, 32};
    const struct hsm_channel_data data = {base, base, base, NULL};
    const struct hsm_key_ref card = {.name = "KDL", .role = HSM_ROLE_CARD_KEY, .algorithm = HSM_DES2};
    uint8_t text[32] = {4}, out[32];
    return hsm_key_find(w->t, &kmc_aes, &w->aes_master, err) &&
           hsm_card_keys_derive(w->t, &w->aes_master, &from, HSM_AES256, &w->aes_keys, err) &&
           hsm_channel_open(w->t, &w->aes_keys, &data, &w->aes_channel, err) &&
           hsm_channel_encrypt_block(w->t, &w->aes_channel, text, out, err) &&
           hsm_channel_encrypt(w->t, &w->aes_channel, iv, text, sizeof text, out, err) &&
           hsm_channel_decrypt(w->t, &w->aes_channel, iv, out, sizeof out, text, err) &&
           hsm_channel_cmac(w->t, &w->aes_channel, HSM_CHANNEL_COMMAND, text, 5, out, err) &&
           hsm_channel_cmac(w->t, &w->aes_channel, HSM_CHANNEL_ANSWER, text, 5, out, err) &&
           hsm_derive(w->t, &w->master, text, 16, &card, &w->card, err) &&
           hsm_channel_wrap(w->t, &w->aes_channel, iv, &w->card, &w->out, err);
}

static bool reads; /* also takes a value out */

static bool read_values(struct work *w, struct err *err)
{
    static const uint8_t data[16] = {9};
    struct secret value = SECRET_NONE;
    if (!reads) return true;
    bool ok = hsm_read_derived(w->t, &w->master, &(struct hsm_span){data, 16}, HSM_DES2, &value, err);
    secret_release(&value);
    return ok;
}

static bool work(size_t *left, bool *broken, struct err *err)
{
    struct work w = {.t = NULL};
    size_t all = 0, kept = 0;
    bool ok = false;
    buf_init(&w.out, 8192);
    if (!softtoken_open(&through, "bureau", &w.t, err)) goto out;
    ok = work_tdes(&w, err) && work_aes(&w, err) && read_values(&w, err);
    hsm_channel_close(w.t, &w.channel);
    hsm_channel_close(w.t, &w.aes_channel);
    hsm_card_keys_destroy(w.t, &w.keys);
    hsm_card_keys_destroy(w.t, &w.aes_keys);
    hsm_key_destroy(w.t, &w.card);
    *broken = hsm_token_is_broken(w.t);
    struct err unused = ERR_INIT;
    if (hsm_token_count_objects(w.t, &all, &kept, &unused)) *left = all - kept;
out:
    hsm_token_close(w.t);
    buf_release(&w.out);
    return ok;
}

static void test_faults(void)
{
    const struct faults faults = {
        .soft = &soft, .through = &through, .label = "bureau", .work = work, .calls_min = 60};
    reads = true;
    fault_each(&faults, FAULT_DEVICE_ERROR, "CKR_DEVICE_ERROR");
}

/* Lines of the log that ask for a value, or make an object whose value may be asked for. */
static size_t readable_lines(void)
{
    struct err err = ERR_INIT;
    char path[256], line[4096];
    size_t left = 0, count = 0, lines = 0;
    bool broken = false;
    fault_clear_log(&through);
    EXPECT_OK(work(&left, &broken, &err));
    softtoken_log_path(&through, path, sizeof path);
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f)) {
        bool check = strstr(line, "data=zeros") || strstr(line, "CKA_VALUE_LEN=5");
        lines++;
        count += strstr(line, "C_DeriveKey") && strstr(line, "CKA_SENSITIVE=false") && !check;
        CU_ASSERT_PTR_NULL(strstr(line, "C_CreateObject"));
    }
    fclose(f);
    CU_ASSERT_TRUE(lines > 60);
    return count;
}

static void test_recording(void)
{
    reads = false;
    CU_ASSERT_EQUAL(readable_lines(), 0);
    reads = true;
    CU_ASSERT_EQUAL(readable_lines(), 1); /* so that the line above says something */
}

static bool make_keys(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_key key;
    bool ok = softtoken_open(&soft, "bureau", &t, &err) && hsm_key_generate(t, &kmc, &key, &err) &&
              hsm_key_generate(t, &kmc_aes, &key, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    hsm_token_close(t);
    return ok;
}

static const struct test_case cases[] = {
    {"a card's and a session's keys: none is made readable", test_recording},
    {"each call fails in turn: named, and nothing left", test_faults},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && make_keys();
    through = soft;
    softtoken_proxy(&through);
    int status = ready ? suite_run("hsm/channel_fault", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
