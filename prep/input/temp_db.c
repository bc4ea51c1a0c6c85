#include "prep/input/temp_db.h"

bool temp_db_fail(sqlite3 *db, struct err *err)
{
    switch (sqlite3_errcode(db) & 0xFF) {
    case SQLITE_NOMEM:
        return err_set_no_memory(err);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return err_set(err, ERR_FILE, "temporary index: %s; is there room in TMPDIR?", sqlite3_errmsg(db));
    default:
        return err_set(err, ERR_INTERNAL, "temporary index: %s", sqlite3_errmsg(db));
    }
}

bool temp_db_run(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || temp_db_fail(db, err);
}

bool temp_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK ||
           temp_db_fail(db, err);
}

bool temp_db_open(sqlite3 **out, const char *schema, struct err *err)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2("", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) goto out;
    /* Nothing in it outlives the process, so no journal is needed and no sync. */
    if (!temp_db_run(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192;",
                     err) ||
        !temp_db_run(db, schema, err) || !temp_db_run(db, "BEGIN", err)) {
        temp_db_close(db);
        return false;
    }
    *out = db;
    return true;
out:
    if (db)
        temp_db_fail(db, err);
    else
        err_set_no_memory(err);
    temp_db_close(db);
    return false;
}

void temp_db_close(sqlite3 *db)
{
    sqlite3_close_v2(db);
}
