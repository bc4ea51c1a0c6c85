#include "bureau/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit/log.h"
#include "audit/read.h"
#include "audit/text.h"
#include "base/hex.h"

#define PROGRAM "cardbureau " CARDPREP_VERSION
static const char head_event[] = "cards";

struct journal {
    struct audit_log *log; /* NULL: reading only */
    struct journal_book *book;
    int lock_fd;
    bool broken; /* a line could not be written: the book is ahead of the file */
};

/* ---- lines and events ---- */

static const char *const event_names[] = {
    [JOURNAL_BEGUN] = "card-begun",           [JOURNAL_KNOWN] = "card-known",
    [JOURNAL_OUTCOME] = "card-outcome",       [JOURNAL_MODULE] = "card-module",
    [JOURNAL_DESTRUCTION] = "card-destroyed",
};
enum { EVENT_KINDS = sizeof(event_names) / sizeof(event_names[0]) };
static const char *const module_outcomes[] = {"failed", "done"};

static const char *text_of(const struct audit_line *l, const char *name)
{
    const char *text = audit_line_text(l, name);
    return text ? text : "";
}

static bool find_kind(const char *name, enum journal_event_kind *kind)
{
    for (size_t i = 0; i < EVENT_KINDS; i++) {
        if (strcmp(event_names[i], name) != 0) continue;
        *kind = (enum journal_event_kind)i;
        return true;
    }
    return false;
}

static bool find_outcome(const char *name, enum card_outcome *outcome)
{
    for (int i = CARD_MADE; i <= CARD_SPOILED; i++) {
        if (strcmp(card_outcome_name((enum card_outcome)i), name) != 0) continue;
        *outcome = (enum card_outcome)i;
        return true;
    }
    return false;
}

static bool read_card(const char *hex, struct card_id *card)
{
    struct err ignored = ERR_INIT;
    size_t digits = strlen(hex);
    card->len = 0;
    if (digits > (size_t)2 * CARD_ID_MAX || !hex_read_exact(hex, digits, card->bytes, digits / 2, &ignored))
        return false;
    card->len = (uint8_t)(digits / 2);
    return true;
}

/* *is_event: it is one of ours; other events may stand in the log. */
static bool read_event(const struct audit_line *l, struct journal_event *e, bool *is_event, struct err *err)
{
    *e = (struct journal_event){.time = l->time};
    *is_event = find_kind(l->event, &e->kind);
    if (!*is_event) return true;
    e->reader = text_of(l, "reader");
    e->atr = text_of(l, "atr");
    e->authority = text_of(l, "authority");
    e->serial = text_of(l, "serial");
    e->what = text_of(l, "what");
    e->reason = text_of(l, "reason");
    e->module = text_of(l, "module");
    e->modules = text_of(l, "modules");
    e->done = strcmp(text_of(l, "outcome"), module_outcomes[true]) == 0;
    err_ignore(audit_line_number(l, "commands", &e->commands) && audit_line_number(l, "ms", &e->ms),
               "they say how it went, nothing depends on them");
    if (!audit_line_number(l, "record", &e->record) || e->record == 0)
        return err_set(err, ERR_INTEGRITY, "event %s without a record", l->event);
    if (!read_card(text_of(l, "card"), &e->card))
        return err_set(err, ERR_INTEGRITY, "event %s: card", l->event);
    if (e->kind == JOURNAL_OUTCOME && !find_outcome(text_of(l, "outcome"), &e->outcome))
        return err_set(err, ERR_INTEGRITY, "event %s: no such outcome", l->event);
    return true;
}

/* The first line says of which job the cards are; a cut one may stand before it. */
static bool check_head(const struct audit_line *l, const uint8_t job_id[JOB_ID_LEN], struct err *err)
{
    char due[2 * JOB_ID_LEN + 1];
    hex_write(due, sizeof(due), job_id, JOB_ID_LEN, true);
    if (strcmp(l->event, head_event) != 0) return err_set(err, ERR_INTEGRITY, "this is no journal of cards");
    return strcmp(text_of(l, "job"), due) == 0 ||
           err_set(err, ERR_INTEGRITY, "these are the cards of job %s, not of job %s", text_of(l, "job"),
                   due);
}

/* head_seen: whether the journal was begun. */
static bool walk(const char *path, const uint8_t job_id[JOB_ID_LEN], journal_each_fn *each, void *context,
                 bool *head_seen, struct err *err)
{
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    struct journal_event e;
    bool is_event = false;
    bool ok = audit_read_open(&r, path, err);

    *head_seen = false;
    while (ok) {
        ok = audit_read_next(r, &line, err);
        if (!ok || !line) break;
        if (strcmp(line->event, "cut-line") == 0) continue;
        if (*head_seen)
            ok = read_event(line, &e, &is_event, err) && (!is_event || each(context, &e, err));
        else
            ok = *head_seen = check_head(line, job_id, err);
        if (!ok) err_prefix(err, "%s:%" PRIu64, path, line->seq);
    }
    audit_read_free(r);
    return ok;
}

bool journal_walk(const char *path, const uint8_t job_id[JOB_ID_LEN], journal_each_fn *each, void *context,
                  struct err *err)
{
    bool head_seen;
    return walk(path, job_id, each, context, &head_seen, err);
}

/* ---- opening ---- */

bool journal_path(const char *books_path, const uint8_t job_id[JOB_ID_LEN], char **out, struct err *err)
{
    char id[2 * JOB_ID_LEN + 1];
    hex_write(id, sizeof(id), job_id, JOB_ID_LEN, true);
    if (asprintf(out, "%s.%s.journal", books_path, id) >= 0) return true;
    *out = NULL;
    return err_set_no_memory(err);
}

static bool apply(void *context, const struct journal_event *e, struct err *err)
{
    return journal_book_apply(context, e, err);
}

/* flock of a file of its own: the log's lock is held for one line at a time. */
static bool take_alone(struct journal *j, const char *path, struct err *err)
{
    char *lock_path = NULL;
    if (asprintf(&lock_path, "%s.lock", path) < 0) return err_set_no_memory(err);
    j->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = j->lock_fd >= 0 || err_set_errno(err, ERR_FILE, errno, "%s", lock_path);
    if (ok && flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0)
        ok = errno == EWOULDBLOCK
                 ? err_set(err, ERR_FILE, "%s: another program works on the cards of this job", path)
                 : err_set_errno(err, ERR_FILE, errno, "%s: lock", lock_path);
    free(lock_path);
    return ok;
}

bool journal_is_held(const char *path)
{
    char *lock_path = NULL;
    if (asprintf(&lock_path, "%s.lock", path) < 0) return false;
    int fd = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0) close(fd);
    free(lock_path);
    return held;
}

static bool put_head(struct journal *j, const uint8_t job_id[JOB_ID_LEN], struct err *err)
{
    struct audit_event e;
    audit_event_init(&e, head_event);
    audit_hex(&e, "job", job_id, JOB_ID_LEN);
    bool ok = audit_log_append(j->log, &e, err);
    audit_event_release(&e);
    return ok;
}

static struct journal *new_journal(struct err *err)
{
    struct journal *j = calloc(1, sizeof(*j));
    if (!j) {
        err_set_text(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    j->lock_fd = -1;
    if (journal_book_new(&j->book, err)) return j;
    free(j);
    return NULL;
}

static bool finish_open(struct journal *j, bool ok, struct journal **out)
{
    if (!ok) {
        journal_free(j);
        return false;
    }
    journal_book_close_open(j->book);
    *out = j;
    return true;
}

bool journal_open(struct journal **out, const char *path, const uint8_t job_id[JOB_ID_LEN], clock_fn *now,
                  void *now_context, struct err *err)
{
    const struct audit_log_settings settings = {PROGRAM, now, now_context, true};
    struct journal *j = new_journal(err);
    if (!j) return false;
    bool head_seen = false;
    bool ok = take_alone(j, path, err) && audit_log_open(&j->log, path, &settings, err) &&
              walk(path, job_id, apply, j->book, &head_seen, err);
    if (ok && !head_seen) ok = put_head(j, job_id, err);
    if (!ok) err_prefix(err, "journal of cards");
    return finish_open(j, ok, out);
}

bool journal_open_reading(struct journal **out, const char *path, const uint8_t job_id[JOB_ID_LEN],
                          struct err *err)
{
    struct journal *j = new_journal(err);
    if (!j) return false;
    return finish_open(j, journal_walk(path, job_id, apply, j->book, err), out);
}

void journal_free(struct journal *j)
{
    if (!j) return;
    audit_log_free(j->log);
    journal_book_free(j->book);
    if (j->lock_fd >= 0) close(j->lock_fd); /* and with it the lock */
    free(j);
}

const struct journal_book *journal_book(const struct journal *j)
{
    return j->book;
}

/* ---- writing ---- */

static void put_text(struct audit_event *line, const char *name, const char *text)
{
    if (text && text[0] && audit_text_is_printable(text)) audit_text(line, name, text);
}

/* The book first, which refuses what could not be read back; then the line, on disk. */
static bool put(struct journal *j, struct audit_event *line, const struct journal_event *e, struct err *err)
{
    bool ok = !j->broken || err_set(err, ERR_FILE, "an earlier line could not be written");
    ok = ok && journal_book_apply(j->book, e, err);
    if (ok) j->broken = !audit_log_append(j->log, line, err);
    audit_event_release(line);
    if (ok && !j->broken) return true;
    err_prefix(err, "journal of cards");
    return false;
}

static void start(struct audit_event *line, const struct journal_event *e)
{
    audit_event_init(line, event_names[e->kind]);
    audit_number(line, "record", e->record);
}

bool journal_begin(struct journal *j, const struct journal_begin *what, struct card_id *expected,
                   struct err *err)
{
    const struct journal_event e = {
        .kind = JOURNAL_BEGUN, .record = what->record, .authority = what->authority};
    struct audit_event line;

    if (!journal_book_may_begin(j->book, what->record, what->authority, expected, err)) return false;
    start(&line, &e);
    put_text(&line, "reader", what->reader);
    audit_hex(&line, "atr", what->atr, what->atr_len);
    if (what->authority[0]) audit_text(&line, "authority", what->authority);
    return put(j, &line, &e, err);
}

bool journal_known(struct journal *j, uint64_t record, const struct card_id *card, unsigned retries,
                   struct err *err)
{
    const struct journal_event e = {.kind = JOURNAL_KNOWN, .record = record, .card = *card};
    struct audit_event line;

    if (!journal_book_may_use(j->book, record, card, retries, err)) return false;
    start(&line, &e);
    audit_hex(&line, "card", card->bytes, card->len);
    return put(j, &line, &e, err);
}

bool journal_outcome(struct journal *j, const struct journal_ending *ending, struct err *err)
{
    const struct journal_event e = {.kind = JOURNAL_OUTCOME,
                                    .record = ending->record,
                                    .outcome = ending->outcome,
                                    .modules = ending->modules};
    const struct journal_record *r = journal_book_find(j->book, ending->record);
    struct audit_event line;

    start(&line, &e);
    audit_text(&line, "outcome", card_outcome_name(ending->outcome));
    if (r && r->open && r->known) audit_hex(&line, "card", r->attempt.bytes, r->attempt.len);
    put_text(&line, "serial", ending->serial);
    put_text(&line, "what", ending->what);
    put_text(&line, "reason", ending->reason);
    if (ending->outcome == CARD_MADE) put_text(&line, "modules", ending->modules);
    audit_number(&line, "commands", ending->commands);
    audit_number(&line, "ms", ending->ms);
    return put(j, &line, &e, err);
}

bool journal_module(struct journal *j, uint64_t record, const char *mic, bool done, const char *reason,
                    struct err *err)
{
    const struct journal_event e = {.kind = JOURNAL_MODULE, .record = record, .module = mic, .done = done};
    struct audit_event line;

    start(&line, &e);
    audit_text(&line, "module", mic);
    audit_text(&line, "outcome", module_outcomes[done]);
    put_text(&line, "reason", reason);
    return put(j, &line, &e, err);
}

bool journal_destroy(struct journal *j, uint64_t record, const struct card_id *card, const char *reason,
                     struct err *err)
{
    const struct journal_event e = {
        .kind = JOURNAL_DESTRUCTION, .record = record, .card = *card, .reason = reason};
    struct audit_event line;

    if (!journal_book_may_destroy(j->book, record, card, err)) return false;
    start(&line, &e);
    audit_hex(&line, "card", card->bytes, card->len);
    put_text(&line, "reason", reason);
    return put(j, &line, &e, err);
}
