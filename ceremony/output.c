#include "ceremony/output.h"

#include <string.h>
#include <unistd.h>

#include "base/outfile.h"

enum { EXISTING_MAX = 1 << 20 };

bool output_write(const char *path, const struct buf *text, enum output_rule rule, struct err *err)
{
    struct outfile *f = NULL;
    bool ok =
        rule == OUTPUT_REPLACE ? outfile_create_replacing(&f, path, err) : outfile_create(&f, path, err);
    ok = ok && outfile_append(f, text->data, text->len, err) && outfile_commit(f, err);
    outfile_close(f, false);
    return ok;
}

bool output_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

bool output_put(const char *path, struct buf *text, enum output_rule rule, struct step_result *r,
                struct err *err)
{
    struct buf existing;
    bool ok = false, same = false;

    buf_init(&existing, EXISTING_MAX);
    if (!buf_ok(text, path, err)) goto out;
    bool there = output_is_there(path);
    if (there) {
        if (!file_read_all(path, EXISTING_MAX, &existing, err)) goto out;
        same = bytes_equal(existing.data, existing.len, text->data, text->len);
    }
    if (there && !same && rule == OUTPUT_KEEP) {
        err_set(err, ERR_FILE, "%s is there and holds something else: move it away, then run this again",
                path);
        goto out;
    }
    if (!same && !output_write(path, text, rule, err)) goto out;
    r->state = same ? STEP_THERE : STEP_MADE;
    snprintf(r->detail, sizeof(r->detail), "%s", path);
    ok = true;
out:
    buf_release(&existing);
    return ok;
}

void output_describe(const char *path, char *text, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(text, size, "%s", slash ? slash + 1 : path);
}

void output_look(const char *path, struct step_result *r)
{
    r->state = output_is_there(path) ? STEP_THERE : STEP_TO_DO;
    snprintf(r->detail, sizeof(r->detail), "%s", path);
}
