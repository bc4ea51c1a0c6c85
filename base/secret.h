/* base/secret.h - secrets: PINs, components, whatever must not leave the process.
 *
 * The memory is libsodium's guarded allocation: locked, out of core dumps, between guard pages, wiped
 * when freed. There is no print and no hex function for a secret, on purpose. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct secret {
    uint8_t *data; /* NULL when empty */
    size_t len;    /* bytes in use */
    size_t room;   /* bytes allocated */
};

#define SECRET_NONE                                                                                          \
    {                                                                                                        \
        NULL, 0, 0                                                                                           \
    }

/* Once per process before any other call; also forbids core dumps, and tracing by others (which makes the
 * process's /proc files root's) save in builds with AddressSanitizer. False: the library cannot start. */
MUST_CHECK bool secret_start(struct err *err);
/* An empty secret with room for `room` bytes; *s holds nothing before. False: memory cannot be had or not be locked (RLIMIT_MEMLOCK). */
MUST_CHECK bool secret_init(struct secret *s, size_t room, struct err *err);
/* A new secret that holds a copy of len bytes; the caller wipes the original. */
MUST_CHECK bool secret_copy(struct secret *s, const void *data, size_t len, struct err *err);
/* Wipes, unlocks and frees; harmless when empty. */
void secret_release(struct secret *s);
/* Locks again in a forked child, where memory locks are not inherited. */
MUST_CHECK bool secret_relock(struct secret *s, struct err *err);
/* Processes that are forked from now on find zeros in its place, and must not release it. False: the system refuses. */
MUST_CHECK bool secret_keep_from_children(struct secret *s, struct err *err);
/* Reads one line of up to room bytes from fd into s, which has its room; drops the line end (LF or CRLF)
 * and leaves what follows unread. False, with s empty: longer line or nothing to read (ERR_INPUT), a signal
 * (ERR_INTERRUPTED), reading fails (ERR_FILE). `name` is for messages. */
MUST_CHECK bool secret_read_line(struct secret *s, int fd, const char *name, struct err *err);
/* Prompts on the terminal with echo off and reads one line as secret_read_line does. False: also without a
 * terminal (ERR_CONFIG), for a control character (ERR_INPUT), and for the interrupt key (ERR_INTERRUPTED),
 * which ends the question but not the process. Programs handle SIGTERM without SA_RESTART: then echo is
 * on again before they end. */
MUST_CHECK bool secret_prompt(struct secret *s, const char *prompt, struct err *err);
/* Constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);
/* Overwrites memory that held something sensitive; the compiler cannot drop it. */
void wipe(void *data, size_t len);

#endif
