/* prep/input/temp_db.h - a temporary SQLite database: an index that must not live in memory (joins, uniqueness).
 *
 * The file has no name: SQLite makes it in TMPDIR (else /var/tmp), mode 0600, and unlinks it at once. Only this file,
 * join.c, unique.c and the ledger include SQLite. */
#ifndef PREP_TEMP_DB_H
#define PREP_TEMP_DB_H

#include <sqlite3.h>

#include "base/err.h"

/* Opens one, runs `schema` and begins a transaction that never needs to end. False: ERR_FILE, ERR_INTERNAL. */
MUST_CHECK bool temp_db_open(sqlite3 **out, const char *schema, struct err *err);
/* Runs statements that give no rows. */
MUST_CHECK bool temp_db_run(sqlite3 *db, const char *sql, struct err *err);
MUST_CHECK bool temp_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err);
/* Sets err from SQLite's last error: ERR_FILE for disk trouble. Returns false. */
bool temp_db_fail(sqlite3 *db, struct err *err);
void temp_db_close(sqlite3 *db); /* NULL is fine */

#endif
