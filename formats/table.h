/* formats/table.h - tabular input: CSV (RFC 4180, by libcsv) and fixed-width lines, one row at a time. */
#ifndef FORMATS_TABLE_H
#define FORMATS_TABLE_H

#include "base/reader.h"

enum { TABLE_COLUMNS_MAX = 256, TABLE_ROW_MAX = 1 << 20, TABLE_NAME_MAX = 64 };

struct table;

/* A cell; not zero-terminated, may hold any byte but 00. */
struct cell {
    const char *text;
    size_t len;
};

struct table_row {
    const struct cell *cells; /* one per column, borrowed until the next row */
    size_t count;
    uint64_t line;   /* of the row's first line, from 1 */
    uint64_t offset; /* of the row's first byte */
};

struct csv_settings {
    char separator; /* ',' unless the job says otherwise */
    bool header;    /* the first row names the columns */
};
struct fixed_column {
    const char *name;
    size_t start /* from 0 */, len;
    bool trim /* drop trailing spaces */;
};

/* Takes over the reader, skips a UTF-8 byte order mark, reads the header row if there is one. With a header the
 * columns' names come from it (empty, repeated or over-long names refused); otherwise names[] gives them.
 * False (ERR_INPUT, "FILE:LINE: …"): empty file, header broken, a NUL byte; the reader is then still the caller's.
 * False (ERR_CONFIG): separator that is a quote or line end; no names or repeated ones. */
MUST_CHECK bool table_open_csv(struct table **out, struct reader *reader, const struct csv_settings *settings,
                               const char *const *names, size_t name_count, struct err *err);
/* Every line must be exactly as long in bytes as the last column's end (a shorter line is refused, longer too). The
 * columns are copied; their names must differ. False: as above. */
MUST_CHECK bool table_open_fixed(struct table **out, struct reader *reader,
                                 const struct fixed_column *columns, size_t column_count, struct err *err);
size_t table_column_count(const struct table *t);
const char *table_column_name(const struct table *t, size_t index);
/* Index of the column, or -1. */
int table_column(const struct table *t, const char *name);
/* Next row; *end after the last. Empty lines at the end of the file are not rows; elsewhere refused in CSV.
 * False (ERR_INPUT, "FILE:LINE: …"): wrong number of columns, quote not closed or text behind it, a row longer
 * than TABLE_ROW_MAX, NUL byte. The caller may go on after a wrong number of columns (on_bad_record: set-aside):
 * the row is then consumed. */
MUST_CHECK bool table_next(struct table *t, struct table_row *out, bool *end, struct err *err);
/* Back to the first data row. */
MUST_CHECK bool table_rewind(struct table *t, struct err *err);
/* True if the last table_next failed in a way that leaves the table at the start of the next row. */
bool table_can_go_on(const struct table *t);
/* Goes to a row by the offset and line that table_next gave for it; the next table_next reads it. */
MUST_CHECK bool table_seek(struct table *t, uint64_t offset, uint64_t line, struct err *err);
void table_free(struct table *t); /* also the reader */

#endif
