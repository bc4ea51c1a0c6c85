#include "bureau/message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/progress.h"

enum { HEAD = 5, TEXT_MAX = 65535 };

/* ---- framing ---- */

/* Takes what is sent already off the front. */
static void advance(struct iovec parts[2], size_t sent)
{
    for (size_t i = 0; i < 2; i++) {
        const size_t gone = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        if (gone == 0) continue;
        parts[i].iov_base = (uint8_t *)parts[i].iov_base + gone;
        parts[i].iov_len -= gone;
        sent -= gone;
    }
}

/* Head and payload in one call, so that the other process is woken once. */
static bool send_all(int fd, struct iovec parts[2], struct err *err)
{
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_set_errno(err, ERR_INTERNAL, errno, "send to a process of ours");
        advance(parts, (size_t)n);
    }
    return true;
}

bool message_send(int fd, enum message_type type, const struct buf *payload, struct err *err)
{
    uint8_t head[HEAD] = {(uint8_t)type};
    struct iovec parts[2] = {{head, sizeof(head)}, {payload->data, payload->len}};
    if (!buf_ok(payload, "message", err)) return false;
    if (payload->len > MESSAGE_MAX) return err_set(err, ERR_INTERNAL, "a message of %zu bytes", payload->len);
    for (size_t i = 0; i < 4; i++)
        head[1 + i] = (uint8_t)(payload->len >> (8 * (3 - i)));
    return send_all(fd, parts, err);
}

/* Waits for readability until the deadline; a signal only shortens the wait. */
static bool wait_for(int fd, uint64_t deadline_ms, struct err *err)
{
    for (;;) {
        int timeout = -1;
        if (deadline_ms > 0) {
            const uint64_t now = clock_monotonic_ms();
            timeout = now < deadline_ms ? (int)(deadline_ms - now) : 0;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, timeout);
        if (ready > 0) return true;
        if (ready == 0) return err_set(err, ERR_INTERNAL, "a process of ours does not answer");
        if (errno != EINTR) return err_set_errno(err, ERR_INTERNAL, errno, "wait for a process of ours");
    }
}

/* *got: fewer bytes only where the peer has closed. */
static bool receive_all(int fd, uint8_t *out, size_t len, uint64_t deadline_ms, size_t *got, struct err *err)
{
    *got = 0;
    while (*got < len) {
        if (!wait_for(fd, deadline_ms, err)) return false;
        ssize_t n = recv(fd, &out[*got], len - *got, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != ECONNRESET)
            return err_set_errno(err, ERR_INTERNAL, errno, "receive from a process of ours");
        if (n <= 0) return true;
        *got += (size_t)n;
    }
    return true;
}

bool message_receive(int fd, enum message_type *type, struct buf *payload, int timeout_ms, bool *closed,
                     struct err *err)
{
    const uint64_t deadline = timeout_ms < 0 ? 0 : clock_monotonic_ms() + (uint64_t)timeout_ms;
    uint8_t head[HEAD];
    size_t got = 0;
    *closed = false;
    buf_clear(payload);
    if (!receive_all(fd, head, sizeof(head), deadline, &got, err)) return false;
    if (got == 0) {
        *closed = true;
        return true;
    }
    const size_t len = (size_t)bytes_be(&head[1], 4);
    if (got < sizeof(head) || len > MESSAGE_MAX)
        return err_set(err, ERR_INTERNAL, "a message of a process of ours that is none");
    buf_reserve(payload, len);
    if (!buf_ok(payload, "message", err)) return false;
    if (len > 0 && !receive_all(fd, payload->data, len, deadline, &got, err)) return false;
    if (len > 0 && got < len) return err_set(err, ERR_INTERNAL, "a message of a process of ours ends short");
    *type = (enum message_type)head[0];
    return true;
}

/* ---- payloads ---- */

void message_put_text(struct buf *b, const char *text)
{
    const size_t len = strnlen(text, TEXT_MAX);
    buf_put_be(b, len, 2);
    buf_put(b, text, len);
}

bool message_get_text(struct cur *c, char *text, size_t size, struct err *err)
{
    const uint8_t *bytes = NULL;
    uint64_t len = 0;
    if (!cur_take_be(c, 2, &len, "text of a message", err) ||
        !cur_take(c, (size_t)len, &bytes, "text of a message", err))
        return false;
    if (len >= size) len = size - 1;
    memcpy(text, bytes, (size_t)len);
    text[len] = 0;
    return true;
}

void message_put_err(struct buf *b, const struct err *e)
{
    buf_put_u8(b, (uint8_t)e->kind);
    message_put_text(b, e->text);
}

bool message_get_err(struct cur *c, struct err *out, struct err *err)
{
    uint8_t kind = 0;
    if (!cur_take_u8(c, &kind, "error of a message", err) ||
        !message_get_text(c, out->text, sizeof(out->text), err))
        return false;
    if (kind > ERR_INTERNAL) return err_set(err, ERR_INTERNAL, "a message with an error of kind %u", kind);
    out->kind = (enum err_kind)kind;
    return true;
}

static void put_bytes(struct buf *b, const uint8_t *bytes, size_t len)
{
    buf_put_be(b, len, 4);
    if (len > 0) buf_put(b, bytes, len);
}

static bool get_bytes(struct cur *c, const uint8_t **bytes, size_t *len, struct err *err)
{
    uint64_t value = 0;
    if (!cur_take_be(c, 4, &value, "bytes of a message", err) ||
        !cur_take(c, (size_t)value, bytes, "bytes of a message", err))
        return false;
    *len = (size_t)value;
    return true;
}

enum { CHALLENGE = 8, ORDER_DRY_RUN = 1, ORDER_SUPPLY = 2, ORDER_AGAIN = 4, ORDER_REPEATED = 8 };

void message_put_order(struct buf *b, const struct card_order *order)
{
    const unsigned flags = (order->dry_run ? ORDER_DRY_RUN : 0u) | (order->supply ? ORDER_SUPPLY : 0u) |
                           (order->again ? ORDER_AGAIN : 0u) | (order->repeated ? ORDER_REPEATED : 0u);
    buf_put_u8(b, (uint8_t)flags);
    buf_put_be(b, order->tries, 4);
    put_bytes(b, order->challenge, order->challenge ? CHALLENGE : 0);
    put_bytes(b, order->record, order->len);
}

bool message_get_order(struct cur *c, struct card_order *order, struct err *err)
{
    struct card_order o = {.record = NULL};
    uint8_t flags = 0;
    uint64_t tries = 0;
    size_t challenge_len = 0;
    if (!cur_take_u8(c, &flags, "order", err) || !cur_take_be(c, 4, &tries, "order", err) ||
        !get_bytes(c, &o.challenge, &challenge_len, err) || !get_bytes(c, &o.record, &o.len, err))
        return false;
    if (challenge_len != CHALLENGE && challenge_len != 0)
        return err_set(err, ERR_INTERNAL, "a challenge of %zu bytes", challenge_len);
    if (challenge_len == 0) o.challenge = NULL;
    o.dry_run = (flags & ORDER_DRY_RUN) != 0;
    o.supply = (flags & ORDER_SUPPLY) != 0;
    o.again = (flags & ORDER_AGAIN) != 0;
    o.repeated = (flags & ORDER_REPEATED) != 0;
    o.tries = (unsigned)tries;
    *order = o;
    return true;
}

void message_put_turn(struct buf *b, const struct card_turn *turn, const struct err *failure)
{
    const struct err none = ERR_INIT;
    message_put_err(b, failure ? failure : &none);
    buf_put_u8(b, turn->done);
    buf_put_u8(b, (uint8_t)turn->outcome);
    message_put_err(b, &turn->err);
    message_put_text(b, turn->serial);
    message_put_text(b, turn->what ? turn->what : "");
    put_bytes(b, turn->command.data, turn->command.len);
}

bool message_get_turn(struct cur *c, struct message_turn *out, struct err *err)
{
    struct card_turn *t = out->turn;
    const uint8_t *command = NULL;
    uint8_t done = 0, outcome = 0;
    size_t len = 0;
    if (!message_get_err(c, &out->failure, err) || !cur_take_u8(c, &done, "turn", err) ||
        !cur_take_u8(c, &outcome, "turn", err) || !message_get_err(c, &t->err, err) ||
        !message_get_text(c, t->serial, sizeof(t->serial), err) ||
        !message_get_text(c, out->what, out->what_size, err) || !get_bytes(c, &command, &len, err))
        return false;
    if (outcome > CARD_SPOILED) return err_set(err, ERR_INTERNAL, "a turn with outcome %u", outcome);
    out->failed = out->failure.kind != ERR_NONE;
    t->done = done != 0;
    t->outcome = (enum card_outcome)outcome;
    t->what = out->what;
    buf_clear(&t->command);
    if (len > 0) buf_put(&t->command, command, len);
    return buf_ok(&t->command, "command", err);
}

/* ---- turns ---- */

enum { TURN_MAX = 1 << 20 }; /* a command, or the words of a dry run */

void card_turn_init(struct card_turn *turn)
{
    memset(turn, 0, sizeof(*turn));
    turn->what = "";
    buf_init(&turn->command, TURN_MAX);
}

void card_turn_release(struct card_turn *turn)
{
    buf_release(&turn->command);
}
