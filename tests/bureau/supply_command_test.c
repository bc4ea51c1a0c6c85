/* cardbureau supply, the command: blank cards in a virtual reader of a real service, keys in a token. */
#include "bureau/commands/commands.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card_service.h"
#include "plastic_cipher.h"
#include "stage.h"
#include "suite.h"
#include "vpcd_card.h"

enum { CARDS = 8, WORDS_MAX = 16 };

static struct softtoken soft;
static struct card_service service;
static char settings[256], list[256], said_path[256], said[1 << 14];
/* What the cards are, shared between the processes of a test. */
struct tray {
    struct plastic cards[CARDS];
    size_t done_at[CARDS]; /* commands after which it leaves the reader */
};
static struct tray *tray;

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) close(fd);
    return ok;
}

static void put_kcv(bool aes, char text[11])
{
    static const uint8_t zeros[16];
    uint8_t kcv[16];
    if (aes)
        plastic_cmac(stage_kmc_aes, 16, zeros, 16, kcv);
    else
        plastic_tdes_ecb(true, stage_kmc_tdes, zeros, 8, kcv);
    for (size_t i = 0; i < (aes ? 5 : 3); i++)
        snprintf(&text[2 * i], 3, "%02X", kcv[i]);
}

static bool write_settings(int protocol)
{
    const bool aes = protocol == 3;
    char text[2048], kcv[11];
    put_kcv(aes, kcv);
    snprintf(text, sizeof text,
             "supplier: test\ntest: yes\n"
             "token: {module: %s, label: bureau, pin: \"file:pin\"}\n"
             "kmc: {name: KMC, version: %d, algorithm: %s, label: KMC-%d, kcv: \"%s\"}\n"
             "blank_keys: {key_version: 255, keys: gp-test}\n"
             "readers: [\"Virtual PCD 0 00 00\"]\n",
             soft.module, aes ? 2 : 1, aes ? "aes128, method: kmc-aes" : "des2, method: kmc-cps", aes ? 2 : 1,
             kcv);
    return write_text(settings, text);
}

static bool set_up(void)
{
    char pin[256];
    snprintf(settings, sizeof settings, "%s/supplier.yaml", soft.folder);
    snprintf(list, sizeof list, "%s/batch.csv", soft.folder);
    snprintf(said_path, sizeof said_path, "%s/said", soft.folder);
    snprintf(pin, sizeof pin, "%s/pin", soft.folder);
    return write_text(pin, SOFTTOKEN_PIN "\n") && write_settings(3);
}

/* ---- cards ---- */

static void blank_card(size_t i)
{
    struct plastic *p = &tray->cards[i];
    plastic_init(p, 3, 0x70);
    p->key_data[7] = (uint8_t)(i + 1);
    p->keys = (struct plastic_keys){.version = 255, .len = 16};
    for (uint8_t n = 0; n < 16; n++)
        p->keys.enc[n] = p->keys.mac[n] = p->keys.dek[n] = (uint8_t)(0x40 + n);
    tray->done_at[i] = 7;
}

static size_t answer(void *context, const uint8_t *command, size_t len, uint8_t out[VPCD_ANSWER_MAX])
{
    uint8_t bytes[PLASTIC_ANSWER];
    size_t n = plastic_command(context, command, len, bytes);
    memcpy(out, bytes, n);
    return n;
}

static bool leaves(void *context)
{
    const struct plastic *p = context;
    return p->commands >= tray->done_at[p - tray->cards];
}

static bool insert_at(size_t slot, struct vpcd_card *c, size_t i, unsigned pull_at)
{
    const struct vpcd_script script = {
        .answer = answer, .context = &tray->cards[i], .leaves = leaves, .pull_at = pull_at};
    return card_service_await_empty(&service, slot) && vpcd_card_insert(c, service.ports[slot], &script);
}

static bool insert(struct vpcd_card *c, size_t i, unsigned pull_at)
{
    return insert_at(0, c, i, pull_at);
}

/* ---- the command ---- */

static pid_t begin(const char *const *words)
{
    char *argv[WORDS_MAX], copies[WORDS_MAX][256];
    const char *const always[] = {"supply", "--settings", settings, "--batch", list};
    int argc = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) return pid;
    for (size_t i = 0; i < SUITE_COUNT(always); i++)
        snprintf(copies[argc++], 256, "%s", always[i]);
    for (; *words; words++)
        snprintf(copies[argc++], 256, "%s", *words);
    for (int i = 0; i < argc; i++)
        argv[i] = copies[i];
    argv[argc] = NULL;
    int fd = open(said_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    int status = supply_command.run(argc, argv);
    fflush(NULL);
    _exit(status);
}

static void read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, size - 1, f) : 0;
    text[n] = 0;
    if (f) fclose(f);
}

static void end(pid_t pid, int due, const char *words)
{
    int status = 0;
    waitpid(pid, &status, 0);
    read_text(said_path, said, sizeof said);
    const bool fits = WIFEXITED(status) && WEXITSTATUS(status) == due && strstr(said, words);
    if (!fits) fprintf(stderr, "status %d, not %d: %s\n", WEXITSTATUS(status), due, said);
    CU_ASSERT_TRUE(fits);
}

static void expect_listed(size_t count)
{
    char text[4096];
    size_t lines = 0;
    read_text(list, text, sizeof text);
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    CU_ASSERT_EQUAL(lines, count + 1);
}

/* ---- cases ---- */

static void test_three_cards(void)
{
    struct vpcd_card c;
    pid_t pid = begin((const char *[]){"--count", "3", NULL});
    for (size_t i = 0; i < 3; i++) {
        blank_card(i);
        CU_ASSERT_TRUE(insert(&c, i, 0));
        vpcd_card_await(&c);
        vpcd_card_release(&c);
    }
    end(pid, 0, "3 cards in ");
    expect_listed(3);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(tray->cards[i].keys.version, 2);
    end(begin((const char *[]){NULL}), 6, "exists: a batch list is made anew");
    unlink(list);
}

/* Pulled when it has its keys; then once more, and with --again. */
static void test_pulled(void)
{
    struct vpcd_card c;
    pid_t pid = begin((const char *[]){"--count", "1", NULL});
    blank_card(0);
    blank_card(1);
    CU_ASSERT_TRUE(insert(&c, 0, 5));
    vpcd_card_await(&c);
    vpcd_card_release(&c);
    CU_ASSERT_TRUE(insert(&c, 1, 0));
    vpcd_card_await(&c);
    vpcd_card_release(&c);
    end(pid, 4, "1 cards did not get their keys");
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "is half-done and not listed"));
    expect_listed(1);
    CU_ASSERT_EQUAL(tray->cards[0].keys.version, 2);
    unlink(list);
    tray->cards[0].commands = 0;
    tray->done_at[0] = 3;
    pid = begin((const char *[]){"--count", "1", "--again", NULL});
    CU_ASSERT_TRUE(insert(&c, 0, 0));
    vpcd_card_await(&c);
    vpcd_card_release(&c);
    end(pid, 0, "card 123456789ABCDE011122 has its keys (1)");
    expect_listed(1);
    unlink(list);
}

/* Takes both cards out when they are done. */
static void await_both(struct vpcd_card cards[2])
{
    for (size_t slot = 0; slot < 2; slot++) {
        vpcd_card_await(&cards[slot]);
        vpcd_card_release(&cards[slot]);
    }
}

/* Two readers at once; one ends early, and the other goes on. */
static void test_two_readers(void)
{
    struct vpcd_card c[2];
    pid_t pid = begin((const char *[]){"--count", "5", "--reader", "Virtual PCD 0 00 0*", NULL});
    for (size_t i = 0; i < 5; i++)
        blank_card(i);
    for (size_t i = 0; i < 4; i += 2) {
        CU_ASSERT_TRUE(insert_at(0, &c[0], i, 0) && insert_at(1, &c[1], i + 1, 0));
        await_both(c);
    }
    CU_ASSERT_TRUE(insert_at(1, &c[1], 4, 0));
    vpcd_card_await(&c[1]);
    vpcd_card_release(&c[1]);
    end(pid, 0, "5 cards in ");
    expect_listed(5);
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(tray->cards[i].keys.version, 2);
    unlink(list);
}

/* Of two cards with one number, whoever is first gets its keys; the other stays blank. */
static void test_one_number_in_two_readers(void)
{
    struct vpcd_card c[2];
    pid_t pid = begin((const char *[]){"--reader", "Virtual PCD 0 00 0*", NULL});
    blank_card(0);
    blank_card(1);
    tray->cards[1].key_data[7] = tray->cards[0].key_data[7];
    tray->done_at[0] = tray->done_at[1] = 2;
    CU_ASSERT_TRUE(insert_at(0, &c[0], 0, 0) && insert_at(1, &c[1], 1, 0));
    await_both(c);
    kill(pid, SIGTERM);
    end(pid, 130, "interrupted after 1 cards");
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "ready for cards in 'Virtual PCD 0 00 00', 'Virtual PCD 0 00 01'"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "is untouched and not listed"));
    CU_ASSERT_PTR_NULL(strstr(said, "card unknown"));
    CU_ASSERT_EQUAL(tray->cards[0].keys.version + tray->cards[1].keys.version, 255 + 2);
    expect_listed(1);
    unlink(list);
}

static void test_three_failures_end_it(void)
{
    struct vpcd_card c;
    pid_t pid = begin((const char *[]){NULL});
    for (size_t i = 0; i < 3; i++) {
        blank_card(i);
        tray->cards[i].keys.mac[0] ^= 1;
        tray->done_at[i] = 2;
        CU_ASSERT_TRUE(insert(&c, i, 0));
        vpcd_card_await(&c);
        vpcd_card_release(&c);
        CU_ASSERT_EQUAL(tray->cards[i].initialize_updates, 1);
    }
    end(pid, 5, "3 cards in a row did not get their keys");
    expect_listed(0);
    unlink(list);
}

static void test_interrupted(void)
{
    struct vpcd_card c;
    pid_t pid = begin((const char *[]){NULL});
    blank_card(0);
    CU_ASSERT_TRUE(insert(&c, 0, 0));
    vpcd_card_await(&c);
    vpcd_card_release(&c);
    kill(pid, SIGTERM);
    end(pid, 130, "interrupted after 1 cards");
    expect_listed(1);
    unlink(list);
}

static void test_usage(void)
{
    end(begin((const char *[]){"--settings", "/nonexistent.yaml", NULL}), 6, "/nonexistent.yaml");
    end(begin((const char *[]){"--reader", "Nobody *", NULL}), 6,
        "no reader is there whose name matches Nobody *");
    end(begin((const char *[]){"--help", NULL}), 0, "--again");
    CU_ASSERT_EQUAL(access(list, F_OK), -1);
}

/* ---- the software card ---- */

static pid_t softcard(const char *const *words)
{
    char *argv[WORDS_MAX], copies[WORDS_MAX][256];
    int argc = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; *words; words++, argc++) {
        snprintf(copies[argc], 256, "%s", *words);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    execv(TEST_BUILD_DIR "/card/softcard", argv);
    _exit(127);
}

static void supply_softcard(int protocol, const char *scp, const char *options)
{
    char state[256], port[16], text[1024];
    int status = 1;
    snprintf(state, sizeof state, "%s/card-%d-%s", soft.folder, protocol, options);
    snprintf(port, sizeof port, "%d", service.ports[0]);
    CU_ASSERT_TRUE(write_settings(protocol));
    pid_t pid = softcard((const char *[]){"softcard", "--new", "--state", state, "--serial", "00000021",
                                          "--scp", scp, "--i", options, "--kvn", "FF", NULL});
    waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_TRUE(card_service_await_empty(&service, 0));
    pid_t card = softcard((const char *[]){"softcard", "--state", state, "--port", port, NULL});
    end(begin((const char *[]){"--count", "1", NULL}), 0, "1 cards in ");
    read_text(list, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, protocol == 3 ? "\n00000021,00000000000000210000,2,2,"
                                                      : "\n00000021,00000000000000210000,1,1,"));
    unlink(list);
    end(begin((const char *[]){"--count", "1", "--again", NULL}), 0, "1 cards in ");
    unlink(list);
    kill(card, SIGTERM);
    waitpid(card, NULL, 0);
    CU_ASSERT_TRUE(write_settings(3));
}

static void test_softcard(void)
{
    supply_softcard(3, "03", "70");
    supply_softcard(3, "03", "00");
    supply_softcard(2, "02", "15");
    supply_softcard(2, "02", "55");
}

static const struct test_case cases[] = {
    {"three cards", test_three_cards},
    {"two readers at once", test_two_readers},
    {"one serial number in two readers", test_one_number_in_two_readers},
    {"a card that was pulled out", test_pulled},
    {"three failures end it", test_three_failures_end_it},
    {"interrupted", test_interrupted},
    {"usage", test_usage},
    {"the software card, over both protocols", test_softcard},
};

int main(void)
{
    if (!card_service_enter()) return SOFTTOKEN_SKIP;
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    tray = mmap(NULL, sizeof *tray, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ready = tray != MAP_FAILED && softtoken_add(&soft, "bureau") && stage_token(&soft) && set_up() &&
                 card_service_start(&service, 2);
    int status = ready ? suite_run("bureau/supply_command", cases, SUITE_COUNT(cases)) : 1;
    card_service_stop(&service);
    stage_end();
    softtoken_stop(&soft);
    return status;
}
