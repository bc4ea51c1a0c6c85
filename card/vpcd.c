#include "card/vpcd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

enum { ORDER_OFF = 0, ORDER_ON = 1, ORDER_RESET = 2, ORDER_ATR = 4, LENGTH_BYTES = 2, RETRY_MS = 50 };

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
}

static int try_to_connect(const struct addrinfo *list)
{
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0) continue;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            return fd;
        }
        close(fd);
    }
    return -1;
}

bool vpcd_connect(const char *host, unsigned port, const volatile sig_atomic_t *stop, int *fd,
                  struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char service[16];

    snprintf(service, sizeof(service), "%u", port);
    int failed = getaddrinfo(host, service, &hints, &list);
    if (failed) return err_set(err, ERR_CONFIG, "host '%s': %s", host, gai_strerror(failed));
    *fd = -1;
    while (!*stop && *fd < 0) {
        *fd = try_to_connect(list);
        if (*fd < 0) wait_a_little();
    }
    freeaddrinfo(list);
    return *fd >= 0 || err_set(err, ERR_INTERRUPTED, "interrupted");
}

/* len bytes; false: the other side closed, or a signal came. */
static bool receive(int fd, uint8_t *out, size_t len, const volatile sig_atomic_t *stop)
{
    size_t have = 0;

    while (have < len) {
        int on = 1;
        /* Not sticky: to be said before each reading. No TCP socket in tests, where it fails and does no harm. */
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
        ssize_t got = recv(fd, out + have, len - have, 0);
        if (got == 0 || *stop || (got < 0 && errno != EINTR)) return false;
        if (got > 0) have += (size_t)got;
    }
    return true;
}

static bool send_message(int fd, const struct buf *body)
{
    struct buf message;
    size_t sent = 0;

    buf_init(&message, LENGTH_BYTES + VPCD_BODY_MAX);
    buf_put_be(&message, body->len, LENGTH_BYTES);
    buf_put(&message, body->data, body->len);
    bool ok = !message.failed;
    while (ok && sent < message.len) {
        ssize_t n = send(fd, message.data + sent, message.len - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else
            ok = n < 0 && errno == EINTR;
    }
    buf_release(&message);
    return ok;
}

struct service {
    int fd;
    const struct vpcd_card *card;
    struct buf answer;
};

/* One message; false: served to the end, *end says how. */
static bool serve_one(struct service *s, const uint8_t *body, size_t len, enum vpcd_end *end)
{
    const struct vpcd_card *card = s->card;

    buf_clear(&s->answer);
    if (len == 1 && body[0] == ORDER_ATR) {
        card->atr(card->context, &s->answer);
    } else if (len == 1 && body[0] <= ORDER_RESET) {
        card->power(card->context, body[0] != ORDER_OFF);
        return true;
    } else if (len > 1) {
        if (!card->process(card->context, body, len, &s->answer)) {
            *end = VPCD_PULLED;
            return false;
        }
        if (s->answer.len == 0) return true;
    } else {
        return true; /* an order that is not known, or an empty message */
    }
    return send_message(s->fd, &s->answer);
}

bool vpcd_serve(int fd, const struct vpcd_card *card, const volatile sig_atomic_t *stop, enum vpcd_end *end,
                struct err *err)
{
    struct service s = {.fd = fd, .card = card};
    struct secret body = SECRET_NONE;
    uint8_t length[LENGTH_BYTES];

    *end = VPCD_CLOSED;
    if (!secret_init(&body, VPCD_BODY_MAX, err)) return false;
    buf_init(&s.answer, VPCD_BODY_MAX);
    for (;;) {
        if (!receive(fd, length, sizeof(length), stop)) break;
        size_t len = bytes_be(length, sizeof(length));
        if (!receive(fd, body.data, len, stop)) break;
        if (!serve_one(&s, body.data, len, end)) break;
    }
    if (*stop) *end = VPCD_STOPPED;
    buf_release(&s.answer);
    secret_release(&body);
    return true;
}
