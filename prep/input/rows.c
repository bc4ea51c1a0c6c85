#include "prep/input/rows.h"

#include <stdlib.h>

struct rows {
    const struct rows_kind *kind;
    void *state;
    const struct input_settings *input;
};

bool rows_open(struct rows **out, const struct input_settings *input, const struct job *job, struct err *err)
{
    struct rows *r = calloc(1, sizeof(*r));
    if (!r) return err_set_no_memory(err);
    bool mic = input->format == INPUT_MIC;
    r->input = input;
    r->kind = mic ? &read_mic_kind : &read_table_kind;
    if (!(mic ? read_mic_open(&r->state, input, job, err) : read_table_open(&r->state, input, err))) {
        free(r);
        return false;
    }
    *out = r;
    return true;
}

void rows_free(struct rows *r)
{
    if (!r) return;
    r->kind->free(r->state);
    free(r);
}

size_t rows_column_count(const struct rows *r)
{
    return r->kind->column_count(r->state);
}

const char *rows_column_name(const struct rows *r, size_t index)
{
    return r->kind->column_name(r->state, index);
}

const char *rows_path(const struct rows *r)
{
    return r->input->path;
}

bool rows_have_lines(const struct rows *r)
{
    return r->input->format != INPUT_MIC;
}

bool rows_next(struct rows *r, struct row *out, bool *end, struct err *err)
{
    *end = false;
    return r->kind->next(r->state, out, end, err);
}

bool rows_can_go_on(const struct rows *r)
{
    return r->kind->can_go_on(r->state);
}

bool rows_rewind(struct rows *r, struct err *err)
{
    return r->kind->rewind(r->state, err);
}

const struct mic_file_summary *rows_summary(const struct rows *r)
{
    return r->kind->summary(r->state);
}

void rows_raw(const struct rows *r, const uint8_t **bytes, size_t *len)
{
    *bytes = NULL;
    *len = 0;
    r->kind->raw(r->state, bytes, len);
}

bool rows_unchanged(const struct rows *r, struct err *err)
{
    return r->kind->unchanged(r->state, err);
}
