#include "bureau/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/progress.h"

enum { WORDS_MAX = 256 };

const struct bureau_module *module_of(const struct bureau *b, const char *mic)
{
    for (size_t i = 0; i < b->module_count; i++)
        if (strcmp(b->modules[i].mic, mic) == 0) return &b->modules[i];
    return NULL;
}

/* ---- a file ---- */

/* A record that is made again on another card finds its file where the machine leaves them. */
static bool is_there(const char *path, const struct mic_group *group)
{
    struct err err = ERR_INIT;
    struct buf have;
    buf_init(&have, group->len + 1);
    bool same = file_read_all(path, group->len + 1, &have, &err) &&
                bytes_equal(have.data, have.len, group->data, group->len);
    buf_release(&have);
    return same;
}

static bool to_file(const struct bureau_module *m, uint64_t record, const struct mic_group *group,
                    struct err *err)
{
    struct outfile *f = NULL;
    char *path = NULL;
    if (asprintf(&path, "%s/%010" PRIu64 "-%s", m->folder, record, m->mic) < 0) return err_set_no_memory(err);
    bool ok =
        is_there(path, group) || (outfile_create(&f, path, err) &&
                                  outfile_append(f, group->data, group->len, err) && outfile_commit(f, err));
    outfile_close(f, false);
    free(path);
    return ok;
}

/* ---- a command ---- */

struct child {
    pid_t pid;
    int in;     /* our end of its standard input; a socket, so that one that does not read is no signal */
    int errors; /* our end of its standard error */
    char words[WORDS_MAX]; /* the first of them */
    size_t word_count;
};

static void become(const struct bureau_module *m, uint64_t record, int in, int errors)
{
    char number[24];
    sigset_t none;

    snprintf(number, sizeof(number), "%" PRIu64, record);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0 &&
        dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 && setenv("CARDBUREAU_RECORD", number, 1) == 0 &&
        setenv("CARDBUREAU_MODULE", m->mic, 1) == 0)
        execv(m->command[0], m->command);
    dprintf(STDERR_FILENO, "%s: %s", m->command[0], strerror(errno));
    _exit(127);
}

static bool start(const struct bureau_module *m, uint64_t record, struct child *c, struct err *err)
{
    int in[2] = {-1, -1}, errors[2] = {-1, -1};

    *c = (struct child){.pid = -1, .in = -1, .errors = -1};
    bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0 && pipe2(errors, O_CLOEXEC) == 0;
    if (ok) {
        fflush(NULL);
        c->pid = fork();
        if (c->pid == 0) become(m, record, in[1], errors[1]);
        if (c->pid > 0) setpgid(c->pid, c->pid); /* whoever of the two comes first */
    }
    int why = errno;
    if (in[1] >= 0) close(in[1]);
    if (errors[1] >= 0) close(errors[1]);
    c->in = in[0];
    c->errors = errors[0];
    return c->pid > 0 || err_set_errno(err, ERR_FILE, why, "cannot be started");
}

static void take_words(struct child *c)
{
    char chunk[WORDS_MAX];
    ssize_t n = read(c->errors, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
        close(c->errors);
        c->errors = -1;
        return;
    }
    for (ssize_t i = 0; i < n && c->word_count + 1 < sizeof(c->words); i++)
        c->words[c->word_count++] = chunk[i] < ' ' || chunk[i] == 0x7F ? ' ' : chunk[i];
}

static void give_bytes(struct child *c, const struct mic_group *group, size_t *sent)
{
    ssize_t n = send(c->in, group->data + *sent, group->len - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) *sent += (size_t)n;
    if (*sent < group->len && (n > 0 || errno == EAGAIN || errno == EINTR)) return;
    close(c->in); /* all sent, or it reads no more: its status says what that means */
    c->in = -1;
}

/* Until it has ended by itself. False: the deadline has passed. */
static bool attend(struct child *c, const struct mic_group *group, int deadline_ms)
{
    uint64_t until = clock_monotonic_ms() + (uint64_t)deadline_ms;
    struct pollfd fds[3] = {{.fd = pidfd_open(c->pid, 0), .events = POLLIN}};
    size_t sent = 0;
    bool ended = false, in_time = true;

    while (!ended && in_time) {
        uint64_t now = clock_monotonic_ms();
        fds[1] = (struct pollfd){.fd = c->in, .events = POLLOUT};
        fds[2] = (struct pollfd){.fd = c->errors, .events = POLLIN};
        int n = now < until ? poll(fds, 3, (int)(until - now)) : 0;
        in_time = n != 0;
        if (n <= 0) continue;
        if (fds[1].revents) give_bytes(c, group, &sent);
        if (fds[2].revents) take_words(c);
        ended = fds[0].revents != 0;
    }
    if (ended && c->errors >= 0) take_words(c);
    if (fds[0].fd >= 0) close(fds[0].fd);
    return ended;
}

static bool to_command(const struct bureau_module *m, uint64_t record, const struct mic_group *group,
                       int deadline_ms, struct err *err)
{
    struct child c;
    int status = 0;
    bool in_time = false;
    bool ok = start(m, record, &c, err);

    if (ok) {
        in_time = attend(&c, group, deadline_ms);
        if (!in_time) kill(-c.pid, SIGKILL);
        while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    if (c.in >= 0) close(c.in);
    if (c.errors >= 0) close(c.errors);
    if (!ok) return false;
    if (!in_time)
        return err_set(err, ERR_FILE, "%s: not through after %d s", m->command[0], deadline_ms / 1000);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    return err_set(err, ERR_FILE, "%s: ended with %s %d: %s", m->command[0],
                   WIFEXITED(status) ? "status" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), c.words);
}

bool module_hand_over(const struct bureau_module *m, uint64_t record, const struct mic_group *group,
                      int deadline_ms, struct err *err)
{
    bool ok = m->command ? to_command(m, record, group, deadline_ms, err) : to_file(m, record, group, err);
    if (!ok) err_prefix(err, "module %s", m->mic);
    return ok;
}
