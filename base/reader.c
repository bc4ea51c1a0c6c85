#include "base/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_FIRST = 64 * 1024 };

struct reader {
    char *name;
    int fd;                /* -1: memory */
    const uint8_t *memory; /* the caller's */
    uint64_t size;
    struct timespec changed;
    uint64_t offset; /* of the next byte; never above size */
    uint64_t line;
    uint8_t *window;
    uint64_t window_at; /* offset of window[0] */
    size_t window_len;
    size_t window_room;
};

static bool reader_new(struct reader **out, const char *name, struct err *err)
{
    struct reader *r = calloc(1, sizeof(*r));
    char *copy = strdup(name);
    if (!r || !copy) {
        free(copy);
        free(r);
        return err_set_no_memory(err);
    }
    r->name = copy;
    r->fd = -1;
    *out = r;
    return true;
}

bool reader_open(struct reader **out, const char *path, struct err *err)
{
    struct reader *r = NULL;
    struct stat st;
    if (!reader_new(&r, path, err)) return false;
    /* O_NONBLOCK: a pipe must be refused, not waited for. */
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (r->fd < 0 || fstat(r->fd, &st) != 0) {
        err_set_errno(err, ERR_FILE, errno, "%s: cannot be opened", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_FILE, "%s: is not a regular file; input is read twice, so put it into one", path);
        goto out;
    }
    r->size = (uint64_t)st.st_size;
    r->changed = st.st_mtim;
    *out = r;
    return true;
out:
    reader_free(r);
    return false;
}

bool reader_open_memory(struct reader **out, const void *data, size_t len, const char *name, struct err *err)
{
    struct reader *r = NULL;
    if (!reader_new(&r, name, err)) return false;
    r->memory = data;
    r->size = len;
    *out = r;
    return true;
}

void reader_free(struct reader *r)
{
    if (!r) return;
    if (r->fd >= 0) close(r->fd);
    free(r->window);
    free(r->name);
    free(r);
}

const char *reader_name(const struct reader *r)
{
    return r->name;
}

uint64_t reader_offset(const struct reader *r)
{
    return r->offset;
}

uint64_t reader_size(const struct reader *r)
{
    return r->size;
}

static bool make_room(struct reader *r, size_t len, struct err *err)
{
    if (len <= r->window_room) return true;
    size_t room = r->window_room > SIZE_MAX / 2 ? SIZE_MAX : 2 * r->window_room;
    if (room < WINDOW_FIRST) room = WINDOW_FIRST;
    if (room < len) room = len;
    uint8_t *window = realloc(r->window, room);
    if (!window) return err_set_no_memory(err);
    r->window = window;
    r->window_room = room;
    return true;
}

/* The window from the next byte on: what lies before is dropped, or everything after a far seek. */
static void slide(struct reader *r)
{
    size_t skip = r->window_len;
    if (r->offset >= r->window_at && r->offset - r->window_at < r->window_len)
        skip = (size_t)(r->offset - r->window_at);
    if (skip > 0 && skip < r->window_len) memmove(r->window, r->window + skip, r->window_len - skip);
    r->window_len -= skip;
    r->window_at = r->offset;
}

/* Points *out at the next len bytes, or at as many as the file has (*got). */
static bool look(struct reader *r, size_t len, const uint8_t **out, size_t *got, struct err *err)
{
    uint64_t left = r->size - r->offset;
    if (len > left) len = (size_t)left;
    if (r->fd < 0) {
        *out = r->memory ? r->memory + r->offset : (const uint8_t *)"";
        *got = len;
        return true;
    }
    bool inside = r->offset >= r->window_at && r->offset - r->window_at <= r->window_len;
    if (!inside || r->window_len - (size_t)(r->offset - r->window_at) < len) {
        slide(r);
        if (!make_room(r, len, err)) return false;
    }
    size_t begin = (size_t)(r->offset - r->window_at);
    while (r->window_len - begin < len) {
        ssize_t n = pread(r->fd, r->window + r->window_len, r->window_room - r->window_len,
                          (off_t)(r->window_at + r->window_len));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return err_set_errno(err, ERR_FILE, errno, "%s: offset %llu", r->name,
                                 (unsigned long long)(r->window_at + r->window_len));
        if (n == 0) break;
        r->window_len += (size_t)n;
    }
    *out = r->window ? r->window + begin : (const uint8_t *)"";
    *got = r->window_len - begin < len ? r->window_len - begin : len;
    return true;
}

bool reader_take(struct reader *r, size_t len, size_t limit, const char *what, const uint8_t **out,
                 struct err *err)
{
    const uint8_t *data = NULL;
    size_t got = 0;
    unsigned long long offset = r->offset;
    if (r->offset == r->size) {
        *out = NULL;
        return true;
    }
    if (len > limit)
        return err_set(err, ERR_INPUT, "%s: offset %llu: %s of %zu bytes is larger than %zu", r->name, offset,
                       what, len, limit);
    if (len > r->size - r->offset)
        got = (size_t)(r->size - r->offset);
    else if (!look(r, len, &data, &got, err))
        return false;
    if (got < len)
        return err_set(err, ERR_INPUT, "%s: offset %llu: %s needs %zu bytes, %zu are left", r->name, offset,
                       what, len, got);
    r->offset += len;
    *out = data;
    return true;
}

/* Bytes after the offset that are in memory already. */
static size_t at_hand(const struct reader *r)
{
    if (r->fd < 0) return (size_t)(r->size - r->offset);
    if (r->offset < r->window_at || r->offset - r->window_at >= r->window_len) return 0;
    return r->window_len - (size_t)(r->offset - r->window_at);
}

static bool line_too_long(const struct reader *r, size_t limit, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: line %llu (offset %llu) is longer than %zu bytes", r->name,
                   (unsigned long long)r->line + 1, (unsigned long long)r->offset, limit);
}

bool reader_take_line(struct reader *r, size_t limit, const uint8_t **out, size_t *len, struct err *err)
{
    const uint8_t *data = NULL;
    const uint8_t *end = NULL;
    size_t got = 0;
    size_t searched = 0;
    size_t most = limit > SIZE_MAX - 2 ? SIZE_MAX : limit + 2; /* a line within the limit and CRLF */
    /* First what is at hand: looking further moves the window, which is not to happen for every line. */
    size_t want = at_hand(r) ? at_hand(r) : WINDOW_FIRST;
    if (want > most) want = most;
    if (r->offset == r->size) {
        *out = NULL;
        *len = 0;
        return true;
    }
    for (;;) {
        if (!look(r, want, &data, &got, err)) return false;
        end = memchr(data + searched, '\n', got - searched);
        if (end || got < want || want == most) break;
        searched = got;
        want = want < WINDOW_FIRST / 2 ? WINDOW_FIRST : 2 * want;
        if (want > most) want = most;
    }
    size_t taken = end ? (size_t)(end - data) + 1 : got;
    size_t text = end ? taken - 1 : taken;
    if (end && text > 0 && data[text - 1] == '\r') text--;
    if (text > limit) return line_too_long(r, limit, err);
    r->offset += taken;
    r->line++;
    *out = data;
    *len = text;
    return true;
}

uint64_t reader_lines(const struct reader *r)
{
    return r->line;
}

bool reader_peek(struct reader *r, size_t len, const uint8_t **out, size_t *got, struct err *err)
{
    return look(r, len, out, got, err);
}

bool reader_seek(struct reader *r, uint64_t offset, struct err *err)
{
    if (offset > r->size)
        return err_set(err, ERR_INPUT, "%s: offset %llu lies behind the end at %llu", r->name,
                       (unsigned long long)offset, (unsigned long long)r->size);
    r->offset = offset;
    r->line = 0;
    return true;
}

bool reader_unchanged(const struct reader *r, struct err *err)
{
    struct stat st;
    if (r->fd < 0) return true;
    if (fstat(r->fd, &st) != 0) return err_set_errno(err, ERR_FILE, errno, "%s", r->name);
    if ((uint64_t)st.st_size == r->size && st.st_mtim.tv_sec == r->changed.tv_sec &&
        st.st_mtim.tv_nsec == r->changed.tv_nsec)
        return true;
    return err_set(err, ERR_INPUT, "%s: was changed while it was read; start again with a file at rest",
                   r->name);
}
