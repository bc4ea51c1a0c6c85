/* tests/support/vectors.h - the one loader of tests/vectors: blocks of `name = value` lines (README there).
 *
 *   struct vector_file *f = NULL;
 *   struct vector_block block;
 *   bool end = false;
 *   EXPECT_OK(vector_file_open(&f, "dgi_tlv.txt", &err));
 *   while (vector_next(f, &block, &end, &err) && !end) {
 *       if (!vector_is_op(&block, "luhn")) continue;
 *       …
 *   }
 *   vector_file_free(f);
 */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include "base/buf.h"

enum { VECTOR_FIELDS_MAX = 64 };

struct vector_file;

struct vector_block {
    const char *file;   /* "dgi_tlv.txt" */
    unsigned long line; /* of the block's first line */
    const char *source; /* behind "# source: "; "" if there is none */
    size_t count;
    struct {
        const char *name, *value;
    } fields[VECTOR_FIELDS_MAX]; /* borrowed from the file */
};

/* Opens tests/vectors/NAME. False: it cannot be read. */
MUST_CHECK bool vector_file_open(struct vector_file **out, const char *name, struct err *err);
void vector_file_free(struct vector_file *f);
/* Next block; *end after the last. False: a line that is no `name = value`, a name twice, too many fields. */
MUST_CHECK bool vector_next(struct vector_file *f, struct vector_block *out, bool *end, struct err *err);

/* The value as text ("" if empty), or NULL if the block has no such name. */
const char *vector_text(const struct vector_block *block, const char *name);
/* Is `op` this one? */
bool vector_is_op(const struct vector_block *block, const char *op);
/* Replaces the contents of out by the value's bytes. False: no such name, or no hex; the latter is printed. */
bool vector_hex(const struct vector_block *block, const char *name, struct buf *out);
/* Prints file, line and source of a block: for a test that fails in it. */
void vector_show(const struct vector_block *block);

#endif
