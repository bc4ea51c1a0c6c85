/* prep/accounts/ledger_internal.h - inside prep/accounts/ only: the ledger's database. */
#ifndef PREP_LEDGER_INTERNAL_H
#define PREP_LEDGER_INTERNAL_H

#include "prep/accounts/ledger.h"
#include "prep/input/temp_db.h"

/* A MIC file that was added. */
struct ledger_file {
    char *path;
    size_t job; /* index */
    struct job_group group;
    uint64_t last; /* record, set aside ones included */
    uint8_t hash[SHA256_LEN];
};

enum ledger_statement {
    LEDGER_PUT_RECORD,
    LEDGER_PUT_EVENT,
    LEDGER_PUT_CARD,
    LEDGER_PUT_LIST,
    LEDGER_FIND_LIST,
    LEDGER_PUT_REMAKE,
    LEDGER_PUT_STRANGER,
    LEDGER_STATEMENTS
};

struct ledger {
    sqlite3 *db;
    sqlite3_stmt *statements[LEDGER_STATEMENTS];
    struct ledger_job **jobs; /* each on its own, so that pointers stay */
    size_t job_count;
    struct ledger_file *files;
    size_t file_count;
    uint64_t sources; /* return files so far */
    uint64_t findings;
};

/* A statement to bind and then to step. */
sqlite3_stmt *ledger_statement(struct ledger *l, enum ledger_statement which);
/* Runs one that gives no row, and makes it ready for the next time. */
MUST_CHECK bool ledger_step(struct ledger *l, sqlite3_stmt *s, struct err *err);

#endif
