/* ceremony/script_pages.h - the script as pages to print. */
#ifndef CEREMONY_SCRIPT_PAGES_H
#define CEREMONY_SCRIPT_PAGES_H

#include "base/buf.h"
#include "config/plan.h"

/* Appends the PDF. False: a text that cannot be printed (ERR_INPUT, named), out is full. */
MUST_CHECK bool script_pages(const struct plan *p, const char *site, struct buf *out, struct err *err);

#endif
