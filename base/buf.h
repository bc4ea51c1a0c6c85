/* base/buf.h - bytes: a bounded writer (buf) and a reader (cur). All byte walking happens here.
 *
 * A buf grows up to the maximum that it was given, and remembers the first failure: append many, then
 * ask once with buf_ok. A buf never holds secrets (base/secret.h does). A cur borrows its bytes. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Why a buf failed: its maximum, memory, or a value or place that the caller got wrong. */
enum buf_fault { BUF_FULL, BUF_NO_MEMORY, BUF_MISUSED };

struct buf {
    uint8_t *data;
    size_t len;
    size_t room;
    size_t max;
    bool failed;
    enum buf_fault fault; /* of the first failure, while failed */
};

/* An empty buf that may grow to max bytes; nothing is allocated yet. */
void buf_init(struct buf *b, size_t max);
/* Frees; the buf is then as after buf_init. */
void buf_release(struct buf *b);
/* Empties and forgets a failure; keeps the memory. */
void buf_clear(struct buf *b);
/* Cuts to len bytes; len is at most b->len. */
void buf_truncate(struct buf *b, size_t len);

/* Each of these appends, or marks the buf as failed (maximum reached, memory exhausted). */
void buf_put(struct buf *b, const void *data, size_t len);
void buf_put_u8(struct buf *b, uint8_t value);
/* Unsigned, big-endian, 1–8 bytes; a value that needs more bytes fails the buf, it is never cut. */
void buf_put_be(struct buf *b, uint64_t value, size_t bytes);
void buf_put_text(struct buf *b, const char *text); /* without the terminating zero */
void buf_put_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_put_fill(struct buf *b, uint8_t value, size_t count);
/* Appends len zero bytes and returns their offset, to be overwritten by buf_set later. */
size_t buf_reserve(struct buf *b, size_t len);
/* Overwrites len bytes at offset, which must exist (else the buf is marked failed). */
void buf_set(struct buf *b, size_t offset, const void *data, size_t len);
void buf_set_be(struct buf *b, size_t offset, uint64_t value, size_t bytes);

/* False if any append failed: `what` is named in the message ("record is larger than N bytes", ERR_INPUT;
 * ERR_INTERNAL for memory and misuse). */
MUST_CHECK bool buf_ok(const struct buf *b, const char *what, struct err *err);
/* The bytes as a C string owned by the buf: appends a zero that len does not count. NULL if failed. */
const char *buf_text(struct buf *b);

/* A reader over borrowed bytes. `base` is the offset of data[0] in its file, for messages. */
struct cur {
    const uint8_t *data;
    size_t len;
    size_t pos;
    uint64_t base;
};

struct cur cur_make(const void *data, size_t len, uint64_t base);
size_t cur_left(const struct cur *c);
uint64_t cur_offset(const struct cur *c); /* of the next byte, in the file */

/* Each takes bytes and moves on; false (ERR_INPUT, naming `what` and the offset) leaves the cursor. */
MUST_CHECK bool cur_take(struct cur *c, size_t len, const uint8_t **out, const char *what, struct err *err);
MUST_CHECK bool cur_take_be(struct cur *c, size_t bytes, uint64_t *out, const char *what, struct err *err);
MUST_CHECK bool cur_take_u8(struct cur *c, uint8_t *out, const char *what, struct err *err);
/* A cursor over the next len bytes, which this one skips. */
MUST_CHECK bool cur_take_cur(struct cur *c, size_t len, struct cur *out, const char *what, struct err *err);
/* Exactly `digits` ASCII digits as a number; at most 18 digits. */
MUST_CHECK bool cur_take_digits(struct cur *c, size_t digits, uint64_t *out, const char *what,
                                struct err *err);

/* Equal length and bytes. Not for secrets. */
bool bytes_equal(const void *a, size_t a_len, const void *b, size_t b_len);
bool bytes_all(const uint8_t *data, size_t len, uint8_t value);
/* Number of an unsigned big-endian integer of 1–8 bytes. */
uint64_t bytes_be(const uint8_t *data, size_t len);

#endif
