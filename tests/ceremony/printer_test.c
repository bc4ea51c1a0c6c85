#include "ceremony/printer.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "ceremony/letter.h"
#include "pdf_text.h"
#include "suite.h"

enum { OUT_MAX = 1 << 22 };

/* A folder with an lp of the test's own, alone in PATH with the system's. */
struct fake {
    char folder[64];
    char path[96];
};

static void fake_lp(struct fake *f, const char *body)
{
    char path_list[128];
    strcpy(f->folder, "/tmp/cardprep-test-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(f->folder) != NULL);
    snprintf(f->path, sizeof(f->path), "%s/lp", f->folder);
    if (body) {
        FILE *file = fopen(f->path, "w");
        CU_ASSERT_FATAL(file != NULL);
        fprintf(file, "#!/bin/sh\nout=%s\n%s\n", f->folder, body);
        fclose(file);
        CU_ASSERT_FATAL(chmod(f->path, 0700) == 0);
    }
    snprintf(path_list, sizeof(path_list), "%s:/usr/bin:/bin", f->folder);
    setenv("PATH", body ? path_list : f->folder, 1);
}

/* What lp left in its folder under this name, as a C string. */
static const char *left(const struct fake *f, const char *name, struct buf *out)
{
    char path[96];
    buf_init(out, OUT_MAX);
    snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    int fd = open(path, O_RDONLY);
    CU_ASSERT_FATAL(fd >= 0 && read_all(fd, out));
    close(fd);
    unlink(path);
    return buf_text(out);
}

static void remove_fake(struct fake *f)
{
    unlink(f->path);
    CU_ASSERT_EQUAL(rmdir(f->folder), 0);
    setenv("PATH", "/usr/bin:/bin", 1);
}

static bool write_bytes(int fd, size_t count)
{
    static const char bytes[4096];
    while (count > 0) {
        ssize_t n = write(fd, bytes, count < sizeof(bytes) ? count : sizeof(bytes));
        if (n <= 0) return false;
        count -= (size_t)n;
    }
    return true;
}

static void test_where_a_letter_may_go(void)
{
    static const char *const good[] = {"printer:HSM-room_2.left", "printer:a", "fd:3", "fd:9999"};
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"/tmp/letter.pdf", "a file would be a component on a disk"},
        {"file:letter.pdf", "a file would be a component on a disk"},
        {"-", "goes to printer:NAME or fd:N"},
        {"", "goes to printer:NAME or fd:N"},
        {"printer", "goes to printer:NAME or fd:N"},
        {"PRINTER:a", "goes to printer:NAME or fd:N"},
        {"printer:", "a printer's name has"},
        {"printer:-o", "a printer's name has"},
        {"printer:a b", "a printer's name has"},
        {"printer:a/b", "a printer's name has"},
        {"printer:a;b", "a printer's name has"},
        {"fd:", "a number from 3 on"},
        {"fd:0", "a number from 3 on"},
        {"fd:1", "a number from 3 on"},
        {"fd:2", "a number from 3 on"},
        {"fd:-1", "a number from 3 on"},
        {"fd:3x", "a number from 3 on"},
        {"fd:99999", "a number from 3 on"},
    };
    struct err err = ERR_INIT;
    char long_name[8 + PRINTER_NAME_MAX + 1] = "printer:";
    memset(&long_name[8], 'a', PRINTER_NAME_MAX - 1);
    EXPECT_OK(printer_check(long_name, &err));
    long_name[8 + PRINTER_NAME_MAX - 1] = 'a';
    EXPECT_FAIL(printer_check(long_name, &err), ERR_CONFIG, "a printer's name has");
    for (size_t i = 0; i < SUITE_COUNT(good); i++)
        EXPECT_OK(printer_check(good[i], &err));
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        struct printer p = PRINTER_NONE;
        EXPECT_FAIL(printer_check(bad[i].text, &err), ERR_CONFIG, bad[i].part);
        EXPECT_FAIL(printer_open(&p, bad[i].text, &err), ERR_CONFIG, bad[i].part);
        CU_ASSERT_EQUAL(p.fd, -1);
    }
}

static void test_lp_receives_the_letter(void)
{
    static const struct letter letter = {"Plan", true, "KML", 1, 1, 2, "A person", HSM_DES2, "2031-02-03"};
    struct err err = ERR_INIT;
    struct secret component = SECRET_NONE;
    struct printer p = PRINTER_NONE;
    struct fake f;
    struct buf pdf, args, env, fds, text;
    fake_lp(
        &f,
        "cat > $out/pdf\nprintf '%s\\n' \"$@\" > $out/args\ntr '\\0' '\\n' < /proc/$$/environ > $out/env\n"
        "ls /proc/$$/fd | tr '\\n' ' ' > $out/fds");
    setenv("MUST_NOT_TRAVEL", "1", 1);
    int open_here = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    int higher = fcntl(open_here, F_DUPFD, 20);
    EXPECT_OK(secret_copy(&component, "0123456789abcdef", 16, &err));
    EXPECT_OK(printer_open(&p, "printer:HSM-room", &err));
    EXPECT_OK(letter_write(&letter, &component, p.fd, &err));
    EXPECT_OK(printer_close(&p, true, &err));
    CU_ASSERT_EQUAL(p.fd, -1);
    CU_ASSERT_PTR_NOT_NULL(left(&f, "pdf", &pdf));
    CU_ASSERT_STRING_EQUAL(left(&f, "args", &args), "-d\nHSM-room\n-s\n-o\nsides=one-sided\n-\n");
    CU_ASSERT_EQUAL(strncmp(left(&f, "env", &env), "PATH=", 5), 0);
    CU_ASSERT_EQUAL(count_of((const char *)env.data, env.len, "\n"), 1); /* one line */
    CU_ASSERT_PTR_NULL(strstr(left(&f, "fds", &fds), "20"));
    buf_init(&text, OUT_MAX);
    CU_ASSERT(pdf_text(&pdf, &text));
    CU_ASSERT(buf_holds(&text, "3031 3233 3435 3637 3839 6162 6364 6566"));
    close(open_here);
    close(higher);
    unsetenv("MUST_NOT_TRAVEL");
    secret_release(&component);
    remove_fake(&f);
    struct buf *const all[] = {&pdf, &args, &env, &fds, &text};
    for (size_t i = 0; i < SUITE_COUNT(all); i++)
        buf_release(all[i]);
}

/* Prints `count` bytes by this lp; printer_close's answer. */
static bool print(const char *body, size_t count, struct err *err)
{
    struct printer p = PRINTER_NONE;
    struct fake f;
    fake_lp(&f, body);
    bool ok = printer_open(&p, "printer:one", err);
    if (ok) {
        bool whole = write_bytes(p.fd, count);
        if (!whole) err_set(err, ERR_FILE, "cannot be written");
        ok = printer_close(&p, whole, err);
    }
    remove_fake(&f);
    return ok;
}

static void test_lp_that_fails(void)
{
    struct err err = ERR_INIT;
    EXPECT_OK(print("cat > /dev/null", 1 << 20, &err));
    EXPECT_FAIL(
        print("cat > /dev/null; echo 'lp: The printer or class does not exist.' >&2; exit 1", 10, &err),
        ERR_FILE, "printer 'one': lp ends with status 1: lp: The printer or class does not exist.");
    EXPECT_FAIL(print("cat > /dev/null; printf 'a\\033[2Jb\\nc'; exit 7", 10, &err), ERR_FILE,
                "lp ends with status 7: a?[2Jb");
    CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
    EXPECT_FAIL(print("cat > /dev/null; kill -9 $$", 10, &err), ERR_FILE,
                "printer 'one': lp ends by signal 9");
    EXPECT_FAIL(print(NULL, 10, &err), ERR_CONFIG, "there is no program 'lp'");
}

static void test_lp_that_dies_early(void)
{
    struct err err = ERR_INIT;
    EXPECT_FAIL(print("exit 0", 100, &err), ERR_FILE, "");
    EXPECT_FAIL(print("head -c 10 > /dev/null", 1 << 20, &err), ERR_FILE, "");
    /* Its own reason counts more than the broken pipe that came of it. */
    EXPECT_FAIL(print("echo 'no such queue'; exit 1", 1 << 20, &err), ERR_FILE,
                "printer 'one': lp ends with status 1: no such queue");
}

/* lp takes its time: everything is written before it ends, and it has read nothing. */
static void test_lp_that_reads_nothing(void)
{
    struct err err = ERR_INIT;
    struct printer p = PRINTER_NONE;
    struct fake f;
    fake_lp(&f, "while [ ! -e $out/go ]; do :; done; rm $out/go");
    EXPECT_OK(printer_open(&p, "printer:one", &err));
    CU_ASSERT(write_bytes(p.fd, 1000));
    char go[96];
    snprintf(go, sizeof(go), "%s/go", f.folder);
    close(open(go, O_WRONLY | O_CREAT, 0600));
    EXPECT_FAIL(printer_close(&p, true, &err), ERR_FILE, "lp ended before it had read the whole letter");
    remove_fake(&f);
}

static void test_half_a_letter_is_not_printed(void)
{
    struct err err = ERR_INIT;
    struct printer p = PRINTER_NONE;
    struct fake f;
    fake_lp(&f, "cat > /dev/null; echo printed > $out/printed");
    EXPECT_OK(printer_open(&p, "printer:one", &err));
    CU_ASSERT(write_bytes(p.fd, 1000));
    err_set(&err, ERR_INPUT, "the caller's reason");
    CU_ASSERT_FALSE(printer_close(&p, false, &err));
    CU_ASSERT_STRING_EQUAL(err.text, "the caller's reason");
    remove_fake(&f); /* nothing else is in the folder */
    EXPECT_OK(printer_close(&p, true, &err));
}

static void test_descriptors(void)
{
    struct err err = ERR_INIT;
    struct printer p = PRINTER_NONE;
    struct sigaction pipe_signal;
    char text[16], file[] = "/tmp/cardprep-test-XXXXXX", byte = 0;
    int ends[2], terminal = -1, screen = -1;
    CU_ASSERT_FATAL(pipe(ends) == 0 && openpty(&terminal, &screen, NULL, NULL, NULL) == 0);
    snprintf(text, sizeof(text), "fd:%d", ends[1]);
    EXPECT_OK(printer_open(&p, text, &err));
    CU_ASSERT_EQUAL(p.fd, ends[1]);
    sigaction(SIGPIPE, NULL, &pipe_signal);
    CU_ASSERT(pipe_signal.sa_handler == SIG_IGN);
    CU_ASSERT(write(p.fd, "x", 1) == 1);
    EXPECT_OK(printer_close(&p, true, &err));
    sigaction(SIGPIPE, NULL, &pipe_signal);
    CU_ASSERT(pipe_signal.sa_handler == SIG_DFL);
    CU_ASSERT(write(ends[1], "y", 1) == 1); /* still open */
    CU_ASSERT(read(ends[0], &byte, 1) == 1 && byte == 'x');

    snprintf(text, sizeof(text), "fd:%d", ends[0]);
    EXPECT_FAIL(printer_open(&p, text, &err), ERR_CONFIG, "not open for writing");
    snprintf(text, sizeof(text), "fd:%d", screen);
    EXPECT_FAIL(printer_open(&p, text, &err), ERR_CONFIG, "is a terminal: a component is never shown");
    int fd = mkstemp(file);
    unlink(file);
    snprintf(text, sizeof(text), "fd:%d", fd);
    EXPECT_FAIL(printer_open(&p, text, &err), ERR_CONFIG, "is a file: it would be a component on a disk");
    close(fd);
    EXPECT_FAIL(printer_open(&p, text, &err), ERR_CONFIG, "Bad file descriptor");
    CU_ASSERT_EQUAL(p.fd, -1);
    close(ends[0]);
    close(ends[1]);
    close(terminal);
    close(screen);
}

static const struct test_case cases[] = {
    {"a printer or a descriptor, and nothing else", test_where_a_letter_may_go},
    {"lp receives the letter, and neither environment nor descriptors", test_lp_receives_the_letter},
    {"lp that fails is an error with its reason", test_lp_that_fails},
    {"lp that dies early is an error", test_lp_that_dies_early},
    {"lp that reads nothing is an error", test_lp_that_reads_nothing},
    {"half a letter is not printed", test_half_a_letter_is_not_printed},
    {"a descriptor is a pipe or a device, no file and no screen", test_descriptors},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return 1;
    return suite_run("ceremony/printer", cases, SUITE_COUNT(cases));
}
