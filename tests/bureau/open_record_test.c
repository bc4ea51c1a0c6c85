/* Records opened with the KEK in the token: what is right, and each thing that is wrong. */
#include "bureau/open_record.h"

#include <jansson.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "bureau/translate.h"
#include "formats/mic_file.h"
#include "stage.h"
#include "suite.h"

static struct softtoken soft;
static struct err err;
static struct bureau settings;

static bool open_it(struct ring *ring, const struct stage_record *r, const struct job_group *job,
                    struct open_record **out)
{
    struct buf b;
    buf_init(&b, 200000);
    stage_put_record(&b, r);
    bool ok = open_record_new(out, ring, job, &(struct hsm_span){b.data, b.len}, 0, &err);
    buf_release(&b);
    return ok;
}

static void test_open(void)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct open_record *o = NULL;
    struct buf text;
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    buf_init(&text, 65536);
    EXPECT_OK(open_it(ring, &(struct stage_record){.protocol = 3}, NULL, &o));
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    CU_ASSERT_EQUAL(o->application_count, 3);
    CU_ASSERT_EQUAL(o->applications[0].item_count, 5);
    CU_ASSERT_EQUAL(o->applications[0].items[1].secret_count, 2);
    CU_ASSERT_EQUAL(o->applications[1].item_count, 4);
    CU_ASSERT_EQUAL(o->applications[2].load, BUREAU_LOAD_INSTALL);
    CU_ASSERT_EQUAL_FATAL(o->applications[2].item_count, 1);
    static const uint8_t loose[] = {0x70, 10, 0xDF, 1, 3, 'a', 'b', 'c', 0xDF, 2, 1, 'x'};
    const struct open_item *item = &o->applications[2].items[0];
    CU_ASSERT_TRUE(bytes_equal(item->value, item->len, loose, sizeof loose));
    open_record_describe(o, &text);
    const char *words = buf_text(&text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(words);
    static const char *const due[] = {"record 7, card-7",
                                      "application A000000001",
                                      "DGI 9000: clear, 6 bytes",
                                      "secret KDL, ",
                                      "re-wrapped in the token (AES-CBC)",
                                      "named exception 1): no token wraps the parts of a private key",
                                      "under its own key KMC/2/DEK"};
    for (size_t i = 0; i < SUITE_COUNT(due); i++) {
        if (!strstr(words, due[i])) fprintf(stderr, "%s is missing in\n%s", due[i], words);
        CU_ASSERT_PTR_NOT_NULL(strstr(words, due[i]));
    }
    const bool nss = soft.kind == SOFTTOKEN_NSS;
    CU_ASSERT_EQUAL(strstr(words, "re-wrapped in the token (TDES-ECB)") != NULL, nss);
    open_record_free(o);
    buf_release(&text);
    stage_close(t, ring);
}

static void test_refused(void)
{
    static const struct {
        struct stage_record record;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {{.wrong_kcv = true},
         ERR_INTEGRITY,
         "application A000000001: secret KDU: the check value (C5) is that of another key"},
        {{.wrong_card_kcv = true}, ERR_INTEGRITY, "application A000000001: DGI 9000: check values"},
        {{.foreign_binding = true}, ERR_INTEGRITY, "record 7"},
        {{.wrong_length = true}, ERR_INPUT, "secret KDL: ciphertext (C7) has the wrong length"},
        {{.other_kek = true}, ERR_INTEGRITY, "record 7"},
    };
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct open_record *o = NULL;
        EXPECT_FAIL(open_it(ring, &rows[i].record, NULL, &o), rows[i].kind, rows[i].text);
        open_record_free(o);
    }
    stage_close(t, ring);
}

/* The element that says from which version of the KMC a card comes: one of those that the settings have. */
static void test_kmc_version(void)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct open_record *o = NULL;
    struct bureau with;
    stage_kmc_settings(&with, &settings);
    if (!stage_open(&soft, &with, &t, &ring)) return;
    EXPECT_OK(open_it(ring, &(struct stage_record){.kmc = 3}, NULL, &o));
    CU_ASSERT_EQUAL(o->kmc_version, 3);
    open_record_free(o);
    o = NULL;
    EXPECT_FAIL(open_it(ring, &(struct stage_record){.kmc = 9}, NULL, &o), ERR_CONFIG,
                "element DF11: the card comes from version 9 of the KMC, which the settings lack");
    EXPECT_FAIL(open_it(ring, &(struct stage_record){.kmc = 0}, NULL, &o), ERR_INPUT,
                "no element DF11 that says a version of the KMC");
    CU_ASSERT_PTR_NULL(o);
    stage_close(t, ring);
    /* two applications that do not agree: the other one's element is an x */
    struct bureau_card_key keys[3];
    memcpy(keys, with.card_keys, sizeof keys);
    keys[2].key.version = 'x';
    with.card_keys = keys;
    with.applications[0].kmc_version = 0xDF02;
    if (!stage_open(&soft, &with, &t, &ring)) return;
    EXPECT_FAIL(open_it(ring, &(struct stage_record){.kmc = 2}, NULL, &o), ERR_INPUT,
                "version 120 of the KMC, another application says 2");
    stage_close(t, ring);
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    EXPECT_OK(open_it(ring, &(struct stage_record){.kmc = 9}, NULL, &o));
    CU_ASSERT_EQUAL(o->kmc_version, 0);
    open_record_free(o);
    stage_close(t, ring);
}

static void test_job(void)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct open_record *o = NULL;
    struct job_group *job = calloc(1, sizeof *job);
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    for (int other = 0; other < 2; other++) {
        struct mic_record record;
        struct buf b;
        buf_init(&b, 65536);
        stage_put_job(&b, other);
        EXPECT_OK(mic_parse_record(b.data, b.len, 0, &record, &err));
        EXPECT_OK(job_group_read(&record.groups[0], job, &err));
        if (other)
            EXPECT_FAIL(open_it(ring, &(struct stage_record){.protocol = 3}, job, &o), ERR_INTEGRITY,
                        "another check value in group JOB");
        else
            EXPECT_OK(open_it(ring, &(struct stage_record){.protocol = 3}, job, &o));
        open_record_free(o);
        o = NULL;
        buf_release(&b);
    }
    free(job);
    stage_close(t, ring);
}

/* Every bit of a record, one after the other: never accepted. */
static void test_bits(void)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct buf b;
    size_t accepted = 0;
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    buf_init(&b, 200000);
    stage_put_record(&b, &(struct stage_record){.only_purse = true});
    for (size_t bit = 0; bit < 8 * b.len; bit += soft.kind == SOFTTOKEN_NSS ? 7 : 1) {
        struct open_record *o = NULL;
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        err_clear(&err);
        if (open_record_new(&o, ring, NULL, &(struct hsm_span){b.data, b.len}, 0, &err))
            accepted++;
        else
            CU_ASSERT_TRUE(err.kind == ERR_INPUT || err.kind == ERR_INTEGRITY || err.kind == ERR_CONFIG);
        open_record_free(o);
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CU_ASSERT_EQUAL(accepted, 0);
    buf_release(&b);
    stage_close(t, ring);
}

static void test_cut(void)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct buf b;
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    buf_init(&b, 200000);
    stage_put_record(&b, &(struct stage_record){.only_purse = true});
    for (size_t len = 0; len < b.len; len++) {
        struct open_record *o = NULL;
        CU_ASSERT_FALSE(open_record_new(&o, ring, NULL, &(struct hsm_span){b.data, len}, 0, &err));
    }
    buf_release(&b);
    stage_close(t, ring);
}

/* ---- a file that another program wrote ---- */

static bool sample_kek(struct hsm_token *t, json_t *keys)
{
    const char *hex = json_string_value(json_object_get(json_object_get(keys, "kek"), "476173ff0001"));
    const struct hsm_key_ref ref = {
        .name = "KEK", .label = "KEK-S", .role = HSM_ROLE_KEK_BUREAU, .algorithm = HSM_AES256};
    struct hsm_key key;
    return hex && softtoken_import(t, &ref, hex, &key, &err);
}

static void test_sample(void)
{
    static char label[] = "KEK-S";
    struct bureau with = settings;
    struct bureau_kek kek = settings.keks[0];
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct mic_file *f = NULL;
    struct reader *reader = NULL;
    struct mic_record record;
    struct card_group card;
    bool end = false;
    size_t count = 0, secrets = 0;
    json_t *keys = json_load_file(TEST_DATA_DIR "/samples/independent-5.keys.json", 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(keys);
    kek.key.label = label;
    with.keks = &kek;
    EXPECT_OK(softtoken_open(&soft, "bureau", &t, &err));
    CU_ASSERT_TRUE_FATAL(sample_kek(t, keys));
    EXPECT_OK(ring_open(&ring, &with, t, &err));
    EXPECT_OK(reader_open(&reader, TEST_DATA_DIR "/samples/independent-5.mic", &err));
    EXPECT_OK(mic_file_open(&f, reader, NULL, 0, MIC_FILE_NO_SIGNER, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (ring && mic_file_next(f, &record, &card, &end, &err) && !end) {
        struct open_record *o = NULL;
        EXPECT_OK(open_record_new(&o, ring, &mic_file_summary(f)->job,
                                  &(struct hsm_span){record.bytes, record.len}, 0, &err));
        for (size_t i = 0; o && i < o->application_count; i++)
            secrets += o->applications[i].secret_count;
        open_record_free(o);
        count++;
    }
    CU_ASSERT_EQUAL(count, 5);
    CU_ASSERT_EQUAL(secrets, 20); /* KDL, KDU, MK-AC and a pair each */
    mic_file_free(f);
    json_decref(keys);
    stage_close(t, ring);
}

static void test_ring(void)
{
    struct bureau s = settings;
    struct bureau_card_key twice[2] = {settings.card_keys[0], settings.card_keys[1]};
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    static char wrong[] = "kmc-aes", direct[] = "direct";
    EXPECT_OK(softtoken_open(&soft, "bureau", &t, &err));
    s.card_keys = twice;
    s.card_key_count = 2;
    twice[1].key_version = 1;
    EXPECT_FAIL(ring_open(&ring, &s, t, &err), ERR_CONFIG, "key KMC/2: key version 1 stands twice");
    twice[1].key_version = 2;
    twice[0].method = wrong;
    EXPECT_FAIL(ring_open(&ring, &s, t, &err), ERR_CONFIG, "key KMC/1: method kmc-aes does not go with DES2");
    twice[0].method = direct;
    EXPECT_FAIL(ring_open(&ring, &s, t, &err), ERR_CONFIG, "no method for a card's own keys");
    s.card_keys = settings.card_keys;
    s.keks[0].key.kcv_len = 5;
    EXPECT_FAIL(ring_open(&ring, &s, t, &err), ERR_TOKEN, "key 'KEK/1': its check value is");
    s.keks[0].key.kcv_len = 0;
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"a record and what it holds", test_open},         {"each thing wrong is refused by name", test_refused},
    {"the version of the KMC", test_kmc_version},      {"check values of KEKs in JOB", test_job},
    {"any bit changed is refused", test_bits},         {"cut at every byte", test_cut},
    {"settings that do not fit the token", test_ring}, {"all records of the independent sample", test_sample},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    stage_settings(&settings, &soft);
    int status = ready ? suite_run("bureau/open_record", cases, SUITE_COUNT(cases)) : 1;
    stage_end();
    softtoken_stop(&soft);
    return status;
}
