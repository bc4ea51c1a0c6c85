#include "base/stop_signal.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* That it was called is all that matters: it is called once, and so leaves a mark (SA_RESETHAND). */
static void came(int signal_number)
{
    (void)signal_number;
}

bool stop_signal_watch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = came;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], &action, NULL) != 0) return false;
    }
    return true;
}

bool stop_signal_came(void)
{
    struct sigaction now;
    for (size_t i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) return true;
    }
    return false;
}

void stop_signal_hold(sigset_t *before)
{
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&held, signals[i]);
    sigprocmask(SIG_BLOCK, &held, before);
}

void stop_signal_let_go(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}

ssize_t stop_signal_read(int fd, uint8_t *byte, const sigset_t *during)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (ppoll(&wait, 1, NULL, during) < 0) return -1;
    return read(fd, byte, 1);
}
