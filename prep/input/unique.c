#include "prep/input/unique.h"

#include <stdlib.h>

#include "base/digest.h"
#include "prep/input/temp_db.h"

/* Half a SHA-256 tells any two keys apart and keeps PANs off the disk. */
enum { KEY_LEN = 16 };

struct unique {
    sqlite3 *db;
    sqlite3_stmt *insert, *find;
    struct digest *digest;
};

static const char schema[] =
    "CREATE TABLE held(key BLOB PRIMARY KEY, number INTEGER NOT NULL, place INTEGER NOT NULL) WITHOUT ROWID";

bool unique_new(struct unique **out, struct err *err)
{
    struct unique *u = calloc(1, sizeof(*u));
    if (!u) return err_set_no_memory(err);
    if (!temp_db_open(&u->db, schema, err) ||
        !temp_db_prepare(u->db, "INSERT OR IGNORE INTO held VALUES(?, ?, ?)", &u->insert, err) ||
        !temp_db_prepare(u->db, "SELECT number, place FROM held WHERE key = ?", &u->find, err) ||
        !digest_new(&u->digest, DIGEST_SHA256, err)) {
        unique_free(u);
        return false;
    }
    *out = u;
    return true;
}

void unique_free(struct unique *u)
{
    if (!u) return;
    sqlite3_finalize(u->insert);
    sqlite3_finalize(u->find);
    temp_db_close(u->db);
    digest_free(u->digest);
    free(u);
}

static bool hash_key(struct unique *u, const struct unique_key *key, uint8_t out[SHA256_LEN], struct err *err)
{
    uint8_t space = (uint8_t)key->space;
    return digest_add(u->digest, &space, 1, err) && digest_add(u->digest, key->bytes, key->len, err) &&
           digest_final(u->digest, out, err);
}

static bool find(struct unique *u, const uint8_t *hash, struct unique_holder *out, struct err *err)
{
    sqlite3_bind_blob(u->find, 1, hash, KEY_LEN, SQLITE_STATIC);
    bool ok = sqlite3_step(u->find) == SQLITE_ROW;
    if (ok) {
        out->number = (uint64_t)sqlite3_column_int64(u->find, 0);
        out->place = (uint64_t)sqlite3_column_int64(u->find, 1);
    } else {
        temp_db_fail(u->db, err);
    }
    sqlite3_reset(u->find);
    return ok;
}

bool unique_add(struct unique *u, const struct unique_key *key, const struct unique_holder *holder,
                struct unique_holder *earlier, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    if (!hash_key(u, key, hash, err)) return false;
    sqlite3_bind_blob(u->insert, 1, hash, KEY_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(u->insert, 2, (sqlite3_int64)holder->number);
    sqlite3_bind_int64(u->insert, 3, (sqlite3_int64)holder->place);
    bool ok = sqlite3_step(u->insert) == SQLITE_DONE;
    if (!ok) temp_db_fail(u->db, err);
    sqlite3_reset(u->insert);
    if (!ok) return false;
    if (sqlite3_changes(u->db) == 0) return find(u, hash, earlier, err);
    *earlier = (struct unique_holder){0, 0};
    return true;
}
