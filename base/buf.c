#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256, DIGITS_MAX = 18 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

void buf_truncate(struct buf *b, size_t len)
{
    if (len < b->len) b->len = len;
}

/* The first failure stays: it is the one that explains the rest. */
static bool fail(struct buf *b, enum buf_fault fault)
{
    if (!b->failed) b->fault = fault;
    b->failed = true;
    return false;
}

/* Room for `need` bytes in all; buf_text may need one above the maximum. */
static bool grow(struct buf *b, size_t need)
{
    if (need <= b->room) return true;
    size_t room = b->room > SIZE_MAX / 2 ? SIZE_MAX : 2 * b->room;
    if (room < FIRST_ROOM) room = FIRST_ROOM;
    if (b->max < SIZE_MAX && room > b->max + 1) room = b->max + 1;
    if (room < need) room = need;
    uint8_t *data = realloc(b->data, room);
    if (!data) return fail(b, BUF_NO_MEMORY);
    b->data = data;
    b->room = room;
    return true;
}

/* Makes len bytes at the end, still to be filled. NULL if that cannot be or there are none. */
static uint8_t *extend(struct buf *b, size_t len)
{
    if (b->failed || len == 0) return NULL;
    if (len > b->max - b->len) {
        fail(b, BUF_FULL);
        return NULL;
    }
    if (!grow(b, b->len + len)) return NULL;
    uint8_t *at = b->data + b->len;
    b->len += len;
    return at;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    uint8_t *at = extend(b, len);
    if (at) memcpy(at, data, len);
}

void buf_put_u8(struct buf *b, uint8_t value)
{
    buf_put(b, &value, 1);
}

/* False if the value needs more bytes. */
static bool to_be(uint8_t out[static 8], uint64_t value, size_t bytes)
{
    if (bytes < 1 || bytes > 8 || (bytes < 8 && value >> (8 * bytes))) return false;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    return true;
}

void buf_put_be(struct buf *b, uint64_t value, size_t bytes)
{
    uint8_t encoded[8];
    if (to_be(encoded, value, bytes))
        buf_put(b, encoded, bytes);
    else
        fail(b, BUF_MISUSED);
}

void buf_put_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_put_format(struct buf *b, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        fail(b, BUF_NO_MEMORY);
        return;
    }
    buf_put(b, text, (size_t)len);
    free(text);
}

void buf_put_fill(struct buf *b, uint8_t value, size_t count)
{
    uint8_t *at = extend(b, count);
    if (at) memset(at, value, count);
}

size_t buf_reserve(struct buf *b, size_t len)
{
    size_t offset = b->len;
    buf_put_fill(b, 0, len);
    return offset;
}

void buf_set(struct buf *b, size_t offset, const void *data, size_t len)
{
    if (b->failed || len == 0) return;
    if (offset > b->len || len > b->len - offset)
        fail(b, BUF_MISUSED);
    else
        memcpy(b->data + offset, data, len);
}

void buf_set_be(struct buf *b, size_t offset, uint64_t value, size_t bytes)
{
    uint8_t encoded[8];
    if (to_be(encoded, value, bytes))
        buf_set(b, offset, encoded, bytes);
    else
        fail(b, BUF_MISUSED);
}

bool buf_ok(const struct buf *b, const char *what, struct err *err)
{
    if (!b->failed) return true;
    if (b->fault == BUF_FULL) return err_set(err, ERR_INPUT, "%s is larger than %zu bytes", what, b->max);
    if (b->fault == BUF_MISUSED)
        return err_set(err, ERR_INTERNAL, "%s: a value does not fit its field", what);
    err_set_no_memory(err);
    err_prefix(err, "%s", what);
    return false;
}

const char *buf_text(struct buf *b)
{
    if (b->failed || b->len == SIZE_MAX || !grow(b, b->len + 1)) return NULL;
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

struct cur cur_make(const void *data, size_t len, uint64_t base)
{
    return (struct cur){.data = data, .len = len, .base = base};
}

size_t cur_left(const struct cur *c)
{
    return c->len - c->pos;
}

uint64_t cur_offset(const struct cur *c)
{
    return c->base + c->pos;
}

bool cur_take(struct cur *c, size_t len, const uint8_t **out, const char *what, struct err *err)
{
    if (len > cur_left(c))
        return err_set(err, ERR_INPUT, "%s at offset %llu needs %zu bytes, %zu are left", what,
                       (unsigned long long)cur_offset(c), len, cur_left(c));
    *out = c->len ? c->data + c->pos : c->data;
    c->pos += len;
    return true;
}

bool cur_take_be(struct cur *c, size_t bytes, uint64_t *out, const char *what, struct err *err)
{
    const uint8_t *data = NULL;
    if (bytes < 1 || bytes > 8)
        return err_set(err, ERR_INTERNAL, "%s: a number of %zu bytes was asked for", what, bytes);
    if (!cur_take(c, bytes, &data, what, err)) return false;
    *out = bytes_be(data, bytes);
    return true;
}

bool cur_take_u8(struct cur *c, uint8_t *out, const char *what, struct err *err)
{
    const uint8_t *data = NULL;
    if (!cur_take(c, 1, &data, what, err)) return false;
    *out = data[0];
    return true;
}

bool cur_take_cur(struct cur *c, size_t len, struct cur *out, const char *what, struct err *err)
{
    const uint8_t *data = NULL;
    uint64_t offset = cur_offset(c);
    if (!cur_take(c, len, &data, what, err)) return false;
    *out = cur_make(data, len, offset);
    return true;
}

bool cur_take_digits(struct cur *c, size_t digits, uint64_t *out, const char *what, struct err *err)
{
    struct cur ahead = *c;
    const uint8_t *data = NULL;
    uint64_t value = 0;
    if (digits < 1 || digits > DIGITS_MAX)
        return err_set(err, ERR_INTERNAL, "%s: a number of %zu digits was asked for", what, digits);
    if (!cur_take(&ahead, digits, &data, what, err)) return false;
    for (size_t i = 0; i < digits; i++) {
        if (data[i] < '0' || data[i] > '9')
            return err_set(err, ERR_INPUT, "%s: no digit at offset %llu", what,
                           (unsigned long long)cur_offset(c) + i);
        value = 10 * value + (uint64_t)(data[i] - '0');
    }
    *c = ahead;
    *out = value;
    return true;
}

bool bytes_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

bool bytes_all(const uint8_t *data, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != value) return false;
    }
    return true;
}

uint64_t bytes_be(const uint8_t *data, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | data[i];
    return value;
}
