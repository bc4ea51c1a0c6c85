#include "prep/pool/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/progress.h"
#include "hsm/pin.h"
#include "hsm/token.h"
#include "prep/pool/wire.h"
#include "prep/pool/worker.h"

/* How long a worker that has lost its coordinator may take to end by itself. It may be logging in, and a soft token writes
 * its token file anew at each login: SoftHSM's is empty, and the token lost, if the process is killed in the middle of that. */
enum { LET_GO_MS = 5000, CHILDREN_MAX = 256, REAP_LEN = 9 /* patience, pid */ };

struct children {
    pid_t pids[CHILDREN_MAX];
    size_t count;
};

struct keeper {
    pid_t pid;
    struct wire wire;
};

static void on_signal(int number)
{
    (void)number; /* only there so that a blocked read returns */
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static bool get_pin(const struct token_settings *token, struct secret *pin, struct err *err)
{
    struct hsm_pin_source source;
    struct hsm_token_choice choice = worker_token_choice(token);
    char name[128];

    hsm_token_choice_name(&choice, name, sizeof(name));
    return hsm_pin_source_read(token->pin ? token->pin : "prompt", &source, err) &&
           hsm_pin_get(&source, name, pin, err);
}

static bool get_pins(const struct job *job, struct worker_pins *pins, struct err *err)
{
    if (!get_pin(&job->master_token, &pins->master, err)) return false;
    return !job->separate_card_key_token || get_pin(&job->card_key_token, &pins->card_key, err);
}

static void answer(struct wire *w, enum wire_type type, uint64_t number, const struct err *failure)
{
    struct err err = ERR_INIT;
    size_t begin = wire_put_begin(w, failure ? WIRE_REFUSED : type);

    if (failure)
        wire_put_err(&w->out, failure);
    else
        buf_put_be(&w->out, number, 8);
    wire_put_end(w, begin);
    err_ignore(wire_flush(w, &err), "a coordinator that has gone is noticed by the next read");
}

static void spawn(struct wire *w, struct children *children, int fd, const struct job *job,
                  const struct worker_pins *pins)
{
    struct err err = ERR_INIT;
    bool room = children->count < CHILDREN_MAX;
    pid_t pid = room ? fork() : -1;

    if (pid == 0) {
        close(w->fd);
        dup2(STDERR_FILENO,
             STDOUT_FILENO); /* results are the coordinator's: a talkative module must not mix in */
        _exit(worker_main(fd, job, pins));
    }
    if (fd >= 0) close(fd);
    if (!room)
        err_set(&err, ERR_INTERNAL, "too many worker processes");
    else if (pid < 0)
        err_set_errno(&err, ERR_INTERNAL, errno, "fork a worker");
    else
        children->pids[children->count++] = pid;
    answer(w, WIRE_SPAWNED, (uint64_t)pid, pid < 0 ? &err : NULL);
}

/* Waits for the worker to end by itself, then kills it; gives its status. It is ours until waited for. */
static int end_worker(pid_t pid, int patience_ms)
{
    struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int status = 0;

    while (ended.fd >= 0 && poll(&ended, 1, patience_ms) < 0 && errno == EINTR) {
    }
    if (ended.fd >= 0) close(ended.fd);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void reap(struct wire *w, struct children *children)
{
    uint8_t bytes[REAP_LEN];
    size_t i = 0;

    if (recv(w->fd, bytes, sizeof(bytes), MSG_WAITALL) != (ssize_t)sizeof(bytes)) return;
    pid_t pid = (pid_t)bytes_be(bytes + 1, sizeof(bytes) - 1);
    while (i < children->count && children->pids[i] != pid)
        i++;
    if (i == children->count) return;
    children->pids[i] = children->pids[--children->count];
    answer(w, WIRE_REAPED, (uint64_t)(unsigned)end_worker(pid, bytes[0] ? LET_GO_MS : 0), NULL);
}

/* Until the coordinator has gone: one byte says what is wanted, with a socket for a worker or a pid behind it. */
static void serve(struct wire *w, struct children *children, const struct job *job,
                  const struct worker_pins *pins)
{
    for (;;) {
        struct err err = ERR_INIT;
        uint8_t type = 0;
        ssize_t n = recv(w->fd, &type, 1, MSG_PEEK);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        if (type == WIRE_REAP) {
            if (recv(w->fd, &type, 1, 0) != 1) return;
            reap(w, children);
        } else {
            int fd = -1;
            bool closed = false;
            if (!wire_receive_fd(w->fd, &fd, &closed, &err) || closed) return;
            spawn(w, children, fd, job, pins);
        }
    }
}

/* The workers see that the coordinator's sockets are closed, and end. */
static void let_go(const struct children *children)
{
    uint64_t until_ms = clock_monotonic_ms() + LET_GO_MS;

    for (size_t i = 0; i < children->count; i++) {
        uint64_t now_ms = clock_monotonic_ms();
        end_worker(children->pids[i], now_ms < until_ms ? (int)(until_ms - now_ms) : 0);
    }
}

static int keeper_main(int fd, const struct job *job)
{
    struct wire w;
    struct worker_pins pins = {SECRET_NONE, SECRET_NONE};
    struct children children = {.count = 0};
    struct err err = ERR_INIT;

    wire_init(&w, fd);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a prompt ends when nobody waits for the PIN any more */
    handle(SIGINT, on_signal);        /* an interrupted prompt must put the terminal's echo back */
    handle(SIGTERM, on_signal);
    bool ok = get_pins(job, &pins, &err);
    answer(&w, WIRE_READY, 0, ok ? NULL : &err);
    handle(SIGINT, SIG_IGN); /* from now on the coordinator decides when the work ends */
    handle(SIGTERM, SIG_IGN);
    if (ok) serve(&w, &children, job, &pins);
    secret_release(&pins.master);
    secret_release(&pins.card_key);
    let_go(&children);
    wire_release(&w);
    return 0;
}

/* The keeper's next answer: a number, or the err that it sent. */
static bool await_answer(struct keeper *k, enum wire_type expected, uint64_t *number, struct err *err)
{
    enum wire_type type;
    struct cur payload;
    bool closed = false;
    struct err sent = ERR_INIT;

    if (!wire_receive(&k->wire, &type, &payload, &closed, err)) return false;
    if (closed) return err_set(err, ERR_INTERNAL, "the keeper process has ended");
    if (type == WIRE_REFUSED) {
        if (!wire_get_err(&payload, &sent, err)) return false;
        *err = sent;
        return false;
    }
    if (type != expected) return err_set(err, ERR_INTERNAL, "unexpected answer %d of the keeper", (int)type);
    return cur_take_be(&payload, 8, number, "keeper's answer", err);
}

bool keeper_start(struct keeper **out, const struct job *job, struct err *err)
{
    int ends[2];
    uint64_t unused;
    struct keeper *k = calloc(1, sizeof(*k));

    if (!k) return err_set_no_memory(err);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        err_set_errno(err, ERR_INTERNAL, errno, "socket pair");
        free(k);
        return false;
    }
    fflush(NULL);
    k->pid = fork();
    if (k->pid == 0) {
        close(ends[0]);
        _exit(keeper_main(ends[1], job));
    }
    close(ends[1]);
    wire_init(&k->wire, ends[0]);
    if (k->pid < 0) {
        err_set_errno(err, ERR_INTERNAL, errno, "fork the keeper");
    } else if (await_answer(k, WIRE_READY, &unused, err)) {
        *out = k;
        return true;
    }
    keeper_free(k);
    return false;
}

bool keeper_spawn(struct keeper *k, pid_t *pid, int *fd, struct err *err)
{
    int ends[2];
    uint64_t number = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "socket pair");
    bool ok = wire_send_fd(k->wire.fd, ends[1], err);
    close(ends[1]);
    if (ok) ok = await_answer(k, WIRE_SPAWNED, &number, err);
    if (ok && fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) ok = err_set_errno(err, ERR_INTERNAL, errno, "fcntl");
    if (!ok) {
        close(ends[0]);
        return false;
    }
    *pid = (pid_t)number;
    *fd = ends[0];
    return true;
}

bool keeper_reap(struct keeper *k, pid_t pid, bool at_once, char how[64], struct err *err)
{
    uint64_t number = 0;
    uint8_t request[1 + REAP_LEN] = {WIRE_REAP, !at_once};

    for (size_t i = 0; i < 8; i++)
        request[REAP_LEN - i] = (uint8_t)((uint64_t)pid >> (8 * i));
    if (send(k->wire.fd, request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
        return err_set_errno(err, ERR_INTERNAL, errno, "the keeper process has ended");
    if (!await_answer(k, WIRE_REAPED, &number, err)) return false;
    int status = (int)(unsigned)number;
    if (WIFSIGNALED(status))
        snprintf(how, 64, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, 64, "ended with exit status %d", WEXITSTATUS(status));
    return true;
}

void keeper_free(struct keeper *k)
{
    if (!k) return;
    wire_release(&k->wire); /* its reads end, it wipes the PINs and goes; the workers go with it */
    if (k->pid > 0) {
        while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    free(k);
}
