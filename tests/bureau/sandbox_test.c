/* What a process can still do once it is in the sandbox. Each trial is a child of its own. */
#include "bureau/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "suite.h"

static char folder[64];

static bool has_landlock; /* this kernel's; seccomp is everywhere */

typedef int trial_fn(void);

static int try_open_other(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? 0 : errno;
}

static int try_make_other(void)
{
    int fd = open("/tmp/cardprep-sandbox-escape", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    unlink("/tmp/cardprep-sandbox-escape");
    return 0;
}

static int try_folder(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/object", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1) return errno;
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && unlink(path) == 0 ? 0 : errno;
}

static int try_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 ? 0 : errno;
}

static int try_unix_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 ? 0 : errno;
}

static int try_exec(void)
{
    char *const arguments[] = {NULL}, *const environment[] = {NULL};
    execve("/bin/true", arguments, environment);
    return errno;
}

static int try_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : EINVAL;
}

/* The errno of a trial in a sandbox of its own; 255: it did not come back. */
static int in_sandbox(const char *for_folder, trial_fn *trial)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct buf notes;
        buf_init(&notes, 4096);
        sandbox_enter(for_folder, &notes);
        _exit(trial());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void test_files(void)
{
    CU_ASSERT_EQUAL(in_sandbox(folder, try_folder), 0);
    if (!has_landlock) return;
    CU_ASSERT_EQUAL(in_sandbox(folder, try_open_other), EACCES);
    CU_ASSERT_EQUAL(in_sandbox(folder, try_make_other), EACCES);
}

static void test_calls(void)
{
    CU_ASSERT_EQUAL(in_sandbox(folder, try_socket), EPERM);
    CU_ASSERT_EQUAL(in_sandbox(folder, try_unix_socket), EPERM);
    CU_ASSERT_TRUE(in_sandbox(folder, try_exec) == EPERM || in_sandbox(folder, try_exec) == EACCES);
    CU_ASSERT_EQUAL(in_sandbox(folder, try_privileges), 0);
}

/* A module of an unknown kind keeps network and files, and still starts no program. */
static void test_unknown(void)
{
    CU_ASSERT_EQUAL(in_sandbox(NULL, try_socket), 0);
    CU_ASSERT_EQUAL(in_sandbox("", try_open_other), 0);
    CU_ASSERT_EQUAL(in_sandbox(NULL, try_exec), EPERM);
}

static void test_notes(void)
{
    int ends[2];
    char text[512] = "";
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    for (int known = 0; known < 2; known++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct buf notes;
            buf_init(&notes, 4096);
            sandbox_enter(known ? folder : NULL, &notes);
            buf_put_u8(&notes, '.');
            _exit(write(ends[1], notes.data, notes.len) < 0);
        }
        waitpid(pid, NULL, 0);
        ssize_t n = read(ends[0], text, sizeof text - 1);
        text[n > 0 ? n : 0] = 0;
        const char *due =
            known ? "the kernel has no Landlock" : "in no known folder: files and network stay open to it";
        CU_ASSERT_EQUAL(strstr(text, due) != NULL, !known || !has_landlock);
    }
    close(ends[0]);
    close(ends[1]);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0);
    fclose(f);
}

static void test_folders(void)
{
    char path[SANDBOX_PATH], conf[128];
    char softhsm[] = "/usr/lib/softhsm/libsofthsm2.so", other[] = "/usr/lib/vendor.so",
         nss[] = "configdir='sql:/var/lib/nss' certPrefix=''", bare[] = "flags= configdir='/x y/z' a=b";
    struct token_settings t = {.module = softhsm};
    snprintf(conf, sizeof conf, "%s/softhsm2.conf", folder);
    write_file(conf, "# directories.tokendir = /wrong\nlog.level = ERROR\n  directories.tokendir = "
                     "/var/lib/tokens \nx = y\n");
    setenv("SOFTHSM2_CONF", conf, 1);
    CU_ASSERT_TRUE(sandbox_token_folder(&t, path));
    CU_ASSERT_STRING_EQUAL(path, "/var/lib/tokens");
    write_file(conf, "directories.tokendir =\n");
    CU_ASSERT_FALSE(sandbox_token_folder(&t, path));
    CU_ASSERT_STRING_EQUAL(path, "");
    write_file(conf, "");
    CU_ASSERT_FALSE(sandbox_token_folder(&t, path));
    unlink(conf);
    CU_ASSERT_FALSE(sandbox_token_folder(&t, path));
    t.module = other;
    CU_ASSERT_FALSE(sandbox_token_folder(&t, path));
    t.parameters = nss;
    CU_ASSERT_TRUE(sandbox_token_folder(&t, path));
    CU_ASSERT_STRING_EQUAL(path, "/var/lib/nss");
    t.parameters = bare;
    CU_ASSERT_TRUE(sandbox_token_folder(&t, path));
    CU_ASSERT_STRING_EQUAL(path, "/x y/z");
}

static void test_close_files(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        int low = dup(STDIN_FILENO), keep = dup2(STDIN_FILENO, 50), high = dup2(STDIN_FILENO, 60);
        sandbox_close_files(keep);
        bool right = fcntl(low, F_GETFD) < 0 && fcntl(keep, F_GETFD) >= 0 && fcntl(high, F_GETFD) < 0;
        _exit(right ? 0 : 1);
    }
    int status = 1;
    waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

static const struct test_case cases[] = {
    {"files: the token's folder alone", test_files},
    {"no network, no programs, no privileges", test_calls},
    {"a module of an unknown kind", test_unknown},
    {"what could not be closed is said", test_notes},
    {"where soft tokens keep their keys", test_folders},
    {"file descriptors", test_close_files},
};

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/cardprep-sandbox-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    has_landlock = in_sandbox(folder, try_open_other) == EACCES;
    fprintf(stderr, "Landlock: %s\n", has_landlock ? "yes" : "no");
    int status = suite_run("bureau/sandbox", cases, SUITE_COUNT(cases));
    rmdir(folder);
    return status;
}
