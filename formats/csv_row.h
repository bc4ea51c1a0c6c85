/* formats/csv_row.h - inside formats/ only: one row of CSV (RFC 4180) at a time out of a reader.
 *
 * libcsv parses and is fed piece by piece, so that neither a long line nor an open quote takes more memory
 * than a row may have. Spaces around cells are part of them; LF and CRLF end a row, CR alone does not. */
#ifndef FORMATS_CSV_ROW_H
#define FORMATS_CSV_ROW_H

#include "formats/table.h"

struct csv_rows;

/* False: memory exhausted. */
MUST_CHECK bool csv_rows_new(struct csv_rows **out, char separator, struct err *err);
void csv_rows_free(struct csv_rows *c);

/* Reads the row that starts at the reader's offset, which holds at least one byte. *lines is how many line ends it
 * took. The cells live until the next call; *count may exceed TABLE_COLUMNS_MAX, and then the cells beyond are not kept.
 * False (ERR_INPUT), with *lines those before the trouble: quote inside or text behind a quoted cell, quote not closed,
 * more than TABLE_ROW_MAX bytes, NUL byte, CR alone; the reader is then somewhere in the row. */
MUST_CHECK bool csv_rows_next(struct csv_rows *c, struct reader *reader, const struct cell **cells,
                              size_t *count, uint64_t *lines, struct err *err);

#endif
