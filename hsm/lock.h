/* hsm/lock.h - one process at a time starts a token. Internal to hsm/. */
#ifndef HSM_LOCK_H
#define HSM_LOCK_H

#include <stdint.h>

#include "base/err.h"

/* Takes the lock of this user's processes; *fd is to be given to hsm_lock_release. The file is in $XDG_RUNTIME_DIR, else
 * in /tmp with the user's number in its name. False (ERR_TOKEN): it cannot be opened, is not ours, or deadline_ms
 * (clock_monotonic_ms) has passed. */
MUST_CHECK bool hsm_lock_take(int *fd, uint64_t deadline_ms, struct err *err);
void hsm_lock_release(int fd);
/* Waits a random time of 5 to 50 ms, so that processes do not try again in step. */
void hsm_lock_pause(void);

#endif
