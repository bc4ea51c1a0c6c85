#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "prep/accounts/ledger_internal.h"

static const char schema[] =
    /* depth: of the pass, counted from 0; the deepest has the say */
    "CREATE TABLE records(job INTEGER, number INTEGER, depth INTEGER, object TEXT, aside INTEGER,"
    " PRIMARY KEY(job, number)) WITHOUT ROWID;"
    "CREATE TABLE events(job INTEGER, number INTEGER, time TEXT, source INTEGER, line INTEGER, outcome "
    "INTEGER,"
    " serial BLOB, list INTEGER, object TEXT, depth INTEGER,"
    " PRIMARY KEY(job, number, time, source, line)) WITHOUT ROWID;"
    "CREATE TABLE cards(serial BLOB, job INTEGER, number INTEGER, PRIMARY KEY(serial, job, number)) WITHOUT "
    "ROWID;"
    "CREATE TABLE lists(job BLOB, serial INTEGER, hash BLOB, PRIMARY KEY(job, serial));"
    "CREATE TABLE remakes(job BLOB, list INTEGER, number INTEGER, serial BLOB,"
    " PRIMARY KEY(job, list, number)) WITHOUT ROWID;"
    "CREATE TABLE strangers(path TEXT, lines INTEGER, text TEXT);";

static const char put_record_text[] =
    "INSERT INTO records VALUES(?, ?, ?, ?, ?) ON CONFLICT(job, number) DO UPDATE"
    " SET depth = excluded.depth, object = excluded.object, aside = excluded.aside"
    " WHERE excluded.depth > records.depth";
static const char *const texts[LEDGER_STATEMENTS] = {
    [LEDGER_PUT_RECORD] = put_record_text,
    [LEDGER_PUT_EVENT] = "INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [LEDGER_PUT_CARD] = "INSERT OR IGNORE INTO cards VALUES(?, ?, ?)",
    [LEDGER_PUT_LIST] = "INSERT OR IGNORE INTO lists VALUES(?, ?, ?)",
    [LEDGER_FIND_LIST] = "SELECT hash FROM lists WHERE job = ? AND serial = ?",
    [LEDGER_PUT_REMAKE] = "INSERT OR IGNORE INTO remakes VALUES(?, ?, ?, ?)",
    [LEDGER_PUT_STRANGER] = "INSERT INTO strangers VALUES(?, ?, ?)",
};

bool ledger_new(struct ledger **out, struct err *err)
{
    struct ledger *l = calloc(1, sizeof(*l));
    if (!l) return err_set_no_memory(err);
    bool ok = temp_db_open(&l->db, schema, err);
    for (size_t i = 0; ok && i < LEDGER_STATEMENTS; i++)
        ok = temp_db_prepare(l->db, texts[i], &l->statements[i], err);
    if (ok)
        *out = l;
    else
        ledger_free(l);
    return ok;
}

void ledger_free(struct ledger *l)
{
    if (!l) return;
    for (size_t i = 0; i < LEDGER_STATEMENTS; i++)
        sqlite3_finalize(l->statements[i]);
    temp_db_close(l->db);
    for (size_t i = 0; i < l->job_count; i++)
        free(l->jobs[i]);
    for (size_t i = 0; i < l->file_count; i++)
        free(l->files[i].path);
    free(l->jobs);
    free(l->files);
    free(l);
}

sqlite3_stmt *ledger_statement(struct ledger *l, enum ledger_statement which)
{
    return l->statements[which];
}

bool ledger_step(struct ledger *l, sqlite3_stmt *s, struct err *err)
{
    bool ok = sqlite3_step(s) == SQLITE_DONE || temp_db_fail(l->db, err);
    sqlite3_reset(s);
    return ok;
}

size_t ledger_job_count(const struct ledger *l)
{
    return l->job_count;
}

const struct ledger_job *ledger_job_at(const struct ledger *l, size_t index)
{
    return l->jobs[index];
}

bool ledger_job_is_called(const struct ledger *l, size_t index, const char *name)
{
    for (size_t i = 0; i < l->file_count; i++) {
        if (l->files[i].job == index && strcmp(l->files[i].group.name, name) == 0) return true;
    }
    return false;
}

/* ---- MIC files ---- */

static bool new_job(struct ledger *l, const struct job_group *group, struct err *err)
{
    void *more = realloc(l->jobs, (l->job_count + 1) * sizeof(struct ledger_job *));
    if (!more) return err_set_no_memory(err);
    l->jobs = more;
    struct ledger_job *job = calloc(1, sizeof(*job));
    if (!job) return err_set_no_memory(err);
    memcpy(job->job_id, job_group_first_job(group), JOB_ID_LEN);
    memcpy(job->name, group->name, sizeof(job->name));
    job->planned = group->planned;
    job->shards = group->shards;
    l->jobs[l->job_count++] = job;
    return true;
}

static bool find_job(struct ledger *l, const struct job_group *group, size_t *index, struct err *err)
{
    for (*index = 0; *index < l->job_count; (*index)++) {
        if (memcmp(l->jobs[*index]->job_id, job_group_first_job(group), JOB_ID_LEN) == 0) return true;
    }
    return new_job(l, group, err);
}

/* The same shard: one of the two is a pass of the other. */
static bool same_shard_fits(const struct ledger_file *f, const struct ledger_file *made, struct err *err)
{
    const struct job_group *a = &f->group, *b = &made->group;
    if (a->first_record != b->first_record || f->last != made->last)
        return err_set(err, ERR_INPUT, "has other records than '%s', a file of the same shard", f->path);
    if (job_group_has_pass(a, b->job_id) || job_group_has_pass(b, a->job_id)) return true;
    return err_set(err, ERR_INPUT, "'%s' is another file of the same shard, and neither is a later pass",
                   f->path);
}

static bool fits(const struct ledger *l, const struct ledger_file *made, struct err *err)
{
    for (size_t i = 0; i < l->file_count; i++) {
        const struct ledger_file *f = &l->files[i];
        const struct job_group *a = &f->group, *b = &made->group;
        if (f->job != made->job) continue;
        if (a->planned != b->planned || a->shards != b->shards)
            return err_set(err, ERR_INPUT, "was planned otherwise than '%s', a file of the same job",
                           f->path);
        if (a->shard == b->shard && !same_shard_fits(f, made, err)) return false;
        bool apart = f->last < b->first_record || made->last < a->first_record;
        if (a->shard != b->shard && !apart)
            return err_set(err, ERR_INPUT, "has records of '%s', a file of another shard", f->path);
    }
    return true;
}

static bool put_record(struct ledger *l, const struct ledger_file *f, uint64_t number, const char *object,
                       struct err *err)
{
    sqlite3_stmt *s = ledger_statement(l, LEDGER_PUT_RECORD);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)f->job);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)number);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)f->group.pass_count);
    sqlite3_bind_text(s, 4, object ? object : "", -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 5, object == NULL);
    return ledger_step(l, s, err);
}

static bool put_records(struct ledger *l, const struct ledger_file *f, struct mic_file *file, struct err *err)
{
    const struct mic_file_summary *summary = mic_file_summary(file);
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    bool end = false, ok = record || err_set_no_memory(err);

    for (uint64_t i = 0; ok && i < summary->set_aside_count; i++)
        ok = put_record(l, f, summary->set_aside[i], NULL, err);
    while (ok) {
        ok = mic_file_next(file, record, &card, &end, err);
        if (!ok || end) break;
        ok = put_record(l, f, card.number, card.object_id, err);
    }
    free(record);
    return ok;
}

static bool keep_file(struct ledger *l, const struct ledger_file *made, const char *path, struct err *err)
{
    void *more = realloc(l->files, (l->file_count + 1) * sizeof(*l->files));
    if (!more) return err_set_no_memory(err);
    l->files = more;
    l->files[l->file_count] = *made;
    l->files[l->file_count].path = strdup(path);
    if (!l->files[l->file_count].path) return err_set_no_memory(err);
    l->file_count++;
    return true;
}

static bool add_mic(struct ledger *l, const char *path, struct mic_file *file, struct ledger_file *made,
                    struct err *err)
{
    const struct mic_file_summary *summary = mic_file_summary(file);
    bool shard_known = false;
    made->group = summary->job;
    made->last = summary->job.first_record + summary->count + summary->set_aside_count - 1;
    memcpy(made->hash, summary->file_hash, SHA256_LEN);
    for (size_t i = 0; i < l->file_count; i++) {
        if (memcmp(l->files[i].hash, made->hash, SHA256_LEN) == 0) return true;
    }
    if (!find_job(l, &made->group, &made->job, err) || !fits(l, made, err)) return false;
    for (size_t i = 0; i < l->file_count; i++) {
        const struct ledger_file *f = &l->files[i];
        shard_known = shard_known || (f->job == made->job && f->group.shard == made->group.shard);
    }
    if (!put_records(l, made, file, err) || !keep_file(l, made, path, err)) return false;
    if (!shard_known) l->jobs[made->job]->shards_given++;
    return true;
}

bool ledger_add_mic(struct ledger *l, const char *path, struct mic_file *file, struct err *err)
{
    struct ledger_file *made = calloc(1, sizeof(*made));
    bool ok = (made || err_set_no_memory(err)) && add_mic(l, path, file, made, err);
    if (!ok) err_prefix(err, "%s", path);
    free(made);
    return ok;
}

/* ---- remake lists ---- */

/* The number is taken; is it by the same list? */
static bool is_same_list(struct ledger *l, const struct remake_head *head, const uint8_t hash[SHA256_LEN],
                         struct err *err)
{
    sqlite3_stmt *s = ledger_statement(l, LEDGER_FIND_LIST);
    sqlite3_bind_blob(s, 1, head->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)head->serial);
    bool row = sqlite3_step(s) == SQLITE_ROW;
    bool same =
        row && bytes_equal(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), hash, SHA256_LEN);
    sqlite3_reset(s);
    if (same) return true;
    return err_set(err, ERR_INPUT, "another remake list of this job has the same number, %" PRIu64,
                   head->serial);
}

static bool put_remake(struct ledger *l, const struct remake_head *head, const struct remake_entry *e,
                       struct err *err)
{
    sqlite3_stmt *s = ledger_statement(l, LEDGER_PUT_REMAKE);
    sqlite3_bind_blob(s, 1, head->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)head->serial);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)e->record);
    sqlite3_bind_blob(s, 4, e->serial, (int)e->serial_len, SQLITE_STATIC);
    return ledger_step(l, s, err);
}

static bool add_remakes(struct ledger *l, const struct remake_list *list, struct err *err)
{
    const struct remake_head *head = remake_list_head(list);
    const size_t count = remake_list_count(list);
    uint8_t hash[SHA256_LEN];
    if (!sha256(remake_list_at(list, 0), count * sizeof(struct remake_entry), hash, err)) return false;
    sqlite3_stmt *s = ledger_statement(l, LEDGER_PUT_LIST);
    sqlite3_bind_blob(s, 1, head->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)head->serial);
    sqlite3_bind_blob(s, 3, hash, SHA256_LEN, SQLITE_STATIC);
    if (!ledger_step(l, s, err)) return false;
    if (sqlite3_changes(l->db) == 0) return is_same_list(l, head, hash, err);
    for (size_t i = 0; i < count; i++) {
        if (!put_remake(l, head, remake_list_at(list, i), err)) return false;
    }
    return true;
}

bool ledger_add_remakes(struct ledger *l, const char *path, const struct remake_list *list, struct err *err)
{
    if (add_remakes(l, list, err)) return true;
    err_prefix(err, "%s", path);
    return false;
}

/* ---- return files ---- */

static bool put_line(struct ledger *l, const struct ledger_file *f, const struct return_line *line,
                     uint64_t at, struct err *err)
{
    sqlite3_stmt *s = ledger_statement(l, LEDGER_PUT_EVENT);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)f->job);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)line->record);
    sqlite3_bind_text(s, 3, line->time, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)l->sources);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)at);
    sqlite3_bind_int(s, 6, (int)line->outcome);
    sqlite3_bind_blob(s, 7, line->serial, (int)line->serial_len, SQLITE_STATIC);
    sqlite3_bind_int64(s, 8, (sqlite3_int64)line->list);
    sqlite3_bind_text(s, 9, line->object_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 10, (sqlite3_int64)f->group.pass_count);
    if (!ledger_step(l, s, err)) return false;
    if (line->serial_len == 0) return true;
    s = ledger_statement(l, LEDGER_PUT_CARD);
    sqlite3_bind_blob(s, 1, line->serial, (int)line->serial_len, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)f->job);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)line->record);
    return ledger_step(l, s, err);
}

static bool put_stranger(struct ledger *l, const char *path, uint64_t lines, const char *text,
                         struct err *err)
{
    sqlite3_stmt *s = ledger_statement(l, LEDGER_PUT_STRANGER);
    sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)lines);
    sqlite3_bind_text(s, 3, text, -1, SQLITE_STATIC);
    return ledger_step(l, s, err);
}

/* The MIC file that it is of; NULL: *why. */
static const struct ledger_file *file_of(const struct ledger *l, const struct return_head *head,
                                         const char **why)
{
    *why = "is of a MIC file that is not given";
    for (size_t i = 0; i < l->file_count; i++) {
        const struct ledger_file *f = &l->files[i];
        if (memcmp(f->hash, head->file_hash, SHA256_LEN) != 0) continue;
        if (memcmp(f->group.job_id, head->job_id, JOB_ID_LEN) == 0 && f->group.shard == head->shard &&
            f->group.shards == head->shards && strcmp(f->group.name, head->job_name) == 0)
            return f;
        *why = "names job, name or shard otherwise than the MIC file that it is of";
        return NULL;
    }
    return NULL;
}

bool ledger_add_returns(struct ledger *l, const char *path, struct return_file *file, struct err *err)
{
    const char *why = NULL;
    const struct ledger_file *f = file_of(l, return_file_head(file), &why);
    struct return_line line;
    bool end = false;
    if (!f) return put_stranger(l, path, return_file_count(file), why, err);
    l->sources++;
    for (uint64_t at = 1;; at++) {
        if (!return_file_next(file, &line, &end, err)) return false;
        if (end) return true;
        if (!put_line(l, f, &line, at, err)) return false;
    }
}
