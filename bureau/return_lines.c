#include "bureau/return_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"

#define REMAKE_PREFIX "remake-"

void remake_text(uint64_t list, const char *reason, char out[REMAKE_TEXT_MAX])
{
    snprintf(out, REMAKE_TEXT_MAX, REMAKE_PREFIX "%" PRIu64 " %.32s", list, reason);
}

uint64_t remake_text_list(const char *text, const char **reason)
{
    const size_t prefix = strlen(REMAKE_PREFIX);
    char *behind = NULL;
    *reason = "";
    if (!text || strncmp(text, REMAKE_PREFIX, prefix) != 0 || text[prefix] < '1' || text[prefix] > '9')
        return 0;
    const uint64_t list = strtoull(text + prefix, &behind, 10);
    if (*behind != ' ' && *behind != '\0') return 0;
    *reason = *behind ? behind + 1 : behind;
    return list;
}

size_t card_serial_read(const char *text, uint8_t out[RETURN_SERIAL_MAX])
{
    struct err unused = ERR_INIT;
    const size_t len = text ? strlen(text) : 0;
    if (len == 0 || len % 2 != 0 || len / 2 > RETURN_SERIAL_MAX) return 0;
    return hex_read_exact(text, len, out, len / 2, &unused) ? len / 2 : 0;
}

/* Free words as one word: small letters and digits, a hyphen for what is between. */
static void put_reason(const char *text, const char *otherwise, char out[RETURN_REASON_MAX + 1])
{
    size_t len = 0;
    for (; text && *text && len < RETURN_REASON_MAX; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!good && (len == 0 || out[len - 1] == '-')) continue;
        out[len++] = good ? c : '-';
    }
    while (len > 0 && out[len - 1] == '-')
        len--;
    out[len] = '\0';
    if (len == 0) snprintf(out, RETURN_REASON_MAX + 1, "%s", otherwise);
}

void return_record_begin(struct return_record *r, uint64_t number)
{
    memset(r, 0, sizeof(*r));
    r->number = number;
}

/* A line about the card that the record is on. */
static bool tell(struct return_record *r, enum return_outcome outcome, time_t time, struct return_told *told,
                 struct err *err)
{
    struct return_line *l = &told->line;
    told->any = true;
    memcpy(told->pass, r->pass, JOB_ID_LEN);
    l->record = r->number;
    l->outcome = outcome;
    memcpy(l->serial, r->serial, sizeof(l->serial));
    l->serial_len = r->serial_len;
    /* A clock that was set back must not make a file that nobody can read. */
    if (time < r->last) time = r->last;
    r->last = time;
    return clock_text(time, l->time, err);
}

static bool tell_made(struct return_record *r, const struct registry_event *e, struct return_told *told,
                      struct err *err)
{
    if (r->serial_len == 0)
        return err_set(err, ERR_INTEGRITY, "record %" PRIu64 ": the books do not say which card it is on",
                       r->number);
    r->made = true;
    r->half_done = false;
    told->line.list = r->list;
    return tell(r, r->list > 0 ? RETURN_REMADE : RETURN_MADE, e->note.time, told, err);
}

static bool tell_ended(struct return_record *r, const struct registry_event *e, struct return_told *told,
                       struct err *err)
{
    const bool destroyed = e->note.event == EVENT_DESTROYED;
    const enum return_outcome outcome = destroyed ? RETURN_DESTROYED : RETURN_SPOILED;
    put_reason(e->note.text, return_outcome_name(outcome), told->line.reason);
    r->made = false;
    r->half_done = false;
    return tell(r, outcome, e->note.time, told, err);
}

/* A card that the record is not on any more: what is known of the record's own card stays. */
static bool tell_earlier_destroyed(struct return_record *r, const struct registry_event *e,
                                   struct return_told *told, struct err *err)
{
    struct return_record earlier = *r;
    earlier.serial_len = card_serial_read(e->note.serial, earlier.serial);
    const bool ok = tell_ended(&earlier, e, told, err);
    r->last = earlier.last;
    return ok;
}

/* The card before it is given up, and the next one is allowed. */
static bool tell_remake(struct return_record *r, const struct registry_event *e, struct return_told *told,
                        struct err *err)
{
    const char *reason = NULL;
    const uint64_t list = remake_text_list(e->note.text, &reason);
    bool ok = true;
    if (r->made) put_reason(reason, "lost", told->line.reason);
    if (r->half_done) put_reason("half-done", "", told->line.reason);
    if (r->made || r->half_done)
        ok = tell(r, r->made ? RETURN_MISSING : RETURN_SPOILED, e->note.time, told, err);
    struct return_record next;
    return_record_begin(&next, r->number);
    memcpy(next.pass, r->pass, JOB_ID_LEN);
    next.last = r->last;
    next.list = list;
    *r = next;
    return ok;
}

static bool take(struct return_record *r, const struct registry_event *e, struct return_told *told,
                 struct err *err)
{
    if (e->note.event == EVENT_DESTROYED && e->state == r->state)
        return tell_earlier_destroyed(r, e, told, err);
    if (e->note.serial) {
        const size_t len = card_serial_read(e->note.serial, r->serial);
        if (len > 0) r->serial_len = len;
    }
    switch (e->note.event) {
    case EVENT_MADE:
        return tell_made(r, e, told, err);
    case EVENT_SPOILED:
    case EVENT_DESTROYED:
        return tell_ended(r, e, told, err);
    case EVENT_REMAKE:
        return tell_remake(r, e, told, err);
    case EVENT_HALF_DONE:
        r->half_done = true;
        return true;
    case EVENT_UNTOUCHED:
        if (e->state == RECORD_OPEN) r->serial_len = 0;
        return true;
    case EVENT_BEGUN:
        memcpy(r->pass, e->pass, JOB_ID_LEN);
        return true;
    case EVENT_CARD:
        return true;
    }
    return true;
}

bool return_record_add(struct return_record *r, const struct registry_event *e, struct return_told *told,
                       struct err *err)
{
    memset(told, 0, sizeof(*told));
    const bool ok = take(r, e, told, err);
    r->state = e->state;
    return ok;
}
