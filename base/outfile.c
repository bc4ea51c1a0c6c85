#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { CHUNK = 16 * 1024 };

struct outfile {
    char *path;
    char *partial;
    int fd;
    uint64_t size;
    bool replacing;
    bool broken; /* could not be cut back: what is in it is unknown */
    bool committed;
};

static bool make_names(struct outfile *f, const char *path, struct err *err)
{
    f->path = strdup(path);
    if (!f->path || asprintf(&f->partial, "%s.partial", path) < 0) {
        f->partial = NULL;
        return err_set_no_memory(err);
    }
    return true;
}

static bool refuse_existing(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return err_set(err, ERR_FILE, "%s: exists and is not replaced; move it away or choose another name",
                       path);
    if (errno != ENOENT) return err_set_errno(err, ERR_FILE, errno, "%s", path);
    return true;
}

static bool refuse_partial(const char *partial, struct err *err)
{
    return err_set(err, ERR_FILE,
                   "%s: exists: another run is writing it, or one was broken off; "
                   "if none is running, remove it",
                   partial);
}

bool outfile_is_new(const char *path, struct err *err)
{
    struct outfile names = {.fd = -1};
    struct stat st;
    bool ok = make_names(&names, path, err) && refuse_existing(path, err);

    if (ok && lstat(names.partial, &st) == 0) ok = refuse_partial(names.partial, err);
    free(names.partial);
    free(names.path);
    return ok;
}

static bool open_partial(struct outfile *f, struct err *err)
{
    f->fd = open(f->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd >= 0) return true;
    if (errno == EEXIST) return refuse_partial(f->partial, err);
    if (errno == ENOENT)
        return err_set(err, ERR_FILE, "%s: cannot be created: its folder does not exist", f->partial);
    return err_set_errno(err, ERR_FILE, errno, "%s: cannot be created", f->partial);
}

static bool create(struct outfile **out, const char *path, bool replacing, struct err *err)
{
    struct outfile *f = calloc(1, sizeof(*f));
    if (!f) return err_set_no_memory(err);
    f->fd = -1;
    f->replacing = replacing;
    /* A limit on file sizes is to be an error of outfile_append, not the end of the process. */
    signal(SIGXFSZ, SIG_IGN);
    if (!make_names(f, path, err)) goto out;
    if (!replacing && !refuse_existing(path, err)) goto out;
    if (!open_partial(f, err)) goto out;
    *out = f;
    return true;
out:
    outfile_close(f, true);
    return false;
}

bool outfile_create(struct outfile **out, const char *path, struct err *err)
{
    return create(out, path, false, err);
}

bool outfile_create_replacing(struct outfile **out, const char *path, struct err *err)
{
    return create(out, path, true, err);
}

static bool refuse_broken(const struct outfile *f, struct err *err)
{
    if (!f->broken) return true;
    return err_set(err, ERR_FILE, "%s: an earlier failure left it in an unknown state", f->partial);
}

static bool write_at(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            if (n == 0) errno = EIO;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

bool outfile_append(struct outfile *f, const void *data, size_t len, struct err *err)
{
    if (!refuse_broken(f, err)) return false;
    if (write_at(f->fd, data, len, f->size)) {
        f->size += len;
        return true;
    }
    err_set_errno(err, ERR_FILE, errno, "%s: %zu bytes cannot be written at offset %llu", f->partial, len,
                  (unsigned long long)f->size);
    if (ftruncate(f->fd, (off_t)f->size) != 0) f->broken = true;
    return false;
}

uint64_t outfile_size(const struct outfile *f)
{
    return f->size;
}

const char *outfile_partial_path(const struct outfile *f)
{
    return f->partial;
}

bool file_sync_folder(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    char *folder = !slash ? strdup(".") : len ? strndup(path, len) : strdup("/");
    if (!folder) return err_set_no_memory(err);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* EINVAL: no such thing on this file system */
    if (!ok)
        err_set_errno(err, ERR_FILE, errno, "%s: is complete, but folder '%s' cannot be synced", path,
                      folder);
    if (fd >= 0) close(fd);
    free(folder);
    return ok;
}

/* Gives the file its name in one step that fails if the name is taken. */
static bool name_exclusively(const char *partial, const char *path)
{
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    /* File systems without that flag, such as NFS, still refuse to link over a file. */
    if (link(partial, path) != 0) return false;
    return unlink(partial) == 0;
}

bool outfile_commit(struct outfile *f, struct err *err)
{
    if (!refuse_broken(f, err)) return false;
    if (fsync(f->fd) != 0) {
        f->broken = true; /* the kernel may have dropped pages: a second fsync would lie */
        return err_set_errno(err, ERR_FILE, errno, "%s: cannot be synced", f->partial);
    }
    bool named = f->replacing ? rename(f->partial, f->path) == 0 : name_exclusively(f->partial, f->path);
    if (!named && errno == EEXIST)
        return err_set(err, ERR_FILE, "%s: appeared meanwhile and is not replaced; the output is '%s'",
                       f->path, f->partial);
    if (!named)
        return err_set_errno(err, ERR_FILE, errno, "%s: cannot be renamed to '%s'", f->partial, f->path);
    f->committed = true;
    return file_sync_folder(f->path, err);
}

void outfile_close(struct outfile *f, bool keep)
{
    if (!f) return;
    if (f->fd >= 0) {
        close(f->fd);
        if (!f->committed && !keep) unlink(f->partial);
    }
    free(f->partial);
    free(f->path);
    free(f);
}

static bool read_into(int fd, const char *path, size_t max, struct buf *out, struct err *err)
{
    uint8_t chunk[CHUNK];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_set_errno(err, ERR_FILE, errno, "%s: cannot be read", path);
        if (n == 0) return true;
        if ((size_t)n > max - total) return err_set(err, ERR_FILE, "%s: is larger than %zu bytes", path, max);
        total += (size_t)n;
        buf_put(out, chunk, (size_t)n);
        if (!buf_ok(out, path, err)) return false;
    }
}

bool file_read_all(const char *path, size_t max, struct buf *out, struct err *err)
{
    size_t before = out->len;
    if (!buf_ok(out, path, err)) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return err_set_errno(err, ERR_FILE, errno, "%s: cannot be opened", path);
    bool ok = read_into(fd, path, max, out, err);
    close(fd);
    if (!ok) {
        out->len = before;
        out->failed = false;
    }
    return ok;
}

bool file_path_beside(const char *beside, const char *name, char **out, struct err *err)
{
    const char *slash = strrchr(beside, '/');
    char *path = NULL;
    if (name[0] == '/' || !slash)
        path = strdup(name);
    else if (asprintf(&path, "%.*s%s", (int)(slash - beside + 1), beside, name) < 0)
        path = NULL;
    if (!path) return err_set_no_memory(err);
    *out = path;
    return true;
}
