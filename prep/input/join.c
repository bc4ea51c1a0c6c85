#include "prep/input/join.h"

#include <stdlib.h>
#include <string.h>

#include "formats/pan.h"
#include "prep/input/columns.h"
#include "prep/input/temp_db.h"

enum { JOIN_ROW_MAX = 4 * 1024 * 1024, KEY_SHOWN_MAX = 64 };

struct join {
    const struct join_settings *settings;
    struct column_map map;
    char *names[FIELDS_MAX]; /* copies: the rows are gone after the first reading */
    bool lines, main_lines;  /* places are lines, not offsets */
    sqlite3 *db;
    sqlite3_stmt *insert, *find, *use;
    struct buf row; /* the row last found */
};

struct found_row {
    bool found;
    sqlite3_int64 id;
    uint64_t place, used;
};

static const char schema[] =
    "CREATE TABLE line(id INTEGER PRIMARY KEY, key BLOB NOT NULL, place INTEGER NOT NULL, "
    "used INTEGER NOT NULL DEFAULT 0, texts BLOB NOT NULL)";

static const char absent_mark = 0, text_mark = 1;

static void put_text(struct buf *b, const struct cell *cell)
{
    buf_put_u8(b, (uint8_t)(cell->text ? text_mark : absent_mark));
    buf_put_be(b, cell->len, 4);
    if (cell->text) buf_put(b, cell->text, cell->len);
}

static const char *unit(const struct join *j)
{
    return j->lines ? ":" : ": offset ";
}

static bool insert_row(struct join *j, const struct row *row, size_t key_column, struct err *err)
{
    const struct cell *key = &row->cells[key_column];
    if (!key->text || key->len == 0)
        return err_set(err, ERR_INPUT, "%s%s%llu: key column '%s' is empty", j->settings->input.path, unit(j),
                       (unsigned long long)row->place, j->settings->key_column);
    buf_clear(&j->row);
    for (size_t i = 0; i < j->map.count; i++)
        put_text(&j->row, &row->cells[j->map.columns[i]]);
    if (!buf_ok(&j->row, "row", err)) return false;
    sqlite3_bind_blob(j->insert, 1, key->text, (int)key->len, SQLITE_STATIC);
    sqlite3_bind_int64(j->insert, 2, (sqlite3_int64)row->place);
    sqlite3_bind_blob(j->insert, 3, j->row.len ? (const void *)j->row.data : "", (int)j->row.len,
                      SQLITE_STATIC);
    bool ok = sqlite3_step(j->insert) == SQLITE_DONE || temp_db_fail(j->db, err);
    sqlite3_reset(j->insert);
    return ok;
}

static bool keep_names(struct join *j, struct err *err)
{
    for (size_t i = 0; i < j->map.count; i++) {
        j->names[i] = strdup(j->map.names[i]);
        if (!j->names[i]) return err_set_no_memory(err);
    }
    return true;
}

static bool load(struct join *j, struct rows *rows, struct err *err)
{
    size_t key = 0;
    if (!column_find(rows, j->settings->key_column, &key, err)) return false;
    if (!column_map_make(&j->map, &j->settings->input, rows, (int)key, err) || !keep_names(j, err))
        return false;
    for (;;) {
        struct row row;
        bool end = false;
        if (!rows_next(rows, &row, &end, err)) return false;
        if (end) break;
        if (!insert_row(j, &row, key, err)) return false;
    }
    return temp_db_run(j->db, "CREATE INDEX by_key ON line(key)", err) &&
           temp_db_prepare(j->db, "SELECT id, place, used, texts FROM line WHERE key = ? ORDER BY id LIMIT 2",
                           &j->find, err) &&
           temp_db_prepare(j->db, "UPDATE line SET used = ? WHERE id = ?", &j->use, err);
}

bool join_open(struct join **out, const struct join_settings *settings, const struct job *job,
               struct err *err)
{
    struct rows *rows = NULL;
    struct join *j = calloc(1, sizeof(*j));
    if (!j) return err_set_no_memory(err);
    j->settings = settings;
    j->main_lines = job->input.format != INPUT_MIC;
    buf_init(&j->row, JOIN_ROW_MAX);
    bool ok = rows_open(&rows, &settings->input, job, err);
    if (ok) j->lines = rows_have_lines(rows);
    ok = ok && temp_db_open(&j->db, schema, err) &&
         temp_db_prepare(j->db, "INSERT INTO line(key, place, texts) VALUES(?, ?, ?)", &j->insert, err) &&
         load(j, rows, err);
    rows_free(rows);
    if (!ok) {
        err_prefix(err, "join '%s'", settings->name);
        join_free(j);
        return false;
    }
    *out = j;
    return true;
}

void join_free(struct join *j)
{
    if (!j) return;
    sqlite3_finalize(j->insert);
    sqlite3_finalize(j->find);
    sqlite3_finalize(j->use);
    temp_db_close(j->db);
    for (size_t i = 0; i < j->map.count; i++)
        free(j->names[i]);
    buf_release(&j->row);
    free(j);
}

const struct join_settings *join_settings(const struct join *j)
{
    return j->settings;
}

size_t join_field_count(const struct join *j)
{
    return j->map.count;
}

const char *join_field_name(const struct join *j, size_t index)
{
    return j->names[index];
}

/* The key for a message: short, without a whole PAN. */
static void show_key(char out[KEY_SHOWN_MAX + 1], const struct field_text *key)
{
    size_t len = key->len < KEY_SHOWN_MAX ? key->len : KEY_SHOWN_MAX;
    memcpy(out, key->text, len);
    out[len] = '\0';
    pan_mask_text(out);
}

static bool take_texts(struct join *j, struct field_text *out, struct err *err)
{
    struct cur c = cur_make(j->row.data, j->row.len, 0);
    for (size_t i = 0; i < j->map.count; i++) {
        const uint8_t *text = NULL;
        uint8_t mark = 0;
        uint64_t len = 0;
        if (!cur_take_u8(&c, &mark, "mark", err) || !cur_take_be(&c, 4, &len, "length", err) ||
            !cur_take(&c, (size_t)len, &text, "text", err))
            return false;
        out[i] = (struct field_text){mark == (uint8_t)text_mark ? (const char *)text : NULL, (size_t)len};
    }
    return true;
}

/* A row belongs to the first record that asked for it; `used` holds that record's place plus one. */
static bool claim(struct join *j, const struct found_row *row, uint64_t place, struct err *err)
{
    if (row->used == place + 1) return true;
    if (row->used != 0)
        return err_set(
            err, ERR_INPUT, "%s%s%llu was joined to the record at %s %llu before: the key '%s' is repeated",
            j->settings->input.path, unit(j), (unsigned long long)row->place,
            j->main_lines ? "line" : "offset", (unsigned long long)row->used - 1, j->settings->key_field);
    sqlite3_bind_int64(j->use, 1, (sqlite3_int64)(place + 1));
    sqlite3_bind_int64(j->use, 2, row->id);
    bool ok = sqlite3_step(j->use) == SQLITE_DONE || temp_db_fail(j->db, err);
    sqlite3_reset(j->use);
    return ok;
}

/* Steps the query: the one row's texts into j->row. */
static bool fetch(struct join *j, const struct field_text *key, struct found_row *row, struct err *err)
{
    char shown[KEY_SHOWN_MAX + 1];
    int step = sqlite3_step(j->find);
    row->found = step == SQLITE_ROW;
    if (step == SQLITE_DONE) return true;
    if (step != SQLITE_ROW) return temp_db_fail(j->db, err);
    row->id = sqlite3_column_int64(j->find, 0);
    row->place = (uint64_t)sqlite3_column_int64(j->find, 1);
    row->used = (uint64_t)sqlite3_column_int64(j->find, 2);
    buf_clear(&j->row);
    const void *texts = sqlite3_column_blob(j->find, 3);
    if (texts) buf_put(&j->row, texts, (size_t)sqlite3_column_bytes(j->find, 3));
    if (!buf_ok(&j->row, "row", err)) return false;
    step = sqlite3_step(j->find);
    if (step == SQLITE_DONE) return true;
    if (step != SQLITE_ROW) return temp_db_fail(j->db, err);
    show_key(shown, key);
    return err_set(err, ERR_INPUT, "%s '%s' stands twice, in %s%s%llu and %lld", j->settings->key_column,
                   shown, j->settings->input.path, unit(j), (unsigned long long)row->place,
                   (long long)sqlite3_column_int64(j->find, 1));
}

static bool missing(struct join *j, const struct field_text *key, struct err *err)
{
    char shown[KEY_SHOWN_MAX + 1];
    if (j->settings->missing == ON_MISSING_EMPTY) return true;
    if (!key->text || key->len == 0)
        return err_set(err, ERR_INPUT, "field '%s' is empty, so no row of %s can be found",
                       j->settings->key_field, j->settings->input.path);
    show_key(shown, key);
    return err_set(err, ERR_INPUT, "%s has no row with %s '%s'", j->settings->input.path,
                   j->settings->key_column, shown);
}

bool join_find(struct join *j, const struct field_text *key, uint64_t place, struct field_text *out,
               struct err *err)
{
    struct found_row row = {.found = false};
    bool ok = true;
    memset(out, 0, j->map.count * sizeof(*out));
    if (key->text && key->len > 0) {
        sqlite3_bind_blob(j->find, 1, key->text, (int)key->len, SQLITE_STATIC);
        ok = fetch(j, key, &row, err);
        sqlite3_reset(j->find);
    }
    if (ok) ok = row.found ? claim(j, &row, place, err) && take_texts(j, out, err) : missing(j, key, err);
    if (!ok) err_prefix(err, "join '%s'", j->settings->name);
    return ok;
}

bool join_unused(struct join *j, size_t most, struct buf *out, uint64_t *count, struct err *err)
{
    sqlite3_stmt *q = NULL;
    int step = SQLITE_DONE;
    *count = 0;
    if (!temp_db_prepare(j->db, "SELECT place FROM line WHERE used = 0 ORDER BY id", &q, err)) return false;
    while ((step = sqlite3_step(q)) == SQLITE_ROW) {
        if (*count < most)
            buf_put_format(out, "%s%s%lld: no card uses this row\n", j->settings->input.path, unit(j),
                           (long long)sqlite3_column_int64(q, 0));
        ++*count;
    }
    bool ok = step == SQLITE_DONE || temp_db_fail(j->db, err);
    sqlite3_finalize(q);
    return ok;
}
