#include "bureau/token_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "bureau/message.h"
#include "bureau/token_child.h"
#include "bureau/ways.h"

enum { ANSWER_TIMEOUT_MS = 120000, END_TIMEOUT_MS = 5000, WHAT_SIZE = 256 };

struct token_process {
    pid_t pid;
    int fd; /* -1: it has ended */
    struct buf in, out, notes;
    const char *notes_text; /* in notes */
    char what[WHAT_SIZE];
};

/* ---- life ---- */

static bool fork_child(struct token_process *p, const struct bureau *settings, int pin_fd, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "socket to the token process");
    p->pid = fork();
    if (p->pid == 0) {
        close(ends[0]);
        _exit(token_child_main(ends[1], pin_fd, settings));
    }
    close(ends[1]);
    p->fd = ends[0];
    if (p->pid < 0) return err_set_errno(err, ERR_INTERNAL, errno, "fork the token process");
    return true;
}

static bool lost(struct token_process *p, struct err *err)
{
    if (p->fd >= 0) close(p->fd);
    p->fd = -1;
    return err_set(err, ERR_TOKEN, "the token process has ended");
}

static bool receive(struct token_process *p, enum message_type *type, int timeout_ms, struct err *err)
{
    bool closed = false;
    if (!message_receive(p->fd, type, &p->in, timeout_ms, &closed, err)) {
        err->kind = ERR_TOKEN;
        return false;
    }
    return !closed || lost(p, err);
}

/* Sends what stands in p->out and waits for the answer, in p->in. */
static bool ask(struct token_process *p, enum message_type type, enum message_type expected, struct err *err)
{
    enum message_type got = MESSAGE_DONE;
    struct err unused = ERR_INIT;
    if (p->fd < 0) return lost(p, err);
    if (!buf_ok(&p->out, "message", err)) return false;
    if (!message_send(p->fd, type, &p->out, &unused)) return lost(p, err);
    if (!receive(p, &got, ANSWER_TIMEOUT_MS, err)) return false;
    if (got == expected) return true;
    struct cur c = cur_make(p->in.data, p->in.len, 0);
    struct err told = ERR_INIT;
    if (got != MESSAGE_REFUSED || !message_get_err(&c, &told, err))
        return err_set(err, ERR_INTERNAL, "the token process answers something else than was asked");
    *err = told;
    return false;
}

static bool await_ready(struct token_process *p, struct err *err)
{
    enum message_type type = MESSAGE_DONE;
    if (!receive(p, &type, -1, err)) return false; /* a person may be typing the PIN */
    struct cur c = cur_make(p->in.data, p->in.len, 0);
    struct err told = ERR_INIT;
    if (type == MESSAGE_DONE) {
        if (p->in.len > 0) buf_put(&p->notes, p->in.data, p->in.len);
        p->notes_text = buf_text(&p->notes);
        return buf_ok(&p->notes, "notes", err);
    }
    if (!message_get_err(&c, &told, err)) return false;
    *err = told;
    return false;
}

static bool start(struct token_process **out, const struct bureau *settings, int pin_fd, struct err *err)
{
    struct token_process *p = calloc(1, sizeof(*p));
    if (!p) return err_set_no_memory(err);
    p->fd = -1;
    buf_init(&p->in, MESSAGE_MAX);
    buf_init(&p->out, MESSAGE_MAX);
    buf_init(&p->notes, 65536);
    if (!fork_child(p, settings, pin_fd, err) || !await_ready(p, err)) {
        token_process_free(p);
        return false;
    }
    *out = p;
    return true;
}

bool token_process_start(struct token_process **out, const struct bureau *settings, struct err *err)
{
    return start(out, settings, -1, err);
}

bool token_process_start_with(struct token_process **out, const struct bureau *settings, int pin_fd,
                              struct err *err)
{
    bool ok = start(out, settings, pin_fd, err);
    if (pin_fd >= 0) close(pin_fd);
    return ok;
}

/* It ends when its socket closes; one that hangs in its module is killed after some seconds. */
static void reap(pid_t pid)
{
    struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int ended = p.fd >= 0 ? poll(&p, 1, END_TIMEOUT_MS) : 0;
    if (ended <= 0) kill(pid, SIGKILL);
    if (p.fd >= 0) close(p.fd);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void token_process_free(struct token_process *p)
{
    if (!p) return;
    if (p->fd >= 0) close(p->fd);
    if (p->pid > 0) reap(p->pid);
    buf_release(&p->in);
    buf_release(&p->out);
    buf_release(&p->notes);
    free(p);
}

const char *token_process_notes(const struct token_process *p)
{
    return p->notes_text ? p->notes_text : "";
}

/* ---- cards ---- */

static bool ask_turn(struct token_process *p, enum message_type type, struct card_turn *turn, struct err *err)
{
    struct message_turn m = {.turn = turn, .what = p->what, .what_size = sizeof(p->what)};
    if (!ask(p, type, MESSAGE_TURN, err)) return false;
    struct cur c = cur_make(p->in.data, p->in.len, 0);
    if (!message_get_turn(&c, &m, err)) {
        err->kind = ERR_INTERNAL;
        return false;
    }
    if (m.failed) *err = m.failure;
    return !m.failed;
}

bool token_process_begin(struct token_process *p, const struct card_order *order, struct card_turn *turn,
                         struct err *err)
{
    buf_clear(&p->out);
    message_put_order(&p->out, order);
    turn->outcome = CARD_UNTOUCHED;
    return ask_turn(p, MESSAGE_BEGIN, turn, err);
}

bool token_process_answer(struct token_process *p, const uint8_t *answer, size_t len, struct card_turn *turn,
                          struct err *err)
{
    buf_clear(&p->out);
    if (len > 0) buf_put(&p->out, answer, len);
    turn->outcome = CARD_HALF_DONE; /* should the process die: it may have changed something */
    return ask_turn(p, MESSAGE_ANSWER, turn, err);
}

/* ---- the rest ---- */

bool token_process_file(struct token_process *p, const uint8_t *job_record, size_t len, struct err *err)
{
    buf_clear(&p->out);
    buf_put(&p->out, job_record, len);
    return ask(p, MESSAGE_FILE, MESSAGE_DONE, err);
}

bool token_process_check(struct token_process *p, const uint8_t *record, size_t len, bool keys_only,
                         struct err *err)
{
    buf_clear(&p->out);
    buf_put_u8(&p->out, keys_only);
    buf_put(&p->out, record, len);
    return ask(p, MESSAGE_CHECK, MESSAGE_DONE, err);
}

bool token_process_ways(struct token_process *p, struct ways *ways, struct err *err)
{
    buf_clear(&p->out);
    if (!ask(p, MESSAGE_WAYS, MESSAGE_DONE, err)) return false;
    struct cur c = cur_make(p->in.data, p->in.len, 0);
    return ways_take(&c, ways, err);
}

bool token_process_return_key(struct token_process *p, struct buf *spki, struct err *err)
{
    buf_clear(&p->out);
    if (!ask(p, MESSAGE_RETURN_KEY, MESSAGE_DONE, err)) return false;
    if (p->in.len > 0) buf_put(spki, p->in.data, p->in.len);
    return buf_ok(spki, "return key", err);
}

bool token_process_sign(struct token_process *p, const uint8_t *data, size_t len, struct buf *signature,
                        uint8_t signer[32], struct err *err)
{
    buf_clear(&p->out);
    buf_put(&p->out, data, len);
    if (!ask(p, MESSAGE_SIGN, MESSAGE_DONE, err)) return false;
    if (p->in.len <= SHA256_LEN) return err_set(err, ERR_INTERNAL, "the token process answers no signature");
    memcpy(signer, p->in.data, SHA256_LEN);
    buf_put(signature, &p->in.data[SHA256_LEN], p->in.len - SHA256_LEN);
    return buf_ok(signature, "signature", err);
}

bool token_process_signers(struct token_process *p, struct buf *spkis, struct err *err)
{
    buf_clear(&p->out);
    if (!ask(p, MESSAGE_SIGNERS, MESSAGE_DONE, err)) return false;
    if (p->in.len > 0) buf_put(spkis, p->in.data, p->in.len);
    return buf_ok(spkis, "trusted signers", err);
}
