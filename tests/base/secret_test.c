#include "base/secret.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { ROOM = 8, PATIENCE_MS = 20000, WITHOUT_ECHO = 10 };

static void test_copy_and_compare(void)
{
    struct err err = ERR_INIT;
    struct secret a = SECRET_NONE;
    struct secret b = SECRET_NONE;
    struct secret c = SECRET_NONE;
    struct secret none = SECRET_NONE;
    EXPECT_OK(secret_copy(&a, "123456", 6, &err));
    EXPECT_OK(secret_copy(&b, "123456", 6, &err));
    EXPECT_OK(secret_copy(&c, "123457", 6, &err));
    CU_ASSERT_TRUE(secret_equal(&a, &b));
    CU_ASSERT_FALSE(secret_equal(&a, &c));
    c.len = 5;
    b.len = 5;
    CU_ASSERT_TRUE(secret_equal(&b, &c));
    CU_ASSERT_FALSE(secret_equal(&a, &c));
    CU_ASSERT_FALSE(secret_equal(&a, &none));
    CU_ASSERT_TRUE(secret_equal(&none, &none));
    secret_release(&a);
    secret_release(&b);
    secret_release(&c);
    secret_release(&c);
    CU_ASSERT_PTR_NULL(c.data);
}

static void test_empty_secret(void)
{
    struct err err = ERR_INIT;
    struct secret s = SECRET_NONE;
    EXPECT_OK(secret_relock(&s, &err));
    EXPECT_OK(secret_copy(&s, NULL, 0, &err));
    CU_ASSERT_EQUAL(s.len, 0);
    CU_ASSERT_PTR_NOT_NULL(s.data);
    secret_release(&s);
    EXPECT_FAIL(secret_read_line(&s, STDIN_FILENO, "pin", &err), ERR_INTERNAL, "no room");
}

static void test_giant_secret_is_refused(void)
{
    struct err err = ERR_INIT;
    struct secret s = SECRET_NONE;
    EXPECT_FAIL(secret_init(&s, SIZE_MAX / 2, &err), ERR_INTERNAL, "no memory for a secret");
    CU_ASSERT_PTR_NULL(s.data);
}

static void test_wipe(void)
{
    uint8_t bytes[4] = {1, 2, 3, 4};
    wipe(bytes, 3);
    CU_ASSERT_EQUAL(memcmp(bytes, "\0\0\0\4", 4), 0);
    wipe(NULL, 0);
}

/* A pipe that holds this text and then ends. */
static int pipe_with(const char *text, size_t len)
{
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], text, len) != (ssize_t)len) abort();
    close(ends[1]);
    return ends[0];
}

static void test_read_line(void)
{
    static const struct {
        const char *text;
        const char *line;
    } rows[] = {
        {"1234\n", "1234"},
        {"1234\r\nrest", "1234"},
        {"1234", "1234"},
        {"\n", ""},
        {"\r\n", ""},
        {"12345678\n", "12345678"},
        {"12345678", "12345678"},
        {"12345678\r\n", "12345678"},
        {"1\r2\r\r\n", "1\r2\r"},
        {"1234\r", "1234\r"},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct secret s = SECRET_NONE;
        int fd = pipe_with(rows[i].text, strlen(rows[i].text));
        EXPECT_OK(secret_init(&s, ROOM, &err));
        EXPECT_OK(secret_read_line(&s, fd, "pin", &err));
        CU_ASSERT_EQUAL(s.len, strlen(rows[i].line));
        CU_ASSERT_EQUAL(memcmp(s.data, rows[i].line, s.len), 0);
        secret_release(&s);
        close(fd);
    }
}

static void test_lines_follow_each_other(void)
{
    struct err err = ERR_INIT;
    struct secret s = SECRET_NONE;
    int fd = pipe_with("first\nsecond", 12);
    EXPECT_OK(secret_init(&s, ROOM, &err));
    EXPECT_OK(secret_read_line(&s, fd, "pin", &err));
    CU_ASSERT_EQUAL(s.len, 5);
    EXPECT_OK(secret_read_line(&s, fd, "pin", &err));
    CU_ASSERT_EQUAL(s.len, 6);
    CU_ASSERT_EQUAL(memcmp(s.data, "second", 6), 0);
    EXPECT_FAIL(secret_read_line(&s, fd, "pin", &err), ERR_INPUT, "pin: nothing to read");
    close(fd);
    EXPECT_FAIL(secret_read_line(&s, fd, "pin", &err), ERR_FILE, "pin: cannot be read");
    secret_release(&s);
}

static void test_line_one_over_leaves_nothing(void)
{
    static const char *const texts[] = {"123456789\n", "123456789", "12345678\r1\n", "12345678\r\r\n"};
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(texts); i++) {
        struct secret s = SECRET_NONE;
        int fd = pipe_with(texts[i], strlen(texts[i]));
        EXPECT_OK(secret_init(&s, ROOM, &err));
        EXPECT_FAIL(secret_read_line(&s, fd, "pin", &err), ERR_INPUT, "pin: longer than 8 bytes");
        CU_ASSERT_EQUAL(s.len, 0);
        CU_ASSERT_EQUAL(memcmp(s.data, "\0\0\0\0\0\0\0\0", ROOM), 0);
        secret_release(&s);
        close(fd);
    }
}

/* Locked memory of this process in KiB, or -1 where the system does not say. */
static long locked_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "VmLck:", 6) == 0) kib = strtol(line + 6, NULL, 10);
    }
    if (f) fclose(f);
    return kib;
}

/* Sanitizers turn mlock into a call that does nothing: then there is nothing to see of locks. */
static bool locks_are_real(void)
{
    static uint8_t page[4096];
    if (mlock(page, sizeof(page)) != 0) return false;
    bool real = locked_kib() > 0;
    munlock(page, sizeof(page));
    if (!real) puts("(locks cannot be seen here)");
    return real;
}

static int wait_for(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

static void test_relock_after_fork(void)
{
    struct err err = ERR_INIT;
    struct secret s = SECRET_NONE;
    bool real = locks_are_real();
    EXPECT_OK(secret_copy(&s, "1234", 4, &err));
    pid_t child = fork();
    if (child == 0) {
        long before = locked_kib();
        bool ok = secret_relock(&s, &err);
        long after = locked_kib();
        _exit(ok && (!real || (before == 0 && after > 0)) && memcmp(s.data, "1234", 4) == 0 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(wait_for(child), 0);
    secret_release(&s);
}

static void test_children_find_zeros(void)
{
    struct err err = ERR_INIT;
    for (size_t room = 1; room <= 8192; room *= 2) {
        struct secret s = SECRET_NONE;
        int status = 1;
        EXPECT_OK(secret_init(&s, room, &err));
        if (!s.data) return;
        memset(s.data, 0x5A, room);
        s.len = room;
        EXPECT_OK(secret_keep_from_children(&s, &err));
        pid_t pid = fork();
        if (pid == 0) {
            size_t found = 0;
            for (size_t i = 0; i < room; i++)
                found += s.data[i] != 0;
            _exit(found > 0);
        }
        CU_ASSERT_TRUE(waitpid(pid, &status, 0) == pid && status == 0);
        CU_ASSERT_TRUE(s.data[0] == 0x5A && s.data[room - 1] == 0x5A);
        secret_release(&s);
    }
    struct secret none = SECRET_NONE;
    EXPECT_OK(secret_keep_from_children(&none, &err));
}

static void test_memory_that_cannot_be_locked_is_an_error(void)
{
    struct err err = ERR_INIT;
    struct secret s = SECRET_NONE;
    if (!locks_are_real()) return;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        /* Only who is not root is limited. */
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0)) _exit(2);
        bool ok = secret_init(&s, ROOM, &err);
        _exit(!ok && !s.data && strstr(err.text, "cannot be locked") ? 0 : 1);
    }
    CU_ASSERT_EQUAL(wait_for(child), 0);
}

static void test_no_core_dumps(void)
{
    struct rlimit limit;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_CORE, &limit), 0);
    CU_ASSERT_EQUAL(limit.rlim_max, 0);
}

/* A child on a terminal of its own asks for a PIN; the parent types. */
struct terminal {
    pid_t child;
    int fd;
    char shown[512]; /* all that the terminal showed */
};

static bool echo_is_on(int fd)
{
    struct termios t;
    return tcgetattr(fd, &t) == 0 && (t.c_lflag & ECHO) && (t.c_lflag & ISIG);
}

/* 0: the PIN was 1234; 20 + kind: failed so; 1: the answer was another; 2: the terminal was left quiet. */
static int ask_in_child(void)
{
    struct err err = ERR_INIT;
    struct secret s = SECRET_NONE;
    if (!secret_init(&s, ROOM, &err)) return 3;
    bool ok = secret_prompt(&s, "PIN: ", &err);
    int status = !ok ? 20 + (int)err.kind : s.len == 4 && memcmp(s.data, "1234", 4) == 0 ? 0 : 1;
    if (!ok && s.len) status = 4;
    secret_release(&s);
    return echo_is_on(STDIN_FILENO) ? status : 2;
}

static void terminal_init(struct terminal *t)
{
    memset(t, 0, sizeof(*t));
    t->child = forkpty(&t->fd, NULL, NULL, NULL);
    if (t->child == 0) _exit(ask_in_child());
    if (t->child < 0) abort();
}

/* Reads what the terminal shows, until `text` (or, if NULL, until the child closes it). */
static bool terminal_shows(struct terminal *t, const char *text)
{
    size_t len = strlen(t->shown);
    while (!text || !strstr(t->shown, text)) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        if (poll(&p, 1, PATIENCE_MS) != 1) return false;
        ssize_t n = read(t->fd, t->shown + len, sizeof(t->shown) - 1 - len);
        if (n <= 0) return !text;
        len += (size_t)n;
    }
    return true;
}

/* Types keys at the prompt; gives the child's status, and WITHOUT_ECHO more if the prompt echoed. */
static int answer(struct terminal *t, const char *keys, size_t len)
{
    terminal_init(t);
    bool asked = terminal_shows(t, "PIN: ");
    bool quiet = !echo_is_on(t->fd);
    if (write(t->fd, keys, len) != (ssize_t)len) asked = false;
    if (!asked || !terminal_shows(t, NULL)) kill(t->child, SIGKILL);
    int status = wait_for(t->child);
    close(t->fd);
    return quiet ? status : status + WITHOUT_ECHO;
}

static void test_prompt_shows_no_answer(void)
{
    struct terminal t;
    CU_ASSERT_EQUAL(answer(&t, "1234\n", 5), 0);
    CU_ASSERT_STRING_EQUAL(t.shown, "PIN: \r\n");
}

static void test_prompt_lets_correct(void)
{
    struct terminal t;
    CU_ASSERT_EQUAL(answer(&t,
                           "1239\x7F"
                           "4\n",
                           7),
                    0);
}

static void test_prompt_failures_leave_the_terminal_usable(void)
{
    struct terminal t;
    CU_ASSERT_EQUAL(answer(&t, "12\x03", 3), 20 + ERR_INTERRUPTED);
    CU_ASSERT_EQUAL(answer(&t, "\x04", 1), 20 + ERR_INPUT);
    CU_ASSERT_EQUAL(answer(&t, "123456789\n", 10), 20 + ERR_INPUT);
    CU_ASSERT_EQUAL(answer(&t, "12\x1B[D34\n", 8), 20 + ERR_INPUT);
    CU_ASSERT_PTR_NULL(strstr(t.shown, "34"));
}

static void test_prompt_without_terminal(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct err err = ERR_INIT;
        struct secret s = SECRET_NONE;
        if (setsid() < 0 || !secret_init(&s, ROOM, &err)) _exit(2);
        bool ok = secret_prompt(&s, "PIN: ", &err);
        _exit(!ok && err.kind == ERR_CONFIG && strstr(err.text, "PIN: no terminal to ask on") ? 0 : 1);
    }
    CU_ASSERT_EQUAL(wait_for(child), 0);
}

static const struct test_case cases[] = {
    {"copy and compare", test_copy_and_compare},
    {"empty secret", test_empty_secret},
    {"giant secret is refused", test_giant_secret_is_refused},
    {"wipe", test_wipe},
    {"read line", test_read_line},
    {"lines follow each other", test_lines_follow_each_other},
    {"line one over leaves nothing", test_line_one_over_leaves_nothing},
    {"relock after fork", test_relock_after_fork},
    {"children find zeros", test_children_find_zeros},
    {"memory that cannot be locked is an error", test_memory_that_cannot_be_locked_is_an_error},
    {"no core dumps", test_no_core_dumps},
    {"prompt shows no answer", test_prompt_shows_no_answer},
    {"prompt lets correct", test_prompt_lets_correct},
    {"prompt failures leave the terminal usable", test_prompt_failures_leave_the_terminal_usable},
    {"prompt without terminal", test_prompt_without_terminal},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return suite_run("base/secret", cases, SUITE_COUNT(cases));
}
