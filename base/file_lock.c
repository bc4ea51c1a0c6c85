#include "base/file_lock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/file.h>
#include <time.h>

#include "base/progress.h"

enum { LOCK_DEADLINE_MS = 10000, LOCK_PAUSE_MS = 20 };

bool file_lock(int fd, const char *path, enum file_lock_kind kind, struct err *err)
{
    uint64_t deadline = clock_monotonic_ms() + LOCK_DEADLINE_MS;
    int operation = kind == FILE_LOCK_SHARED ? LOCK_SH : LOCK_EX;
    for (;;) {
        if (flock(fd, operation | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set_errno(err, ERR_FILE, errno, "%s: lock", path);
        if (clock_monotonic_ms() >= deadline)
            return err_set(err, ERR_FILE,
                           "%s: locked by another run for more than 10 s; try again when it is through",
                           path);
        struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
}

void file_unlock(int fd)
{
    flock(fd, LOCK_UN);
}
