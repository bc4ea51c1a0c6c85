#include "bureau/returns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bureau/return_lines.h"

struct returns {
    struct incoming *file;
    const struct mic_file_summary *summary;
    struct return_writer *writer;
    struct mic_record *record; /* where the file stands */
    struct card_group card;    /* number 0: before the first */
    bool end;
    struct return_record told;
};

static bool fill_head(struct return_head *head, const struct returns_order *o, struct err *err)
{
    const struct mic_file_summary *s = incoming_summary(o->file);
    if (strlen(o->bureau) > RETURN_NAME_MAX)
        return err_set(err, ERR_INPUT, "the bureau's name has more than %d characters", RETURN_NAME_MAX);
    memcpy(head->bureau, o->bureau, strlen(o->bureau) + 1);
    memcpy(head->job_id, s->job.job_id, JOB_ID_LEN);
    memcpy(head->job_name, s->job.name, sizeof(head->job_name));
    head->shard = s->job.shard;
    head->shards = s->job.shards;
    memcpy(head->file_hash, s->file_hash, SHA256_LEN);
    return clock_text(o->now, head->created, err);
}

/* The file's card of this number: events come in the order of the records, as records do. */
static bool go_to(struct returns *r, uint64_t number, struct err *err)
{
    while (!r->end && r->card.number < number) {
        if (!incoming_next(r->file, r->record, &r->card, &r->end, err)) return false;
    }
    return (!r->end && r->card.number == number) ||
           err_set(err, ERR_INTEGRITY, "the books tell of record %" PRIu64 ", which the file does not have",
                   number);
}

static bool take_event(void *context, const struct registry_event *e, struct err *err)
{
    struct returns *r = context;
    struct return_told told;
    const struct job_group *job = &r->summary->job;
    const uint64_t last = job->first_record + r->summary->count + r->summary->set_aside_count - 1;

    if (e->number < job->first_record || e->number > last) return true;
    if (r->told.number != e->number) return_record_begin(&r->told, e->number);
    if (!return_record_add(&r->told, e, &told, err)) return false;
    if (!told.any || memcmp(told.pass, job->job_id, JOB_ID_LEN) != 0) return true;
    if (!go_to(r, e->number, err)) return false;
    memcpy(told.line.object_id, r->card.object_id, sizeof(told.line.object_id));
    return return_writer_put(r->writer, &told.line, err);
}

static bool walk(const struct returns_order *o, struct returns *r, struct err *err)
{
    const struct job_group *job = &r->summary->job;
    const uint8_t *first = job_group_first_job(job);
    if (o->walk) return o->walk(o->walk_context, take_event, r, err);
    return registry_walk_events(o->books, first, take_event, r, err);
}

/* The file once more to its end: what was read from it counts only then. */
static bool finish_file(struct returns *r, struct err *err)
{
    while (!r->end) {
        if (!incoming_next(r->file, r->record, &r->card, &r->end, err)) return false;
    }
    return true;
}

bool returns_write(const struct returns_order *order, struct signed_lines_sink sink,
                   const struct signed_lines_signer *signer, uint64_t *lines, struct err *err)
{
    struct returns *r = calloc(1, sizeof(*r));
    struct return_head *head = calloc(1, sizeof(*head));
    bool ok = false;

    if (!r || !head) {
        err_set_no_memory(err);
        goto out;
    }
    r->file = order->file;
    r->summary = incoming_summary(order->file);
    r->record = calloc(1, sizeof(*r->record));
    if (!r->record) {
        err_set_no_memory(err);
        goto out;
    }
    ok = incoming_rewind(r->file, err) && fill_head(head, order, err) &&
         return_writer_new(&r->writer, head, sink, err) && walk(order, r, err) && finish_file(r, err) &&
         return_writer_end(r->writer, signer, err);
    if (ok) *lines = return_writer_count(r->writer);
out:
    if (r) {
        return_writer_free(r->writer);
        free(r->record);
    }
    free(r);
    free(head);
    return ok;
}
