/* base/file_lock.h - one program at a time in a file that several write: flock, which ends with the process. */
#ifndef BASE_FILE_LOCK_H
#define BASE_FILE_LOCK_H

#include "base/err.h"

enum file_lock_kind { FILE_LOCK_SHARED, FILE_LOCK_EXCLUSIVE };

/* Locks the open file; path is for messages. Waits up to 10 s. False (ERR_FILE): another holds it for longer, or it cannot be
 * locked. */
MUST_CHECK bool file_lock(int fd, const char *path, enum file_lock_kind kind, struct err *err);
void file_unlock(int fd);

#endif
