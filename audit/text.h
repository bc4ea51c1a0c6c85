/* audit/text.h - text that may stand in a log: people read it on terminals, so it holds nothing that moves a cursor. */
#ifndef AUDIT_TEXT_H
#define AUDIT_TEXT_H

#include "base/buf.h"

enum { AUDIT_TEXT_MAX = 4096 }; /* bytes */

/* Whether it is UTF-8 of at most AUDIT_TEXT_MAX bytes without control characters (also U+0080-9F), line and paragraph
 * separators, and characters that change the direction of writing. */
bool audit_text_is_printable(const char *text);
/* Appends a name in the form in which names are compared: blanks at the ends dropped, others squeezed to one; capital
 * letters of Latin, Greek and Cyrillic as small ones. Accents count. The text is printable. */
void audit_text_fold(const char *text, struct buf *out);

#endif
