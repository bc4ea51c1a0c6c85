#include "bureau/remake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bureau/return_lines.h"

struct remake {
    struct registry *books;
    const struct remake_list *list;
    bool *noted;   /* one per entry: the books have it */
    uint64_t last; /* the highest list of this job so far */
    uint8_t pass[JOB_ID_LEN];
    size_t passes;
    bool has_job;
};

static int compare(const void *number, const void *entry)
{
    const uint64_t left = *(const uint64_t *)number, right = ((const struct remake_entry *)entry)->record;
    return left < right ? -1 : left > right;
}

/* Its place in the list; SIZE_MAX: none. */
static size_t place_of(const struct remake_list *list, uint64_t number)
{
    const struct remake_entry *first = remake_list_at(list, 0);
    const struct remake_entry *e = bsearch(&number, first, remake_list_count(list), sizeof(*first), compare);
    return e ? (size_t)(e - first) : SIZE_MAX;
}

/* Lists that were taken before. */
static bool take_event(void *context, const struct registry_event *e, struct err *err)
{
    struct remake *m = context;
    const char *reason = NULL;
    (void)err;
    if (e->note.event != EVENT_REMAKE) return true;
    const uint64_t list = remake_text_list(e->note.text, &reason);
    if (list > m->last) m->last = list;
    const size_t place = place_of(m->list, e->number);
    if (list == remake_list_head(m->list)->serial && place != SIZE_MAX) m->noted[place] = true;
    return true;
}

/* The job's last pass is the one that events of these records belong to. */
static bool take_file(void *context, const struct registry_file *f, struct err *err)
{
    struct remake *m = context;
    (void)err;
    if (memcmp(f->first_job, remake_list_head(m->list)->job_id, JOB_ID_LEN) != 0) return true;
    if (!m->has_job || f->passes >= m->passes) memcpy(m->pass, f->job_id, JOB_ID_LEN);
    m->passes = f->passes > m->passes ? f->passes : m->passes;
    m->has_job = true;
    return true;
}

static struct card_group card_of(const struct remake *m, size_t index)
{
    struct card_group card = {.number = remake_list_at(m->list, index)->record};
    memcpy(card.job_id, remake_list_head(m->list)->job_id, JOB_ID_LEN);
    return card;
}

static bool may_be_remade(const struct remake *m, size_t index, struct err *err)
{
    const struct remake_entry *e = remake_list_at(m->list, index);
    const struct card_group card = card_of(m, index);
    const unsigned long long number = e->record;
    const struct remake_entry *allowed = NULL;
    struct record_status status;
    uint8_t serial[RETURN_SERIAL_MAX];

    if (!registry_record_state(m->books, &card, &status, err)) return false;
    const struct remake_card had = {card.job_id, e->record, serial, card_serial_read(status.serial, serial)};
    if (status.state == RECORD_OPEN || status.state == RECORD_UNDER_WAY || status.state == RECORD_REPEATED)
        return err_set(err, ERR_INPUT, "record %llu is %s: no card of it is spoiled or lost", number,
                       record_state_name(status.state));
    if (status.state == RECORD_MADE && e->serial_len == 0)
        return err_set(err, ERR_INPUT, "record %llu is made on card %s, and the list does not name that card",
                       number, status.serial);
    return remake_list_allows(m->list, &had, &allowed, err);
}

static bool note(const struct remake *m, size_t index, time_t now, struct err *err)
{
    const struct card_group card = card_of(m, index);
    char text[REMAKE_TEXT_MAX];
    remake_text(remake_list_head(m->list)->serial, remake_list_at(m->list, index)->reason, text);
    const struct record_note n = {.event = EVENT_REMAKE, .time = now, .text = text};
    return registry_append(m->books, &card, m->pass, &n, err);
}

static bool look(struct remake *m, struct err *err)
{
    const struct remake_head *head = remake_list_head(m->list);
    if (!registry_walk_files(m->books, take_file, m, err)) return false;
    if (!m->has_job) return err_set(err, ERR_INPUT, "the books do not know the job '%s'", head->job_name);
    if (!registry_walk_events(m->books, head->job_id, take_event, m, err)) return false;
    if (head->serial < m->last)
        return err_set(err, ERR_INPUT,
                       "list %" PRIu64 " is older than list %" PRIu64 ", which was taken before",
                       head->serial, m->last);
    for (size_t i = 0; i < remake_list_count(m->list); i++) {
        if (!m->noted[i] && !may_be_remade(m, i, err)) return false;
    }
    return true;
}

bool remake_take(struct registry *books, const struct remake_list *list, time_t now,
                 struct remake_counts *out, struct err *err)
{
    struct remake m = {.books = books, .list = list};
    struct remake_counts counts = {0, 0};
    m.noted = calloc(remake_list_count(list), sizeof(*m.noted));
    bool ok = (m.noted || err_set_no_memory(err)) && look(&m, err);
    for (size_t i = 0; ok && i < remake_list_count(list); i++) {
        if (m.noted[i]) {
            counts.noted_before++;
        } else {
            ok = note(&m, i, now, err);
            counts.noted++;
        }
    }
    free(m.noted);
    if (ok) *out = counts;
    return ok;
}
