/* tests/support/killpoint.c - loaded in front of a program (LD_PRELOAD): counts the calls by which it changes files or speaks to its
 * child processes, and kills it in front of one of them. Between two such calls nothing happens that another process could see, so
 * killing at each of them in turn leaves behind everything that a kill can. For tests only.
 *
 * KILLPOINT_LOG  file that gets one line per call (appended): number, function, the file's name or "socket"
 * KILLPOINT_AT   "17": killed in front of the seventeenth call; the log's last line is that call
 *
 * Only the process that was started with it counts, not those that it forks. What goes to its standard streams is no such call. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A library has one state per process: that is what it is for. */
static struct {
    pid_t pid;
    int log;
    long calls, at;
} point = {.log = -1};

__attribute__((constructor)) static void begin(void)
{
    const char *log = getenv("KILLPOINT_LOG"), *at = getenv("KILLPOINT_AT");
    point.pid = getpid();
    if (log) point.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (at) point.at = strtol(at, NULL, 10);
}

/* The function that would have been called without this library; a test that cannot call it proves nothing. */
static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void name_of(int fd, char name[512])
{
    char link[64], path[480] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    snprintf(name, 512, "%s", strncmp(path, "socket:", 7) == 0 ? "socket" : base_name(path));
}

static void write_line(const char *function, const char *name)
{
    static ssize_t (*real_write)(int, const void *, size_t);
    char line[640];
    if (point.log < 0) return;
    if (!real_write) {
        void *found = real("write");
        memcpy(&real_write, &found, sizeof real_write);
    }
    int len = snprintf(line, sizeof line, "%ld %s %s\n", point.calls, function, name);
    if (len > 0 && real_write(point.log, line, (size_t)len) != len) abort();
}

static void count(const char *function, const char *name)
{
    if (getpid() != point.pid) return;
    point.calls++;
    write_line(function, name);
    if (point.calls == point.at) raise(SIGKILL);
}

static void count_fd(const char *function, int fd)
{
    char name[512];
    if (fd <= STDERR_FILENO || fd == point.log) return;
    name_of(fd, name);
    count(function, name);
}

/* Each function with its result, its parameters, how it is passed on, and which call it is. */
#define FUNCTIONS(X)                                                                                         \
    X(ssize_t, write, (int a, const void *b, size_t c), (a, b, c), count_fd("write", a))                     \
    X(ssize_t, pwrite, (int a, const void *b, size_t c, off_t d), (a, b, c, d), count_fd("pwrite", a))       \
    X(ssize_t, pwrite64, (int a, const void *b, size_t c, off64_t d), (a, b, c, d), count_fd("pwrite", a))   \
    X(int, fsync, (int a), (a), count_fd("fsync", a))                                                        \
    X(int, fdatasync, (int a), (a), count_fd("fdatasync", a))                                                \
    X(int, ftruncate, (int a, off_t b), (a, b), count_fd("ftruncate", a))                                    \
    X(int, ftruncate64, (int a, off64_t b), (a, b), count_fd("ftruncate", a))                                \
    X(int, unlink, (const char *a), (a), count("unlink", base_name(a)))                                      \
    X(int, rename, (const char *a, const char *b), (a, b), count("rename", base_name(b)))                    \
    X(ssize_t, send, (int a, const void *b, size_t c, int d), (a, b, c, d), count_fd("send", a))             \
    X(ssize_t, sendmsg, (int a, const struct msghdr *b, int c), (a, b, c), count_fd("sendmsg", a))

#define DEFINE(result, name, parameters, arguments, counted)                                                 \
    result name parameters                                                                                   \
    {                                                                                                        \
        static result(*next) parameters;                                                                     \
        if (!next) {                                                                                         \
            void *found = real(#name);                                                                       \
            memcpy(&next, &found, sizeof next);                                                              \
        }                                                                                                    \
        counted;                                                                                             \
        return next arguments;                                                                               \
    }
FUNCTIONS(DEFINE)
#undef DEFINE
