#include "bureau/supplied.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "bureau/registry_internal.h"

#define APPLICATION_ID "1129337427" /* "CPRS" */
static const struct registry_kind supplied_kind = {
    "a supplier's books", APPLICATION_ID,
    "CREATE TABLE cards (key_data BLOB PRIMARY KEY, serial BLOB NOT NULL UNIQUE,"
    " list TEXT NOT NULL, time INTEGER NOT NULL);"
    "PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = 1;"};

bool supplied_open(struct registry **out, const char *path, struct err *err)
{
    return registry_open_kind(out, path, &supplied_kind, err);
}

static void bind(sqlite3_stmt *s, const struct supplied_card *card)
{
    sqlite3_bind_blob(s, 1, card->key_data, sizeof(card->key_data), SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, card->serial, (int)card->serial_len, SQLITE_STATIC);
}

/* The row is there: in which list, and whether it is this card. */
static bool refuse(sqlite3_stmt *s, const struct supplied_card *card, struct err *err)
{
    char serial[2 * SCP_KEY_DATA + 1], when[CLOCK_TEXT_LEN + 1];
    const bool same = bytes_equal(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0),
                                  card->key_data, sizeof(card->key_data));
    const char *list = (const char *)sqlite3_column_text(s, 1);
    if (!clock_text((time_t)sqlite3_column_int64(s, 2), when, err)) return false;
    hex_write(serial, sizeof(serial), card->serial, card->serial_len, false);
    return err_set(err, ERR_INPUT, "%s %s stands in the list %s since %s",
                   same ? "card" : "another card with serial number", serial, list ? list : "", when);
}

bool supplied_is_new(struct registry *r, const struct supplied_card *card, struct err *err)
{
    static const char sql[] = "SELECT key_data, list, time FROM cards WHERE key_data = ? OR serial = ?"
                              " ORDER BY key_data = ?1 DESC LIMIT 1";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    bind(s, card);
    bool ok = registry_step(r, s, &row, err) && (!row || refuse(s, card, err));
    sqlite3_finalize(s);
    return ok;
}

static bool insert(struct registry *r, const struct supplied_card *card, const char *list, time_t now,
                   struct err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, "INSERT INTO cards (key_data, serial, list, time) VALUES (?, ?, ?, ?)", &s, err))
        return false;
    bind(s, card);
    sqlite3_bind_text(s, 3, list, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)now);
    bool ok = registry_step(r, s, &row, err);
    sqlite3_finalize(s);
    return ok;
}

bool supplied_note(struct registry *r, const struct supplied_card *card, const char *list, time_t now,
                   struct err *err)
{
    return registry_begin(r, err) &&
           registry_end(r, supplied_is_new(r, card, err) && insert(r, card, list, now, err), err);
}

bool supplied_forget(struct registry *r, const struct supplied_card *card, struct err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, "DELETE FROM cards WHERE key_data = ? AND serial = ?", &s, err)) return false;
    bind(s, card);
    bool ok = registry_step(r, s, &row, err);
    sqlite3_finalize(s);
    return ok;
}
