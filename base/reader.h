/* base/reader.h - sequential reading of a file with bounded memory.
 *
 * A reader holds one window of the file. It knows its offset and counts lines, so that every parser
 * can say where it is. The file is opened once and can be rewound: input is read twice (JOB
 * says how many records follow), so a pipe is refused. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/buf.h"

struct reader;

/* Opens path for reading. False (ERR_FILE): cannot be opened, or is not a regular file. */
MUST_CHECK bool reader_open(struct reader **out, const char *path, struct err *err);
/* A reader over memory that the caller keeps; for tests and fuzzing. */
MUST_CHECK bool reader_open_memory(struct reader **out, const void *data, size_t len, const char *name,
                                   struct err *err);
void reader_free(struct reader *r);

const char *reader_name(const struct reader *r); /* the path as given */
uint64_t reader_offset(const struct reader *r);  /* of the next byte */
uint64_t reader_size(const struct reader *r);    /* of the whole file when it was opened */
uint64_t reader_lines(const struct reader *r);   /* lines taken since the start or the last seek */

/* Reads exactly len bytes; *out is borrowed until the next call. At the very end of the file *out is
 * NULL and the result true. False: fewer than len bytes are left (ERR_INPUT, naming `what`), len is
 * larger than limit (ERR_INPUT), or reading fails (ERR_FILE). The offset then has not moved. */
MUST_CHECK bool reader_take(struct reader *r, size_t len, size_t limit, const char *what, const uint8_t **out,
                            struct err *err);
/* Reads one line without its end (LF or CRLF); the last one may lack it. *out is borrowed until the next
 * call; NULL at the end of the file. False: the line is longer than limit bytes (ERR_INPUT), or reading fails. */
MUST_CHECK bool reader_take_line(struct reader *r, size_t limit, const uint8_t **out, size_t *len,
                                 struct err *err);
/* Looks at up to len bytes without moving; *got may be smaller only near the end of the file. */
MUST_CHECK bool reader_peek(struct reader *r, size_t len, const uint8_t **out, size_t *got, struct err *err);
/* Goes to an absolute offset. */
MUST_CHECK bool reader_seek(struct reader *r, uint64_t offset, struct err *err);
/* False (ERR_INPUT) if size or modification time changed since the file was opened. */
MUST_CHECK bool reader_unchanged(const struct reader *r, struct err *err);

#endif
