/* formats/template.h - texts with places for fields, compiled once: "{pan:spaced}|{name:26}|{expiry:mm/yy}".
 *
 *   {field}          the field's text           {field:26}   padded on the right with spaces to 26; longer is refused
 *   {field:014}      digits padded with zeros on the left to 14; longer is refused
 *   {field:spaced}   digits in groups of four   {field:upper}  ASCII upper case
 *   {field:mm/yy}    a date as MM/YY            {field:yymm}   a date as YYMM
 *   {{ and }}        the characters themselves
 * `counter` is the card number counter, `record` the record's number. */
#ifndef FORMATS_TEMPLATE_H
#define FORMATS_TEMPLATE_H

#include "base/buf.h"

struct template;

enum { TEMPLATE_PARTS_MAX = 64, TEMPLATE_WIDTH_MAX = 999, TEMPLATE_FIELD_MAX = 64 };

/* False (ERR_CONFIG): a brace not closed or opened, no field name, an unknown modifier, more than TEMPLATE_PARTS_MAX
 * parts; says at which character (from 1). */
MUST_CHECK bool template_compile(struct template **out, const char *text, struct err *err);
void template_free(struct template *t);
/* The field names that it uses, each once per use. */
size_t template_field_count(const struct template *t);
const char *template_field(const struct template *t, size_t index);
/* The text that it was compiled from. */
const char *template_text(const struct template *t);

/* Gives a field's text; *text NULL: the record has none. */
typedef bool template_lookup_fn(void *context, const char *field, const char **text, size_t *len,
                                struct err *err);
/* Appends the text; widths count bytes. *missing is true when a field was absent or empty (nothing stands in its place then).
 * False (ERR_INPUT, naming the field, never quoting it; nothing appended): too long for its place, not digits, no date. */
MUST_CHECK bool template_render(const struct template *t, template_lookup_fn *lookup, void *context,
                                struct buf *out, bool *missing, struct err *err);

#endif
