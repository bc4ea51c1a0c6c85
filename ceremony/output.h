/* ceremony/output.h - files that a ceremony leaves. Paths are those of the plan, which resolved them already. */
#ifndef CEREMONY_OUTPUT_H
#define CEREMONY_OUTPUT_H

#include "ceremony/step.h"

enum output_rule {
    OUTPUT_KEEP,    /* a file with other content is refused */
    OUTPUT_REPLACE, /* it is replaced: for what follows from the tokens alone */
};
/* Puts the text into the file. Sets r->state (made, already there) and the path as its detail.
 * False (ERR_FILE): cannot be written, or is there with other content. */
MUST_CHECK bool output_put(const char *path, struct buf *text, enum output_rule rule, struct step_result *r,
                           struct err *err);
/* The same without looking whether it is there, and what it holds: with OUTPUT_KEEP a file that is there is refused. */
MUST_CHECK bool output_write(const char *path, const struct buf *text, enum output_rule rule,
                             struct err *err);
bool output_is_there(const char *path);
/* The file's name without its folder. */
void output_describe(const char *path, char *text, size_t size);
/* Sets r->state by whether the file is there, and the detail. */
void output_look(const char *path, struct step_result *r);

#endif
