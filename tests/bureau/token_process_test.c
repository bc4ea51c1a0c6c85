/* The token process as its parent sees it: cards made, records refused, and what the parent does not have. */
#include "bureau/token_process.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "bureau/message.h"
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
    const struct card_order order = {.record = record.data, .len = record.len, .dry_run = true};
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
    struct buf signature, spkis;
    uint8_t signer[32], hash[32];
    static const uint8_t data[] = "return file";
    if (!p) return;
    buf_init(&signature, 1024);
    buf_init(&spkis, 4096);
    EXPECT_OK(token_process_sign(p, data, sizeof data, &signature, signer, &err));
    EXPECT_OK(token_process_signers(p, &spkis, &err));
    CU_ASSERT_TRUE_FATAL(spkis.len > 2 && bytes_be(spkis.data, 2) == spkis.len - 2);
    const struct public_key key = {&spkis.data[2], spkis.len - 2}; /* the stage trusts its own return key */
    EXPECT_OK(sha256(&spkis.data[2], spkis.len - 2, hash, &err));
    CU_ASSERT_TRUE(bytes_equal(signer, 32, hash, 32));
    EXPECT_OK(
        signature_verify(&key, SIGNATURE_RSA_SHA256, data, sizeof data, signature.data, signature.len, &err));
    buf_release(&signature);
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

/* ---- what the parent has ---- */

static bool holds(const uint8_t *memory, size_t len, const uint8_t *value, size_t value_len)
{
    for (size_t i = 0; i + value_len <= len; i++) {
        if (memory[i] == value[0] && memcmp(&memory[i], value, value_len) == 0) return true;
    }
    return false;
}

/* Counts the writable mappings of a process that hold the value, its own copy included. */
static size_t count_in(pid_t pid, const uint8_t *value, size_t len)
{
    char path[64], line[512];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    FILE *mem = fopen(path, "r");
    while (maps && mem && fgets(line, sizeof line, maps)) {
        unsigned long begin = 0, end = 0;
        char mode[8] = "";
        if (sscanf(line, "%lx-%lx %7s", &begin, &end, mode) != 3 || strncmp(mode, "rw", 2) != 0) continue;
        if (end - begin > 64UL << 20) continue; /* the sanitizer's shadow */
        uint8_t *copy = malloc(end - begin);
        if (copy && fseek(mem, (long)begin, SEEK_SET) == 0 && fread(copy, 1, end - begin, mem) == end - begin)
            count += holds(copy, end - begin, value, len);
        free(copy);
    }
    if (maps) fclose(maps);
    if (mem) fclose(mem);
    return count;
}

/* This program again, as the parent of a token process, so that the test's own remains of the keys are not in it: it gets a record and
 * the card's answers over a socket. At the end it waits to be looked through. */
static void play_parent(int fd)
{
    struct token_process *p = NULL;
    struct card_turn turn;
    struct err e = ERR_INIT;
    struct buf record, answer;
    enum message_type type = MESSAGE_DONE;
    bool closed = false;
    buf_init(&record, 200000);
    buf_init(&answer, 1024);
    card_turn_init(&turn);
    bool ok = message_receive(fd, &type, &record, -1, &closed, &e);
    const struct card_order order = {.record = record.data, .len = record.len, .tries = 1};
    ok = ok && token_process_start(&p, &settings, &e) && token_process_begin(p, &order, &turn, &e);
    while (ok && !turn.done) {
        ok = message_send(fd, MESSAGE_ANSWER, &turn.command, &e) &&
             message_receive(fd, &type, &answer, -1, &closed, &e) && !closed &&
             token_process_answer(p, answer.data, answer.len, &turn, &e);
    }
    if (!ok || turn.outcome != CARD_MADE) fprintf(stderr, "%s %s\n", e.text, turn.err.text);
    buf_clear(&answer);
    buf_put_u8(&answer, ok && turn.outcome == CARD_MADE);
    if (message_send(fd, MESSAGE_DONE, &answer, &e)) pause();
    _exit(0);
}

static pid_t start_parent(int fd)
{
    char number[16], kind[16];
    snprintf(number, sizeof number, "%d", fd);
    snprintf(kind, sizeof kind, "%d", (int)soft.kind);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "parent", number, kind, soft.folder, soft.module, soft.parameters,
              (char *)NULL);
        _exit(1);
    }
    return pid;
}

static int be_parent(char **argv)
{
    struct err e = ERR_INIT;
    soft.kind = argv[2][0] == '0' ? SOFTTOKEN_SOFTHSM : SOFTTOKEN_NSS;
    snprintf(soft.folder, sizeof soft.folder, "%s", argv[3]);
    snprintf(soft.module, sizeof soft.module, "%s", argv[4]);
    snprintf(soft.parameters, sizeof soft.parameters, "%s", argv[5]);
    if (!secret_start(&e)) return 1;
    stage_settings(&settings, &soft);
    play_parent((int)strtol(argv[1], NULL, 10));
    return 0;
}

static const uint8_t *const secret_values[] = {stage_kek, stage_kmc_tdes, stage_kmc_aes, stage_mac_key,
                                               stage_kdl, stage_kdu,      stage_mkac,    stage_own};

/* Drives the card until the parent says that it has ended. */
static bool drive_over(int fd, struct plastic *card)
{
    struct buf command, answer;
    bool closed = false, made = false;
    enum message_type type = MESSAGE_ANSWER;
    buf_init(&command, 1024);
    buf_init(&answer, 1024);
    while (!closed && type != MESSAGE_DONE) {
        uint8_t out[PLASTIC_ANSWER];
        EXPECT_OK(message_receive(fd, &type, &command, 60000, &closed, &err));
        if (closed || type == MESSAGE_DONE) break;
        size_t len = plastic_command(card, command.data, command.len, out);
        buf_clear(&answer);
        buf_put(&answer, out, len);
        EXPECT_OK(message_send(fd, MESSAGE_ANSWER, &answer, &err));
    }
    made = command.len == 1 && command.data[0] == 1;
    buf_release(&command);
    buf_release(&answer);
    return made;
}

static void test_parent_memory(void)
{
    int ends[2];
    struct plastic card;
    struct buf record;
    put_record(&record, &(struct stage_record){.protocol = 3});
    stage_card(&card, 3, 0x70, STAGE_KVN_AES);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t pid = start_parent(ends[1]);
    EXPECT_OK(message_send(ends[0], MESSAGE_BEGIN, &record, &err));
    CU_ASSERT_TRUE(drive_over(ends[0], &card));
    for (size_t i = 0; i < SUITE_COUNT(secret_values); i++) {
        size_t found = count_in(pid, secret_values[i], 16);
        if (found > 0) fprintf(stderr, "value %zu is in %zu places\n", i, found);
        CU_ASSERT_EQUAL(found, 0);
    }
    const uint8_t *const session[] = {card.s_enc,    card.s_mac,    card.s_rmac,
                                      card.keys.enc, card.keys.mac, card.keys.dek};
    for (size_t i = 0; i < SUITE_COUNT(session); i++)
        CU_ASSERT_EQUAL(count_in(pid, session[i], 16), 0);
    /* The search does find what the parent has: a part of the record. */
    CU_ASSERT_TRUE(count_in(pid, &record.data[100], 16) > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    buf_release(&record);
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
    {"the parent's memory holds no key", test_parent_memory},
    {"a token process that is killed", test_dies},
};

int main(int argc, char **argv)
{
    if (argc == 6) return be_parent(argv);
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    stage_settings(&settings, &soft);
    int status = ready ? suite_run("bureau/token_process", cases, SUITE_COUNT(cases)) : 1;
    stage_end();
    softtoken_stop(&soft);
    return status;
}
