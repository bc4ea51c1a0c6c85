/* bureau/registry_internal.h - inside the registry: its database. */
#ifndef BUREAU_REGISTRY_INTERNAL_H
#define BUREAU_REGISTRY_INTERNAL_H

#include <sqlite3.h>

#include "bureau/registry.h"

struct registry {
    sqlite3 *db;
    char *path;
    int run_fd; /* PATH.lock while a run is going on, else −1 */
};

/* Which books a database holds. */
struct registry_kind {
    const char *what;           /* "a bureau's books" */
    const char *application_id; /* SQLite's, decimal */
    const char *schema;         /* makes version 1, sets application_id and user_version */
};
/* As registry_open, for this kind. */
MUST_CHECK bool registry_open_kind(struct registry **out, const char *path, const struct registry_kind *kind,
                                   struct err *err);
/* Sets err from SQLite's last error, with the path in front. Returns false. */
bool registry_fail(const struct registry *r, struct err *err);
MUST_CHECK bool registry_run(struct registry *r, const char *sql, struct err *err);
MUST_CHECK bool registry_prepare(struct registry *r, const char *sql, sqlite3_stmt **out, struct err *err);
/* The next row; *row false after the last. */
MUST_CHECK bool registry_step(struct registry *r, sqlite3_stmt *s, bool *row, struct err *err);
/* One write at a time: begin, then end with whether it went well; a failed one leaves nothing behind. Gives `ok`, unless
 * the commit fails. */
MUST_CHECK bool registry_begin(struct registry *r, struct err *err);
MUST_CHECK bool registry_end(struct registry *r, bool ok, struct err *err);
/* Copies a job id out of a column; zero if it is none. */
void registry_column_id(sqlite3_stmt *s, int column, uint8_t out[JOB_ID_LEN]);

#endif
