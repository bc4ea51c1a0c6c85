#include "bureau/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "bureau/supplied.h"

enum { LINE_MAX_LEN = 256, ROOM_FIRST = 64 };

struct batch {
    char *path;
    int fd;
    off_t len; /* of whole lines */
    const struct bureau *settings;
    struct registry *books; /* of every list; NULL: there are none */
    uint8_t (*cards)[SCP_KEY_DATA];
    size_t count, room;
};

/* ---- the file ---- */

static bool fail(const struct batch *b, int why, struct err *err)
{
    /* what is there of the line is taken away, if it can be; readers see a line that is not whole otherwise */
    if (ftruncate(b->fd, b->len) != 0)
        return err_set_errno(err, ERR_FILE, why, "%s: write, and cut back", b->path);
    return err_set_errno(err, ERR_FILE, why, "%s: write", b->path);
}

static bool ends_with_whole_lines(const struct batch *b)
{
    struct stat s;
    return fstat(b->fd, &s) == 0 && s.st_size == b->len;
}

static bool put_line(struct batch *b, const struct buf *line, struct err *err)
{
    if (!buf_ok(line, "line", err)) return false;
    ssize_t n = write(b->fd, line->data, line->len);
    if (n < 0) return fail(b, errno, err);
    if ((size_t)n != line->len) return fail(b, ENOSPC, err);
    if (fsync(b->fd) != 0) return fail(b, errno, err);
    b->len += n;
    return true;
}

static bool put_names(struct batch *b, struct err *err)
{
    static const char names[] = "card,keydata,kmc_version,key_version,kcv_enc,kcv_mac,kcv_dek\n";
    struct buf line;
    buf_init(&line, LINE_MAX_LEN);
    buf_put(&line, names, sizeof(names) - 1);
    bool ok = put_line(b, &line, err) && file_sync_folder(b->path, err);
    buf_release(&line);
    return ok;
}

bool batch_create(struct batch **out, const char *path, const struct bureau *settings, struct err *err)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (!b) return err_set_no_memory(err);
    b->fd = -1;
    b->settings = settings;
    b->path = strdup(path);
    bool ok = b->path || err_set_no_memory(err);
    ok = ok && (!settings->books_path || supplied_open(&b->books, settings->books_path, err));
    if (ok) {
        b->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (b->fd < 0 && errno == EEXIST)
            ok = err_set(err, ERR_FILE, "%s exists: a batch list is made anew for each run", path);
        else if (b->fd < 0)
            ok = err_set_errno(err, ERR_FILE, errno, "create %s", path);
    }
    ok = ok && put_names(b, err);
    if (ok)
        *out = b;
    else
        batch_free(b);
    return ok;
}

void batch_free(struct batch *b)
{
    if (!b) return;
    if (b->fd >= 0) close(b->fd);
    registry_close(b->books);
    free(b->cards);
    free(b->path);
    free(b);
}

size_t batch_count(const struct batch *b)
{
    return b->count;
}

/* ---- cards ---- */

static const uint8_t *serial_of(const struct batch *b, const uint8_t *key_data)
{
    return &key_data[b->settings->serial.start - 1];
}

static struct supplied_card supplied(const struct batch *b, const uint8_t key_data[SCP_KEY_DATA])
{
    struct supplied_card card = {.serial_len = b->settings->serial.len};
    memcpy(card.key_data, key_data, SCP_KEY_DATA);
    card.serial = serial_of(b, key_data);
    return card;
}

bool batch_is_other(const struct batch *b, const uint8_t key_data[SCP_KEY_DATA],
                    const uint8_t other[SCP_KEY_DATA])
{
    const size_t len = b->settings->serial.len;
    return !bytes_equal(serial_of(b, key_data), len, serial_of(b, other), len);
}

bool batch_is_new(const struct batch *b, const uint8_t key_data[SCP_KEY_DATA], struct err *err)
{
    const size_t len = b->settings->serial.len;
    char text[2 * SCP_KEY_DATA + 1];
    for (size_t i = 0; i < b->count; i++) {
        if (bytes_equal(b->cards[i], SCP_KEY_DATA, key_data, SCP_KEY_DATA)) {
            hex_write(text, sizeof(text), key_data, SCP_KEY_DATA, false);
            return err_set(err, ERR_INPUT, "card %s is in the batch already", text);
        }
        if (!batch_is_other(b, b->cards[i], key_data)) {
            hex_write(text, sizeof(text), serial_of(b, key_data), len, false);
            return err_set(err, ERR_INPUT, "another card of the batch has serial number %s, too", text);
        }
    }
    const struct supplied_card card = supplied(b, key_data);
    return !b->books || supplied_is_new(b->books, &card, err);
}

static bool make_room(struct batch *b, struct err *err)
{
    if (b->count < b->room) return true;
    const size_t room = b->room ? 2 * b->room : ROOM_FIRST;
    void *cards = reallocarray(b->cards, room, sizeof(*b->cards));
    if (!cards) return err_set_no_memory(err);
    b->cards = cards;
    b->room = room;
    return true;
}

/* The books first: a card whose line lacks after a cut of power is in no second list. */
static bool put_card(struct batch *b, const struct supplied_card *card, const struct buf *line,
                     struct err *err)
{
    struct err second = ERR_INIT;
    if (!b->books) return put_line(b, line, err);
    const char *name = strrchr(b->path, '/');
    if (!supplied_note(b->books, card, name ? name + 1 : b->path, clock_now(NULL), err)) return false;
    if (put_line(b, line, err)) return true;
    if (ends_with_whole_lines(b))
        err_ignore(supplied_forget(b->books, card, &second), "the card is refused later on, which is safe");
    return false;
}

bool batch_add(struct batch *b, const struct batch_card *card, struct err *err)
{
    char versions[32];
    struct buf line;
    if (!batch_is_new(b, card->key_data, err) || !make_room(b, err)) return false;
    snprintf(versions, sizeof(versions), ",%u,%u", (unsigned)b->settings->card_keys[0].key.version,
             (unsigned)card->key_version);
    buf_init(&line, LINE_MAX_LEN);
    hex_put(&line, serial_of(b, card->key_data), b->settings->serial.len);
    buf_put_u8(&line, ',');
    hex_put(&line, card->key_data, sizeof(card->key_data));
    buf_put(&line, versions, strlen(versions));
    for (size_t i = 0; i < 3; i++) {
        buf_put_u8(&line, ',');
        hex_put(&line, card->checks[i], sizeof(card->checks[i]));
    }
    buf_put_u8(&line, '\n');
    const struct supplied_card listed = supplied(b, card->key_data);
    bool ok = put_card(b, &listed, &line, err);
    buf_release(&line);
    if (ok) memcpy(b->cards[b->count++], card->key_data, SCP_KEY_DATA);
    return ok;
}
