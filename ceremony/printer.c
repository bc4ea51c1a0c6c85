#include "ceremony/printer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char by_queue[] = "printer:", by_descriptor[] = "fd:";

enum { FIRST_FREE = 3 /* 0 to 2 are what people see */, FD_DIGITS = 4, NOTES_MAX = 200, PATH_ENV_MAX = 4096 };

/* What follows the prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? &text[len] : NULL;
}

static bool is_queue(const char *name)
{
    size_t len = strlen(name);
    bool good = len > 0 && len < PRINTER_NAME_MAX && name[0] != '-';
    for (size_t i = 0; i < len; i++)
        good = good && (isalnum((unsigned char)name[i]) || strchr("_.-", name[i]));
    return good;
}

/* The number, or -1. */
static int descriptor(const char *digits)
{
    size_t len = strlen(digits);
    int n = 0;
    if (len < 1 || len > FD_DIGITS) return -1;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9') return -1;
        n = 10 * n + (digits[i] - '0');
    }
    return n;
}

bool printer_check(const char *text, struct err *err)
{
    const char *name = behind(text, by_queue), *digits = behind(text, by_descriptor);
    if (name)
        return is_queue(name) ||
               err_set(err, ERR_CONFIG, "'%.80s': a printer's name has letters, digits, '_', '.' and '-'",
                       text);
    if (digits)
        return descriptor(digits) >= FIRST_FREE ||
               err_set(err, ERR_CONFIG,
                       "'%.80s': a letter's descriptor is a number from 3 on: 0 to 2 are the screen's", text);
    return err_set(err, ERR_CONFIG,
                   "'%.80s': a letter goes to printer:NAME or fd:N, and nowhere else: a file would be a "
                   "component on a disk",
                   text);
}

static bool check_descriptor(int fd, const char *text, struct err *err)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) != 0) return err_set_errno(err, ERR_CONFIG, errno, "%s", text);
    if ((flags & O_ACCMODE) == O_RDONLY) return err_set(err, ERR_CONFIG, "%s is not open for writing", text);
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        return err_set(err, ERR_CONFIG,
                       "%s is a file: it would be a component on a disk; give a pipe or a device", text);
    if (isatty(fd)) return err_set(err, ERR_CONFIG, "%s is a terminal: a component is never shown", text);
    return true;
}

/* Starts lp with its standard input on `in` and what it says in `notes`. Gives an errno value. */
static int spawn(pid_t *child, const char *queue, int in, int notes)
{
    char path[PATH_ENV_MAX], name[PRINTER_NAME_MAX];
    const char *set = getenv("PATH");
    char lp[] = "lp", d[] = "-d", s[] = "-s", o[] = "-o", sides[] = "sides=one-sided", dash[] = "-";
    char *const argv[] = {lp, d, name, s, o, sides, dash, NULL};
    char *const envp[] = {path, NULL};
    sigset_t none, pipe_signal;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    snprintf(name, sizeof(name), "%s", queue);
    if (snprintf(path, sizeof(path), "PATH=%s", set ? set : "/usr/bin:/bin") >= (int)sizeof(path))
        return E2BIG;
    sigemptyset(&none);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    int failed = posix_spawn_file_actions_init(&files);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
        if (!failed) failed = posix_spawn_file_actions_adddup2(&files, notes, STDOUT_FILENO);
        if (!failed) failed = posix_spawn_file_actions_adddup2(&files, notes, STDERR_FILENO);
        if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(&files, FIRST_FREE);
        if (!failed) failed = posix_spawnattr_setsigmask(&attributes, &none);
        if (!failed) failed = posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
        if (!failed)
            failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (!failed) failed = posix_spawnp(child, lp, &files, &attributes, argv, envp);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* A pair of sockets and not a pipe: it tells afterwards whether lp has read everything. */
static bool open_queue(struct printer *p, const char *queue, struct err *err)
{
    int ends[2] = {-1, -1};
    bool ok = false;
    int notes = memfd_create("lp", MFD_CLOEXEC);
    if (notes < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        err_set_errno(err, ERR_FILE, errno, "printer '%s'", queue);
        goto out;
    }
    int failed = spawn(&p->child, queue, ends[1], notes);
    if (failed == ENOENT)
        err_set(err, ERR_CONFIG, "printer '%s': there is no program 'lp': install the package cups-client",
                queue);
    else if (failed)
        err_set_errno(err, ERR_FILE, failed, "printer '%s': lp cannot be started", queue);
    else
        ok = true;
out:
    if (ends[1] >= 0) close(ends[1]);
    if (ok) {
        p->fd = ends[0];
        p->notes = notes;
        return true;
    }
    if (ends[0] >= 0) close(ends[0]);
    if (notes >= 0) close(notes);
    return false;
}

bool printer_open(struct printer *p, const char *text, struct err *err)
{
    struct printer made = PRINTER_NONE;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (!printer_check(text, err)) return false;
    const char *queue = behind(text, by_queue);
    if (queue) {
        if (!open_queue(&made, queue, err)) return false;
        snprintf(made.name, sizeof(made.name), "%s", queue);
    } else {
        made.fd = descriptor(behind(text, by_descriptor));
        if (!check_descriptor(made.fd, text, err)) return false;
    }
    sigaction(SIGPIPE, &ignore, &made.before);
    *p = made;
    return true;
}

/* The first line that lp said, as text that can be shown; "" if none. */
static void read_notes(int notes, char text[static NOTES_MAX])
{
    ssize_t n = pread(notes, text, NOTES_MAX - 1, 0);
    size_t len = n > 0 ? (size_t)n : 0;
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    for (size_t i = 0; text[i]; i++) {
        if (!isprint((unsigned char)text[i])) text[i] = '?';
    }
}

/* Waits for lp. False: it failed by itself; that we ended it is no failure of its own. */
static bool wait_for(const struct printer *p, bool ended_by_us, struct err *err)
{
    char notes[NOTES_MAX];
    int status = 0;
    while (waitpid(p->child, &status, 0) < 0) {
        if (errno != EINTR) return err_set_errno(err, ERR_FILE, errno, "printer '%s'", p->name);
    }
    read_notes(p->notes, notes);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return err_set(err, ERR_FILE, "printer '%s': lp ends with status %d%s%s", p->name,
                       WEXITSTATUS(status), notes[0] ? ": " : "", notes);
    if (WIFSIGNALED(status) && !ended_by_us)
        return err_set(err, ERR_FILE, "printer '%s': lp ends by signal %d", p->name, WTERMSIG(status));
    return true;
}

static bool close_queue(const struct printer *p, bool whole, struct err *err)
{
    int reset = 0;
    socklen_t len = sizeof(reset);
    if (whole)
        shutdown(p->fd, SHUT_WR);
    else
        kill(p->child, SIGKILL);
    bool ok = wait_for(p, !whole, err);
    /* A socket that is closed with bytes unread resets the other end. */
    if (ok && whole && (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &reset, &len) != 0 || reset != 0))
        ok = err_set(err, ERR_FILE, "printer '%s': lp ended before it had read the whole letter", p->name);
    close(p->fd);
    close(p->notes);
    return ok;
}

bool printer_close(struct printer *p, bool whole, struct err *err)
{
    if (p->fd < 0) return whole;
    bool ok = p->child == 0 || close_queue(p, whole, err);
    sigaction(SIGPIPE, &p->before, NULL);
    *p = (struct printer)PRINTER_NONE;
    return ok && whole;
}
