#include "formats/table.h"

#include <stdlib.h>
#include <string.h>

#include "formats/csv_row.h"

enum { PIECE = 4096 };

struct table {
    struct reader *reader;
    struct csv_rows *csv; /* NULL: fixed width */
    struct fixed_column *fixed;
    size_t width; /* of a fixed-width line */
    char (*names)[TABLE_NAME_MAX + 1];
    size_t column_count;
    uint64_t line;                     /* of the next byte, from 1 */
    uint64_t first_offset, first_line; /* of the first data row */
    bool can_go_on;
    struct cell cells[TABLE_COLUMNS_MAX];
};

void table_free(struct table *t)
{
    if (!t) return;
    csv_rows_free(t->csv);
    reader_free(t->reader);
    free(t->fixed);
    free(t->names);
    free(t);
}

/* After a failed open: everything but the reader, which stays the caller's. */
static void abandon(struct table *t)
{
    if (t) t->reader = NULL;
    table_free(t);
}

static bool place(const struct table *t, uint64_t line, struct err *err)
{
    bool named = err->kind == ERR_FILE; /* the reader has said which file */
    if (!named) err_prefix(err, "%s:%llu", reader_name(t->reader), (unsigned long long)line);
    return false;
}

static bool add_name(struct table *t, const char *name, size_t len, enum err_kind kind, struct err *err)
{
    size_t number = t->column_count + 1;

    if (len == 0) return err_set(err, kind, "column %zu has no name", number);
    if (len > TABLE_NAME_MAX)
        return err_set(err, kind, "column %zu: its name is longer than %d bytes", number, TABLE_NAME_MAX);
    memcpy(t->names[t->column_count], name, len);
    t->names[t->column_count][len] = '\0';
    int earlier = table_column(t, t->names[t->column_count]);
    if (earlier >= 0)
        return err_set(err, kind, "column %zu has the name of column %d, '%s'", number, earlier + 1,
                       t->names[earlier]);
    t->column_count++;
    return true;
}

static bool new_table(struct table **out, struct reader *reader, size_t columns, struct err *err)
{
    if (columns == 0 || columns > TABLE_COLUMNS_MAX)
        return err_set(err, ERR_CONFIG, "%zu columns are not 1 to %d", columns, TABLE_COLUMNS_MAX);
    struct table *t = calloc(1, sizeof(*t));
    if (!t) return err_set_no_memory(err);
    t->names = calloc(columns, sizeof(*t->names));
    t->reader = reader;
    t->line = 1;
    t->first_line = 1;
    if (!t->names) {
        abandon(t);
        return err_set_no_memory(err);
    }
    *out = t;
    return true;
}

/* Skips a UTF-8 byte order mark at the very start. */
static bool skip_mark(struct table *t, struct err *err)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
    const uint8_t *data = NULL;
    size_t got = 0;

    if (!reader_peek(t->reader, sizeof(mark), &data, &got, err)) return false;
    if (!bytes_equal(data, got, mark, sizeof(mark))) return true;
    return reader_take(t->reader, sizeof(mark), sizeof(mark), "byte order mark", &data, err);
}

static size_t count_line_ends(const uint8_t *data, size_t len, uint64_t *newlines)
{
    size_t i = 0;
    for (; i < len && (data[i] == '\n' || data[i] == '\r'); i++)
        *newlines += data[i] == '\n';
    return i;
}

/* Skips empty lines; *end if nothing else follows. False (ERR_INPUT): a row follows, which is then the next. */
static bool skip_empty_lines(struct table *t, bool *end, struct err *err)
{
    const uint8_t *data = NULL;
    size_t got = 0, skip = 0;
    uint64_t line = t->line;
    bool skipped = false;

    do {
        if (!reader_peek(t->reader, PIECE, &data, &got, err)) return false;
        skip = count_line_ends(data, got, &t->line);
        skipped = skipped || skip > 0;
        if (skip > 0 && !reader_take(t->reader, skip, PIECE, "empty lines", &data, err)) return false;
    } while (skip > 0 && skip == got);
    *end = got == 0;
    if (*end || !skipped) return true;
    t->can_go_on = true;
    err_set(err, ERR_INPUT, "empty line, with more rows behind it");
    return place(t, line, err);
}

/* One row of CSV, whatever its number of cells. */
static bool read_csv(struct table *t, struct table_row *out, struct err *err)
{
    uint64_t offset = reader_offset(t->reader), lines = 0;

    if (!csv_rows_next(t->csv, t->reader, &out->cells, &out->count, &lines, err)) {
        struct err seeking = ERR_INIT;
        err_ignore(reader_seek(t->reader, offset, &seeking), "the first error is the one to report");
        return place(t, t->line + lines, err);
    }
    out->line = t->line;
    out->offset = offset;
    t->line += lines;
    return true;
}

static bool read_header(struct table *t, struct err *err)
{
    struct table_row row;
    bool end = false;

    if (!skip_empty_lines(t, &end, err)) return false;
    if (end) {
        err_set(err, ERR_INPUT, "the file holds nothing but empty lines");
        return place(t, t->first_line, err);
    }
    if (!read_csv(t, &row, err)) return false;
    if (row.count > TABLE_COLUMNS_MAX) {
        err_set(err, ERR_INPUT, "header names %zu columns, more than %d", row.count, TABLE_COLUMNS_MAX);
        return place(t, row.line, err);
    }
    for (size_t i = 0; i < row.count; i++) {
        if (!add_name(t, row.cells[i].text, row.cells[i].len, ERR_INPUT, err)) {
            err_prefix(err, "header");
            return place(t, row.line, err);
        }
    }
    return true;
}

static bool check_not_empty(const struct table *t, struct err *err)
{
    if (reader_offset(t->reader) < reader_size(t->reader)) return true;
    err_set(err, ERR_INPUT, "the file is empty");
    return place(t, t->line, err);
}

bool table_open_csv(struct table **out, struct reader *reader, const struct csv_settings *settings,
                    const char *const *names, size_t name_count, struct err *err)
{
    struct table *t = NULL;
    char separator = settings->separator;

    if (!separator || strchr("\"\r\n", separator))
        return err_set(err, ERR_CONFIG, "this character cannot part columns");
    if (!new_table(&t, reader, settings->header ? TABLE_COLUMNS_MAX : name_count, err)) return false;
    for (size_t i = 0; !settings->header && i < name_count; i++) {
        if (!add_name(t, names[i], strlen(names[i]), ERR_CONFIG, err)) goto out;
    }
    if (!csv_rows_new(&t->csv, separator, err)) goto out;
    if (!skip_mark(t, err)) goto out;
    if (!check_not_empty(t, err)) goto out;
    if (settings->header && !read_header(t, err)) goto out;
    t->first_offset = reader_offset(reader);
    t->first_line = t->line;
    *out = t;
    return true;
out:
    abandon(t);
    return false;
}

static bool add_fixed(struct table *t, const struct fixed_column *column, struct err *err)
{
    if (column->len == 0 || column->len > TABLE_ROW_MAX || column->start > TABLE_ROW_MAX - column->len)
        return err_set(err, ERR_CONFIG,
                       "column '%s': start %zu and length %zu are no place in a line of 1 to %d bytes",
                       column->name, column->start, column->len, TABLE_ROW_MAX);
    if (column->start + column->len > t->width) t->width = column->start + column->len;
    t->fixed[t->column_count] = *column;
    t->fixed[t->column_count].name = NULL; /* the table has a copy of its own */
    return add_name(t, column->name, strlen(column->name), ERR_CONFIG, err);
}

bool table_open_fixed(struct table **out, struct reader *reader, const struct fixed_column *columns,
                      size_t column_count, struct err *err)
{
    struct table *t = NULL;

    if (!new_table(&t, reader, column_count, err)) return false;
    t->fixed = calloc(column_count, sizeof(*t->fixed));
    if (!t->fixed) {
        err_set_no_memory(err);
        goto out;
    }
    for (size_t i = 0; i < column_count; i++) {
        if (!add_fixed(t, &columns[i], err)) goto out;
    }
    if (!skip_mark(t, err)) goto out;
    if (!check_not_empty(t, err)) goto out;
    t->first_offset = reader_offset(reader);
    t->first_line = t->line;
    *out = t;
    return true;
out:
    abandon(t);
    return false;
}

static void cut_columns(struct table *t, const char *text)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct fixed_column *column = &t->fixed[i];
        size_t len = column->len;
        while (column->trim && len > 0 && text[column->start + len - 1] == ' ')
            len--;
        t->cells[i] = (struct cell){text + column->start, len};
    }
}

static bool read_fixed(struct table *t, struct table_row *out, struct err *err)
{
    const uint8_t *text = NULL;
    size_t len = 0;
    uint64_t line = t->line;

    out->offset = reader_offset(t->reader);
    out->line = line;
    if (!reader_take_line(t->reader, TABLE_ROW_MAX, &text, &len, err)) {
        if (err->kind == ERR_INPUT) err_set(err, ERR_INPUT, "line is longer than %d bytes", TABLE_ROW_MAX);
        return place(t, line, err);
    }
    t->line++;
    t->can_go_on = true;
    if (len != t->width) {
        err_set(err, ERR_INPUT, "line has %zu bytes, its columns %zu", len, t->width);
        return place(t, line, err);
    }
    if (memchr(text, 0, len)) {
        err_set(err, ERR_INPUT, "a NUL byte: this is no text file, or not UTF-8");
        return place(t, line, err);
    }
    cut_columns(t, (const char *)text);
    out->cells = t->cells;
    out->count = t->column_count;
    return true;
}

bool table_next(struct table *t, struct table_row *out, bool *end, struct err *err)
{
    struct table_row row = {NULL, 0, 0, 0};
    bool at_end = false;

    t->can_go_on = false;
    if (!skip_empty_lines(t, &at_end, err)) return false;
    if (!at_end) {
        if (!(t->csv ? read_csv(t, &row, err) : read_fixed(t, &row, err))) return false;
        if (row.count != t->column_count) {
            t->can_go_on = true;
            err_set(err, ERR_INPUT, "row has %zu columns, not %zu", row.count, t->column_count);
            return place(t, row.line, err);
        }
    }
    *out = row;
    *end = at_end;
    return true;
}

size_t table_column_count(const struct table *t)
{
    return t->column_count;
}

const char *table_column_name(const struct table *t, size_t index)
{
    return index < t->column_count ? t->names[index] : NULL;
}

int table_column(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (strcmp(t->names[i], name) == 0) return (int)i;
    }
    return -1;
}

bool table_rewind(struct table *t, struct err *err)
{
    return table_seek(t, t->first_offset, t->first_line, err);
}

bool table_can_go_on(const struct table *t)
{
    return t->can_go_on;
}

bool table_seek(struct table *t, uint64_t offset, uint64_t line, struct err *err)
{
    if (!reader_seek(t->reader, offset, err)) return false;
    t->line = line;
    t->can_go_on = false;
    return true;
}
