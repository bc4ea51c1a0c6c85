/* prep/input/columns.h - the job's names for the columns of one input: `fields` in the job renames, other columns keep their names. */
#ifndef PREP_COLUMNS_H
#define PREP_COLUMNS_H

#include "prep/input/rows.h"

struct column_map {
    const char *names[FIELDS_MAX]; /* borrowed from job or rows */
    size_t columns[FIELDS_MAX];
    size_t count;
};
/* Leaves the column `skip` (an index, -1: none) out unless a rename names it. False (ERR_CONFIG): a rename of a column that is
 * not there, a name twice, more than FIELDS_MAX fields. */
MUST_CHECK bool column_map_make(struct column_map *out, const struct input_settings *input,
                                const struct rows *rows, int skip, struct err *err);
/* Index of a column by the file's own name, or -1. */
int column_index(const struct rows *rows, const char *name);
/* As column_index; false (ERR_CONFIG) suggests the nearest. */
MUST_CHECK bool column_find(const struct rows *rows, const char *name, size_t *index, struct err *err);

#endif
