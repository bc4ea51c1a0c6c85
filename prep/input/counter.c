#include "prep/input/counter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file_lock.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "base/reader.h"

/* A line: job id (32 hex digits), first number, count, time, fingerprint (32 hex digits; older lines lack it), parted by
 * one space each. */
enum { COUNTER_LINE_MAX = 160, HASH_CHUNK = 65536, TIME_LEN = CLOCK_TEXT_LEN };
static const uint64_t number_max = 999999999999999999; /* 18 digits */

struct reservation {
    uint8_t job_id[JOB_ID_LEN];
    uint64_t first, count;
    bool has_input;
    uint8_t input[COUNTER_INPUT_LEN];
};

/* What the file says. */
struct book {
    uint64_t next;
    bool found; /* the job id has a reservation already */
    struct reservation own;
    uint64_t whole;     /* bytes up to the end of the last good line */
    bool lacks_newline; /* the last line is good, but its end is missing */
};

static bool take_char(struct cur *c, char expected, struct err *err)
{
    uint8_t byte = 0;
    if (!cur_take_u8(c, &byte, "separator", err)) return false;
    return byte == (uint8_t)expected || err_set(err, ERR_INPUT, "wrong character");
}

static bool take_number(struct cur *c, uint64_t *out, struct err *err)
{
    size_t digits = 0;
    while (digits < cur_left(c) && c->data[c->pos + digits] >= '0' && c->data[c->pos + digits] <= '9')
        digits++;
    if (digits == 0 || digits > 18) return err_set(err, ERR_INPUT, "not a number");
    return cur_take_digits(c, digits, out, "number", err);
}

/* Time, and the fingerprint behind it. */
static bool parse_tail(struct cur *c, struct reservation *out, struct err *err)
{
    const uint8_t *text = NULL;
    out->has_input = cur_left(c) > TIME_LEN;
    if (cur_left(c) < TIME_LEN) return err_set(err, ERR_INPUT, "no time at its end");
    if (!cur_take(c, TIME_LEN, &text, "time", err)) return false;
    if (!out->has_input) return true;
    return take_char(c, ' ', err) && cur_take(c, 2 * COUNTER_INPUT_LEN, &text, "fingerprint", err) &&
           hex_read_exact((const char *)text, 2 * COUNTER_INPUT_LEN, out->input, COUNTER_INPUT_LEN, err) &&
           (cur_left(c) == 0 || err_set(err, ERR_INPUT, "too long"));
}

static bool parse_line(const uint8_t *line, size_t len, struct reservation *out, struct err *err)
{
    struct cur c = cur_make(line, len, 0);
    const uint8_t *id = NULL;
    return cur_take(&c, 2 * JOB_ID_LEN, &id, "job id", err) &&
           hex_read_exact((const char *)id, 2 * JOB_ID_LEN, out->job_id, JOB_ID_LEN, err) &&
           take_char(&c, ' ', err) && take_number(&c, &out->first, err) && take_char(&c, ' ', err) &&
           take_number(&c, &out->count, err) && take_char(&c, ' ', err) && parse_tail(&c, out, err);
}

static bool ends_with_newline(struct reader *r, bool *out, struct err *err)
{
    const uint8_t *last = NULL;
    size_t got = 0;
    uint64_t size = reader_size(r);
    *out = true;
    if (size == 0) return true;
    if (!reader_seek(r, size - 1, err) || !reader_peek(r, 1, &last, &got, err)) return false;
    *out = got == 1 && last[0] == '\n';
    return reader_seek(r, 0, err);
}

static bool enter(struct book *book, const struct reservation *line, const uint8_t *job_id, struct err *err)
{
    if (line->first < book->next || line->count == 0 || line->count > number_max - line->first)
        return err_set(err, ERR_INPUT, "numbers %" PRIu64 " and up were reserved before", line->first);
    book->next = line->first + line->count;
    if (job_id && memcmp(line->job_id, job_id, JOB_ID_LEN) == 0) {
        book->found = true;
        book->own = *line;
    }
    return true;
}

/* Reads all lines. A last line without its newline was being written when its run was killed: whole, it counts; cut, nobody
 * ever got its numbers and it is dropped. */
static bool read_book(struct reader *r, uint64_t start, const uint8_t *job_id, struct book *out,
                      struct err *err)
{
    bool ends_well = false;
    *out = (struct book){.next = start};
    if (!ends_with_newline(r, &ends_well, err)) return false;
    for (uint64_t number = 1;; number++) {
        const uint8_t *line = NULL;
        size_t len = 0;
        struct reservation entry;
        if (!reader_take_line(r, COUNTER_LINE_MAX, &line, &len, err)) return false;
        if (!line) return true;
        bool cut = !ends_well && reader_offset(r) == reader_size(r);
        /* A new file starts at `start`; an old one where its first line says. */
        if (!parse_line(line, len, &entry, err)) {
            if (cut) return true;
            err_prefix(err, "%s:%" PRIu64 ": not a reservation; put the counter file right by hand",
                       reader_name(r), number);
            return false;
        }
        if (number == 1) out->next = entry.first;
        if (!enter(out, &entry, job_id, err)) {
            err_prefix(err, "%s:%" PRIu64, reader_name(r), number);
            return false;
        }
        out->whole = reader_offset(r);
        out->lacks_newline = cut;
    }
}

static bool load(const char *path, uint64_t start, const uint8_t *job_id, struct book *out, struct err *err)
{
    struct reader *r = NULL;
    if (!reader_open(&r, path, err)) return false;
    bool ok = read_book(r, start, job_id, out, err);
    reader_free(r);
    return ok;
}

static bool write_all(int fd, const struct buf *b)
{
    for (size_t done = 0; done < b->len;) {
        ssize_t n = write(fd, b->data + done, b->len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static void put_line(struct buf *b, const struct book *book, const struct reservation *r, const char *when)
{
    char id[2 * JOB_ID_LEN + 1], input[2 * COUNTER_INPUT_LEN + 1];
    hex_write(id, sizeof(id), r->job_id, JOB_ID_LEN, true);
    hex_write(input, sizeof(input), r->input, COUNTER_INPUT_LEN, true);
    if (book->lacks_newline) buf_put_text(b, "\n");
    buf_put_format(b, "%s %" PRIu64 " %" PRIu64 " %s %s\n", id, r->first, r->count, when, input);
}

static bool append(int fd, const char *path, const struct book *book, const struct reservation *r,
                   struct err *err)
{
    struct buf line;
    char when[TIME_LEN + 1];
    bool ok = false;
    buf_init(&line, 2 * COUNTER_LINE_MAX);
    if (!clock_text(clock_now(NULL), when, err)) goto out;
    put_line(&line, book, r, when);
    if (!buf_ok(&line, "counter line", err)) goto out;
    if (ftruncate(fd, (off_t)book->whole) != 0 || lseek(fd, 0, SEEK_END) < 0 || !write_all(fd, &line) ||
        fsync(fd) != 0) {
        err_set_errno(err, ERR_FILE, errno, "%s: reservation could not be written", path);
        if (ftruncate(fd, (off_t)book->whole) != 0) err_prefix(err, "a cut line stays at its end");
        goto out;
    }
    ok = file_sync_folder(path, err);
out:
    buf_release(&line);
    return ok;
}

static bool reserve(int fd, const char *path, uint64_t start, struct reservation *r, struct err *err)
{
    struct book book;
    if (!load(path, start, r->job_id, &book, err)) return false;
    if (book.found && book.own.count != r->count)
        return err_set(err, ERR_INPUT,
                       "%s: this job has %" PRIu64 " numbers from %" PRIu64 " and cannot have %" PRIu64
                       "; its input changed since",
                       path, book.own.count, book.own.first, r->count);
    if (book.found && book.own.has_input && memcmp(book.own.input, r->input, COUNTER_INPUT_LEN) != 0)
        return err_set(err, ERR_INPUT,
                       "%s: numbers %" PRIu64 " and up belong to this job id with another input; "
                       "leave out --job-id to get numbers of its own",
                       path, book.own.first);
    r->first = book.found ? book.own.first : book.next;
    if (book.found || r->count == 0) return true;
    if (r->first > number_max || r->count > number_max - r->first)
        return err_set(err, ERR_INPUT, "%s: exhausted: %" PRIu64 " numbers from %" PRIu64 " pass 18 digits",
                       path, r->count, r->first);
    return append(fd, path, &book, r, err);
}

bool counter_fingerprint(const char *path, uint8_t out[COUNTER_INPUT_LEN], struct err *err)
{
    struct reader *r = NULL;
    struct digest *d = NULL;
    uint8_t hash[SHA256_LEN];
    bool ok = reader_open(&r, path, err) && digest_new(&d, DIGEST_SHA256, err);

    while (ok && reader_offset(r) < reader_size(r)) {
        uint64_t left = reader_size(r) - reader_offset(r);
        size_t len = left < HASH_CHUNK ? (size_t)left : HASH_CHUNK;
        const uint8_t *bytes = NULL;
        ok = reader_take(r, len, HASH_CHUNK, "input", &bytes, err) && digest_add(d, bytes, len, err);
    }
    ok = ok && digest_peek(d, hash, err);
    if (ok) memcpy(out, hash, COUNTER_INPUT_LEN);
    digest_free(d);
    reader_free(r);
    return ok;
}

bool counter_reserve(const char *path, uint64_t start, const struct counter_claim *claim, uint64_t *first,
                     struct err *err)
{
    struct reservation r = {.count = claim->count, .has_input = true};
    memcpy(r.job_id, claim->job_id, JOB_ID_LEN);
    memcpy(r.input, claim->input, COUNTER_INPUT_LEN);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return err_set_errno(err, ERR_FILE, errno, "%s: counter file", path);
    bool ok = file_lock(fd, path, FILE_LOCK_EXCLUSIVE, err) && reserve(fd, path, start, &r, err);
    close(fd);
    if (ok) *first = r.first;
    return ok;
}

bool counter_peek(const char *path, uint64_t start, uint64_t *next, struct err *err)
{
    struct book book;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        *next = start;
        return true;
    }
    if (!load(path, start, NULL, &book, err)) return false;
    *next = book.next;
    return true;
}
