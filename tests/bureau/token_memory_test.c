/* What the parent of a token process does not have: its memory is searched for every key of a card made. */
#include "bureau/token_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bureau/message.h"
#include "bureau/pin_once.h"
#include "stage.h"
#include "suite.h"

static struct softtoken soft;
static struct err err;
static struct bureau settings;

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

/* A PIN that stands nowhere by chance; it is wrong, so that the token refuses it. */
#define TELLING_PIN "q7w0e8r9t6z"

/* The PIN comes from a descriptor, once, as for several processes. */
static bool start_with_pin(const char *file, struct token_process **p, struct err *e)
{
    static char source[16];
    struct bureau with = settings;
    struct secret pin = SECRET_NONE;
    int pin_fd = -1, fd = open(file, O_RDONLY | O_CLOEXEC);
    snprintf(source, sizeof source, "fd:%d", fd);
    with.token.pin = source;
    bool ok = pin_once_get(&pin, &with, e) && pin_once_pipe(&pin, &pin_fd, e);
    secret_release(&pin);
    close(fd);
    return ok && token_process_start_with(p, &with, pin_fd, e);
}

static const char *telling_file(void)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/telling", soft.folder);
    return path;
}

static bool start_both(struct token_process **p, struct err *e)
{
    bool refused = !start_with_pin(telling_file(), p, e) && strstr(e->text, "CKR_PIN_INCORRECT");
    err_clear(e);
    return refused && start_with_pin(strchr(settings.token.pin, '/'), p, e);
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
    ok = ok && start_both(&p, &e) && token_process_begin(p, &order, &turn, &e);
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
    buf_init(&record, 200000);
    stage_put_record(&record, &(struct stage_record){.protocol = 3});
    stage_card(&card, 3, 0x70, STAGE_KVN_AES);
    FILE *f = fopen(telling_file(), "w");
    CU_ASSERT_TRUE(f && fputs(TELLING_PIN "\n", f) >= 0);
    if (f) fclose(f);
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
    CU_ASSERT_EQUAL(count_in(pid, (const uint8_t *)TELLING_PIN, strlen(TELLING_PIN)), 0);
    /* The search does find what the parent has: a part of the record. */
    CU_ASSERT_TRUE(count_in(pid, &record.data[100], 16) > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    buf_release(&record);
}

static const struct test_case cases[] = {
    {"the parent's memory holds no key and no PIN", test_parent_memory},
};

int main(int argc, char **argv)
{
    if (argc == 6) return be_parent(argv);
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    stage_settings(&settings, &soft);
    int status = ready ? suite_run("bureau/token_memory", cases, SUITE_COUNT(cases)) : 1;
    stage_end();
    softtoken_stop(&soft);
    return status;
}
