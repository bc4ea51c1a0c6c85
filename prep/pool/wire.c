#include "prep/pool/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_CHUNK = 65536 };

void wire_init(struct wire *w, int fd)
{
    w->fd = fd;
    w->in_pos = w->out_pos = 0;
    buf_init(&w->in, WIRE_PAYLOAD_MAX + WIRE_HEAD + READ_CHUNK);
    buf_init(&w->out, 4 * (size_t)WIRE_PAYLOAD_MAX);
}

void wire_release(struct wire *w)
{
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
    buf_release(&w->in);
    buf_release(&w->out);
    w->in_pos = w->out_pos = 0;
}

size_t wire_put_begin(struct wire *w, enum wire_type type)
{
    if (w->out_pos == w->out.len) {
        buf_clear(&w->out);
        w->out_pos = 0;
    }
    size_t begin = w->out.len;
    buf_put_u8(&w->out, (uint8_t)type);
    buf_reserve(&w->out, WIRE_HEAD - 1);
    return begin;
}

void wire_put_end(struct wire *w, size_t begin)
{
    if (w->out.failed) return;
    buf_set_be(&w->out, begin + 1, w->out.len - begin - WIRE_HEAD, WIRE_HEAD - 1);
}

size_t wire_unsent(const struct wire *w)
{
    return w->out.len - w->out_pos;
}

/* What was sent goes now and then: a peer that never quite catches up must not make the buffer grow without end. */
static void drop_sent(struct wire *w)
{
    if (w->out_pos < READ_CHUNK) return;
    size_t left = wire_unsent(w);
    memmove(w->out.data, w->out.data + w->out_pos, left);
    buf_truncate(&w->out, left);
    w->out_pos = 0;
}

bool wire_flush(struct wire *w, struct err *err)
{
    if (!buf_ok(&w->out, "message", err)) return false;
    while (wire_unsent(w) > 0) {
        ssize_t n = send(w->fd, w->out.data + w->out_pos, wire_unsent(w), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            drop_sent(w);
            return true;
        }
        if (n < 0) return err_set_errno(err, ERR_INTERNAL, errno, "send to a process of ours");
        w->out_pos += (size_t)n;
    }
    buf_clear(&w->out);
    w->out_pos = 0;
    return true;
}

bool wire_fill(struct wire *w, bool *closed, struct err *err)
{
    uint8_t chunk[READ_CHUNK];

    *closed = false;
    ssize_t n = recv(w->fd, chunk, sizeof(chunk), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return true;
    if (n < 0 && errno != ECONNRESET)
        return err_set_errno(err, ERR_INTERNAL, errno, "receive from a process of ours");
    if (n <= 0) {
        *closed = true;
        return true;
    }
    if (w->in_pos == w->in.len) {
        buf_clear(&w->in);
        w->in_pos = 0;
    } else if (w->in_pos >= READ_CHUNK) { /* now and then the consumed part goes, so that memory stays flat */
        size_t left = w->in.len - w->in_pos;
        memmove(w->in.data, w->in.data + w->in_pos, left);
        buf_truncate(&w->in, left);
        w->in_pos = 0;
    }
    buf_put(&w->in, chunk, (size_t)n);
    return buf_ok(&w->in, "message", err);
}

bool wire_next(struct wire *w, enum wire_type *type, struct cur *payload, bool *got, struct err *err)
{
    size_t available = w->in.len - w->in_pos;

    *got = false;
    if (available < WIRE_HEAD) return true;
    const uint8_t *head = w->in.data + w->in_pos;
    size_t len = (size_t)bytes_be(head + 1, WIRE_HEAD - 1);
    if (len > WIRE_PAYLOAD_MAX)
        return err_set(err, ERR_INTERNAL, "a message of %zu bytes from a process of ours", len);
    if (available - WIRE_HEAD < len) return true;
    *type = (enum wire_type)head[0];
    *payload = cur_make(head + WIRE_HEAD, len, 0);
    w->in_pos += WIRE_HEAD + len;
    *got = true;
    return true;
}

bool wire_receive(struct wire *w, enum wire_type *type, struct cur *payload, bool *closed, struct err *err)
{
    *closed = false;
    for (;;) {
        bool got = false;
        if (!wire_next(w, type, payload, &got, err)) return false;
        if (got) return true;
        if (!wire_fill(w, closed, err)) return false;
        if (*closed) return true;
    }
}

void wire_put_err(struct buf *b, const struct err *err)
{
    size_t len = strnlen(err->text, sizeof(err->text));
    buf_put_u8(b, (uint8_t)err->kind);
    buf_put_be(b, len, 2);
    buf_put(b, err->text, len);
}

bool wire_get_err(struct cur *c, struct err *out, struct err *err)
{
    uint8_t kind = 0;
    uint64_t len = 0;
    const uint8_t *text = NULL;

    if (!cur_take_u8(c, &kind, "error kind", err) || !cur_take_be(c, 2, &len, "error length", err) ||
        !cur_take(c, (size_t)len, &text, "error text", err))
        return false;
    if (kind == ERR_NONE || kind > ERR_INTERNAL)
        return err_set(err, ERR_INTERNAL, "unknown error kind %u", kind);
    err_set(out, (enum err_kind)kind, "%.*s", (int)len, (const char *)text);
    return true;
}

/* One byte with room for one file descriptor beside it; points into itself, so it is not to be copied. */
struct fd_message {
    uint8_t type;
    struct iovec part;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
};

static void fd_message_init(struct fd_message *m, uint8_t type)
{
    memset(m, 0, sizeof(*m));
    m->type = type;
    m->part = (struct iovec){&m->type, 1};
    m->message.msg_iov = &m->part;
    m->message.msg_iovlen = 1;
    m->message.msg_control = m->control.bytes;
    m->message.msg_controllen = sizeof(m->control.bytes);
}

bool wire_send_fd(int socket, int fd, struct err *err)
{
    struct fd_message m;

    fd_message_init(&m, WIRE_SPAWN);
    struct cmsghdr *head = CMSG_FIRSTHDR(&m.message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    while (sendmsg(socket, &m.message, MSG_NOSIGNAL) != 1) {
        if (errno != EINTR) return err_set_errno(err, ERR_INTERNAL, errno, "ask the keeper for a worker");
    }
    return true;
}

bool wire_receive_fd(int socket, int *fd, bool *closed, struct err *err)
{
    struct fd_message m;
    ssize_t n;

    fd_message_init(&m, 0);
    *fd = -1;
    *closed = false;
    while ((n = recvmsg(socket, &m.message, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno == ECONNRESET) break;
        if (errno != EINTR) return err_set_errno(err, ERR_INTERNAL, errno, "receive from the coordinator");
    }
    if (n <= 0) {
        *closed = true;
        return true;
    }
    struct cmsghdr *head = CMSG_FIRSTHDR(&m.message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(head), sizeof(*fd));
    return true;
}
