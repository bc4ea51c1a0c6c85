#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAST_WORDS = 600 };

static bool write_all(int fd, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static size_t read_all(int fd, void *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = read(fd, (char *)data + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    return done;
}

/* The err goes first: its kind tells whether a result follows. */
static int measure(int fd, child_fn *fn, const void *context, size_t result_len)
{
    struct err err = ERR_INIT;
    void *result = calloc(1, result_len);
    bool ok = result ? fn(context, result, &err) : err_set_no_memory(&err);
    bool sent = write_all(fd, &err, sizeof(err)) && (!ok || write_all(fd, result, result_len));
    free(result);
    return sent ? 0 : 1;
}

bool child_start(struct child *c, child_fn *fn, const void *context, size_t result_len, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    fflush(NULL);
    pid_t parent = getpid();
    c->pid = fork();
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        close(ends[0]);
        _exit(measure(ends[1], fn, context, result_len));
    }
    close(ends[1]);
    c->fd = ends[0];
    if (c->pid > 0) return true;
    close(c->fd);
    return err_set_errno(err, ERR_INTERNAL, errno, "fork");
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

bool child_finish(struct child *c, void *result, size_t result_len, struct err *err)
{
    struct err sent = ERR_INIT;
    bool whole = read_all(c->fd, &sent, sizeof(sent)) == sizeof(sent) &&
                 (sent.kind != ERR_NONE || read_all(c->fd, result, result_len) == result_len);
    close(c->fd);
    int status = wait_for(c->pid);
    if (!whole)
        return err_set(err, ERR_INTERNAL, "a measuring process ended without a result (wait status %d)",
                       status);
    if (sent.kind == ERR_NONE) return true;
    *err = sent;
    return false;
}

bool child_run(child_fn *fn, const void *context, void *result, size_t result_len, struct err *err)
{
    struct child c;
    return child_start(&c, fn, context, result_len, err) && child_finish(&c, result, result_len, err);
}

bool child_run_together(child_fn *fn, const struct together *all, struct err *err)
{
    struct child children[TOGETHER_MAX];
    size_t started = 0;
    bool ok = all->count <= TOGETHER_MAX || err_set(err, ERR_INTERNAL, "%zu processes at once", all->count);

    while (ok && started < all->count) {
        ok = child_start(&children[started], fn, all->contexts[started], all->result_len, err);
        started += ok;
    }
    for (size_t i = 0; i < started; i++) {
        struct err later = ERR_INIT;
        if (child_finish(&children[i], all->results[i], all->result_len, &later) || !ok) continue;
        *err = later;
        ok = false;
    }
    return ok;
}

/* ---- programs ---- */

static void last_words(FILE *errors, char text[LAST_WORDS])
{
    long size = fseek(errors, 0, SEEK_END) == 0 ? ftell(errors) : 0;
    long from = size > LAST_WORDS - 1 ? size - (LAST_WORDS - 1) : 0;
    size_t len = fseek(errors, from, SEEK_SET) == 0 ? fread(text, 1, LAST_WORDS - 1, errors) : 0;
    while (len > 0 && text[len - 1] == '\n')
        len--;
    text[len] = '\0';
}

static void become(const char *const *argv, int out, int errors)
{
    union {
        const char *const *in;
        char *const *out;
    } words = {argv}; /* execvp takes pointers that are not const; it does not write there */

    if (dup2(out, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0) _exit(127);
    execvp(words.out[0], words.out);
    dprintf(STDERR_FILENO, "%s: %s", argv[0], strerror(errno));
    _exit(127);
}

static bool collect(int fd, struct buf *out, struct err *err)
{
    char chunk[4096];
    for (size_t n = sizeof(chunk); n == sizeof(chunk);) {
        n = read_all(fd, chunk, sizeof(chunk));
        buf_put(out, chunk, n);
    }
    return buf_ok(out, "output of a program", err);
}

bool program_run(const char *const *argv, struct buf *out, struct err *err)
{
    char words[LAST_WORDS];
    int ends[2];
    FILE *errors = tmpfile();

    if (!errors) return err_set_errno(err, ERR_FILE, errno, "temporary file");
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fclose(errors);
        return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) become(argv, ends[1], fileno(errors));
    close(ends[1]);
    bool ok = pid > 0 ? collect(ends[0], out, err) : err_set_errno(err, ERR_INTERNAL, errno, "fork");
    close(ends[0]);
    int status = pid > 0 ? wait_for(pid) : 0;
    last_words(errors, words);
    fclose(errors);
    if (ok && status != 0)
        ok = err_set(err, ERR_INTERNAL, "%s %s ended with %s %d: %s", argv[0], argv[1],
                     WIFEXITED(status) ? "status" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), words);
    return ok;
}
