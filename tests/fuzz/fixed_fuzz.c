/* The file against three columns; a row's cells must lie inside the line. */
#include <stdlib.h>

#include "formats/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fixed_column columns[] = {{"a", 0, 2, false}, {"b", 2, 3, true}, {"c", 6, 1, true}};
    struct err err = ERR_INIT;
    struct reader *reader = NULL;
    struct table *t = NULL;
    struct table_row row;
    bool end = false;

    if (!reader_open_memory(&reader, data, size, "fuzz", &err)) abort();
    if (!table_open_fixed(&t, reader, columns, 3, &err)) {
        reader_free(reader);
        return 0;
    }
    while (!end) {
        bool ok = table_next(t, &row, &end, &err);
        if (!ok && !table_can_go_on(t)) break;
        if (!ok || end) continue;
        if (row.count != 3 || row.offset + 7 > size) abort();
        for (size_t i = 0; i < row.count; i++) {
            if (row.cells[i].len > columns[i].len) abort();
        }
    }
    table_free(t);
    return 0;
}
