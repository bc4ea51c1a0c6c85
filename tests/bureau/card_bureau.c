#include "card_bureau.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bureau/incoming.h"
#include "bureau/registry.h"
#include "mic_draft.h"
#include "suite.h"

enum { WORDS_MAX = 24, READERS = 4, TEXT_MAX = 1 << 16 };
static const uint8_t job_id[JOB_ID_LEN] = "draft of a job."; /* mic_draft's */

static bool write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, data, len) == (ssize_t)len;
    if (fd >= 0) close(fd);
    return ok;
}

static bool write_mic(struct card_bureau *b, size_t records, const char *signer_path)
{
    struct draft *draft = calloc(1, sizeof(*draft));
    struct draft_key key;
    struct buf bytes;
    bool ok = draft && draft_key_make(&key, SIGNATURE_ECDSA_P256_SHA256);
    if (!ok) return false;
    buf_init(&bytes, TEXT_MAX);
    draft_init(draft, records);
    draft_write(&bytes, draft, &key);
    FILE *f = fopen(signer_path, "w");
    ok = f && PEM_write_PUBKEY(f, key.key) == 1 && write_file(b->mic, bytes.data, bytes.len);
    if (f) fclose(f);
    draft_key_release(&key);
    buf_release(&bytes);
    free(draft);
    return ok;
}

/* As `cardbureau check` leaves it: the file is in the books. */
static bool accept_file(const struct card_bureau *b)
{
    struct bureau *settings = NULL;
    struct incoming *in = NULL;
    struct registry *books = NULL;
    struct err err = ERR_INIT;
    bool ok = bureau_load(&settings, b->settings, &err) && incoming_open(&in, settings, NULL, b->mic, &err) &&
              registry_open(&books, b->books, &err) &&
              registry_accept_file(books, incoming_summary(in), 0, NULL, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    registry_close(books);
    incoming_free(in);
    bureau_free(settings);
    return ok;
}

bool card_bureau_start(struct card_bureau *b, size_t records, size_t cards, const char *more)
{
    char signer[96], pin[96], text[2048], with_modules[2300], *journal = NULL;
    struct err err = ERR_INIT;

    *b = (struct card_bureau){.card_count = cards};
    snprintf(b->folder, sizeof(b->folder), "/tmp/cardprep-test-XXXXXX");
    if (!mkdtemp(b->folder)) return false;
    snprintf(b->mic, sizeof(b->mic), "%s/cards.mic", b->folder);
    snprintf(b->settings, sizeof(b->settings), "%s/bureau.yaml", b->folder);
    snprintf(b->books, sizeof(b->books), "%s/books.sqlite", b->folder);
    snprintf(b->said_path, sizeof(b->said_path), "%s/said", b->folder);
    snprintf(signer, sizeof(signer), "%s/signer.pem", b->folder);
    snprintf(pin, sizeof(pin), "%s/pin", b->folder);
    snprintf(text, sizeof(text),
             "bureau: test\ntoken: {module: none, label: test, pin: \"file:pin\"}\n"
             "keks: [{issuer: \"476173\", version: 1, label: KEK-1, kcv: \"0000000000\"}]\n"
             "signers: [signer.pem]\nbooks: books.sqlite\nreaders: [\"Virtual PCD *\"]\n%s",
             more ? more : "");
    snprintf(b->with_modules, sizeof(b->with_modules), "%s/modules.yaml", b->folder);
    snprintf(with_modules, sizeof(with_modules), "%smodules: [{mic: EMBOSS, folder: %s}]\n", text, b->folder);
    if (!write_file(b->with_modules, with_modules, strlen(with_modules))) return false;
    if (!journal_path(b->books, job_id, &journal, &err)) return false;
    snprintf(b->journal, sizeof(b->journal), "%s", journal);
    free(journal);
    b->cards =
        mmap(NULL, cards * sizeof(*b->cards), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return b->cards != MAP_FAILED && write_file(b->settings, text, strlen(text)) &&
           write_file(pin, "1234\n", 5) && write_mic(b, records, signer) &&
           card_service_start(&b->service, READERS) && card_bureau_reset(b);
}

static void remove_books(const struct card_bureau *b)
{
    static const char *const behind[] = {"", ".lock", "-wal", "-shm", "-journal"};
    char path[200];
    for (size_t i = 0; i < SUITE_COUNT(behind); i++) {
        snprintf(path, sizeof(path), "%s%s", b->books, behind[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s%s", b->journal, behind[i]);
        unlink(path);
    }
}

bool card_bureau_reset(struct card_bureau *b)
{
    memset(b->cards, 0, b->card_count * sizeof(*b->cards));
    for (size_t i = 0; i < b->card_count; i++)
        b->cards[i].serial = (uint8_t)(i + 1);
    scripted_token = (struct scripted_token){.stores = 4};
    remove_books(b);
    return accept_file(b);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void card_bureau_stop(struct card_bureau *b)
{
    card_service_stop(&b->service);
    munmap(b->cards, b->card_count * sizeof(*b->cards));
    nftw(b->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- commands ---- */

static _Noreturn void become(struct card_bureau *b, int (*command)(int, char **), const char *const *words)
{
    char *argv[WORDS_MAX] = {strdup("command"), b->mic, strdup("--settings"), b->settings};
    int argc = 4;
    for (; words[argc - 4] && argc + 1 < WORDS_MAX; argc++)
        argv[argc] = strdup(words[argc - 4]);
    int fd = open(b->said_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = command(argc, argv);
    fflush(NULL);
    _exit(status);
}

pid_t card_bureau_begin(struct card_bureau *b, int (*command)(int, char **), const char *const *words)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) become(b, command, words);
    return pid;
}

int card_bureau_end(struct card_bureau *b, pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    FILE *f = fopen(b->said_path, "r");
    b->said[f ? fread(b->said, 1, sizeof(b->said) - 1, f) : 0] = 0;
    if (f) fclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* ---- cards ---- */

static void send_signal(const struct card_memory *m)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)m->signal_to, (int)m->signal_to);
    FILE *f = m->to_first_child ? fopen(path, "r") : NULL;
    if (f && fscanf(f, "%d", &child) == 1 && child > 1) kill(child, m->signal);
    if (f) fclose(f);
    if (!m->to_first_child) kill(m->signal_to, m->signal);
}

static size_t answer(void *context, const uint8_t *command, size_t len, uint8_t *to)
{
    struct card_memory *m = context;
    size_t n = 0;
    if (++m->commands == m->signal_at) send_signal(m);
    if (command[1] == 0x50) { /* INITIALIZE UPDATE: KEYDATA and what follows it */
        while (m->meets && m->meets->commands == 0)
            usleep(1000);
        memset(to, 0, 28);
        to[3] = m->serial;
        n = 28;
    } else if (command[1] == 0xE2 && len == 9 && m->stored < CARD_STORED_MAX) {
        m->records[m->stored++] = bytes_be(command + 5, 4);
    }
    memcpy(to + n, "\x90\x00", 2);
    return n + 2;
}

static bool leaves_at_once(void *context)
{
    (void)context;
    return true;
}

static bool leaves_when_whole(void *context)
{
    const struct card_memory *m = context;
    return m->stored >= scripted_token.stores;
}

bool card_bureau_insert(struct card_bureau *b, struct vpcd_card *c, size_t reader, size_t card,
                        unsigned pull_at)
{
    const struct vpcd_script script = {
        .answer = answer, .context = &b->cards[card], .pull_at = pull_at, .leaves = leaves_at_once};
    return card_service_await_empty(&b->service, reader) &&
           vpcd_card_insert(c, b->service.ports[reader], &script);
}

bool card_bureau_insert_until_whole(struct card_bureau *b, struct vpcd_card *c, size_t reader, size_t card)
{
    const struct vpcd_script script = {
        .answer = answer, .context = &b->cards[card], .leaves = leaves_when_whole};
    return card_service_await_empty(&b->service, reader) &&
           vpcd_card_insert(c, b->service.ports[reader], &script);
}

bool card_bureau_insert_signal(struct card_bureau *b, struct vpcd_card *c, size_t reader, size_t card,
                               unsigned at, pid_t pid, int signal)
{
    struct card_memory *m = &b->cards[card];
    m->commands = 0;
    m->signal_at = at;
    m->signal_to = pid;
    m->signal = signal;
    return card_bureau_insert(b, c, reader, card, 0);
}

pid_t card_bureau_feed(struct card_bureau *b, size_t reader, size_t first, size_t step)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t card = first; card < b->card_count; card += step) {
        struct vpcd_card c;
        if (!card_bureau_insert(b, &c, reader, card, 0)) _exit(1);
        vpcd_card_await(&c);
    }
    _exit(0);
}

/* ---- what became of it ---- */

struct journal_record card_bureau_record(const struct card_bureau *b, uint64_t number)
{
    struct err err = ERR_INIT;
    struct journal *j = NULL;
    struct journal_record found = {.number = number};
    EXPECT_OK(journal_open_reading(&j, b->journal, job_id, &err));
    const struct journal_record *r = j ? journal_book_find(journal_book(j), number) : NULL;
    if (r) found = *r;
    journal_free(j);
    return found;
}

size_t card_bureau_check_cards(const struct card_bureau *b)
{
    size_t whole = 0;
    for (size_t i = 0; i < b->card_count; i++) {
        const struct card_memory *m = &b->cards[i];
        for (size_t k = 1; k < m->stored; k++)
            CU_ASSERT_EQUAL(m->records[k], m->records[0]);
        for (size_t other = 0; m->stored > 0 && other < i; other++)
            CU_ASSERT_TRUE(b->cards[other].stored == 0 || b->cards[other].records[0] != m->records[0]);
        whole += m->stored >= scripted_token.stores;
    }
    return whole;
}
