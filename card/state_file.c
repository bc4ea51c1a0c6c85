#include "card/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/outfile.h"
#include "card/image.h"

enum { PATH_ROOM = 4096 };

static bool append_and_commit(struct outfile *f, const struct card *card, struct err *err)
{
    struct secret image = SECRET_NONE;
    bool ok = card_image(card, &image, err) && outfile_append(f, image.data, image.len, err) &&
              outfile_commit(f, err);
    secret_release(&image);
    return ok;
}

bool state_file_create(const char *path, const struct card *card, struct err *err)
{
    struct outfile *f = NULL;
    bool ok = outfile_create(&f, path, err) && append_and_commit(f, card, err);
    outfile_close(f, false);
    return ok;
}

/* As a cut of power in the middle of writing: half of the new image beside the old file. */
static bool keep_half(struct state_file *f, const struct card *card, struct err *err)
{
    struct outfile *out = NULL;
    struct secret image = SECRET_NONE;

    f->cut_power = false;
    if (outfile_create_replacing(&out, f->path, err) && card_image(card, &image, err))
        err_ignore(outfile_append(out, image.data, image.len / 2, err), "the power is off");
    secret_release(&image);
    outfile_close(out, true);
    return err_set(err, ERR_INTERRUPTED, "power loss");
}

bool state_file_keep(void *context, const struct card *card, struct err *err)
{
    struct state_file *f = context;
    struct outfile *out = NULL;

    if (f->cut_power) return keep_half(f, card, err);
    bool ok = outfile_create_replacing(&out, f->path, err) && append_and_commit(out, card, err);
    outfile_close(out, false);
    return ok;
}

static bool lock(struct state_file *f, struct err *err)
{
    char name[PATH_ROOM];

    if (snprintf(name, sizeof(name), "%s.lock", f->path) >= (int)sizeof(name))
        return err_set(err, ERR_FILE, "%s: the name is too long", f->path);
    f->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock < 0) return err_set_errno(err, ERR_FILE, errno, "%s", name);
    return file_lock(f->lock, name, FILE_LOCK_EXCLUSIVE, err);
}

static bool read_card(struct state_file *f, struct card **out, struct err *err)
{
    char partial[PATH_ROOM + 16];
    struct buf image;

    snprintf(partial, sizeof(partial), "%s.partial", f->path);
    if (unlink(partial) != 0 && errno != ENOENT) return err_set_errno(err, ERR_FILE, errno, "%s", partial);
    buf_init(&image, IMAGE_MAX);
    bool ok =
        file_read_all(f->path, IMAGE_MAX, &image, err) && card_from_image(out, image.data, image.len, err);
    if (image.len) wipe(image.data, image.len);
    buf_release(&image);
    return ok;
}

bool state_file_open(struct state_file *f, const char *path, struct card **out, struct err *err)
{
    *f = (struct state_file){.path = path, .lock = -1};
    if (access(path, F_OK) != 0) return err_set_errno(err, ERR_FILE, errno, "%s", path);
    if (!lock(f, err) || !read_card(f, out, err)) {
        state_file_close(f);
        err_prefix(err, "card %s", path);
        return false;
    }
    card_set_keeper(*out, state_file_keep, f);
    return true;
}

void state_file_close(struct state_file *f)
{
    if (f->lock >= 0) close(f->lock);
    f->lock = -1;
}
