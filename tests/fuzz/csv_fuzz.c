/* The first byte chooses separator and header; the rest is the file. Every row is read, sought again and must be the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "formats/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) abort();
}

static void read_again(struct table *t, const struct table_row *row)
{
    struct err err = ERR_INIT;
    struct table_row again;
    bool end = false;
    uint64_t offset = row->offset, line = row->line;
    size_t count = row->count, len = row->count ? row->cells[0].len : 0;
    must(table_seek(t, offset, line, &err));
    must(table_next(t, &again, &end, &err));
    must(!end && again.count == count && again.line == line && (!count || again.cells[0].len == len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a", "b"};
    static const char separators[] = ",;\t|";
    struct err err = ERR_INIT;
    struct reader *reader = NULL;
    struct table *t = NULL;
    struct table_row row;
    bool end = false;

    if (size < 1) return 0;
    struct csv_settings settings = {separators[data[0] >> 1 & 3], data[0] & 1};
    must(reader_open_memory(&reader, data + 1, size - 1, "fuzz", &err));
    if (!table_open_csv(&t, reader, &settings, names, 2, &err)) {
        reader_free(reader);
        return 0;
    }
    while (!end) {
        if (table_next(t, &row, &end, &err)) {
            if (!end) read_again(t, &row);
        } else if (!table_can_go_on(t)) {
            break;
        }
    }
    table_free(t);
    return 0;
}
