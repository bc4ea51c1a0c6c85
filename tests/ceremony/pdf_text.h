/* tests/ceremony/pdf_text.h - a PDF as another program, pdftotext, reads it. */
#ifndef TESTS_CEREMONY_PDF_TEXT_H
#define TESTS_CEREMONY_PDF_TEXT_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"

/* Everything from fd until its end. */
static inline bool read_all(int fd, struct buf *out)
{
    char piece[4096];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0) return false;
        if (n == 0) return true;
        buf_put(out, piece, (size_t)n);
    }
}

/* The pages' text, lines as they stand, a form feed behind each page; appended, with a zero that len does not count.
 * False: pdftotext does not take it. */
static inline bool pdf_text(const struct buf *pdf, struct buf *text)
{
    char command[64];
    bool ok = false;
    int fd = memfd_create("pdf", 0);
    if (fd < 0) return false;
    snprintf(command, sizeof(command), "pdftotext -layout /dev/fd/%d - 2>&1", fd);
    if (write(fd, pdf->data, pdf->len) == (ssize_t)pdf->len) {
        FILE *f = popen(command, "r");
        ok = f && read_all(fileno(f), text);
        ok = f && pclose(f) == 0 && ok && buf_text(text);
    }
    close(fd);
    return ok;
}

/* How often it stands there; places may overlap. */
static inline size_t count_of(const char *text, size_t len, const char *part)
{
    size_t count = 0, part_len = strlen(part);
    for (size_t i = 0; i + part_len <= len; i++)
        count += memcmp(&text[i], part, part_len) == 0;
    return count;
}

static inline bool buf_holds(const struct buf *b, const char *part)
{
    return count_of((const char *)b->data, b->len, part) > 0;
}

#endif
