/* The books read back. */
#include <string.h>

#include "bureau/registry_internal.h"

static bool hand_out_event(sqlite3_stmt *s, registry_event_fn *fn, void *context, struct err *err)
{
    struct registry_event e = {.sequence = (uint64_t)sqlite3_column_int64(s, 0),
                               .number = (uint64_t)sqlite3_column_int64(s, 2),
                               .state = (enum record_state)sqlite3_column_int(s, 5),
                               .note = {.event = (enum record_event)sqlite3_column_int(s, 4),
                                        .time = (time_t)sqlite3_column_int64(s, 6),
                                        .serial = (const char *)sqlite3_column_text(s, 7),
                                        .atr = (const char *)sqlite3_column_text(s, 8),
                                        .reader = (const char *)sqlite3_column_text(s, 9),
                                        .text = (const char *)sqlite3_column_text(s, 10)}};
    registry_column_id(s, 1, e.job_id);
    registry_column_id(s, 3, e.pass);
    return fn(context, &e, err);
}

bool registry_walk_events(struct registry *r, const uint8_t *job_id, registry_event_fn *fn, void *context,
                          struct err *err)
{
    static const char sql[] =
        "SELECT sequence, job, number, pass, event, state, time, serial, atr, reader, text"
        " FROM events WHERE ?1 IS NULL OR job = ?1 ORDER BY job, number, sequence";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    if (job_id) sqlite3_bind_blob(s, 1, job_id, JOB_ID_LEN, SQLITE_STATIC);
    bool ok = registry_step(r, s, &row, err);
    while (ok && row)
        ok = hand_out_event(s, fn, context, err) && registry_step(r, s, &row, err);
    sqlite3_finalize(s);
    return ok;
}

static bool hand_out_file(sqlite3_stmt *s, registry_file_fn *fn, void *context, struct err *err)
{
    struct registry_file f = {.name = (const char *)sqlite3_column_text(s, 2),
                              .first_record = (uint64_t)sqlite3_column_int64(s, 3),
                              .last_record = (uint64_t)sqlite3_column_int64(s, 4),
                              .planned = (uint64_t)sqlite3_column_int64(s, 5),
                              .records = (uint64_t)sqlite3_column_int64(s, 6),
                              .shard = (uint16_t)sqlite3_column_int(s, 7),
                              .shards = (uint16_t)sqlite3_column_int(s, 8),
                              .passes = (size_t)sqlite3_column_int64(s, 9)};
    const void *hash = sqlite3_column_blob(s, 10);
    registry_column_id(s, 0, f.first_job);
    registry_column_id(s, 1, f.job_id);
    if (hash && sqlite3_column_bytes(s, 10) == SHA256_LEN) memcpy(f.file_hash, hash, SHA256_LEN);
    return fn(context, &f, err);
}

bool registry_walk_files(struct registry *r, registry_file_fn *fn, void *context, struct err *err)
{
    static const char sql[] =
        "SELECT first_job, job, name, first, last, planned, records, shard, shards, passes,"
        " hash FROM files ORDER BY first_job, shard, passes";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    bool ok = registry_step(r, s, &row, err);
    while (ok && row)
        ok = hand_out_file(s, fn, context, err) && registry_step(r, s, &row, err);
    sqlite3_finalize(s);
    return ok;
}
