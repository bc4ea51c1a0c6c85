/* Conversation, channel and translation together, with keys in a token, against a card that was written apart from them: over both
 * protocols, all options and levels. What the card holds in the end is compared byte for byte. */
#include "formats/derivation.h"
#include "plastic_cipher.h"
#include "run.h"
#include "suite.h"

static struct softtoken soft;
static struct err err;
static struct bureau settings;
static struct hsm_token *t;
static struct ring *ring;

struct kind {
    int protocol;
    uint8_t options, kvn;
};

static void one(const struct kind *kind, const struct stage_record *record, unsigned level)
{
    struct run r;
    if (!run_begin(&r, ring, record)) return;
    stage_card(&r.card, kind->protocol, kind->options, kind->kvn);
    run_to_end(&r);
    run_expect_made(&r, record->protocol != 0);
    if (r.card.level != level) fprintf(stderr, "level %02X, not %02X\n", r.card.level, level);
    CU_ASSERT_EQUAL(r.card.level, level);
    run_end(&r);
}

static void test_scp02(void)
{
    static const struct kind kind = {2, 0x15, STAGE_KVN_TDES};
    one(&kind, &(struct stage_record){.protocol = 2}, 3);
    settings.level = BUREAU_LEVEL_MAC;
    one(&kind, &(struct stage_record){.protocol = 2}, 1);
    stage_settings(&settings, &soft);
}

static void test_scp03(void)
{
    static const struct {
        uint8_t i, mac, both;
    } rows[] = {{0x00, 1, 3},       {0x10, 1, 3},       {0x20, 0x11, 0x13},
                {0x30, 0x11, 0x13}, {0x60, 0x11, 0x33}, {0x70, 0x11, 0x33}};
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        const struct kind kind = {3, rows[i].i, STAGE_KVN_AES};
        one(&kind, &(struct stage_record){.protocol = 3}, rows[i].both);
        settings.level = BUREAU_LEVEL_MAC;
        one(&kind, &(struct stage_record){.protocol = 3}, rows[i].mac);
        settings.response_mac = false;
        one(&kind, &(struct stage_record){.protocol = 3}, 1);
        stage_settings(&settings, &soft);
    }
}

static void test_scp03_256(void)
{
    const struct kind kind = {3, 0x70, STAGE_KVN_AES256};
    one(&kind, &(struct stage_record){.protocol = 0}, 0x33);
}

static void test_swapped(void)
{
    const struct kind both[] = {{3, 0x70, STAGE_KVN_AES}, {2, 0x15, STAGE_KVN_TDES}};
    for (size_t i = 0; i < 2; i++) {
        one(&both[i], &(struct stage_record){.swapped = true}, i == 0 ? 0x33 : 3);
        one(&both[i], &(struct stage_record){.swapped = false}, i == 0 ? 0x33 : 3);
    }
}

/* All applications through the domain. */
static void test_through_domain(void)
{
    struct bureau_application apps[3] = {settings.applications[0],
                                         {.aid_len = 5, .load = BUREAU_LOAD_INSTALL},
                                         {.aid_len = 7, .load = BUREAU_LOAD_INSTALL}};
    const struct kind both[] = {{3, 0x70, STAGE_KVN_AES}, {2, 0x15, STAGE_KVN_TDES}};
    memcpy(apps[1].aid, stage_purse, 5);
    memcpy(apps[2].aid, stage_emv, 7);
    settings.applications = apps;
    settings.application_count = 3;
    for (size_t i = 0; i < 2; i++) {
        struct run r;
        if (!run_begin(&r, ring, &(struct stage_record){.protocol = both[i].protocol})) return;
        stage_card(&r.card, both[i].protocol, both[i].options, both[i].kvn);
        r.card.life_cycle = 1; /* OP_READY: initialized first, then locked */
        run_to_end(&r);
        run_expect_made(&r, true);
        CU_ASSERT_EQUAL(r.card.authentications, 1); /* one channel for all */
        run_end(&r);
    }
    stage_settings(&settings, &soft);
}

/* 61xx and 6Cxx at every answer that has data. */
static void test_t0(void)
{
    struct run r;
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.asks_for_le = true;
    run_to_end(&r);
    run_expect_made(&r, true);
    run_end(&r);
}

static void test_new_keys(void)
{
    struct bureau s = settings;
    struct bureau_card_key keys[2] = {settings.card_keys[1], settings.card_keys[1]};
    struct ring *other = NULL, *kept = ring;
    static char kmc3[] = "KMC-2";
    s.replace_keys = true;
    s.card_keys = keys;
    s.card_key_count = 2;
    keys[1].key_version = 5; /* the same master under another version: other keys would need another KMC */
    keys[1].key.label = kmc3;
    keys[1].key.version = 5;
    EXPECT_OK(ring_open(&other, &s, t, &err));
    ring = other;
    struct run r;
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 0})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    run_to_end(&r);
    run_expect_made(&r, false);
    CU_ASSERT_EQUAL(r.card.keys.version, 5);
    CU_ASSERT_TRUE(r.card.authentications >= 4); /* the domain twice, then as always */
    run_end(&r);
    /* a card that has the newest keys keeps them */
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 0})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.keys.version = 5;
    run_to_end(&r);
    run_expect_made(&r, false);
    run_end(&r);
    ring_free(other);
    ring = kept;
}

/* The card that comes is held against the record's version of the KMC; the keys that it gets are of another. */
static void test_new_keys_behind_the_version(void)
{
    struct bureau s;
    struct bureau_card_key keys[2] = {settings.card_keys[1], settings.card_keys[1]};
    struct ring *other = NULL;
    struct run r;
    stage_kmc_settings(&s, &settings);
    s.replace_keys = true;
    s.card_keys = keys;
    s.card_key_count = 2;
    keys[1].key_version = 5;
    keys[1].key.version = 5;
    EXPECT_OK(ring_open(&other, &s, t, &err));
    if (!run_begin(&r, other, &(struct stage_record){.kmc = STAGE_KVN_AES})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    run_to_end(&r);
    run_expect_made(&r, false);
    CU_ASSERT_EQUAL(r.card.keys.version, 5);
    run_end(&r);
    ring_free(other);
}

/* SCP02: the new keys of another master, of the same kind. */
static void test_new_keys_scp02(void)
{
    struct bureau s = settings;
    struct bureau_card_key keys[2] = {settings.card_keys[0], settings.card_keys[0]};
    struct ring *other = NULL, *kept = ring;
    static char visa2[] = "kmc-visa2";
    struct hsm_card_keys_data data;
    enum hsm_algorithm algorithm = HSM_DES2;
    uint8_t due[16];
    struct run r;
    s.replace_keys = true;
    s.card_keys = keys;
    s.card_key_count = 2;
    keys[1].key_version = 5;
    keys[1].key.version = 5;
    keys[1].method = visa2;
    EXPECT_OK(ring_open(&other, &s, t, &err));
    ring = other;
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 0})) return;
    stage_card(&r.card, 2, 0x15, STAGE_KVN_TDES);
    run_to_end(&r);
    run_expect_made(&r, false);
    CU_ASSERT_EQUAL(r.card.keys.version, 5);
    EXPECT_OK(ring_card_data(ring_card_key(other, 5), r.card.key_data, &data, &algorithm, &err));
    plastic_tdes_ecb(true, stage_kmc_tdes, data.dek, 16, due);
    des_parity(due, 16);
    CU_ASSERT_TRUE(bytes_equal(r.card.keys.dek, 16, due, 16));
    run_end(&r);
    ring_free(other);
    ring = kept;
}

static void test_nothing_left(void)
{
    size_t all = 0, kept = 1;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, kept);
}

static const struct test_case cases[] = {
    {"SCP02, both levels", test_scp02},
    {"SCP03, all options and levels", test_scp03},
    {"SCP03 with keys of 256 bits", test_scp03_256},
    {"private keys with p < q are put right", test_swapped},
    {"all applications through the security domain, from OP_READY", test_through_domain},
    {"61xx and 6Cxx", test_t0},
    {"PUT KEY, SCP03", test_new_keys},
    {"new keys, and a record that says the version of the old ones", test_new_keys_behind_the_version},
    {"PUT KEY, SCP02", test_new_keys_scp02},
    {"no object is left", test_nothing_left},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    stage_settings(&settings, &soft);
    ready = ready && softtoken_open(&soft, "bureau", &t, &err) && ring_open(&ring, &settings, t, &err);
    if (!ready) fprintf(stderr, "%s\n", err.text);
    int status = ready ? suite_run("bureau/personalize", cases, SUITE_COUNT(cases)) : 1;
    ring_free(ring);
    hsm_token_close(t);
    stage_end();
    softtoken_stop(&soft);
    return status;
}
