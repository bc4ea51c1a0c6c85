#include "bureau/registry_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_TIMEOUT_MS = 10000 };

/* Events are the journal: nothing of them ever changes. Texts are for people; numbers fit SQLite's signed integers. */
#define APPLICATION_ID "1129337410" /* "CPRB" */
static const char schema[] =
    "CREATE TABLE files ("
    " first_job BLOB NOT NULL, job BLOB NOT NULL, passes INTEGER NOT NULL, lineage BLOB NOT NULL,"
    " shard INTEGER NOT NULL, shards INTEGER NOT NULL, name TEXT NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, planned INTEGER NOT NULL, records INTEGER NOT NULL,"
    " hash BLOB NOT NULL, PRIMARY KEY (job, shard));"
    "CREATE INDEX files_by_first_job ON files (first_job, shard, passes);"
    "CREATE TABLE events ("
    " sequence INTEGER PRIMARY KEY AUTOINCREMENT, job BLOB NOT NULL, number INTEGER NOT NULL, pass BLOB NOT "
    "NULL,"
    " event INTEGER NOT NULL, state INTEGER NOT NULL, time INTEGER NOT NULL,"
    " serial TEXT, atr TEXT, reader TEXT, text TEXT);"
    "CREATE INDEX events_by_record ON events (job, number, sequence);"
    "CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events never change'); "
    "END;"
    "CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events never go'); END;"
    "PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = 1;";
static const struct registry_kind bureau_kind = {"a bureau's books", APPLICATION_ID, schema};

bool registry_fail(const struct registry *r, struct err *err)
{
    static const int of_disk[] = {SQLITE_FULL,     SQLITE_IOERR, SQLITE_CANTOPEN,
                                  SQLITE_READONLY, SQLITE_PERM,  SQLITE_NOTADB,
                                  SQLITE_CORRUPT,  SQLITE_BUSY,  SQLITE_LOCKED};
    const int code = sqlite3_errcode(r->db) & 0xFF;
    if (code == SQLITE_NOMEM) return err_set_no_memory(err);
    enum err_kind kind = ERR_INTERNAL;
    for (size_t i = 0; i < sizeof(of_disk) / sizeof(of_disk[0]); i++) {
        if (code == of_disk[i]) kind = ERR_FILE;
    }
    return err_set(err, kind, "books %s: %s", r->path, sqlite3_errmsg(r->db));
}

bool registry_run(struct registry *r, const char *sql, struct err *err)
{
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK || registry_fail(r, err);
}

bool registry_prepare(struct registry *r, const char *sql, sqlite3_stmt **out, struct err *err)
{
    return sqlite3_prepare_v2(r->db, sql, -1, out, NULL) == SQLITE_OK || registry_fail(r, err);
}

bool registry_step(struct registry *r, sqlite3_stmt *s, bool *row, struct err *err)
{
    int code = sqlite3_step(s);
    *row = code == SQLITE_ROW;
    return *row || code == SQLITE_DONE || registry_fail(r, err);
}

bool registry_begin(struct registry *r, struct err *err)
{
    return registry_run(r, "BEGIN IMMEDIATE", err);
}

bool registry_end(struct registry *r, bool ok, struct err *err)
{
    if (ok && registry_run(r, "COMMIT", err)) return true;
    sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* err has the first failure already */
    return false;
}

void registry_column_id(sqlite3_stmt *s, int column, uint8_t out[JOB_ID_LEN])
{
    const void *bytes = sqlite3_column_blob(s, column);
    memset(out, 0, JOB_ID_LEN);
    if (bytes && sqlite3_column_bytes(s, column) == JOB_ID_LEN) memcpy(out, bytes, JOB_ID_LEN);
}

/* Made by us before SQLite opens it, so that its mode is ours. An existing file is not touched: closing it would drop the locks of
 * another registry of this process. */
static bool create_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST) return err_set_errno(err, ERR_FILE, errno, "books %s", path);
    if (fd >= 0) close(fd);
    return true;
}

static bool read_number(struct registry *r, const char *sql, int64_t *out, struct err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    bool ok = registry_prepare(r, sql, &s, err) && registry_step(r, s, &row, err);
    if (ok) *out = row ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return ok;
}

/* New books get their tables; others must be books. */
static bool check_schema(struct registry *r, const struct registry_kind *kind, struct err *err)
{
    int64_t application = 0, version = 0, tables = 0;
    if (!read_number(r, "PRAGMA application_id", &application, err) ||
        !read_number(r, "PRAGMA user_version", &version, err) ||
        !read_number(r, "SELECT count(*) FROM sqlite_master", &tables, err))
        return false;
    if (!application && !tables) return registry_run(r, kind->schema, err);
    if (application != strtoll(kind->application_id, NULL, 10))
        return err_set(err, ERR_FILE, "%s is a database, but not %s", r->path, kind->what);
    if (version != 1)
        return err_set(err, ERR_FILE, "books %s are of version %lld; this program knows version 1", r->path,
                       (long long)version);
    return true;
}

static bool open_db(struct registry *r, const char *path, const struct registry_kind *kind, struct err *err)
{
    r->path = strdup(path);
    if (!r->path) return err_set_no_memory(err);
    if (!create_file(path, err)) return false;
    if (sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return r->db ? registry_fail(r, err) : err_set_no_memory(err);
    sqlite3_busy_timeout(r->db, BUSY_TIMEOUT_MS);
    if (!registry_run(r, "PRAGMA synchronous = EXTRA", err) || !registry_begin(r, err)) return false;
    return registry_end(r, check_schema(r, kind, err), err);
}

bool registry_open_kind(struct registry **out, const char *path, const struct registry_kind *kind,
                        struct err *err)
{
    struct registry *r = calloc(1, sizeof(*r));
    if (!r) return err_set_no_memory(err);
    r->run_fd = -1;
    if (!open_db(r, path, kind, err)) {
        registry_close(r);
        return false;
    }
    *out = r;
    return true;
}

bool registry_open(struct registry **out, const char *path, struct err *err)
{
    return registry_open_kind(out, path, &bureau_kind, err);
}

void registry_close(struct registry *r)
{
    if (!r) return;
    sqlite3_close_v2(r->db);
    if (r->run_fd >= 0) close(r->run_fd);
    free(r->path);
    free(r);
}
