#include "base/interrupt.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool interrupt_watch(struct interrupt *i, struct err *err)
{
    sigset_t signals;

    i->fd = -1;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &signals, &i->before) < 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "block signals");
    i->fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (i->fd < 0) {
        err_set_errno(err, ERR_INTERNAL, errno, "watch signals");
        sigprocmask(SIG_SETMASK, &i->before, NULL);
        return false;
    }
    return true;
}

bool interrupt_came(struct interrupt *i)
{
    struct signalfd_siginfo info;
    return i->fd >= 0 && read(i->fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

void interrupt_release(struct interrupt *i)
{
    if (i->fd < 0) return;
    while (interrupt_came(i)) { /* too late to matter */
    }
    close(i->fd);
    i->fd = -1;
    sigprocmask(SIG_SETMASK, &i->before, NULL);
}
