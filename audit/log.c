#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/read.h"
#include "base/file_lock.h"
#include "base/outfile.h"

enum { CLOSING_MAX = 1024, LINE_ROOM = AUDIT_LINE_MAX + 1 };

struct audit_log {
    char *path;
    struct audit_log_settings settings;
    int fd;
    bool held;
    struct audit_head head;
    uint64_t end; /* offset at which the line `head` ends */
};

static bool open_file(struct audit_log *log, struct err *err)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    bool made = false;
    struct stat st;

    log->fd = open(log->path, flags);
    if (log->fd < 0 && errno == ENOENT && log->settings.create) {
        log->fd = open(log->path, flags | O_CREAT | O_EXCL, 0600);
        made = log->fd >= 0;
        if (!made && errno == EEXIST) log->fd = open(log->path, flags); /* another began it just now */
    }
    if (log->fd < 0 || fstat(log->fd, &st) != 0)
        return err_set_errno(err, ERR_FILE, errno, "%s: audit log", log->path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_FILE, "%s: the audit log is no regular file", log->path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(err, ERR_FILE, "%s: the audit log may be written by others (chmod 600)", log->path);
    return !made || file_sync_folder(log->path, err);
}

/* Whether the name still leads to the open file, and the file still holds what was read. */
static bool check_same(const struct audit_log *log, struct err *err)
{
    struct stat open_one, named;
    if (fstat(log->fd, &open_one) != 0)
        return err_set_errno(err, ERR_FILE, errno, "%s: audit log", log->path);
    if (stat(log->path, &named) != 0 || named.st_dev != open_one.st_dev || named.st_ino != open_one.st_ino)
        return err_set(err, ERR_INTEGRITY, "%s: the audit log was exchanged while it was open", log->path);
    return (uint64_t)open_one.st_size >= log->end ||
           err_set(err, ERR_INTEGRITY, "%s: line %" PRIu64 " was removed while the audit log was open",
                   log->path, log->head.seq);
}

/* Reads on from where the log is known to here. */
static bool read_on(struct audit_log *log, struct audit_read_end *end, struct err *err)
{
    struct reader *reader = NULL;
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;

    bool ok = check_same(log, err) && reader_open(&reader, log->path, err) &&
              audit_read_over_from(&r, reader, &log->head, log->end, err);
    do
        ok = ok && audit_read_next(r, &line, err);
    while (ok && line);
    if (ok) {
        log->head = *audit_read_head(r);
        *end = audit_read_end(r);
        log->end = end->whole;
    }
    audit_read_free(r);
    return ok;
}

static bool refuse_write(const struct audit_log *log, int errnum, struct err *err)
{
    return err_set_errno(err, ERR_FILE, errnum, "%s: the audit log could not be written", log->path);
}

/* One write at the end. What a failed one left is taken off again; where that fails too, the next program finds a cut line. */
static bool write_end(struct audit_log *log, const void *data, size_t len, struct err *err)
{
    ssize_t n = -1;
    do
        n = write(log->fd, data, len);
    while (n < 0 && errno == EINTR);
    int why = n < 0 ? errno : ENOSPC;
    if (n == (ssize_t)len) {
        if (fsync(log->fd) == 0) return true;
        why = errno;
    }
    refuse_write(log, why, err);
    if (ftruncate(log->fd, (off_t)log->end) != 0) err_prefix(err, "a cut line stays at its end");
    return false;
}

/* The bytes behind the last good line, which are fewer than a line may have. */
static bool hash_cut(const struct audit_log *log, uint64_t len, uint8_t out[SHA256_LEN], struct err *err)
{
    struct reader *reader = NULL;
    const uint8_t *bytes = NULL;
    bool ok = reader_open(&reader, log->path, err) && reader_seek(reader, log->end, err) &&
              reader_take(reader, (size_t)len, LINE_ROOM, "cut line", &bytes, err) &&
              sha256(bytes ? bytes : (const uint8_t *)"", bytes ? (size_t)len : 0, out, err);
    reader_free(reader);
    return ok;
}

/* Puts the line over the cut one and only then drops what is left of that, so that at no moment it is gone unsaid. */
static bool write_over(const struct audit_log *log, const struct buf *line, struct err *err)
{
    int fd = open(log->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : pwrite(fd, line->data, line->len, (off_t)log->end);
    bool whole = n == (ssize_t)line->len;
    bool ok = whole && ftruncate(fd, (off_t)(log->end + line->len)) == 0 && fsync(fd) == 0;
    if (!ok) refuse_write(log, n >= 0 && !whole ? ENOSPC : errno, err);
    if (fd >= 0) close(fd);
    return ok;
}

static bool make_line(const struct audit_log *log, const struct audit_event *e, const char *time,
                      struct buf *line, struct audit_head *head, struct err *err)
{
    return audit_line_make(line, &log->head, time, log->settings.program, e, head, err);
}

static bool now_text(const struct audit_log *log, char time[CLOCK_TEXT_LEN + 1], struct err *err)
{
    return clock_text(log->settings.now(log->settings.now_context), time, err);
}

static bool replace_cut(struct audit_log *log, uint64_t cut, struct err *err)
{
    struct audit_event e;
    struct buf line;
    struct audit_head head;
    uint8_t hash[SHA256_LEN];
    char time[CLOCK_TEXT_LEN + 1];
    bool ok = false;

    buf_init(&line, LINE_ROOM);
    audit_event_init(&e, "cut-line");
    if (!hash_cut(log, cut, hash, err) || !now_text(log, time, err)) goto out;
    audit_number(&e, "bytes", cut);
    audit_hex(&e, "sha256", hash, sizeof(hash));
    if (!make_line(log, &e, time, &line, &head, err) || !write_over(log, &line, err)) goto out;
    log->head = head;
    log->end += line.len;
    ok = true;
out:
    audit_event_release(&e);
    buf_release(&line);
    return ok;
}

/* Brings the log to a state behind which a line can be appended. The lock is held. */
static bool catch_up(struct audit_log *log, struct err *err)
{
    struct audit_read_end end;
    if (!read_on(log, &end, err)) return false;
    if (end.unended) {
        if (!write_end(log, "\n", 1, err)) return false;
        log->end++;
    }
    return end.cut == 0 || replace_cut(log, end.cut, err);
}

bool audit_log_hold(struct audit_log *log, struct err *err)
{
    bool was_held = log->held;
    if (!was_held && !file_lock(log->fd, log->path, FILE_LOCK_EXCLUSIVE, err)) return false;
    log->held = true;
    if (catch_up(log, err)) return true;
    if (!was_held) audit_log_let_go(log);
    return false;
}

void audit_log_let_go(struct audit_log *log)
{
    if (log->held) file_unlock(log->fd);
    log->held = false;
}

bool audit_log_open(struct audit_log **out, const char *path, const struct audit_log_settings *settings,
                    struct err *err)
{
    struct audit_log *log = calloc(1, sizeof(*log));
    if (!log) return err_set_no_memory(err);
    *log = (struct audit_log){.path = strdup(path), .settings = *settings, .fd = -1};
    signal(SIGXFSZ, SIG_IGN);
    bool ok = log->path || err_set_no_memory(err);
    ok = ok && open_file(log, err) && audit_log_hold(log, err);
    if (!ok) {
        audit_log_free(log);
        return false;
    }
    audit_log_let_go(log);
    *out = log;
    return true;
}

void audit_log_free(struct audit_log *log)
{
    if (!log) return;
    if (log->fd >= 0) close(log->fd); /* and with it the lock */
    free(log->path);
    free(log);
}

void audit_closing_data(struct buf *out, const uint8_t prev[SHA256_LEN], uint64_t seq, const char *time)
{
    static const char context[] = "cardprep-audit-1"; /* its zero byte parts it from what follows */
    buf_put(out, context, sizeof(context));
    buf_put(out, prev, SHA256_LEN);
    buf_put_be(out, seq, 8);
    buf_put_text(out, time);
}

/* The closing's event: its own members, signer and signature. */
static bool sign_closing(const struct audit_log *log, const struct audit_signer *signer, const char *time,
                         struct audit_event *e, struct err *err)
{
    struct buf data, signature;
    bool ok = false;
    buf_init(&data, CLOSING_MAX);
    buf_init(&signature, CLOSING_MAX);
    audit_closing_data(&data, log->head.hash, log->head.seq + 1, time);
    if (!buf_ok(&data, "closing", err)) goto out;
    if (!signer->sign(signer->context, data.data, data.len, &signature, err)) goto out;
    if (!buf_ok(&signature, "signature", err)) goto out;
    audit_hex(e, "signer", signer->id, SHA256_LEN);
    audit_hex(e, "signature", signature.data, signature.len);
    ok = true;
out:
    buf_release(&data);
    buf_release(&signature);
    return ok;
}

static bool append(struct audit_log *log, struct audit_event *e, const struct audit_signer *signer,
                   struct err *err)
{
    struct buf line;
    struct audit_head head;
    char time[CLOCK_TEXT_LEN + 1];
    bool ok = false;

    buf_init(&line, LINE_ROOM);
    if (!now_text(log, time, err)) goto out;
    if (signer && !sign_closing(log, signer, time, e, err)) goto out;
    if (!make_line(log, e, time, &line, &head, err)) goto out;
    if (!write_end(log, line.data, line.len, err)) goto out;
    log->head = head;
    log->end += line.len;
    ok = true;
out:
    buf_release(&line);
    return ok;
}

static bool append_locked(struct audit_log *log, struct audit_event *e, const struct audit_signer *signer,
                          struct err *err)
{
    bool held = log->held;
    bool ok = audit_log_hold(log, err) && append(log, e, signer, err);
    if (!held) audit_log_let_go(log);
    return ok;
}

bool audit_log_append(struct audit_log *log, const struct audit_event *e, struct err *err)
{
    struct audit_event own = *e;
    if (strcmp(e->name, AUDIT_CLOSING) == 0)
        return err_set(err, ERR_INTERNAL, "%s: a closing is to be signed", log->path);
    return append_locked(log, &own, NULL, err);
}

bool audit_log_append_closing(struct audit_log *log, struct audit_event *e, const struct audit_signer *signer,
                              struct err *err)
{
    if (strcmp(e->name, AUDIT_CLOSING) != 0)
        return err_set(err, ERR_INTERNAL, "%s: event %s is no closing", log->path, e->name);
    return append_locked(log, e, signer, err);
}

const struct audit_head *audit_log_head(const struct audit_log *log)
{
    return &log->head;
}

const char *audit_log_path(const struct audit_log *log)
{
    return log->path;
}
