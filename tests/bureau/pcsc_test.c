/* The PC/SC driver on a real service with virtual readers. */
#include "bureau/pcsc.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card_service.h"
#include "suite.h"
#include "vpcd_card.h"

enum { PATIENCE_MS = 10000 };
static struct card_service service;

static struct pcsc *open_service(void)
{
    struct err err = ERR_INIT;
    struct pcsc *p = NULL;
    EXPECT_OK(pcsc_open(&p, PATIENCE_MS, &err));
    return p;
}

static enum pcsc_event await(struct pcsc *p, size_t reader, enum pcsc_until until, int timeout_ms)
{
    struct err err = ERR_INIT;
    enum pcsc_event event = PCSC_CANCELED;
    const struct pcsc_wait wait = {service.readers[reader], until, -1, timeout_ms};
    EXPECT_OK(pcsc_wait(p, &wait, &event, &err));
    return event;
}

static struct pcsc *open_card(size_t reader, struct vpcd_card *card, const struct vpcd_script *script,
                              struct pcsc_card *info)
{
    struct err err = ERR_INIT;
    enum pcsc_event event = PCSC_CANCELED;
    struct pcsc *p = open_service();
    CU_ASSERT_EQUAL(await(p, reader, PCSC_UNTIL_READER, PATIENCE_MS), PCSC_CARD_OUT);
    CU_ASSERT_TRUE(vpcd_card_insert(card, service.ports[reader], script));
    CU_ASSERT_EQUAL(await(p, reader, PCSC_UNTIL_IN, PATIENCE_MS), PCSC_CARD_IN);
    EXPECT_OK(pcsc_connect(p, service.readers[reader], info, &event, &err));
    CU_ASSERT_EQUAL(event, PCSC_CARD_IN);
    return p;
}

static void close_card(struct pcsc *p, size_t reader, struct vpcd_card *card)
{
    vpcd_card_release(card);
    CU_ASSERT_EQUAL(await(p, reader, PCSC_UNTIL_OUT, PATIENCE_MS), PCSC_CARD_OUT);
    pcsc_free(p);
}

static enum pcsc_fate transmit(struct pcsc *p, const void *command, size_t len, struct buf *answer)
{
    struct err err = ERR_INIT;
    enum pcsc_fate fate = PCSC_SILENT;
    EXPECT_OK(pcsc_transmit(p, command, len, answer, &fate, &err));
    return fate;
}

static void test_readers_are_found_by_pattern(void)
{
    struct err err = ERR_INIT;
    struct pcsc_readers readers;
    struct pcsc *p = open_service();
    const char *second[] = {"* 00 01"}, *none[] = {"Gem*"}, *two[] = {"Virtual PCD 0 00 00", "*1 00 00"};
    CU_ASSERT_EQUAL(await(p, 3, PCSC_UNTIL_READER, PATIENCE_MS), PCSC_CARD_OUT);
    EXPECT_OK(pcsc_list(p, NULL, 0, &readers, &err));
    CU_ASSERT_EQUAL(readers.count, 4);
    EXPECT_OK(pcsc_list(p, second, 1, &readers, &err));
    CU_ASSERT_EQUAL(readers.count, 2);
    CU_ASSERT_STRING_EQUAL(readers.names[0], "Virtual PCD 0 00 01");
    CU_ASSERT_STRING_EQUAL(readers.names[1], "Virtual PCD 1 00 01");
    EXPECT_OK(pcsc_list(p, two, 2, &readers, &err));
    CU_ASSERT_EQUAL(readers.count, 2);
    EXPECT_OK(pcsc_list(p, none, 1, &readers, &err));
    CU_ASSERT_EQUAL(readers.count, 0);
    pcsc_free(p);
}

static void test_card_answers(void)
{
    struct pcsc_card info;
    struct vpcd_card card;
    struct buf answer;
    const struct vpcd_script script = {.atr = NULL};
    const uint8_t command[] = {0x80, 0xE2, 0x00, 0x01, 0x03, 0x0A, 0x0B, 0x0C};
    struct pcsc *p = open_card(0, &card, &script, &info);

    buf_init(&answer, PCSC_ANSWER_MAX);
    CU_ASSERT_EQUAL(info.atr_len, 9);
    CU_ASSERT_EQUAL(info.atr[0], 0x3B);
    CU_ASSERT_FALSE(info.t0);
    CU_ASSERT_TRUE(info.extended);
    CU_ASSERT_EQUAL(transmit(p, command, sizeof(command), &answer), PCSC_ANSWERED);
    CU_ASSERT_EQUAL(answer.len, sizeof(command) + 2);
    CU_ASSERT_EQUAL(memcmp(answer.data, command, sizeof(command)), 0);
    buf_release(&answer);
    close_card(p, 0, &card);
}

static void test_extended_length(void)
{
    struct pcsc_card info;
    struct vpcd_card card;
    struct buf answer, command;
    const struct vpcd_script script = {.atr = NULL};
    struct pcsc *p = open_card(0, &card, &script, &info);

    buf_init(&answer, PCSC_ANSWER_MAX);
    buf_init(&command, PCSC_ANSWER_MAX);
    buf_put(&command, "\x80\xE2\x00\x00\x00\x75\x30", 7);
    buf_put_fill(&command, 0x5A, 30000);
    CU_ASSERT_EQUAL(transmit(p, command.data, command.len, &answer), PCSC_ANSWERED);
    CU_ASSERT_EQUAL(answer.len, command.len + 2);
    buf_release(&answer);
    buf_release(&command);
    close_card(p, 0, &card);
}

/* T=0: what stands on the line, as the card sees it. */
static size_t t0_card(void *context, const uint8_t *command, size_t len, uint8_t *answer)
{
    (void)context;
    if (command[1] == 0xC0) { /* GET RESPONSE: the three bytes that wait */
        bool right = len == 5 && command[0] == 0x00 && command[4] == 3;
        memcpy(answer, right ? "\x01\x02\x03\x90\x00" : "\x6D\x00", right ? 5 : 2);
        return right ? 5 : 2;
    }
    if (command[1] == 0xCA) { /* GET DATA: wants its exact length */
        bool right = len == 5 && command[4] == 4;
        memcpy(answer, right ? "\x0A\x0B\x0C\x0D\x90\x00" : "\x6C\x04", right ? 6 : 2);
        return right ? 6 : 2;
    }
    memcpy(answer, len == 5 + (size_t)command[4] ? "\x61\x03" : "\x67\x00", 2); /* no Le behind the data */
    return 2;
}

static void test_t0(void)
{
    static const uint8_t atr[] = {0x3B, 0x00};
    struct pcsc_card info;
    struct vpcd_card card;
    struct buf answer;
    const struct vpcd_script script = {.atr = atr, .atr_len = sizeof(atr), .answer = t0_card};
    struct pcsc *p = open_card(0, &card, &script, &info);

    buf_init(&answer, PCSC_ANSWER_MAX);
    CU_ASSERT_TRUE(info.t0);
    CU_ASSERT_FALSE(info.extended);
    CU_ASSERT_EQUAL(transmit(p, "\x84\x50\x00\x00\x02\xAA\xBB\x00", 8, &answer), PCSC_ANSWERED);
    CU_ASSERT_TRUE(bytes_equal(answer.data, answer.len, "\x01\x02\x03\x90\x00", 5));
    CU_ASSERT_EQUAL(transmit(p, "\x80\xCA\x00\x66\x00", 5, &answer), PCSC_ANSWERED);
    CU_ASSERT_TRUE(bytes_equal(answer.data, answer.len, "\x0A\x0B\x0C\x0D\x90\x00", 6));
    buf_release(&answer);
    close_card(p, 0, &card);
}

static void test_pulled_at_a_command(void)
{
    struct pcsc_card info;
    struct vpcd_card card;
    struct buf answer;
    const struct vpcd_script script = {.pull_at = 2};
    struct pcsc *p = open_card(1, &card, &script, &info);

    buf_init(&answer, PCSC_ANSWER_MAX);
    CU_ASSERT_EQUAL(transmit(p, "\x80\xE2\x00\x00", 4, &answer), PCSC_ANSWERED);
    CU_ASSERT_EQUAL(transmit(p, "\x80\xE2\x00\x00", 4, &answer), PCSC_PULLED);
    CU_ASSERT_EQUAL(answer.len, 0);
    enum pcsc_fate later = transmit(p, "\x80\xE2\x00\x00", 4, &answer);
    CU_ASSERT_TRUE(later != PCSC_ANSWERED && answer.len == 0);
    buf_release(&answer);
    close_card(p, 1, &card);
}

static void test_empty_reader_and_mute_card(void)
{
    struct err err = ERR_INIT;
    struct pcsc_card info;
    struct vpcd_card card;
    enum pcsc_event event = PCSC_CANCELED;
    static const uint8_t noise[] = {0xFF, 0xFF};
    const struct vpcd_script mute = {.atr = noise, .atr_len = sizeof(noise)};
    struct pcsc *p = open_service();

    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_READER, PATIENCE_MS), PCSC_CARD_OUT);
    EXPECT_OK(pcsc_connect(p, service.readers[0], &info, &event, &err));
    CU_ASSERT_EQUAL(event, PCSC_CARD_OUT);
    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_IN, 1), PCSC_TIMEOUT);
    EXPECT_OK(pcsc_connect(p, "no such reader", &info, &event, &err));
    CU_ASSERT_EQUAL(event, PCSC_READER_GONE);
    CU_ASSERT_TRUE(vpcd_card_insert(&card, service.ports[0], &mute));
    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_IN, PATIENCE_MS),
                    PCSC_CARD_IN); /* that it is mute is found by connecting */
    EXPECT_OK(pcsc_connect(p, service.readers[0], &info, &event, &err));
    CU_ASSERT_EQUAL(event, PCSC_CARD_MUTE);
    close_card(p, 0, &card);
}

static void test_waiting_can_be_ended(void)
{
    struct err err = ERR_INIT;
    enum pcsc_event event = PCSC_TIMEOUT;
    struct pcsc *p = open_service();
    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_READER, PATIENCE_MS), PCSC_CARD_OUT);
    int fd = eventfd(1, EFD_CLOEXEC);
    const struct pcsc_wait wait = {service.readers[0], PCSC_UNTIL_IN, fd, -1};
    EXPECT_OK(pcsc_wait(p, &wait, &event, &err));
    CU_ASSERT_EQUAL(event, PCSC_CANCELED);
    close(fd);
    pcsc_free(p);
}

/* Another client shares the card, and resets it as soon as it may. */
static int disturb(int go)
{
    struct err err = ERR_INIT;
    struct pcsc *p = NULL;
    struct pcsc_card info;
    enum pcsc_event event = PCSC_CANCELED;
    char byte;
    bool ok = read(go, &byte, 1) == 1 && pcsc_open(&p, PATIENCE_MS, &err) &&
              pcsc_connect(p, service.readers[0], &info, &event, &err) && event == PCSC_CARD_IN;
    pcsc_free(p);
    return ok ? 0 : 1;
}

static void test_card_is_held_against_others(void)
{
    struct pcsc_card info;
    struct vpcd_card card;
    struct buf answer;
    int go[2], status = 1;
    const struct vpcd_script script = {.atr = NULL};
    CU_ASSERT_EQUAL(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) _exit(disturb(go[0]));
    struct pcsc *p = open_card(0, &card, &script, &info);

    buf_init(&answer, PCSC_ANSWER_MAX);
    unsigned resets = card.seen->resets;
    CU_ASSERT_EQUAL(write(go[1], "g", 1), 1);
    for (int i = 0; i < 200; i++) /* the other one waits for its turn */
        CU_ASSERT_EQUAL(transmit(p, "\x80\xE2\x00\x00", 4, &answer), PCSC_ANSWERED);
    CU_ASSERT_EQUAL(card.seen->resets, resets);
    pcsc_disconnect(p);
    CU_ASSERT_TRUE(waitpid(pid, &status, 0) == pid && status == 0);
    buf_release(&answer);
    close(go[0]);
    close(go[1]);
    close_card(p, 0, &card);
}

static void test_service_goes_and_comes_back(void)
{
    struct err err = ERR_INIT;
    struct pcsc_card info;
    struct vpcd_card card;
    struct buf answer;
    enum pcsc_event event = PCSC_CANCELED;
    const struct vpcd_script script = {.atr = NULL};
    struct pcsc *p = open_card(0, &card, &script, &info);

    buf_init(&answer, PCSC_ANSWER_MAX);
    card_service_halt(&service);
    vpcd_card_await(&card);
    CU_ASSERT_EQUAL(transmit(p, "\x80\xE2\x00\x00", 4, &answer), PCSC_STOPPED);
    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_IN, PATIENCE_MS), PCSC_SERVICE_GONE);
    EXPECT_FAIL(pcsc_reopen(p, 0, &err), ERR_FILE, "smart card service is not there");
    CU_ASSERT_TRUE(card_service_resume(&service));
    err_clear(&err);
    EXPECT_OK(pcsc_reopen(p, PATIENCE_MS, &err));
    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_READER, PATIENCE_MS), PCSC_CARD_OUT);
    vpcd_card_release(&card);
    CU_ASSERT_TRUE(vpcd_card_insert(&card, service.ports[0], &script));
    CU_ASSERT_EQUAL(await(p, 0, PCSC_UNTIL_IN, PATIENCE_MS), PCSC_CARD_IN);
    EXPECT_OK(pcsc_connect(p, service.readers[0], &info, &event, &err));
    CU_ASSERT_EQUAL(transmit(p, "\x80\xE2\x00\x00", 4, &answer), PCSC_ANSWERED);
    buf_release(&answer);
    close_card(p, 0, &card);
}

static void test_wrong_commands_are_refused(void)
{
    struct err err = ERR_INIT;
    struct buf answer;
    enum pcsc_fate fate;
    struct pcsc *p = open_service();
    buf_init(&answer, PCSC_ANSWER_MAX);
    EXPECT_FAIL(pcsc_transmit(p, (const uint8_t *)"\x00\xA4\x04\x00", 4, &answer, &fate, &err), ERR_INTERNAL,
                "no card is connected");
    buf_release(&answer);
    pcsc_free(p);
}

static const struct test_case cases[] = {
    {"readers are found by pattern", test_readers_are_found_by_pattern},
    {"a card answers", test_card_answers},
    {"extended length", test_extended_length},
    {"T=0: third case, GET RESPONSE, corrected Le", test_t0},
    {"pulled at a command", test_pulled_at_a_command},
    {"empty reader, no reader, mute card", test_empty_reader_and_mute_card},
    {"waiting can be ended", test_waiting_can_be_ended},
    {"a card is held against others", test_card_is_held_against_others},
    {"the service goes and comes back", test_service_goes_and_comes_back},
    {"wrong commands are refused", test_wrong_commands_are_refused},
};

int main(void)
{
    if (!card_service_enter()) return 77;
    if (!card_service_start(&service, 4)) return 1;
    int status = suite_run("bureau/pcsc", cases, SUITE_COUNT(cases));
    card_service_stop(&service);
    return status;
}
