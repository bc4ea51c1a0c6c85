#include "prep/input/columns.h"

#include <string.h>

#include "base/args.h"

int column_index(const struct rows *rows, const char *name)
{
    for (size_t i = 0; i < rows_column_count(rows); i++) {
        if (strcmp(rows_column_name(rows, i), name) == 0) return (int)i;
    }
    return -1;
}

bool column_find(const struct rows *rows, const char *name, size_t *index, struct err *err)
{
    const char *names[FIELDS_MAX];
    size_t count = rows_column_count(rows) < FIELDS_MAX ? rows_column_count(rows) : FIELDS_MAX;
    int found = column_index(rows, name);
    if (found >= 0) {
        *index = (size_t)found;
        return true;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = rows_column_name(rows, i);
    const char *nearest = args_nearest(name, names, count);
    if (nearest)
        return err_set(err, ERR_CONFIG, "%s: has no column '%s'; is '%s' meant?", rows_path(rows), name,
                       nearest);
    return err_set(err, ERR_CONFIG, "%s: has no column '%s'", rows_path(rows), name);
}

static bool add(struct column_map *map, const char *name, size_t column, const struct rows *rows,
                struct err *err)
{
    if (map->count == FIELDS_MAX)
        return err_set(err, ERR_CONFIG, "%s: more than %d fields", rows_path(rows), FIELDS_MAX);
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->names[i], name) == 0)
            return err_set(err, ERR_CONFIG, "%s: two columns would be field '%s'; rename one under `fields`",
                           rows_path(rows), name);
    }
    map->names[map->count] = name;
    map->columns[map->count++] = column;
    return true;
}

bool column_map_make(struct column_map *out, const struct input_settings *input, const struct rows *rows,
                     int skip, struct err *err)
{
    out->count = 0;
    for (size_t r = 0; r < input->rename_count; r++) {
        size_t column = 0;
        if (!column_find(rows, input->renames[r].column, &column, err)) return false;
        if (!add(out, input->renames[r].field, column, rows, err)) return false;
    }
    size_t renamed = out->count;
    for (size_t i = 0; i < rows_column_count(rows); i++) {
        bool has_name = (int)i == skip;
        for (size_t r = 0; r < renamed; r++)
            has_name = has_name || out->columns[r] == i;
        if (!has_name && !add(out, rows_column_name(rows, i), i, rows, err)) return false;
    }
    return true;
}
