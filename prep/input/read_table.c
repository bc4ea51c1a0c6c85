/* Tables (CSV, fixed width) as rows. */
#include "prep/input/rows.h"

#include <stdlib.h>

#include "formats/table.h"

struct read_table {
    struct table *table;
    struct reader *reader; /* the table's */
    uint64_t begin, end;   /* of the current row in the file */
};

static bool open_table(struct read_table *t, const struct input_settings *input, struct err *err)
{
    if (input->format == INPUT_FIXED)
        return table_open_fixed(&t->table, t->reader, input->fixed, input->fixed_count, err);
    return table_open_csv(&t->table, t->reader, &input->csv, (const char *const *)input->columns,
                          input->column_count, err);
}

bool read_table_open(void **state, const struct input_settings *input, struct err *err)
{
    struct read_table *t = calloc(1, sizeof(*t));
    if (!t) return err_set_no_memory(err);
    if (!reader_open(&t->reader, input->path, err)) {
        free(t);
        return false;
    }
    if (!open_table(t, input, err)) {
        reader_free(t->reader);
        free(t);
        return false;
    }
    t->begin = t->end = reader_offset(t->reader);
    *state = t;
    return true;
}

static void release(void *state)
{
    struct read_table *t = state;
    table_free(t->table);
    free(t);
}

static size_t column_count(const void *state)
{
    const struct read_table *t = state;
    return table_column_count(t->table);
}

static const char *column_name(const void *state, size_t index)
{
    const struct read_table *t = state;
    return table_column_name(t->table, index);
}

static bool next(void *state, struct row *out, bool *end, struct err *err)
{
    struct read_table *t = state;
    struct table_row row;
    t->begin = reader_offset(t->reader);
    bool ok = table_next(t->table, &row, end, err);
    t->end = reader_offset(t->reader);
    if (!ok) return false;
    if (*end) return reader_unchanged(t->reader, err);
    *out = (struct row){.cells = row.cells, .place = row.line};
    return true;
}

static bool can_go_on(const void *state)
{
    const struct read_table *t = state;
    return table_can_go_on(t->table);
}

static bool rewind_table(void *state, struct err *err)
{
    struct read_table *t = state;
    return table_rewind(t->table, err);
}

static const struct mic_file_summary *no_summary(const void *state)
{
    (void)state;
    return NULL;
}

static void raw(const void *state, const uint8_t **bytes, size_t *len)
{
    const struct read_table *t = state;
    struct err unused = ERR_INIT;
    const uint8_t *data = NULL;
    size_t want = (size_t)(t->end - t->begin);
    if (want == 0 || !reader_seek(t->reader, t->begin, &unused)) return;
    if (reader_take(t->reader, want, 2 * TABLE_ROW_MAX, "row", &data, &unused) && data) {
        *bytes = data;
        *len = want;
    }
    err_ignore(reader_seek(t->reader, t->end, &unused), "it was there before");
}

static bool unchanged(const void *state, struct err *err)
{
    const struct read_table *t = state;
    return reader_unchanged(t->reader, err);
}

const struct rows_kind read_table_kind = {release,      column_count, column_name, next,     can_go_on,
                                          rewind_table, no_summary,   raw,         unchanged};
