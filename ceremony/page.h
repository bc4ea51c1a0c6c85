/* ceremony/page.h - printed pages: A4, as PDF 1.3 (ISO 32000-1 is its later form), through libharu.
 *
 * What is written is not compressed, holds no date and no identifier: the same calls give the same bytes, and an
 * auditor can read them. Fonts are the standard ones that every printer knows (Helvetica, Courier; nothing is
 * embedded), so text is UTF-8 with the characters of ISO/IEC 8859-1 and no others.
 *
 * Every page has its document's title and "page n of m"; those of a TEST document say so in large letters on top.
 * A secret document lies in locked memory from its first to its last byte, and page_free wipes it. Of what may be
 * locked (RLIMIT_MEMLOCK) its first page needs some 750 KiB, each further one some 250. No file ever holds a document.
 *
 * Append many, then ask once: the first failure stays, what is appended behind it does nothing, and page_write or
 * page_put tell it:
 *   memory is exhausted or, for a secret document, cannot be locked (ERR_INTERNAL);
 *   a text is no UTF-8, has a control character, or one outside ISO/IEC 8859-1 (ERR_INPUT, naming the text);
 *   a line that is never broken is wider than the page (ERR_INPUT);
 *   libharu refuses, with its number (ERR_INTERNAL). */
#ifndef CEREMONY_PAGE_H
#define CEREMONY_PAGE_H

#include "base/buf.h"

struct page; /* a document of one or more pages */

enum page_kind {
    PAGE_PLAIN,
    PAGE_SECRET /* in locked memory, and only page_write gets it out */
};
struct page_settings {
    const char *title; /* first line, and above each page */
    enum page_kind kind;
    bool test;
};

/* An empty document with its title; page_free ends it. Texts are copied by every call. */
MUST_CHECK bool page_new(struct page **p, const struct page_settings *settings, struct err *err);
/* Harmless when NULL. */
void page_free(struct page *p);

/* Stays on one page with the lines behind it. */
void page_heading(struct page *p, const char *text);
/* Breaks between words, and inside one that is wider than the page. "" is an empty line. */
void page_paragraph(struct page *p, const char *text);
/* "1.", and the text beside it. */
void page_numbered(struct page *p, unsigned number, const char *text);
/* A line of a form: label on the left, value beside it, broken between words. */
void page_field(struct page *p, const char *label, const char *value);
/* One line in letters of one width, never broken; up to 80 characters. */
void page_mono(struct page *p, const char *text);
/* The same in large letters, for up to 44 characters that must be read without a mistake. The text is printable
 * ASCII in the caller's locked memory; here it is copied to locked memory alone. Secret documents only. */
void page_secret_line(struct page *p, const char *text);
/* "Name ____ Signature ____ Date ____", with `who` (NULL: nothing) above. */
void page_signature(struct page *p, const char *who);
/* A line across the page. */
void page_rule(struct page *p);
/* What follows stands on the next page. */
void page_break(struct page *p);

/* A step of a script: "3. Title", its lines beneath, a place to sign. It stays on one page if one can hold it. */
struct page_step {
    unsigned number;
    const char *title;
    const char *const *lines; /* paragraphs: who does it, what is seen, what is typed */
    size_t line_count;
    const char *signer; /* NULL: nobody signs */
};
void page_step(struct page *p, const struct page_step *step);

/* Numbers the pages and writes the document to fd, by way of locked memory; `name` is for messages. Once per document.
 * False: the first failure of those above, fd does not take it all (ERR_FILE, some of it may have gone), or it was
 * written before (ERR_INTERNAL). */
MUST_CHECK bool page_write(struct page *p, int fd, const char *name, struct err *err);
/* The same, appended to out. False, out's bytes as they were: also for a secret document (ERR_INTERNAL), and when out is
 * full. */
MUST_CHECK bool page_put(struct page *p, struct buf *out, struct err *err);

#endif
