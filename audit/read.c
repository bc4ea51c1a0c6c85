#include "audit/read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file_lock.h"

struct audit_read {
    struct reader *reader;
    struct audit_line line;
    struct audit_head head;
    struct audit_read_end end;
};

bool audit_read_over_from(struct audit_read **out, struct reader *reader, const struct audit_head *head,
                          uint64_t offset, struct err *err)
{
    struct audit_read *r = calloc(1, sizeof(*r));
    if (!r) {
        reader_free(reader);
        return err_set_no_memory(err);
    }
    *r = (struct audit_read){.reader = reader, .head = *head, .end = {.whole = offset}};
    if (!reader_seek(reader, offset, err)) {
        audit_read_free(r);
        return false;
    }
    *out = r;
    return true;
}

bool audit_read_over(struct audit_read **out, struct reader *reader, struct err *err)
{
    static const struct audit_head none;
    return audit_read_over_from(out, reader, &none, 0, err);
}

bool audit_read_open(struct audit_read **out, const char *path, struct err *err)
{
    struct reader *reader = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return err_set_errno(err, ERR_FILE, errno, "%s: audit log", path);
    /* Whoever appends holds the lock, so no half of a line is taken for the file's end. */
    bool ok = file_lock(fd, path, FILE_LOCK_SHARED, err) && reader_open(&reader, path, err);
    close(fd);
    return ok && audit_read_over(out, reader, err);
}

void audit_read_free(struct audit_read *r)
{
    if (!r) return;
    audit_line_release(&r->line);
    reader_free(r->reader);
    free(r);
}

static bool at_line(const struct audit_read *r, struct err *err)
{
    err_prefix(err, "%s:%" PRIu64, reader_name(r->reader), r->head.seq + 1);
    return false;
}

static bool take(struct audit_read *r, const uint8_t **bytes, size_t *len, uint64_t *taken, struct err *err)
{
    uint64_t start = reader_offset(r->reader);
    if (!reader_take_line(r->reader, AUDIT_LINE_MAX, bytes, len, err)) {
        if (err->kind == ERR_INPUT) {
            err_set_text(err, ERR_INTEGRITY, "is longer than any line of an audit log");
            return at_line(r, err);
        }
        return false;
    }
    *taken = reader_offset(r->reader) - start;
    return true;
}

bool audit_read_next(struct audit_read *r, const struct audit_line **line, struct err *err)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    uint64_t taken = 0;

    audit_line_release(&r->line);
    *line = NULL;
    if (!take(r, &bytes, &len, &taken, err)) return false;
    if (!bytes) return true;
    bool ended = taken > len;
    bool ok = taken <= len + 1 || err_set(err, ERR_INTEGRITY, "was changed: it ends with CR and LF");
    ok = ok && audit_line_parse(bytes, len, &r->head, &r->line, err);
    if (!ok && !ended && err->kind == ERR_INTEGRITY) {
        err_clear(err);
        r->end.cut = taken;
        return true;
    }
    if (!ok) return at_line(r, err);
    r->head.seq = r->line.seq;
    memcpy(r->head.hash, r->line.hash, SHA256_LEN);
    r->end.whole += taken;
    r->end.unended = !ended;
    *line = &r->line;
    return true;
}

const struct audit_head *audit_read_head(const struct audit_read *r)
{
    return &r->head;
}

struct audit_read_end audit_read_end(const struct audit_read *r)
{
    return r->end;
}

const char *audit_read_path(const struct audit_read *r)
{
    return reader_name(r->reader);
}
