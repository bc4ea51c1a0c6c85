#include "formats/row_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { ROWS_FIRST = 64 };

struct row_log {
    size_t row_len;
    size_t memory_max; /* in rows */
    size_t memory_room;
    uint8_t *memory; /* while file is NULL */
    FILE *file;
    uint64_t count;
    uint64_t at; /* the row at which the file stands; count while it is being written */
    bool writing;
};

bool row_log_new(struct row_log **out, size_t row_len, size_t rows_in_memory, struct err *err)
{
    struct row_log *log = calloc(1, sizeof(*log));
    if (!log) return err_set_no_memory(err);
    log->row_len = row_len;
    log->memory_max = rows_in_memory;
    *out = log;
    return true;
}

void row_log_free(struct row_log *log)
{
    if (!log) return;
    if (log->file) fclose(log->file);
    free(log->memory);
    free(log);
}

uint64_t row_log_count(const struct row_log *log)
{
    return log->count;
}

/* Not every file system has files without a name: then one with a name, which is taken away at once. */
static int open_unnamed(const char *folder)
{
    char path[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
    int len = snprintf(path, sizeof(path), "%s/cardprep-XXXXXX", folder);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0 && unlink(path) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool open_file(FILE **out, struct err *err)
{
    const char *folder = secure_getenv("TMPDIR");
    if (!folder || folder[0] == '\0') folder = "/tmp";
    int fd = open_unnamed(folder);
    FILE *file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    if (!file) {
        int cause = errno;
        if (fd >= 0) close(fd);
        return err_set_errno(err, ERR_FILE, cause, "no temporary file in %s (set TMPDIR to another folder)",
                             folder);
    }
    *out = file;
    return true;
}

static bool write_rows(FILE *file, const void *rows, size_t len, struct err *err)
{
    if (len == 0 || fwrite(rows, len, 1, file) == 1) return true;
    return err_set_errno(err, ERR_FILE, errno, "temporary file: cannot be written");
}

static bool spill(struct row_log *log, struct err *err)
{
    FILE *file = NULL;
    if (!open_file(&file, err)) return false;
    if (!write_rows(file, log->memory, (size_t)log->count * log->row_len, err)) {
        fclose(file);
        return false;
    }
    free(log->memory);
    log->memory = NULL;
    log->file = file;
    log->writing = true;
    return true;
}

static bool append_to_memory(struct row_log *log, const void *row, struct err *err)
{
    if (log->count == log->memory_room) {
        size_t room = log->memory_room ? 2 * log->memory_room : ROWS_FIRST;
        uint8_t *memory = realloc(log->memory, room * log->row_len);
        if (!memory) return err_set_no_memory(err);
        log->memory = memory;
        log->memory_room = room;
    }
    memcpy(&log->memory[(size_t)log->count * log->row_len], row, log->row_len);
    log->count++;
    return true;
}

static bool go_to(struct row_log *log, uint64_t index, struct err *err)
{
    if (fseeko(log->file, (off_t)(index * log->row_len), SEEK_SET) == 0) return true;
    return err_set_errno(err, ERR_FILE, errno, "temporary file: cannot be positioned");
}

bool row_log_append(struct row_log *log, const void *row, struct err *err)
{
    if (!log->file && log->count < log->memory_max) return append_to_memory(log, row, err);
    if (!log->file && !spill(log, err)) return false;
    if (!log->writing && !go_to(log, log->count, err)) return false;
    log->writing = true;
    if (!write_rows(log->file, row, log->row_len, err)) return false;
    log->count++;
    return true;
}

bool row_log_read(struct row_log *log, uint64_t index, void *row, struct err *err)
{
    if (index >= log->count)
        return err_set(err, ERR_INTERNAL, "row %llu of %llu was asked for", (unsigned long long)index,
                       (unsigned long long)log->count);
    if (!log->file) {
        memcpy(row, &log->memory[(size_t)index * log->row_len], log->row_len);
        return true;
    }
    if ((log->writing || log->at != index) && !go_to(log, index, err)) return false;
    log->writing = false;
    if (fread(row, log->row_len, 1, log->file) != 1) {
        log->at = UINT64_MAX;
        return err_set_errno(err, ERR_FILE, errno, "temporary file: cannot be read");
    }
    log->at = index + 1;
    return true;
}
