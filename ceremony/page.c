#include "ceremony/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "ceremony/page_canvas.h"
#include "formats/character_set.h"

static const HPDF_REAL WIDTH = PAGE_RIGHT - PAGE_LEFT;
static const HPDF_REAL NUMBER_INDENT = 24.0F, FIELD_INDENT = 140.0F, SIGN_GAP = 26.0F;

enum {
    TEXT_MAX = 1 << 15 /* bytes of one text */,
    CHUNK = 4096 /* read from libharu at once */,
    LABEL_MAX = 16
};

/* Room between texts. */
static void leave(struct page *p, HPDF_REAL gap)
{
    if (p->page) p->y -= gap;
}

/* UTF-8 as the fonts' bytes, with a zero behind; NULL if it cannot be. */
static char *encode(struct page *p, const char *text, struct buf *bytes)
{
    buf_init(bytes, TEXT_MAX);
    if (page_canvas_failed(p)) return NULL;
    if (character_set_put("iso8859-1", text, strlen(text), bytes, &p->err) && buf_text(bytes))
        return (char *)bytes->data;
    if (!page_canvas_failed(p)) err_ignore(buf_ok(bytes, "text of a page", &p->err), "kept for whoever asks");
    err_prefix(&p->err, "text '%.40s'", text);
    return NULL;
}

/* Lays text into lines beside an indent, an empty one into one empty line; only counts their height unless `shown`. */
static HPDF_REAL lay(struct page *p, enum page_style style, HPDF_REAL indent, const char *text, bool shown)
{
    struct buf copy;
    HPDF_REAL height = 0;
    char *bytes = encode(p, text, &copy);
    for (size_t at = 0, n = 1; bytes && n > 0 && !page_canvas_failed(p); at += n) {
        n = page_canvas_fitting(p, style, WIDTH - indent, &bytes[at]);
        if (n == 0 && at > 0) break;
        height += page_canvas_line_height(style);
        if (!shown) continue;
        page_canvas_need(p, page_canvas_line_height(style));
        p->y -= page_canvas_line_height(style);
        char next = bytes[at + n];
        bytes[at + n] = '\0';
        page_canvas_show(p, style, PAGE_LEFT + indent, p->y, &bytes[at]);
        bytes[at + n] = next;
    }
    buf_release(&copy);
    return height;
}

/* One line that is never broken, at the place where the next line goes; that place stays. */
static void one_line(struct page *p, enum page_style style, HPDF_REAL width, const char *bytes)
{
    if (page_canvas_failed(p)) return;
    if (page_canvas_fitting(p, style, width, bytes) < strlen(bytes)) {
        err_set(&p->err, ERR_INPUT, "a line of %zu characters is wider than its place on a page",
                strlen(bytes));
        return;
    }
    page_canvas_need(p, page_canvas_line_height(style));
    page_canvas_show(p, style, PAGE_LEFT, p->y - page_canvas_line_height(style), bytes);
}

static void beside(struct page *p, const char *label, HPDF_REAL indent, const char *text)
{
    struct buf copy;
    const char *bytes = encode(p, label, &copy);
    if (bytes) {
        one_line(p, LABEL, indent - PAGE_GAP, bytes);
        lay(p, BODY, indent, text, true);
    }
    buf_release(&copy);
}

bool page_new(struct page **out, const struct page_settings *settings, struct err *err)
{
    struct buf copy;
    struct page *p = calloc(1, sizeof(*p));
    if (!p) return err_set_no_memory(err);
    p->kind = settings->kind;
    p->test = settings->test;
    page_canvas_start(p);
    const char *bytes = encode(p, settings->title, &copy);
    p->title = bytes ? strdup(bytes) : NULL;
    if (bytes && !p->title) err_set_no_memory(&p->err);
    buf_release(&copy);
    lay(p, TITLE, 0, settings->title, true);
    leave(p, PAGE_GAP);
    if (!page_canvas_failed(p)) {
        *out = p;
        return true;
    }
    *err = p->err;
    page_free(p);
    return false;
}

void page_free(struct page *p)
{
    if (!p) return;
    if (p->doc) HPDF_Free(p->doc);
    free(p->title);
    free(p);
}

void page_heading(struct page *p, const char *text)
{
    page_canvas_need(p, page_canvas_line_height(HEADING) + 3 * page_canvas_line_height(BODY));
    lay(p, HEADING, 0, text, true);
    leave(p, PAGE_GAP / 2.0F);
}

void page_paragraph(struct page *p, const char *text)
{
    lay(p, BODY, 0, text, true);
    leave(p, PAGE_GAP / 2.0F);
}

void page_numbered(struct page *p, unsigned number, const char *text)
{
    char label[LABEL_MAX];
    snprintf(label, sizeof(label), "%u.", number);
    beside(p, label, NUMBER_INDENT, text);
    leave(p, PAGE_GAP / 2.0F);
}

void page_field(struct page *p, const char *label, const char *value)
{
    beside(p, label, FIELD_INDENT, value);
}

void page_mono(struct page *p, const char *text)
{
    struct buf copy;
    const char *bytes = encode(p, text, &copy);
    if (bytes) one_line(p, MONO, WIDTH, bytes);
    leave(p, page_canvas_line_height(MONO));
    buf_release(&copy);
}

void page_secret_line(struct page *p, const char *text)
{
    unsigned odd = 0;
    for (size_t i = 0; text[i]; i++)
        odd |= (unsigned)(text[i] < 0x20 || text[i] > 0x7E);
    if (!page_canvas_failed(p) && p->kind != PAGE_SECRET)
        err_set(&p->err, ERR_INTERNAL, "a secret line for a document that is not secret");
    if (!page_canvas_failed(p) && odd) err_set(&p->err, ERR_INPUT, "a secret line is not printable ASCII");
    one_line(p, SECRET, WIDTH, text);
    leave(p, page_canvas_line_height(SECRET));
    page_canvas_wipe_stack();
}

struct blank {
    const char *label;
    HPDF_REAL at, from, to;
};
static const struct blank blanks[] = {
    {"Name", 56.0F, 88.0F, 232.0F}, {"Signature", 240.0F, 290.0F, 434.0F}, {"Date", 442.0F, 468.0F, 539.0F}};

static HPDF_REAL signature_height(struct page *p, const char *who)
{
    return SIGN_GAP + 2 * PAGE_GAP + (who ? lay(p, BODY, 0, who, false) : 0);
}

void page_signature(struct page *p, const char *who)
{
    page_canvas_need(p, signature_height(p, who));
    leave(p, PAGE_GAP);
    if (who) lay(p, BODY, 0, who, true);
    leave(p, SIGN_GAP);
    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
        page_canvas_show(p, BODY, blanks[i].at, p->y, blanks[i].label);
        page_canvas_draw(p, blanks[i].from, blanks[i].to, p->y);
    }
    leave(p, PAGE_GAP);
}

void page_rule(struct page *p)
{
    page_canvas_need(p, 2 * PAGE_GAP);
    leave(p, PAGE_GAP);
    page_canvas_draw(p, PAGE_LEFT, PAGE_RIGHT, p->y);
    leave(p, PAGE_GAP);
}

void page_break(struct page *p)
{
    p->page = NULL;
}

void page_step(struct page *p, const struct page_step *step)
{
    char label[LABEL_MAX];
    HPDF_REAL height = PAGE_GAP + lay(p, LABEL, NUMBER_INDENT, step->title, false);
    for (size_t i = 0; i < step->line_count; i++)
        height += lay(p, BODY, NUMBER_INDENT, step->lines[i], false);
    if (step->signer) height += signature_height(p, step->signer);
    page_canvas_need(p, height);
    snprintf(label, sizeof(label), "%u.", step->number);
    one_line(p, LABEL, NUMBER_INDENT, label);
    lay(p, LABEL, NUMBER_INDENT, step->title, true);
    for (size_t i = 0; i < step->line_count; i++)
        lay(p, BODY, NUMBER_INDENT, step->lines[i], true);
    if (step->signer) page_signature(p, step->signer);
    leave(p, PAGE_GAP);
}

static bool write_all(int fd, const struct secret *chunk, const char *name, struct err *err)
{
    for (size_t done = 0; done < chunk->len;) {
        ssize_t n = write(fd, &chunk->data[done], chunk->len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_set_errno(err, ERR_FILE, errno, "%s", name);
        done += (size_t)n;
    }
    return true;
}

/* The next bytes of the finished document. */
static bool take_chunk(struct page *p, HPDF_UINT32 left, struct secret *chunk, struct err *err)
{
    HPDF_UINT32 n = left < CHUNK ? left : CHUNK;
    HPDF_STATUS status = HPDF_ReadFromStream(p->doc, chunk->data, &n);
    chunk->len = n;
    return n > 0 || err_set(err, ERR_INTERNAL, "libharu: error 0x%lX while reading", status);
}

/* To out, or to fd if that is NULL. */
static bool hand_out(struct page *p, struct buf *out, int fd, const char *name, struct err *err)
{
    struct secret chunk = SECRET_NONE;
    bool ok = false;
    if (!page_canvas_finish(p, err)) goto out;
    if (!secret_init(&chunk, CHUNK, err)) goto out;
    for (HPDF_UINT32 left = HPDF_GetStreamSize(p->doc); left > 0; left -= (HPDF_UINT32)chunk.len) {
        if (!take_chunk(p, left, &chunk, err)) goto out;
        if (out) buf_put(out, chunk.data, chunk.len);
        if (!out && !write_all(fd, &chunk, name, err)) goto out;
    }
    ok = !out || buf_ok(out, name, err);
out:
    secret_release(&chunk);
    page_canvas_wipe_stack();
    return ok;
}

bool page_write(struct page *p, int fd, const char *name, struct err *err)
{
    return hand_out(p, NULL, fd, name, err);
}

bool page_put(struct page *p, struct buf *out, struct err *err)
{
    size_t before = out->len;
    if (p->kind == PAGE_SECRET)
        return err_set(err, ERR_INTERNAL, "a secret document leaves locked memory only through a descriptor");
    bool ok = hand_out(p, out, -1, "document", err);
    if (!ok) buf_truncate(out, before);
    return ok;
}
