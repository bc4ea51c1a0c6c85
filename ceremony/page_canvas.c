#include "ceremony/page_canvas.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "ceremony/page_memory.h"

static const char *const font_names[FONT_COUNT] = {
    [FONT_TEXT] = "Helvetica",
    [FONT_BOLD] = "Helvetica-Bold",
    [FONT_MONO] = "Courier",
    [FONT_MONO_BOLD] = "Courier-Bold",
};

/* Sizes in points, and the height that a line takes. */
struct style_row {
    enum page_font font;
    HPDF_REAL size, line;
};
static const struct style_row styles[] = {
    [TITLE] = {FONT_BOLD, 18.0F, 30.0F},       /* at the beginning of a document */
    [HEADING] = {FONT_BOLD, 12.0F, 24.0F},     /* of a part */
    [BODY] = {FONT_TEXT, 10.5F, 14.0F},        /* what is read */
    [LABEL] = {FONT_BOLD, 10.5F, 14.0F},       /* on the left of it */
    [MONO] = {FONT_MONO, 10.0F, 13.0F},        /* what is typed or compared */
    [SECRET] = {FONT_MONO_BOLD, 18.0F, 28.0F}, /* what must be read without a mistake */
    [SMALL] = {FONT_TEXT, 8.0F, 12.0F},        /* above and below */
    [MARK] = {FONT_BOLD, 20.0F, 26.0F},        /* TEST */
};

static const char mark_text[] = "TEST  -  TEST  -  TEST  -  TEST  -  TEST";
static const HPDF_REAL FOOTER = 36.0F, LINE_WIDTH = 0.5F;

enum {
    STACK_TO_WIPE = 1 << 14, /* the longest of libharu's arrays has 4 KiB */
    FOOTER_TEXT = 64,
    PAGE_BLOCKS = 64, /* more than libharu takes for an empty page */
    PAGE_BLOCK = 512, /* and larger ones */
};

void __attribute__((noinline)) page_canvas_wipe_stack(void)
{
    uint8_t below[STACK_TO_WIPE];
    wipe(below, sizeof(below));
}

bool page_canvas_failed(const struct page *p)
{
    return p->err.kind != ERR_NONE;
}

static void set_no_memory(struct page *p)
{
    if (p->kind == PAGE_SECRET)
        err_set(&p->err, ERR_INTERNAL,
                "no memory for a page that can be locked (see 'ulimit -l', LimitMEMLOCK=)");
    else
        err_set_no_memory(&p->err);
}

static void HPDF_STDCALL on_error(HPDF_STATUS number, HPDF_STATUS detail, void *user)
{
    struct page *p = user;
    if (page_canvas_failed(p)) return;
    /* The second is what it says of a document that it had no memory to make. */
    if (number == HPDF_FAILD_TO_ALLOC_MEM || number == HPDF_INVALID_DOCUMENT)
        set_no_memory(p);
    else
        err_set(&p->err, ERR_INTERNAL, "libharu: error 0x%lX, 0x%lX", number, detail);
}

/* libharu does not call on_error for each failure. */
static bool did(struct page *p, HPDF_STATUS status)
{
    if (status != HPDF_OK) on_error(status, 0, p);
    return !page_canvas_failed(p);
}

/* It gives NULL with a reason, or without. */
static bool made(struct page *p, const void *object)
{
    if (!object) did(p, HPDF_GetError(p->doc));
    if (!object && !page_canvas_failed(p)) err_set(&p->err, ERR_INTERNAL, "libharu makes nothing");
    return !page_canvas_failed(p);
}

void page_canvas_start(struct page *p)
{
    bool secret = p->kind == PAGE_SECRET;
    /* Without a pool of libharu's: its pool does not align what it gives. */
    p->doc =
        HPDF_NewEx(on_error, secret ? page_memory_take : NULL, secret ? page_memory_give_back : NULL, 0, p);
    if (!p->doc) set_no_memory(p); /* the only cause; there is no handler yet */
    for (size_t i = 0; i < FONT_COUNT && !page_canvas_failed(p); i++) {
        p->fonts[i] = HPDF_GetFont(p->doc, font_names[i], "WinAnsiEncoding");
        if (!made(p, p->fonts[i])) return;
    }
}

HPDF_REAL page_canvas_line_height(enum page_style style)
{
    return styles[style].line;
}

size_t page_canvas_fitting(const struct page *p, enum page_style style, HPDF_REAL width, const char *bytes)
{
    const struct style_row *s = &styles[style];
    const HPDF_BYTE *text = (const HPDF_BYTE *)bytes;
    HPDF_UINT len = (HPDF_UINT)strlen(bytes);
    if (len == 0 || page_canvas_failed(p)) return len;
    HPDF_UINT n = HPDF_Font_MeasureText(p->fonts[s->font], text, len, width, s->size, 0, 0, HPDF_TRUE, NULL);
    if (n == 0)
        n = HPDF_Font_MeasureText(p->fonts[s->font], text, len, width, s->size, 0, 0, HPDF_FALSE, NULL);
    return n ? n : 1;
}

/* libharu 2.3.0 uses freed memory when an allocation fails while it makes a page, so nothing may fail there. */
static bool room_for_page(struct page *p)
{
    if (p->kind != PAGE_SECRET || page_memory_has(PAGE_BLOCKS, PAGE_BLOCK)) return true;
    set_no_memory(p);
    return false;
}

static void open_page(struct page *p)
{
    if (!room_for_page(p)) return;
    p->page = HPDF_AddPage(p->doc);
    if (!made(p, p->page)) return;
    p->count++;
    p->y = PAGE_TOP;
    if (!did(p, HPDF_Page_SetSize(p->page, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT))) return;
    if (p->test) {
        p->y -= styles[MARK].line;
        page_canvas_show(p, MARK, PAGE_LEFT, p->y, mark_text);
        p->y -= PAGE_GAP;
    }
    if (p->count == 1) return; /* its title is there in full size */
    p->y -= styles[SMALL].line;
    page_canvas_show(p, SMALL, PAGE_LEFT, p->y, p->title);
    p->y -= PAGE_GAP;
}

void page_canvas_need(struct page *p, HPDF_REAL height)
{
    if (!page_canvas_failed(p) && (!p->page || p->y - height < PAGE_BOTTOM)) open_page(p);
}

void page_canvas_show(struct page *p, enum page_style style, HPDF_REAL x, HPDF_REAL y, const char *bytes)
{
    const struct style_row *s = &styles[style];
    if (page_canvas_failed(p) || !bytes[0]) return;
    if (!did(p, HPDF_Page_BeginText(p->page))) return;
    if (!did(p, HPDF_Page_SetFontAndSize(p->page, p->fonts[s->font], s->size))) return;
    if (!did(p, HPDF_Page_MoveTextPos(p->page, x, y))) return;
    if (!did(p, HPDF_Page_ShowText(p->page, bytes))) return;
    did(p, HPDF_Page_EndText(p->page));
}

void page_canvas_draw(struct page *p, HPDF_REAL from, HPDF_REAL to, HPDF_REAL y)
{
    if (page_canvas_failed(p) || !did(p, HPDF_Page_SetLineWidth(p->page, LINE_WIDTH))) return;
    if (!did(p, HPDF_Page_MoveTo(p->page, from, y))) return;
    if (!did(p, HPDF_Page_LineTo(p->page, to, y))) return;
    did(p, HPDF_Page_Stroke(p->page));
}

bool page_canvas_finish(struct page *p, struct err *err)
{
    char text[FOOTER_TEXT];
    if (p->written) return err_set(err, ERR_INTERNAL, "a document is written once");
    for (unsigned i = 0; i < p->count && !page_canvas_failed(p); i++) {
        p->page = HPDF_GetPageByIndex(p->doc, i);
        if (!made(p, p->page)) break;
        snprintf(text, sizeof(text), "page %u of %u%s", i + 1, p->count, p->test ? ", TEST" : "");
        page_canvas_show(p, SMALL, PAGE_LEFT, FOOTER, text);
    }
    if (!page_canvas_failed(p)) did(p, HPDF_SaveToStream(p->doc));
    page_canvas_wipe_stack();
    p->written = true;
    if (page_canvas_failed(p)) *err = p->err;
    return !page_canvas_failed(p);
}
