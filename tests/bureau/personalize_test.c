/* Conversation, channel and translation together, with keys in a token, against a card that was written apart from them: over both
 * protocols, all options and levels. What the card holds in the end is compared byte for byte. */
#include "bureau/channel.h"
#include "bureau/translate.h"
#include "formats/derivation.h"
#include "stage.h"
#include "suite.h"

#include <openssl/core_names.h>

static struct softtoken soft;
static struct err err;
static struct bureau settings;
static struct hsm_token *t;
static struct ring *ring;

struct run {
    struct plastic card;
    struct open_record *record;
    struct card_turn turn;
    size_t turns;
    unsigned tries;
    bool failed; /* conversation_answer was false */
};

static bool run_begin(struct run *r, const struct stage_record *record)
{
    struct buf b;
    buf_init(&b, 200000);
    stage_put_record(&b, record);
    r->record = NULL;
    r->turns = 0;
    r->tries = 0;
    r->failed = false;
    card_turn_init(&r->turn);
    EXPECT_OK(open_record_new(&r->record, ring, NULL, &(struct hsm_span){b.data, b.len}, 0, &err));
    buf_release(&b);
    return r->record != NULL;
}

static void run_to_end(struct run *r)
{
    static const uint8_t challenge[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct channel channel;
    struct conversation *c = NULL;
    channel_init(&channel, ring);
    const struct conversation_order order = {r->record, channel_crypto(&channel), challenge, r->tries, false,
                                             false};
    EXPECT_OK(conversation_new(&c, &order, &r->turn, &err));
    while (c && !r->turn.done && r->turns++ < 500) {
        uint8_t answer[PLASTIC_ANSWER];
        size_t len = plastic_command(&r->card, r->turn.command.data, r->turn.command.len, answer);
        if (conversation_answer(c, answer, len, &r->turn, &err)) continue;
        r->failed = true;
        r->turn.outcome = conversation_outcome(c);
        break;
    }
    r->turn.what = "";
    conversation_free(c);
}

static void run_end(struct run *r)
{
    open_record_free(r->record);
    card_turn_release(&r->turn);
}

static void expect_value(const struct plastic_app *app, uint16_t id, uint8_t p1, const uint8_t *due,
                         size_t len)
{
    const struct plastic_dgi *got = plastic_got(app, id);
    bool same = got && got->p1 == p1 && bytes_equal(got->value, got->len, due, len);
    if (!same) fprintf(stderr, "DGI %04X: %s\n", (unsigned)id, got ? "another value" : "never got");
    CU_ASSERT_TRUE(same);
}

/* len bytes, then 80 and zeros to whole blocks. */
static size_t padded(uint8_t *out, const uint8_t *in, size_t len, size_t block)
{
    memcpy(out, in, len);
    out[len++] = 0x80;
    while (len % block != 0)
        out[len++] = 0;
    return len;
}

static void expect_purse(const struct plastic_app *app, size_t block)
{
    uint8_t joined[64];
    memcpy(joined, stage_kdl, 16);
    memcpy(&joined[16], stage_kdu, 16);
    CU_ASSERT_TRUE(app->personalized);
    expect_value(app, 0x8000, 0x60, joined, 32);
    if (block == 8) {
        expect_value(app, 0x8010, 0x60, stage_pin, 8);
        expect_value(app, 0x8001, 0x60, stage_kd3, 24);
    } else {
        expect_value(app, 0x8010, 0x60, joined, padded(joined, stage_pin, 8, 16));
        expect_value(app, 0x8001, 0x60, joined, padded(joined, stage_kd3, 24, 16));
    }
}

/* The five parts with p > q, each padded. */
static void expect_pair(const struct plastic_app *app, size_t block)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                        OSSL_PKEY_PARAM_RSA_FACTOR1};
    BIGNUM *n[5] = {NULL};
    BN_CTX *ctx = BN_CTX_new();
    for (size_t i = 0; i < 5; i++)
        EVP_PKEY_get_bn_param(stage_pair(), names[i], &n[i]);
    if (BN_cmp(n[4], n[3]) < 0) {
        BN_swap(n[4], n[3]);
        BN_swap(n[2], n[1]);
        BN_mod_inverse(n[0], n[3], n[4], ctx);
    }
    for (size_t i = 0; i < 5; i++) {
        uint8_t raw[64], due[96];
        BN_bn2binpad(n[i], raw, sizeof raw);
        expect_value(app, (uint16_t)(0x8201 + i), 0x60, due, padded(due, raw, sizeof raw, block));
        BN_free(n[i]);
    }
    BN_CTX_free(ctx);
}

static void expect_emv(const struct plastic_app *app, size_t block, bool own)
{
    uint8_t big[400];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)i;
    CU_ASSERT_TRUE(app->personalized);
    expect_value(app, 0x8003, 0x60, stage_mkac, 16);
    expect_value(app, 0x3001, 0, big, sizeof big);
    expect_pair(app, block);
    if (own) expect_value(app, 0x8002, 0x20, stage_own, 16);
    const uint16_t last = own ? 0x8002 : 0x8205;
    CU_ASSERT_EQUAL(app->dgis[app->dgi_count - 1].id, last);
}

static void expect_made(const struct run *r, bool own)
{
    const size_t block = r->card.protocol == 2 ? 8 : 16;
    if (r->turn.outcome != CARD_MADE) fprintf(stderr, "%s; %s\n", r->turn.err.text, err.text);
    CU_ASSERT_TRUE(r->turn.done && !r->failed);
    CU_ASSERT_EQUAL(r->turn.outcome, CARD_MADE);
    CU_ASSERT_EQUAL(r->card.life_cycle, 0x0F);
    CU_ASSERT_STRING_EQUAL(r->turn.serial, "123456789ABCDEF01122");
    expect_purse(&r->card.apps[0], block);
    expect_emv(&r->card.apps[1], block, own);
    CU_ASSERT_TRUE(r->card.apps[2].personalized);
    CU_ASSERT_EQUAL(r->card.apps[2].dgi_count, 1);
}

struct kind {
    int protocol;
    uint8_t options, kvn;
};

static void one(const struct kind *kind, const struct stage_record *record, unsigned level)
{
    struct run r;
    if (!run_begin(&r, record)) return;
    stage_card(&r.card, kind->protocol, kind->options, kind->kvn);
    run_to_end(&r);
    expect_made(&r, record->protocol != 0);
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
        if (!run_begin(&r, &(struct stage_record){.protocol = both[i].protocol})) return;
        stage_card(&r.card, both[i].protocol, both[i].options, both[i].kvn);
        r.card.life_cycle = 1; /* OP_READY: initialized first, then locked */
        run_to_end(&r);
        expect_made(&r, true);
        CU_ASSERT_EQUAL(r.card.authentications, 1); /* one channel for all */
        run_end(&r);
    }
    stage_settings(&settings, &soft);
}

/* 61xx and 6Cxx at every answer that has data. */
static void test_t0(void)
{
    struct run r;
    if (!run_begin(&r, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.asks_for_le = true;
    run_to_end(&r);
    expect_made(&r, true);
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
    if (!run_begin(&r, &(struct stage_record){.protocol = 0})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    run_to_end(&r);
    expect_made(&r, false);
    CU_ASSERT_EQUAL(r.card.keys.version, 5);
    CU_ASSERT_TRUE(r.card.authentications >= 4); /* the domain twice, then as always */
    run_end(&r);
    /* a card that has the newest keys keeps them */
    if (!run_begin(&r, &(struct stage_record){.protocol = 0})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.keys.version = 5;
    run_to_end(&r);
    expect_made(&r, false);
    run_end(&r);
    ring_free(other);
    ring = kept;
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
    if (!run_begin(&r, &(struct stage_record){.protocol = 0})) return;
    stage_card(&r.card, 2, 0x15, STAGE_KVN_TDES);
    run_to_end(&r);
    expect_made(&r, false);
    CU_ASSERT_EQUAL(r.card.keys.version, 5);
    EXPECT_OK(ring_card_data(ring_card_key(other, 5), r.card.key_data, &data, &algorithm, &err));
    plastic_tdes_ecb(true, stage_kmc_tdes, data.dek, 16, due);
    des_parity(due, 16);
    CU_ASSERT_TRUE(bytes_equal(r.card.keys.dek, 16, due, 16));
    run_end(&r);
    ring_free(other);
    ring = kept;
}

/* ---- what is refused ---- */

static void expect_refused(struct run *r, enum card_outcome outcome, const char *text)
{
    CU_ASSERT_TRUE(r->turn.done && !r->failed);
    CU_ASSERT_EQUAL(r->turn.outcome, outcome);
    if (!strstr(r->turn.err.text, text)) fprintf(stderr, "got: %s\n", r->turn.err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(r->turn.err.text, text));
}

/* A card with other keys gets no EXTERNAL AUTHENTICATE, and is asked as often as was said. */
static void test_wrong_keys(void)
{
    for (unsigned tries = 0; tries < 4; tries++) {
        struct run r;
        if (!run_begin(&r, &(struct stage_record){.protocol = 3})) return;
        stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
        r.card.wrong_cryptogram = true;
        r.tries = tries;
        run_to_end(&r);
        expect_refused(&r, CARD_UNTOUCHED, "INITIALIZE UPDATE: the card's cryptogram does not verify");
        CU_ASSERT_EQUAL(r.card.initialize_updates, tries ? tries : 1);
        CU_ASSERT_EQUAL(r.card.authentications, 0);
        run_end(&r);
    }
}

static void test_key_versions(void)
{
    struct run r;
    if (!run_begin(&r, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.keys.version = 0x77;
    run_to_end(&r);
    expect_refused(&r, CARD_UNTOUCHED, "keys have version 119, for which the settings have no KMC");
    run_end(&r);
    if (!run_begin(&r, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.keys.version = STAGE_KVN_TDES;
    run_to_end(&r);
    expect_refused(&r, CARD_UNTOUCHED, "the card speaks SCP03, and KMC/1 is a key of DES2");
    run_end(&r);
    /* a key under the card's own key of KMC/2, and a card whose keys come from KMC/3 */
    if (!run_begin(&r, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES256);
    run_to_end(&r);
    expect_refused(&r, CARD_HALF_DONE, "secret OWN is under KMC/2/DEK, and the card's keys come from KMC/3");
    run_end(&r);
}

/* The card goes mute at each command in turn: once before it was done, once after. Then the same record makes it. */
static void test_pulled(void)
{
    for (int after = 0; after < 2; after++) {
        bool reached = true;
        for (size_t at = 1; reached && at < 100; at++) {
            struct run r;
            if (!run_begin(&r, &(struct stage_record){.protocol = 3})) return;
            stage_card(&r.card, 3, 0x30, STAGE_KVN_AES);
            r.card.fail_at = at;
            r.card.done_but_mute = after == 1;
            run_to_end(&r);
            reached = r.card.commands >= at;
            if (!reached) {
                CU_ASSERT_EQUAL(r.turn.outcome, CARD_MADE);
                run_end(&r);
                break;
            }
            /* seven commands until the first STORE DATA */
            CU_ASSERT_EQUAL(r.turn.outcome, at < 7 ? CARD_UNTOUCHED : CARD_HALF_DONE);
            CU_ASSERT_PTR_NOT_NULL(strstr(r.turn.err.text, "no answer"));
            const bool locked = r.card.life_cycle == 0x0F;
            CU_ASSERT_TRUE(!locked || after == 1);
            if (!locked) {
                r.card.fail_at = 0;
                card_turn_release(&r.turn);
                card_turn_init(&r.turn);
                run_to_end(&r);
                expect_made(&r, true);
            }
            run_end(&r);
        }
    }
}

/* Each command is refused in turn: nothing is called done that is not. */
static void test_refusals(void)
{
    static const unsigned words[] = {0x6982, 0x6A80, 0x6581, 0x6300, 0x6F00};
    for (size_t w = 0; w < SUITE_COUNT(words); w++) {
        for (size_t at = 1; at < 100; at++) {
            struct run r;
            if (!run_begin(&r, &(struct stage_record){.only_purse = true})) return;
            stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
            r.card.fail_at = at;
            r.card.fail_sw = words[w];
            run_to_end(&r);
            const bool reached = r.card.commands >= at;
            const bool store = at >= 7;
            enum card_outcome due = CARD_UNTOUCHED;
            if (store && (at > 7 || words[w] == 0x6300)) due = CARD_HALF_DONE;
            if (words[w] == 0x6581 && r.turn.done && strstr(r.turn.err.text, "STORE DATA"))
                due = CARD_SPOILED;
            if (words[w] == 0x6581 && strstr(r.turn.err.text, "SET STATUS")) due = CARD_SPOILED;
            CU_ASSERT_EQUAL(r.turn.outcome, reached ? due : CARD_MADE);
            run_end(&r);
            if (!reached) break;
        }
    }
}

/* Answers with one bit changed, at the highest level: R-MAC and cryptogram find each. */
static void test_changed_answers(void)
{
    static const uint8_t challenge[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t at = 1; at < 8; at++) {
        struct run r;
        struct channel channel;
        struct conversation *c = NULL;
        if (!run_begin(&r, &(struct stage_record){.only_purse = true})) return;
        stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
        channel_init(&channel, ring);
        const struct conversation_order order = {r.record, channel_crypto(&channel), challenge, 1, false,
                                                 false};
        EXPECT_OK(conversation_new(&c, &order, &r.turn, &err));
        bool changed = false;
        while (!r.turn.done) {
            uint8_t answer[PLASTIC_ANSWER];
            size_t len = plastic_command(&r.card, r.turn.command.data, r.turn.command.len, answer);
            if (r.card.commands == at && len > 2) {
                answer[len - 3] ^= 1;
                changed = true;
            }
            EXPECT_OK(conversation_answer(c, answer, len, &r.turn, &err));
        }
        /* The sequence counter at the end of INITIALIZE UPDATE's answer is not covered: the challenge is. */
        const bool covered = changed && at != 2 && at != 5;
        CU_ASSERT_EQUAL(r.turn.outcome != CARD_MADE, covered);
        if (covered) CU_ASSERT_PTR_NOT_NULL(strstr(r.turn.err.text, "MAC of the card's answer"));
        conversation_free(c);
        run_end(&r);
    }
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
    {"PUT KEY, SCP02", test_new_keys_scp02},
    {"a card with other keys is not asked twice", test_wrong_keys},
    {"key versions and masters that do not fit", test_key_versions},
    {"pulled out at every command, then repeated", test_pulled},
    {"refused at every command", test_refusals},
    {"an answer with one bit changed", test_changed_answers},
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
