#include "vpcd_card.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POWER_OFF, POWER_ON, RESET, GET_ATR = 4, TRIES = 1000, PAUSE_MS = 10 };

/* T=1; card capabilities 73 with extended lengths. */
static const uint8_t plain_atr[] = {0x3B, 0x85, 0x01, 0x80, 0x73, 0x00, 0x00, 0x40, 0x37};

static void pause_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000L};
    nanosleep(&t, NULL);
}

/* The reader listens once the service has it, and one card at a time. */
static int connect_reader(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < TRIES; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) return fd;
        if (fd >= 0) close(fd);
        pause_ms(PAUSE_MS);
    }
    return -1;
}

static bool receive(int fd, uint8_t *to, size_t len)
{
    const int on = 1;
    for (size_t done = 0; done < len;) {
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on)); /* not sticky; else 40 ms a command */
        ssize_t n = recv(fd, to + done, len - done, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* Length and body in one write. */
static bool reply(int fd, uint8_t *frame, size_t len)
{
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    return send(fd, frame, len + 2, MSG_NOSIGNAL) == (ssize_t)(len + 2);
}

static size_t echo(const uint8_t *command, size_t len, uint8_t *answer)
{
    memcpy(answer, command, len);
    memcpy(answer + len, "\x90\x00", 2);
    return len + 2;
}

static bool control(int fd, uint8_t code, const struct vpcd_script *script, struct vpcd_seen *seen,
                    uint8_t *frame)
{
    bool plain = !script->atr;
    size_t len = plain ? sizeof(plain_atr) : script->atr_len;
    if (code == POWER_ON) seen->power_ons++;
    if (code == RESET) seen->resets++;
    if (code != GET_ATR && script->leaves && seen->commands > 0 && script->leaves(script->context))
        return false;
    if (code != GET_ATR) return true;
    memcpy(frame + 2, plain ? plain_atr : script->atr, len);
    return reply(fd, frame, len);
}

static void serve(int fd, const struct vpcd_script *script, struct vpcd_seen *seen)
{
    static uint8_t command[65536], frame[VPCD_ANSWER_MAX + 2];
    uint8_t head[2];

    while (receive(fd, head, sizeof(head))) {
        size_t len = (size_t)head[0] << 8 | head[1];
        if (!receive(fd, command, len)) return;
        if (len == 1) {
            if (!control(fd, command[0], script, seen, frame)) return;
            continue;
        }
        size_t answer_len = script->answer ? script->answer(script->context, command, len, frame + 2)
                                           : echo(command, len, frame + 2);
        seen->commands++;
        if (seen->commands == script->pull_at) return;
        if (script->delay_ms) pause_ms(script->delay_ms);
        if (!reply(fd, frame, answer_len)) return;
    }
}

bool vpcd_card_insert(struct vpcd_card *c, int port, const struct vpcd_script *script)
{
    *c = (struct vpcd_card){
        0, mmap(NULL, sizeof(*c->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    if (c->seen == MAP_FAILED) return false;
    fflush(NULL);
    c->pid = fork();
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = connect_reader(port);
        if (fd >= 0) serve(fd, script, c->seen);
        _exit(fd < 0);
    }
    return c->pid > 0;
}

void vpcd_card_await(struct vpcd_card *c)
{
    if (c->pid <= 0) return;
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    c->pid = 0;
}

void vpcd_card_pull(struct vpcd_card *c)
{
    if (c->pid > 0) kill(c->pid, SIGKILL);
    vpcd_card_await(c);
}

void vpcd_card_release(struct vpcd_card *c)
{
    vpcd_card_pull(c);
    if (c->seen) munmap(c->seen, sizeof(*c->seen));
    c->seen = NULL;
}
