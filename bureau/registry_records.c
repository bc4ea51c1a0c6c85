/* Records in the books: events, and what state they make. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "bureau/registry_internal.h"

static const struct {
    enum record_state from;
    enum record_event event;
    enum record_state to;
} transitions[] = {
    {RECORD_OPEN, EVENT_BEGUN, RECORD_UNDER_WAY},
    {RECORD_UNDER_WAY, EVENT_CARD, RECORD_UNDER_WAY},
    {RECORD_UNDER_WAY, EVENT_MADE, RECORD_MADE},
    {RECORD_UNDER_WAY, EVENT_UNTOUCHED, RECORD_OPEN},
    {RECORD_UNDER_WAY, EVENT_HALF_DONE, RECORD_HALF_DONE},
    {RECORD_UNDER_WAY, EVENT_SPOILED, RECORD_SPOILED},
    {RECORD_HALF_DONE, EVENT_BEGUN, RECORD_REPEATED},
    {RECORD_REPEATED, EVENT_CARD, RECORD_REPEATED},
    {RECORD_REPEATED, EVENT_MADE, RECORD_MADE},
    {RECORD_REPEATED, EVENT_UNTOUCHED, RECORD_HALF_DONE},
    {RECORD_REPEATED, EVENT_HALF_DONE, RECORD_HALF_DONE},
    {RECORD_REPEATED, EVENT_SPOILED, RECORD_SPOILED},
    {RECORD_MADE, EVENT_DESTROYED, RECORD_DESTROYED},
    {RECORD_HALF_DONE, EVENT_DESTROYED, RECORD_DESTROYED},
    {RECORD_SPOILED, EVENT_DESTROYED, RECORD_DESTROYED},
    {RECORD_MADE, EVENT_REMAKE, RECORD_OPEN},
    {RECORD_HALF_DONE, EVENT_REMAKE, RECORD_OPEN},
    {RECORD_SPOILED, EVENT_REMAKE, RECORD_OPEN},
    {RECORD_DESTROYED, EVENT_REMAKE, RECORD_OPEN},
};

static const char *const state_names[] = {
    [RECORD_OPEN] = "open",           [RECORD_UNDER_WAY] = "under way", [RECORD_REPEATED] = "repeated",
    [RECORD_HALF_DONE] = "half done", [RECORD_MADE] = "made",           [RECORD_SPOILED] = "spoiled",
    [RECORD_DESTROYED] = "destroyed",
};
static const char *const event_names[] = {
    [EVENT_BEGUN] = "begun",         [EVENT_CARD] = "card known",     [EVENT_MADE] = "made",
    [EVENT_UNTOUCHED] = "untouched", [EVENT_HALF_DONE] = "half done", [EVENT_SPOILED] = "spoiled",
    [EVENT_DESTROYED] = "destroyed", [EVENT_REMAKE] = "to be remade",
};

const char *record_state_name(enum record_state state)
{
    return (size_t)state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state] : "?";
}

const char *record_event_name(enum record_event event)
{
    return (size_t)event < sizeof(event_names) / sizeof(event_names[0]) ? event_names[event] : "?";
}

static bool next_state(enum record_state from, enum record_event event, enum record_state *to)
{
    for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
        if (transitions[i].from != from || transitions[i].event != event) continue;
        *to = transitions[i].to;
        return true;
    }
    return false;
}

/* An event about a card that the record is not on any more leaves the state as it was. */
static bool is_of_earlier_card(const struct record_status *before, enum record_event event,
                               enum record_state after)
{
    return event == EVENT_DESTROYED && after == before->state;
}

/* Walks the record's events: few, in order. */
bool registry_record_state(struct registry *r, const struct card_group *card, struct record_status *out,
                           struct err *err)
{
    static const char sql[] =
        "SELECT event, state, pass, serial FROM events WHERE job = ? AND number = ? ORDER BY sequence";
    struct record_status status = {.state = RECORD_OPEN};
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_blob(s, 1, card->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)card->number);
    bool ok = registry_step(r, s, &row, err);
    while (ok && row) {
        const char *serial = (const char *)sqlite3_column_text(s, 3);
        const enum record_event event = (enum record_event)sqlite3_column_int(s, 0);
        const enum record_state state = (enum record_state)sqlite3_column_int(s, 1);
        if (is_of_earlier_card(&status, event, state)) serial = NULL;
        status.state = state;
        status.events++;
        status.cards += event == EVENT_BEGUN && state == RECORD_UNDER_WAY;
        status.destroyed += event == EVENT_DESTROYED;
        registry_column_id(s, 2, status.pass);
        if (status.state == RECORD_OPEN)
            status.serial[0] = '\0';
        else if (serial)
            snprintf(status.serial, sizeof(status.serial), "%s", serial);
        ok = registry_step(r, s, &row, err);
    }
    sqlite3_finalize(s);
    if (ok) *out = status;
    return ok;
}

/* ---- appending ---- */

/* Is there a file with this record whose earlier passes include this one? */
static bool check_pass(struct registry *r, const struct card_group *card, const uint8_t pass[JOB_ID_LEN],
                       struct err *err)
{
    static const char sql[] =
        "SELECT lineage, job FROM files WHERE first <= ?1 AND last >= ?1 AND instr(lineage, ?2)";
    sqlite3_stmt *s = NULL;
    bool row = false, older = false;
    uint8_t later[JOB_ID_LEN];
    char id[2 * JOB_ID_LEN + 1];
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)card->number);
    sqlite3_bind_blob(s, 2, pass, JOB_ID_LEN, SQLITE_STATIC);
    bool ok = registry_step(r, s, &row, err);
    while (ok && row && !older) {
        const uint8_t *lineage = sqlite3_column_blob(s, 0);
        const size_t len = (size_t)sqlite3_column_bytes(s, 0);
        for (size_t at = 0; at + JOB_ID_LEN <= len; at += JOB_ID_LEN)
            older = older || bytes_equal(&lineage[at], JOB_ID_LEN, pass, JOB_ID_LEN);
        registry_column_id(s, 1, later);
        if (!older) ok = registry_step(r, s, &row, err);
    }
    sqlite3_finalize(s);
    if (!ok || !older) return ok;
    hex_write(id, sizeof(id), later, JOB_ID_LEN, true);
    return err_set(err, ERR_INPUT, "this is an older pass: the record is known in the later pass %s", id);
}

/* When and on which card it got its state, for people. */
static bool refuse(struct registry *r, const struct card_group *card, const struct record_status *status,
                   const struct record_note *note, struct err *err)
{
    static const char sql[] =
        "SELECT time FROM events WHERE job = ? AND number = ? ORDER BY sequence DESC LIMIT 1";
    char time[CLOCK_TEXT_LEN + 1] = "";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_blob(s, 1, card->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)card->number);
    bool ok =
        registry_step(r, s, &row, err) && (!row || clock_text((time_t)sqlite3_column_int64(s, 0), time, err));
    sqlite3_finalize(s);
    if (!ok) return false;
    if (note->event != EVENT_BEGUN)
        return err_set(err, ERR_INPUT, "cannot be noted as %s: it is %s", record_event_name(note->event),
                       record_state_name(status->state));
    return err_set(err, ERR_INPUT, "was personalized before: %s%s%s since %s",
                   record_state_name(status->state), status->serial[0] ? " on card " : "", status->serial,
                   time);
}

/* Once its serial is known, a record stays on that card until the issuer allows another. */
static bool check_card(const struct record_status *status, const struct record_note *note, struct err *err)
{
    if (note->event == EVENT_CARD && !note->serial)
        return err_set(err, ERR_INTERNAL, "a card is noted without its serial");
    if (!note->serial) return true;
    if (strlen(note->serial) >= sizeof(status->serial))
        return err_set(err, ERR_INTERNAL, "a serial of more than %zu characters", sizeof(status->serial) - 1);
    if (status->state == RECORD_REPEATED && !status->serial[0])
        return err_set(err, ERR_INPUT, "is half done on a card that is not known, so it cannot be repeated");
    if (!status->serial[0] || strcmp(status->serial, note->serial) == 0) return true;
    return err_set(err, ERR_INPUT, "is on card %s, and this is card %s", status->serial, note->serial);
}

/* The record was on the card once, which is not destroyed yet. */
static bool check_earlier_card(struct registry *r, const struct card_group *card,
                               const struct record_note *note, struct err *err)
{
    static const char sql[] = "SELECT count(*), coalesce(sum(event = ?), 0) FROM events"
                              " WHERE job = ? AND number = ? AND serial = ?";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_int(s, 1, EVENT_DESTROYED);
    sqlite3_bind_blob(s, 2, card->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)card->number);
    sqlite3_bind_text(s, 4, note->serial, -1, SQLITE_STATIC);
    bool ok = registry_step(r, s, &row, err);
    if (ok && (!row || sqlite3_column_int64(s, 0) == 0))
        ok = err_set(err, ERR_INPUT, "was never on card %s", note->serial);
    else if (ok && sqlite3_column_int64(s, 1) > 0)
        ok = err_set(err, ERR_INPUT, "card %s is destroyed already", note->serial);
    sqlite3_finalize(s);
    return ok;
}

static void bind_text(sqlite3_stmt *s, int index, const char *text)
{
    if (text)
        sqlite3_bind_text(s, index, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, index);
}

static bool insert(struct registry *r, const struct card_group *card, const uint8_t pass[JOB_ID_LEN],
                   const struct record_note *note, enum record_state state, struct err *err)
{
    static const char sql[] =
        "INSERT INTO events (job, number, pass, event, state, time, serial, atr, reader,"
        " text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_blob(s, 1, card->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)card->number);
    sqlite3_bind_blob(s, 3, pass, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int(s, 4, (int)note->event);
    sqlite3_bind_int(s, 5, (int)state);
    sqlite3_bind_int64(s, 6, (sqlite3_int64)note->time);
    bind_text(s, 7, note->serial);
    bind_text(s, 8, note->atr);
    bind_text(s, 9, note->reader);
    bind_text(s, 10, note->text);
    bool ok = registry_step(r, s, &row, err);
    sqlite3_finalize(s);
    return ok;
}

/* What comes after it; false: it does not go with the record's state. */
static bool check_note(struct registry *r, const struct card_group *card, const uint8_t pass[JOB_ID_LEN],
                       const struct record_note *note, enum record_state *next, struct err *err)
{
    struct record_status status = {.state = RECORD_OPEN};
    bool ok = registry_record_state(r, card, &status, err);
    *next = status.state;
    if (ok && note->event == EVENT_DESTROYED && note->serial && strcmp(note->serial, status.serial) != 0)
        ok = check_earlier_card(r, card, note, err);
    else if (ok && !next_state(status.state, note->event, next))
        ok = refuse(r, card, &status, note, err);
    else
        ok = ok && (note->event != EVENT_BEGUN || check_pass(r, card, pass, err)) &&
             check_card(&status, note, err);
    if (!ok && err->kind == ERR_INPUT) err_prefix(err, "record %llu", (unsigned long long)card->number);
    return ok;
}

static bool append(struct registry *r, const struct card_group *card, const uint8_t pass[JOB_ID_LEN],
                   const struct record_note *note, struct err *err)
{
    enum record_state next = RECORD_OPEN;
    return check_note(r, card, pass, note, &next, err) && insert(r, card, pass, note, next, err);
}

bool registry_append(struct registry *r, const struct card_group *card, const uint8_t pass[JOB_ID_LEN],
                     const struct record_note *note, struct err *err)
{
    return registry_begin(r, err) && registry_end(r, append(r, card, pass, note, err), err);
}

bool registry_may_append(struct registry *r, const struct card_group *card, const uint8_t pass[JOB_ID_LEN],
                         const struct record_note *note, struct err *err)
{
    enum record_state next;
    return check_note(r, card, pass, note, &next, err);
}

/* ---- a run ---- */

static bool lock_run(struct registry *r, struct err *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s.lock", r->path) < 0) return err_set_no_memory(err);
    r->run_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = r->run_fd >= 0 || err_set_errno(err, ERR_FILE, errno, "%s", path);
    if (ok && flock(r->run_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            ok = err_set(err, ERR_FILE, "%s: another run makes cards from these books", path);
        else
            ok = err_set_errno(err, ERR_FILE, errno, "%s", path);
        close(r->run_fd);
        r->run_fd = -1;
    }
    free(path);
    return ok;
}

/* The first record that is still under way; *found false: none. */
static bool find_left(struct registry *r, struct card_group *card, bool *found, struct err *err)
{
    static const char sql[] = "SELECT job, number FROM (SELECT job, number, state, max(sequence) FROM events"
                              " GROUP BY job, number) WHERE state IN (?, ?) LIMIT 1";
    sqlite3_stmt *s = NULL;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_int(s, 1, RECORD_UNDER_WAY);
    sqlite3_bind_int(s, 2, RECORD_REPEATED);
    bool ok = registry_step(r, s, found, err);
    if (ok && *found) {
        memset(card, 0, sizeof(*card));
        registry_column_id(s, 0, card->job_id);
        card->number = (uint64_t)sqlite3_column_int64(s, 1);
    }
    sqlite3_finalize(s);
    return ok;
}

static bool close_left(struct registry *r, time_t now, uint64_t *recovered, struct err *err)
{
    struct card_group card;
    bool found = false;
    *recovered = 0;
    if (!find_left(r, &card, &found, err)) return false;
    while (found) {
        struct record_status status;
        if (!registry_record_state(r, &card, &status, err)) return false;
        const bool changed = status.serial[0] || status.state == RECORD_REPEATED;
        const struct record_note note = {.event = changed ? EVENT_HALF_DONE : EVENT_UNTOUCHED,
                                         .time = now,
                                         .text = "the run that made it was killed"};
        if (!append(r, &card, status.pass, &note, err)) return false;
        ++*recovered;
        if (!find_left(r, &card, &found, err)) return false;
    }
    return true;
}

bool registry_begin_run(struct registry *r, time_t now, uint64_t *recovered, struct err *err)
{
    if (!lock_run(r, err)) return false;
    if (registry_begin(r, err) && registry_end(r, close_left(r, now, recovered, err), err)) return true;
    close(r->run_fd);
    r->run_fd = -1;
    return false;
}
