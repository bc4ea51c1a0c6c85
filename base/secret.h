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

/* Once per process before any other call; also forbids core dumps. False: the library cannot start. */
MUST_CHECK bool secret_start(struct err *err);
/* An empty secret with room for `room` bytes. False: memory cannot be had or not be locked (RLIMIT_MEMLOCK). */
MUST_CHECK bool secret_init(struct secret *s, size_t room, struct err *err);
/* A new secret that holds a copy of len bytes; the caller wipes the original. */
MUST_CHECK bool secret_copy(struct secret *s, const void *data, size_t len, struct err *err);
/* Wipes, unlocks and frees; harmless when empty. */
void secret_release(struct secret *s);
/* Locks again in a forked child, where memory locks are not inherited. */
MUST_CHECK bool secret_relock(struct secret *s, struct err *err);
/* Reads up to room bytes of a line from fd (no stdio buffer keeps a copy); drops the line end. */
MUST_CHECK bool secret_read_line(struct secret *s, int fd, const char *name, struct err *err);
/* Prompts on the terminal with echo off and reads one line. False: no terminal, end of input, too long. */
MUST_CHECK bool secret_prompt(struct secret *s, const char *prompt, struct err *err);
/* Constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);
/* Overwrites memory that held something sensitive; the compiler cannot drop it. */
void wipe(void *data, size_t len);

#endif
