/* Cards that refuse, are pulled out, or are not what they say: what is called done, and what is not. */
#include "bureau/channel.h"
#include "run.h"
#include "suite.h"

static struct softtoken soft;
static struct err err;
static struct bureau settings;
static struct hsm_token *t;
static struct ring *ring;

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
        if (!run_begin(&r, ring, &(struct stage_record){.protocol = 3})) return;
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
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.keys.version = 0x77;
    run_to_end(&r);
    expect_refused(&r, CARD_UNTOUCHED, "keys have version 119, for which the settings have no KMC");
    run_end(&r);
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
    r.card.keys.version = STAGE_KVN_TDES;
    run_to_end(&r);
    expect_refused(&r, CARD_UNTOUCHED, "the card speaks SCP03, and KMC/1 is a key of DES2");
    run_end(&r);
    /* a key under the card's own key of KMC/2, and a card whose keys come from KMC/3 */
    if (!run_begin(&r, ring, &(struct stage_record){.protocol = 3})) return;
    stage_card(&r.card, 3, 0x70, STAGE_KVN_AES256);
    run_to_end(&r);
    expect_refused(&r, CARD_UNTOUCHED, "secret OWN is under KMC/2/DEK, and the card's keys come from KMC/3");
    run_end(&r);
}

/* The purse says from which version of the KMC its card comes: another card is left as it is, before it is sent a cryptogram. */
static void test_kmc_version(void)
{
    struct bureau s;
    struct ring *with = NULL;
    struct run r;
    stage_kmc_settings(&s, &settings);
    EXPECT_OK(ring_open(&with, &s, t, &err));
    for (unsigned said = STAGE_KVN_AES; said <= STAGE_KVN_AES256; said++) {
        if (!run_begin(&r, with, &(struct stage_record){.kmc = said})) return;
        stage_card(&r.card, 3, 0x70, STAGE_KVN_AES);
        run_to_end(&r);
        if (said == STAGE_KVN_AES) {
            run_expect_made(&r, false);
        } else {
            expect_refused(&r, CARD_UNTOUCHED,
                           "the card's keys come from KMC/2, and the record is for a card of version 3");
            CU_ASSERT_EQUAL(r.card.authentications, 0);
        }
        run_end(&r);
    }
    ring_free(with);
}

/* The card goes mute at each command in turn: once before it was done, once after. Then the same record makes it. */
static void test_pulled(void)
{
    for (int after = 0; after < 2; after++) {
        bool reached = true;
        for (size_t at = 1; reached && at < 100; at++) {
            struct run r;
            if (!run_begin(&r, ring, &(struct stage_record){.protocol = 3})) return;
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
                run_expect_made(&r, true);
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
            if (!run_begin(&r, ring, &(struct stage_record){.only_purse = true})) return;
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
        if (!run_begin(&r, ring, &(struct stage_record){.only_purse = true})) return;
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
    {"a card with other keys is not asked twice", test_wrong_keys},
    {"key versions and masters that do not fit", test_key_versions},
    {"the version of the KMC that the record says", test_kmc_version},
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
    int status = ready ? suite_run("bureau/personalize_refused", cases, SUITE_COUNT(cases)) : 1;
    ring_free(ring);
    hsm_token_close(t);
    stage_end();
    softtoken_stop(&soft);
    return status;
}
