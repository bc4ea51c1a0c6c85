/* The token process as its parent sees it: cards made, records refused. */
#include "bureau/token_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "bureau/pin_once.h"
#include "bureau/ways.h"
#include "formats/mic.h"
#include "formats/signature.h"
#include "stage.h"
#include "suite.h"

static struct softtoken soft;
static struct err err;
static struct bureau settings;

static struct token_process *start(void)
{
    struct token_process *p = NULL;
    EXPECT_OK(token_process_start(&p, &settings, &err));
    return p;
}

static void put_record(struct buf *b, const struct stage_record *r)
{
    buf_init(b, 200000);
    stage_put_record(b, r);
}

static void drive(struct token_process *p, struct plastic *card, struct card_turn *turn)
{
    for (size_t n = 0; !turn->done && n < 500; n++) {
        uint8_t answer[PLASTIC_ANSWER];
        size_t len = plastic_command(card, turn->command.data, turn->command.len, answer);
        CU_ASSERT_TRUE(turn->what && turn->what[0]);
        EXPECT_OK(token_process_answer(p, answer, len, turn, &err));
    }
}

static void make_card(struct token_process *p, int protocol)
{
    struct plastic card;
    struct card_turn turn;
    struct buf record;
    put_record(&record, &(struct stage_record){.protocol = protocol});
    const struct card_order order = {.record = record.data, .len = record.len, .tries = 1};
    stage_card(&card, protocol, 0x70, protocol == 2 ? STAGE_KVN_TDES : STAGE_KVN_AES);
    card_turn_init(&turn);
    EXPECT_OK(token_process_begin(p, &order, &turn, &err));
    drive(p, &card, &turn);
    CU_ASSERT_TRUE(turn.done);
    CU_ASSERT_EQUAL(turn.outcome, CARD_MADE);
    CU_ASSERT_STRING_EQUAL(turn.serial, "123456789ABCDEF01122");
    CU_ASSERT_STRING_EQUAL(turn.what, "done");
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_TRUE(card.apps[i].personalized);
    card_turn_release(&turn);
    buf_release(&record);
}

static void test_cards(void)
{
    struct token_process *p = start();
    if (!p) return;
    make_card(p, 3);
    make_card(p, 2);
    make_card(p, 3);
    token_process_free(p);
}

/* A record that is wrong is an outcome, and the next one is made. */
static void test_wrong_record(void)
{
    struct token_process *p = start();
    struct card_turn turn;
    struct buf record;
    if (!p) return;
    put_record(&record, &(struct stage_record){.wrong_kcv = true});
    const struct card_order order = {.record = record.data, .len = record.len};
    card_turn_init(&turn);
    EXPECT_OK(token_process_begin(p, &order, &turn, &err));
    CU_ASSERT_TRUE(turn.done);
    CU_ASSERT_EQUAL(turn.outcome, CARD_UNTOUCHED);
    CU_ASSERT_EQUAL(turn.err.kind, ERR_INTEGRITY);
    CU_ASSERT_PTR_NOT_NULL(strstr(turn.err.text, "secret KDU"));
    EXPECT_FAIL(token_process_answer(p, (const uint8_t *)"\x90\x00", 2, &turn, &err), ERR_INTERNAL,
                "no card is under way");
    card_turn_release(&turn);
    buf_release(&record);
    make_card(p, 3);
    token_process_free(p);
}

static void test_pulled(void)
{
    struct token_process *p = start();
    struct plastic card;
    struct card_turn turn;
    struct buf record;
    static const uint8_t challenge[8] = {9, 8, 7, 6, 5, 4, 3, 2};
    if (!p) return;
    put_record(&record, &(struct stage_record){.protocol = 3});
    const struct card_order order = {
        .record = record.data, .len = record.len, .tries = 1, .challenge = challenge};
    for (size_t at = 1; at < 12; at += 5) {
        stage_card(&card, 3, 0x70, STAGE_KVN_AES);
        card.fail_at = at;
        card_turn_init(&turn);
        EXPECT_OK(token_process_begin(p, &order, &turn, &err));
        drive(p, &card, &turn);
        CU_ASSERT_TRUE(turn.done);
        CU_ASSERT_EQUAL(turn.outcome, at < 7 ? CARD_UNTOUCHED : CARD_HALF_DONE);
        if (at > 2) CU_ASSERT_TRUE(bytes_equal(card.host, 8, challenge, 8)); /* --script */
        card_turn_release(&turn);
    }
    /* a new order ends the one before */
    card_turn_init(&turn);
    EXPECT_OK(token_process_begin(p, &order, &turn, &err));
    EXPECT_OK(token_process_begin(p, &order, &turn, &err));
    CU_ASSERT_FALSE(turn.done);
    card_turn_release(&turn);
    buf_release(&record);
    token_process_free(p);
}

static void test_dry_run(void)
{
    struct token_process *p = start();
    struct card_turn turn;
    struct buf record;
    if (!p) return;
    put_record(&record, &(struct stage_record){.protocol = 3});
    const struct card_order order = {.record = record.data, .len = record.len, .purpose = PURPOSE_DESCRIBE};
    card_turn_init(&turn);
    EXPECT_OK(token_process_begin(p, &order, &turn, &err));
    CU_ASSERT_TRUE(turn.done && turn.outcome == CARD_UNTOUCHED && turn.err.kind == ERR_NONE);
    const char *text = buf_text(&turn.command);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "DGI 8201: secret card-key"));
    card_turn_release(&turn);
    buf_release(&record);
    token_process_free(p);
}

/* To a card with SCP03. */
static const struct way *find_way(const struct ways *ways, const char *secret)
{
    for (size_t i = 0; i < ways->count; i++) {
        if (ways->rows[i].aes && strcmp(ways->rows[i].secret, secret) == 0) return &ways->rows[i];
    }
    return NULL;
}

static void test_check(void)
{
    struct token_process *p = start();
    struct buf right, wrong, job;
    if (!p) return;
    put_record(&right, &(struct stage_record){.protocol = 3});
    put_record(&wrong, &(struct stage_record){.wrong_kcv = true});
    EXPECT_OK(token_process_check(p, right.data, right.len, false, &err));
    EXPECT_FAIL(token_process_check(p, wrong.data, wrong.len, false, &err), ERR_INTEGRITY, "secret KDU");
    right.data[40] ^= 1; /* some byte of CARD: only SEAL's MAC covers it as it is still well-formed */
    err_clear(&err);
    bool accepted = token_process_check(p, right.data, right.len, false, &err);
    CU_ASSERT_FALSE(accepted);
    right.data[40] ^= 1;
    for (int other = 0; other < 2; other++) {
        buf_init(&job, 65536);
        stage_put_job(&job, other == 1);
        if (other)
            EXPECT_FAIL(token_process_file(p, job.data, job.len, &err), ERR_INTEGRITY, "another check value");
        else
            EXPECT_OK(token_process_file(p, job.data, job.len, &err));
        EXPECT_OK(token_process_check(p, right.data, right.len, false, &err));
        buf_release(&job);
    }
    EXPECT_FAIL(token_process_file(p, right.data, right.len, &err), ERR_INPUT, "no group JOB");
    struct ways ways = {.count = 0};
    EXPECT_OK(token_process_ways(p, &ways, &err));
    const struct way *pair = find_way(&ways, "card-key");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pair);
    CU_ASSERT_EQUAL(pair->count, 3); /* of the records that were accepted */
    CU_ASSERT_PTR_NOT_NULL(strstr(pair->words, "named exception 1"));
    CU_ASSERT_PTR_NULL(strstr(find_way(&ways, "KDL")->words, "named exception 1"));
    ways_release(&ways);
    buf_release(&right);
    buf_release(&wrong);
    token_process_free(p);
}

/* MACs are left out with --keys-only, check values are not. */
static void test_keys_only(void)
{
    struct token_process *p = start();
    struct buf record;
    if (!p) return;
    put_record(&record, &(struct stage_record){.protocol = 3});
    record.data[record.len - 1] ^= 1; /* SEAL's MAC */
    EXPECT_FAIL(token_process_check(p, record.data, record.len, false, &err), ERR_INTEGRITY,
                "group SEAL: the MAC");
    EXPECT_OK(token_process_check(p, record.data, record.len, true, &err));
    buf_release(&record);
    token_process_free(p);
}

static void test_sign(void)
{
    struct token_process *p = start();
    struct buf signature, spkis, spki;
    uint8_t signer[32], hash[32];
    static const uint8_t data[] = "return file";
    if (!p) return;
    buf_init(&signature, 1024);
    buf_init(&spkis, 4096);
    buf_init(&spki, 4096);
    EXPECT_OK(token_process_sign(p, data, sizeof data, &signature, signer, &err));
    EXPECT_OK(token_process_signers(p, &spkis, &err));
    CU_ASSERT_TRUE_FATAL(spkis.len > 2 && bytes_be(spkis.data, 2) == spkis.len - 2);
    const struct public_key key = {&spkis.data[2], spkis.len - 2}; /* the stage trusts its own return key */
    EXPECT_OK(token_process_return_key(p, &spki, &err));
    CU_ASSERT_TRUE(bytes_equal(spki.data, spki.len, key.spki, key.len));
    EXPECT_OK(sha256(&spkis.data[2], spkis.len - 2, hash, &err));
    CU_ASSERT_TRUE(bytes_equal(signer, 32, hash, 32));
    EXPECT_OK(
        signature_verify(&key, SIGNATURE_RSA_SHA256, data, sizeof data, signature.data, signature.len, &err));
    buf_release(&signature);
    buf_release(&spki);
    buf_release(&spkis);
    token_process_free(p);
}

static void test_start_refused(void)
{
    struct token_process *p = NULL;
    static char nowhere[] = "file:/nonexistent/pin", other[] = "nobody";
    struct bureau with = settings;
    with.token.pin = nowhere;
    EXPECT_FAIL(token_process_start(&p, &with, &err), ERR_TOKEN, "/nonexistent/pin");
    with = settings;
    with.return_label = other;
    EXPECT_FAIL(token_process_start(&p, &with, &err), ERR_TOKEN, "nobody");
    CU_ASSERT_PTR_NULL(p);
}

/* The settings' own source is not asked. */
static void test_pin_through_a_pipe(void)
{
    static char nowhere[] = "file:/nonexistent/pin", typed[] = "fd:99";
    struct bureau with = settings;
    struct secret pin = SECRET_NONE, wrong = SECRET_NONE;
    int fd = -1;
    with.token.pin = nowhere;
    EXPECT_OK(pin_once_get(&pin, &with, &err)); /* every process fetches it itself */
    CU_ASSERT_PTR_NULL(pin.data);
    EXPECT_OK(pin_once_pipe(&pin, &fd, &err));
    CU_ASSERT_EQUAL(fd, -1);
    EXPECT_OK(secret_copy(&pin, SOFTTOKEN_PIN, strlen(SOFTTOKEN_PIN), &err));
    EXPECT_OK(secret_copy(&wrong, "wrong", 5, &err));
    for (int i = 0; i < 2; i++) {
        struct token_process *p = NULL;
        EXPECT_OK(pin_once_pipe(i ? &wrong : &pin, &fd, &err));
        if (i)
            EXPECT_FAIL(token_process_start_with(&p, &with, fd, &err), ERR_TOKEN, "CKR_PIN_INCORRECT");
        else
            EXPECT_OK(token_process_start_with(&p, &with, fd, &err));
        CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
        token_process_free(p);
        err_clear(&err);
    }
    with.token.pin = typed;
    struct secret none = SECRET_NONE;
    EXPECT_FAIL(pin_once_get(&none, &with, &err), ERR_TOKEN, "PIN from file descriptor 99");
    CU_ASSERT_PTR_NULL(none.data);
    secret_release(&pin);
    secret_release(&wrong);
}

/* One process alone reads it from the descriptor before it closes all. */
static void test_pin_from_a_descriptor(void)
{
    static char source[16];
    struct bureau with = settings;
    struct token_process *p = NULL;
    int fd = open(strchr(settings.token.pin, '/'), O_RDONLY);
    CU_ASSERT_TRUE_FATAL(fd > 2);
    snprintf(source, sizeof source, "fd:%d", fd);
    with.token.pin = source;
    EXPECT_OK(token_process_start(&p, &with, &err));
    token_process_free(p);
    close(fd);
}

static void test_dies(void)
{
    struct token_process *p = start();
    struct card_turn turn;
    struct buf record;
    char path[64], line[256];
    int child = 0;
    if (!p) return;
    put_record(&record, &(struct stage_record){.protocol = 3});
    const struct card_order order = {.record = record.data, .len = record.len, .tries = 1};
    card_turn_init(&turn);
    EXPECT_OK(token_process_begin(p, &order, &turn, &err));
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof line, f)) child = atoi(line); /* NOLINT */
    if (f) fclose(f);
    if (child > 0) {
        kill(child, SIGKILL);
        EXPECT_FAIL(token_process_answer(p, (const uint8_t *)"\x90\x00", 2, &turn, &err), ERR_TOKEN,
                    "the token process has ended");
        CU_ASSERT_EQUAL(turn.outcome, CARD_HALF_DONE);
        EXPECT_FAIL(token_process_check(p, record.data, record.len, false, &err), ERR_TOKEN, "has ended");
    }
    card_turn_release(&turn);
    buf_release(&record);
    token_process_free(p);
}

static const struct test_case cases[] = {
    {"three cards over both protocols", test_cards},
    {"a wrong record is an outcome", test_wrong_record},
    {"a card that is pulled out; a given challenge", test_pulled},
    {"dry run", test_dry_run},
    {"records checked, with and without JOB", test_check},
    {"keys only", test_keys_only},
    {"signing and trusted signers", test_sign},
    {"what refuses to start", test_start_refused},
    {"a PIN through a pipe", test_pin_through_a_pipe},
    {"a PIN from a descriptor", test_pin_from_a_descriptor},
    {"a token process that is killed", test_dies},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    stage_settings(&settings, &soft);
    int status = ready ? suite_run("bureau/token_process", cases, SUITE_COUNT(cases)) : 1;
    stage_end();
    softtoken_stop(&soft);
    return status;
}
