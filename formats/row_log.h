/* formats/row_log.h - rows of one size, appended and read again in order, in bounded memory: the first few stay
 * in memory, and with one row more all go to a temporary file that has no name (TMPDIR, else /tmp). */
#ifndef FORMATS_ROW_LOG_H
#define FORMATS_ROW_LOG_H

#include <stdint.h>

#include "base/err.h"

struct row_log;

/* rows_in_memory may be 0. False: memory. */
MUST_CHECK bool row_log_new(struct row_log **out, size_t row_len, size_t rows_in_memory, struct err *err);
void row_log_free(struct row_log *log); /* NULL is fine */
uint64_t row_log_count(const struct row_log *log);
/* False (ERR_FILE): no temporary file, or it cannot be written. */
MUST_CHECK bool row_log_append(struct row_log *log, const void *row, struct err *err);
/* Copies row `index`, which must exist. Reading in rising order is fast. False (ERR_FILE): reading failed. */
MUST_CHECK bool row_log_read(struct row_log *log, uint64_t index, void *row, struct err *err);

#endif
