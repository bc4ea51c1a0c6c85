/* formats/character_set.h - text of input fields, which is UTF-8, in the character set of a data element. */
#ifndef FORMATS_CHARACTER_SET_H
#define FORMATS_CHARACTER_SET_H

#include "base/buf.h"

/* Appends the text. name is "ascii" (20–7E), "iso8859-1" (ISO/IEC 8859-1) or "utf-8"; NULL is ascii. False, nothing
 * appended: the text is no UTF-8, or holds a control character or one outside the set (ERR_INPUT, naming its
 * position); unknown set (ERR_CONFIG). */
MUST_CHECK bool character_set_put(const char *name, const char *text, size_t len, struct buf *out,
                                  struct err *err);
/* Is it one of the names above? */
bool character_set_is_known(const char *name);

#endif
