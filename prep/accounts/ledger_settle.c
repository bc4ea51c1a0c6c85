/* Every record of every job, once; then what no record tells. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "prep/accounts/ledger_internal.h"

enum { TEXT_MAX = 600, SERIAL_TEXT = 2 * RETURN_SERIAL_MAX + 1 };

struct settle {
    struct ledger *ledger;
    ledger_finding_fn *found;
    void *context;
    struct account account;
    size_t job;
    uint64_t number;          /* 0: none yet */
    char serial[SERIAL_TEXT]; /* of the card before */
};

static bool report(struct settle *s, const struct ledger_finding *f, struct err *err)
{
    s->ledger->findings++;
    return s->found(s->context, f, err);
}

static void card_text(const struct account_card *card, char out[SERIAL_TEXT])
{
    if (card && card->serial_len > 0)
        hex_write(out, SERIAL_TEXT, card->serial, card->serial_len, false);
    else
        memcpy(out, "?", 2);
}

/* "card A0, A1, A2" */
static void cards_text(const struct account *a, char *out, size_t size)
{
    enum { SHOWN = 4 };
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < a->count && i <= SHOWN && at < size; i++) {
        char serial[SERIAL_TEXT];
        card_text(&a->cards[i], serial);
        int written = snprintf(&out[at], size - at, "%s%s", i > 0 ? ", " : "", i < SHOWN ? serial : "…");
        if (written > 0) at += (size_t)written;
    }
}

/* ---- records ---- */

static bool report_faults(struct settle *s, struct err *err)
{
    const struct account *a = &s->account;
    char text[TEXT_MAX], cards[TEXT_MAX / 2];
    cards_text(a, cards, sizeof(cards));
    for (size_t i = 0; i < ACCOUNT_FAULTS; i++) {
        const struct account_fault_word *w = &account_faults[i];
        if (!(a->faults & w->fault)) continue;
        snprintf(text, sizeof(text), "%s (cards %s)", w->text, cards);
        const struct ledger_finding f = {w->word, s->ledger->jobs[s->job], s->number, s->number, text};
        if (!report(s, &f, err)) return false;
    }
    return true;
}

static bool report_state(struct settle *s, enum account_state state, struct err *err)
{
    static const struct {
        const char *word, *text;
    } open[ACCOUNT_STATES] = {
        [ACCOUNT_NOT_TOLD] = {"not-told", "no return file tells of it"},
        [ACCOUNT_SPOILED] = {"spoiled", "card %s is spoiled, and there is no other"},
        [ACCOUNT_MISSING] = {"missing", "the bureau does not know where card %s is"},
    };
    char text[TEXT_MAX], serial[SERIAL_TEXT];
    if (account_state_is_closed(state) || !open[state].text) return true;
    card_text(account_card(&s->account), serial);
    const char *before = open[state].text, *mark = strstr(before, "%s");
    const int len = mark ? (int)(mark - before) : (int)strlen(before);
    snprintf(text, sizeof(text), "%.*s%s%s", len, before, mark ? serial : "", mark ? mark + 2 : "");
    const struct ledger_finding f = {open[state].word, s->ledger->jobs[s->job], s->number, s->number, text};
    return report(s, &f, err);
}

static bool settle_record(struct settle *s, struct err *err)
{
    if (s->number == 0) return true;
    struct ledger_job *job = s->ledger->jobs[s->job];
    const enum account_state state = account_state(&s->account);
    job->states[state]++;
    if (s->account.faults) job->wrong++;
    return report_state(s, state, err) && report_faults(s, err);
}

enum {
    AT_JOB,
    AT_NUMBER,
    AT_OBJECT,
    AT_ASIDE,
    AT_OUTCOME,
    AT_SERIAL,
    AT_LIST,
    AT_OLD,
    AT_OTHER,
    AT_LISTED,
    AT_LISTED_SERIAL
};
static const char all_records[] =
    "SELECT r.job, r.number, r.object, r.aside, e.outcome, e.serial, e.list, e.depth < r.depth,"
    " r.aside = 0 AND e.object <> r.object, m.number IS NOT NULL, m.serial"
    " FROM records r LEFT JOIN events e ON e.job = r.job AND e.number = r.number"
    " LEFT JOIN remakes m ON m.job = (SELECT id FROM jobs WHERE job = r.job) AND m.list = e.list"
    " AND m.number = e.number"
    " ORDER BY r.job, r.number, e.time, e.source, e.line";

static void add_event(struct settle *s, sqlite3_stmt *row)
{
    struct account_event e = {.outcome = (enum return_outcome)sqlite3_column_int(row, AT_OUTCOME)};
    e.serial = sqlite3_column_blob(row, AT_SERIAL);
    e.serial_len = (size_t)sqlite3_column_bytes(row, AT_SERIAL);
    e.list = (uint64_t)sqlite3_column_int64(row, AT_LIST);
    e.list_names_record = sqlite3_column_int(row, AT_LISTED) != 0;
    e.list_serial = sqlite3_column_blob(row, AT_LISTED_SERIAL);
    e.list_serial_len = (size_t)sqlite3_column_bytes(row, AT_LISTED_SERIAL);
    e.old_pass = sqlite3_column_int(row, AT_OLD) != 0;
    e.other_object = sqlite3_column_int(row, AT_OTHER) != 0;
    account_add(&s->account, &e);
}

static bool take_row(struct settle *s, sqlite3_stmt *row, struct err *err)
{
    const size_t job = (size_t)sqlite3_column_int64(row, AT_JOB);
    const uint64_t number = (uint64_t)sqlite3_column_int64(row, AT_NUMBER);
    if (s->number != number || s->job != job) {
        if (!settle_record(s, err)) return false;
        s->job = job;
        s->number = number;
        account_begin(&s->account, sqlite3_column_int(row, AT_ASIDE) != 0);
    }
    if (sqlite3_column_type(row, AT_OUTCOME) != SQLITE_NULL) add_event(s, row);
    return true;
}

/* Runs a query and gives each row to a function. */
typedef bool row_fn(struct settle *s, sqlite3_stmt *row, struct err *err);
static bool each_row(struct settle *s, const char *sql, row_fn *take, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    int step = SQLITE_DONE;
    bool ok = temp_db_prepare(s->ledger->db, sql, &rows, err);
    while (ok && (step = sqlite3_step(rows)) == SQLITE_ROW)
        ok = take(s, rows, err);
    if (ok && step != SQLITE_DONE) ok = temp_db_fail(s->ledger->db, err);
    sqlite3_finalize(rows);
    return ok;
}

/* ---- what no record tells ---- */

static bool unknown_record(struct settle *s, sqlite3_stmt *row, struct err *err)
{
    const uint64_t number = (uint64_t)sqlite3_column_int64(row, 1);
    const struct ledger_finding f = {"unknown-record", s->ledger->jobs[sqlite3_column_int64(row, 0)], number,
                                     number, "a return file tells of it, and no MIC file has it"};
    return report(s, &f, err);
}

/* Rows come in the order of their serial numbers. */
static bool next_card(struct settle *s, sqlite3_stmt *row, struct err *err)
{
    char serial[SERIAL_TEXT] = "", text[TEXT_MAX];
    const uint8_t *bytes = sqlite3_column_blob(row, 0);
    const size_t len = (size_t)sqlite3_column_bytes(row, 0);
    const size_t job = (size_t)sqlite3_column_int64(row, 1);
    const uint64_t number = (uint64_t)sqlite3_column_int64(row, 2);
    struct ledger_finding f = {"same-card", s->ledger->jobs[job], number, number, text};
    bool ok = true;

    if (bytes && len <= RETURN_SERIAL_MAX) hex_write(serial, sizeof(serial), bytes, len, false);
    if (s->number > 0 && strcmp(serial, s->serial) == 0) {
        snprintf(text, sizeof(text), "card %s is also that of record %llu%s", serial,
                 (unsigned long long)s->number, job == s->job ? "" : " of another job");
        ok = report(s, &f, err);
    }
    memcpy(s->serial, serial, sizeof(serial));
    s->job = job;
    s->number = number;
    return ok;
}

static bool stranger(struct settle *s, sqlite3_stmt *row, struct err *err)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof(text), "return file '%s' (%lld lines) %s",
             (const char *)sqlite3_column_text(row, 0), (long long)sqlite3_column_int64(row, 1),
             (const char *)sqlite3_column_text(row, 2));
    const struct ledger_finding f = {"unknown-file", NULL, 0, 0, text};
    return report(s, &f, err);
}

static bool missing_shards(struct settle *s, size_t index, struct err *err)
{
    struct ledger *l = s->ledger;
    struct ledger_job *job = l->jobs[index];
    char text[TEXT_MAX];
    uint64_t known = 0;
    for (size_t i = 0; i < ACCOUNT_STATES; i++)
        known += job->states[i];
    job->not_given = job->planned > known ? job->planned - known : 0;
    for (unsigned shard = 1; shard <= job->shards && job->shards_given < job->shards; shard++) {
        bool given = false;
        for (size_t i = 0; i < l->file_count; i++)
            given = given || (l->files[i].job == index && l->files[i].group.shard == shard);
        if (given) continue;
        snprintf(text, sizeof(text), "shard %u of %u is not given", shard, (unsigned)job->shards);
        const struct ledger_finding f = {"missing-file", job, 0, 0, text};
        if (!report(s, &f, err)) return false;
    }
    return true;
}

/* The jobs' identifiers, for the query: remake lists know nothing but those. */
static bool put_jobs(struct ledger *l, struct err *err)
{
    sqlite3_stmt *put = NULL;
    bool ok = temp_db_run(l->db, "CREATE TEMP TABLE jobs(job INTEGER PRIMARY KEY, id BLOB)", err) &&
              temp_db_prepare(l->db, "INSERT INTO jobs VALUES(?, ?)", &put, err);
    for (size_t i = 0; ok && i < l->job_count; i++) {
        sqlite3_bind_int64(put, 1, (sqlite3_int64)i);
        sqlite3_bind_blob(put, 2, l->jobs[i]->job_id, JOB_ID_LEN, SQLITE_STATIC);
        ok = ledger_step(l, put, err);
    }
    sqlite3_finalize(put);
    return ok;
}

bool ledger_settle(struct ledger *l, ledger_finding_fn *found, void *context, struct err *err)
{
    static const char unknown_records[] =
        "SELECT DISTINCT job, number FROM events e WHERE NOT EXISTS"
        " (SELECT 1 FROM records r WHERE r.job = e.job AND r.number = e.number)";
    static const char all_cards[] = "SELECT serial, job, number FROM cards ORDER BY serial, job, number";
    static const char strangers[] = "SELECT path, lines, text FROM strangers ORDER BY path";
    struct settle s = {.ledger = l, .found = found, .context = context};

    if (!put_jobs(l, err) || !each_row(&s, all_records, take_row, err) || !settle_record(&s, err))
        return false;
    for (size_t i = 0; i < l->job_count; i++) {
        if (!missing_shards(&s, i, err)) return false;
    }
    s.number = 0;
    return each_row(&s, unknown_records, unknown_record, err) && each_row(&s, all_cards, next_card, err) &&
           each_row(&s, strangers, stranger, err);
}

bool ledger_is_closed(const struct ledger *l)
{
    return l->findings == 0;
}
