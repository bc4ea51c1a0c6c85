#include "prep/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prep/input/columns.h"
#include "prep/input/join.h"

struct bound_join {
    struct join *join;
    size_t first; /* of its fields in the table */
    int key;      /* index of the main record's key field */
};

struct card_reader {
    const struct job *job;
    struct rows *rows;
    struct column_map map;
    struct field_table fields;
    struct bound_join *joins;
    size_t join_count;
    char *place;
    size_t place_size;
    bool can_go_on;
};

static bool add_field(struct card_reader *r, const char *name, const char *path, struct err *err)
{
    if (r->fields.count == FIELDS_MAX)
        return err_set(err, ERR_CONFIG, "%s: more than %d fields in all", path, FIELDS_MAX);
    if (field_index(&r->fields, name) >= 0)
        return err_set(err, ERR_CONFIG,
                       "%s: field '%s' comes from another input too; rename one under `fields`", path, name);
    r->fields.names[r->fields.count++] = name;
    return true;
}

static bool open_main(struct card_reader *r, struct err *err)
{
    if (!rows_open(&r->rows, &r->job->input, r->job, err)) return false;
    if (!column_map_make(&r->map, &r->job->input, r->rows, -1, err)) return false;
    for (size_t i = 0; i < r->map.count; i++) {
        if (!add_field(r, r->map.names[i], r->job->input.path, err)) return false;
    }
    r->place_size = strlen(r->job->input.path) + 80;
    r->place = calloc(1, r->place_size);
    if (!r->place) return err_set_no_memory(err);
    snprintf(r->place, r->place_size, "%s", r->job->input.path);
    return true;
}

/* A join's key may itself come from an earlier join. */
static bool open_join(struct card_reader *r, const struct join_settings *settings, struct err *err)
{
    struct bound_join *b = &r->joins[r->join_count];
    b->key = field_index(&r->fields, settings->key_field);
    if (b->key < 0)
        return err_set(err, ERR_CONFIG, "join '%s': no input before it has the key field '%s'",
                       settings->name, settings->key_field);
    if (!join_open(&b->join, settings, r->job, err)) return false;
    r->join_count++;
    b->first = r->fields.count;
    for (size_t i = 0; i < join_field_count(b->join); i++) {
        if (!add_field(r, join_field_name(b->join, i), settings->input.path, err)) return false;
    }
    return true;
}

bool card_reader_open(struct card_reader **out, const struct job *job, struct err *err)
{
    struct card_reader *r = calloc(1, sizeof(*r));
    if (!r) return err_set_no_memory(err);
    r->job = job;
    r->joins = calloc(job->join_count + 1, sizeof(*r->joins));
    bool ok = r->joins ? open_main(r, err) : err_set_no_memory(err);
    for (size_t i = 0; ok && i < job->join_count; i++)
        ok = open_join(r, &job->joins[i], err);
    if (!ok) {
        card_reader_free(r);
        return false;
    }
    *out = r;
    return true;
}

void card_reader_free(struct card_reader *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->join_count; i++)
        join_free(r->joins[i].join);
    free(r->joins);
    rows_free(r->rows);
    free(r->place);
    free(r);
}

const struct field_table *card_reader_fields(const struct card_reader *r)
{
    return &r->fields;
}

const struct mic_file_summary *card_reader_earlier_pass(const struct card_reader *r)
{
    return rows_summary(r->rows);
}

void card_reader_put_inputs(const struct card_reader *r, struct buf *out)
{
    buf_put_format(out, "fields from %s:", r->job->input.path);
    for (size_t i = 0; i < r->map.count; i++)
        buf_put_format(out, " %s", r->map.names[i]);
    buf_put_text(out, "\n");
    for (size_t k = 0; k < r->join_count; k++) {
        const struct join *join = r->joins[k].join;
        const struct join_settings *settings = join_settings(join);
        buf_put_format(out, "fields from %s (join '%s' by %s):", settings->input.path, settings->name,
                       settings->key_field);
        for (size_t i = 0; i < join_field_count(join); i++)
            buf_put_format(out, " %s", join_field_name(join, i));
        buf_put_text(out, "\n");
    }
}

const char *card_reader_place(const struct card_reader *r)
{
    return r->place;
}

static void set_place(struct card_reader *r, const struct row *row)
{
    unsigned long long place = row->place;
    unsigned long long number = row->number;
    if (row->record)
        snprintf(r->place, r->place_size, "%s: record %llu at offset %llu", rows_path(r->rows), number,
                 place);
    else
        snprintf(r->place, r->place_size, "%s:%llu", rows_path(r->rows), place);
}

static bool add_joins(struct card_reader *r, struct card_input *out, struct err *err)
{
    for (size_t i = 0; i < r->join_count; i++) {
        struct bound_join *b = &r->joins[i];
        if (join_find(b->join, &out->fields[b->key], out->place, &out->fields[b->first], err)) continue;
        r->can_go_on = err->kind == ERR_INPUT;
        err_prefix(err, "%s", r->place);
        return false;
    }
    return true;
}

/* Only what a card brings is set; number, counter and a first pass's CARD come from card_identify. */
bool card_reader_next(struct card_reader *r, struct card_input *out, bool *end, struct err *err)
{
    struct row row;
    r->can_go_on = false;
    out->number = 0;
    snprintf(r->place, r->place_size, "%s", rows_path(r->rows));
    if (!rows_next(r->rows, &row, end, err)) {
        r->can_go_on = err->kind == ERR_INPUT && rows_can_go_on(r->rows);
        return false;
    }
    if (*end) return true;
    set_place(r, &row);
    r->can_go_on = true;
    out->counter = 0;
    out->card = row.card;
    if (row.sealed) out->number = row.card.number;
    out->place = row.place;
    out->record = row.record ? row.record->bytes : NULL;
    out->record_len = row.record ? row.record->len : 0;
    out->field_count = r->fields.count;
    for (size_t i = 0; i < r->map.count; i++) {
        const struct cell *cell = &row.cells[r->map.columns[i]];
        out->fields[i] = (struct field_text){cell->text, cell->len};
    }
    return add_joins(r, out, err);
}

bool card_reader_can_go_on(const struct card_reader *r)
{
    return r->can_go_on;
}

bool card_reader_rewind(struct card_reader *r, struct err *err)
{
    return rows_rewind(r->rows, err);
}

bool card_reader_unused_rows(struct card_reader *r, size_t most, struct buf *out, uint64_t *count,
                             struct err *err)
{
    *count = 0;
    for (size_t i = 0; i < r->join_count; i++) {
        uint64_t unused = 0;
        size_t room = *count < most ? most - (size_t)*count : 0;
        if (join_settings(r->joins[i].join)->unused == ON_UNUSED_IGNORE) continue;
        if (!join_unused(r->joins[i].join, room, out, &unused, err)) return false;
        *count += unused;
    }
    return true;
}

bool card_reader_check_unused(struct card_reader *r, struct err *err)
{
    for (size_t i = 0; i < r->join_count; i++) {
        const struct join_settings *settings = join_settings(r->joins[i].join);
        struct buf line;
        uint64_t count = 0;
        if (settings->unused != ON_UNUSED_ERROR) continue;
        buf_init(&line, r->place_size + strlen(settings->input.path) + 80);
        bool ok = join_unused(r->joins[i].join, 1, &line, &count, err);
        if (ok && count > 0) {
            if (line.len > 0) buf_truncate(&line, line.len - 1); /* the line's end */
            const char *text = buf_text(&line);
            ok = err_set(err, ERR_INPUT, "join '%s': %s (%llu in all)", settings->name,
                         text ? text : "unused rows", (unsigned long long)count);
        }
        buf_release(&line);
        if (!ok) return false;
    }
    return true;
}

static void put_cell(struct buf *out, const char *text, char separator)
{
    bool quoted = strchr(text, separator) || strpbrk(text, "\"\r\n");
    if (quoted) buf_put_u8(out, '"');
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '"') buf_put_u8(out, '"');
        buf_put_u8(out, (uint8_t)text[i]);
    }
    if (quoted) buf_put_u8(out, '"');
}

void card_reader_header(const struct card_reader *r, struct buf *out)
{
    const struct csv_settings *csv = &r->job->input.csv;
    if (r->job->input.format != INPUT_CSV || !csv->header) return;
    for (size_t i = 0; i < rows_column_count(r->rows); i++) {
        if (i > 0) buf_put_u8(out, (uint8_t)csv->separator);
        put_cell(out, rows_column_name(r->rows, i), csv->separator);
    }
    buf_put_u8(out, '\n');
}

void card_reader_raw(const struct card_reader *r, const uint8_t **bytes, size_t *len)
{
    rows_raw(r->rows, bytes, len);
}

bool card_reader_unchanged(const struct card_reader *r, struct err *err)
{
    return rows_unchanged(r->rows, err);
}

uint64_t card_reader_number(const struct card_reader *r, const struct card_input *in, uint64_t position)
{
    return card_reader_earlier_pass(r) && in->number > 0 ? in->number : position;
}
