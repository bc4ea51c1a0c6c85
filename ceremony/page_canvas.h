/* ceremony/page_canvas.h - inside of page.h: text and lines at a place on a page, by libharu. A failure stays in the
 * document (`err`), and every call behind it does nothing. Places are points from the lower left corner of the page. */
#ifndef CEREMONY_PAGE_CANVAS_H
#define CEREMONY_PAGE_CANVAS_H

#include <hpdf.h>

#include "ceremony/page.h"

enum page_font { FONT_TEXT, FONT_BOLD, FONT_MONO, FONT_MONO_BOLD, FONT_COUNT };
enum page_style { TITLE, HEADING, BODY, LABEL, MONO, SECRET, SMALL, MARK };

struct page {
    enum page_kind kind;
    bool test;
    char *title; /* in the fonts' bytes */
    HPDF_Doc doc;
    HPDF_Font fonts[FONT_COUNT];
    HPDF_Page page; /* where text goes now; NULL: the next text opens one */
    unsigned count; /* of pages */
    HPDF_REAL y;    /* what is above is used */
    bool written;
    struct err err; /* the first failure */
};

enum { PAGE_LEFT = 56, PAGE_RIGHT = 539, PAGE_TOP = 800, PAGE_BOTTOM = 60, PAGE_GAP = 6 };

/* Makes p->doc, in locked memory if it is secret, and its fonts. */
void page_canvas_start(struct page *p);
bool page_canvas_failed(const struct page *p);
/* Height that a line of this style takes. */
HPDF_REAL page_canvas_line_height(enum page_style style);
/* How many of the bytes fit into a line of this width, broken between words if that can be; 0 only of none. */
size_t page_canvas_fitting(const struct page *p, enum page_style style, HPDF_REAL width, const char *bytes);
/* Opens a page unless this one has so much room. */
void page_canvas_need(struct page *p, HPDF_REAL height);
void page_canvas_show(struct page *p, enum page_style style, HPDF_REAL x, HPDF_REAL y, const char *bytes);
void page_canvas_draw(struct page *p, HPDF_REAL from, HPDF_REAL to, HPDF_REAL y);
/* Numbers the pages, puts the document into libharu's stream. False: the first failure, or it was written before. */
MUST_CHECK bool page_canvas_finish(struct page *p, struct err *err);
/* Overwrites what libharu's calls left on the stack: its writers keep pieces of text in arrays there. */
void page_canvas_wipe_stack(void);

#endif
