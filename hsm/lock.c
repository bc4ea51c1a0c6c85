/* hsm/lock.c - see lock.h. The lock is advisory and a convenience: who starts a token without it is met by the retry in
 * token.c. */
#include "hsm/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"

static void lock_path(char *path, size_t size)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    if (folder && folder[0] == '/' && access(folder, W_OK) == 0)
        snprintf(path, size, "%s/cardprep-token.lock", folder);
    else
        snprintf(path, size, "/tmp/cardprep-token-%lu.lock", (unsigned long)geteuid());
}

void hsm_lock_pause(void)
{
    unsigned char r = 0;
    if (getrandom(&r, 1, GRND_NONBLOCK) != 1) r = 128;
    struct timespec pause = {0, (5 + r * 45L / 255) * 1000000L};
    nanosleep(&pause, NULL);
}

bool hsm_lock_take(int *fd, uint64_t deadline_ms, struct err *err)
{
    char path[512];
    struct stat st;
    lock_path(path, sizeof path);
    int f = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f < 0) return err_set_errno(err, ERR_TOKEN, errno, "lock file %s", path);
    if (fstat(f, &st) != 0 || st.st_uid != geteuid() || !S_ISREG(st.st_mode)) {
        close(f);
        return err_set(err, ERR_TOKEN, "lock file %s belongs to another user or is no file: remove it", path);
    }
    while (flock(f, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int cause = errno;
            close(f);
            return err_set_errno(err, ERR_TOKEN, cause, "lock file %s", path);
        }
        if (clock_monotonic_ms() >= deadline_ms) {
            close(f);
            return err_set(err, ERR_TOKEN, "another process is starting a token for too long and holds %s",
                           path);
        }
        hsm_lock_pause();
    }
    *fd = f;
    return true;
}

void hsm_lock_release(int fd)
{
    close(fd); /* the lock goes with the descriptor */
}
