/* A worker's part of FIG. 2, one card at a time: groups of other modules as they are, the chip group built anew. */
#include "prep/workshop.h"

#include <stdlib.h>
#include <string.h>

enum { SECRETS_MAX = 1 << 16, COMPOSED_MAX = 1 << 20 };

static void init_buffers(struct workshop *w)
{
    struct buf *const small[] = {&w->secrets, &w->random,        &w->block,       &w->ssad,
                                 &w->icc,     &w->icc_remainder, &w->pair.wrapped};
    struct buf *const large[] = {&w->clear, &w->inner, &w->static_data, &w->data};

    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
        buf_init(small[i], SECRETS_MAX);
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
        buf_init(large[i], COMPOSED_MAX);
    buf_init(&w->record, MIC_DIGITS + MIC_RECORD_MAX);
}

/* Room for the largest profile of the job. */
static bool init_tables(struct workshop *w)
{
    size_t keys = 1, groupings = 1, elements = 1;

    for (size_t i = 0; i < w->job->application_count; i++) {
        const struct profile *p = w->job->applications[i].profile;
        if (!p) continue;
        if (p->key_count > keys) keys = p->key_count;
        if (p->grouping_count > groupings) groupings = p->grouping_count;
        if (p->element_count > elements) elements = p->element_count;
    }
    w->made = calloc(keys, sizeof(*w->made));
    w->groupings = calloc(groupings, sizeof(*w->groupings));
    w->drawn = calloc(elements, sizeof(*w->drawn));
    return w->made && w->groupings && w->drawn;
}

bool workshop_new(struct workshop **out, const struct job *job, const struct job_identity *identity,
                  struct keyring *keys, struct err *err)
{
    struct workshop *w = calloc(1, sizeof(*w));
    if (!w) return err_set_no_memory(err);
    w->job = job;
    w->identity = *identity;
    w->keys = keys;
    w->maker = key_pair_generator(keys);
    init_buffers(w);
    if (!init_tables(w)) {
        workshop_free(w);
        return err_set_no_memory(err);
    }
    *out = w;
    return true;
}

void workshop_free(struct workshop *w)
{
    if (!w) return;
    struct buf *const all[] = {&w->secrets,     &w->random,        &w->block,  &w->ssad,
                               &w->icc,         &w->icc_remainder, &w->clear,  &w->inner,
                               &w->static_data, &w->data,          &w->record, &w->pair.wrapped};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_release(all[i]);
    free(w->made);
    free(w->groupings);
    free(w->drawn);
    free(w);
}

void workshop_set_pair_maker(struct workshop *w, const struct pair_maker *maker)
{
    w->maker = *maker;
}

void workshop_count(struct workshop *w, struct usage *used)
{
    w->used = used;
}

static bool put_application(struct workshop *w, const struct planned_application *a, struct buf *out,
                            struct err *err)
{
    if (a->action == APPLICATION_LEAVE_OUT) return true;
    if (a->action == APPLICATION_COPY) {
        buf_put(out, a->entry->bytes, a->entry->len);
        return true;
    }
    if (seal_entry(w, a, out, err)) return true;
    err_prefix(err, "application %s", a->application->name);
    return false;
}

static bool put_chip(struct workshop *w, const char *mic, struct buf *out, struct err *err)
{
    const size_t begin = mic_put_group_begin(out, mic);
    for (size_t i = 0; i < w->card->application_count; i++) {
        if (!put_application(w, &w->card->applications[i], out, err)) return false;
    }
    mic_put_group_end(out, begin);
    return true;
}

static bool put_record(struct workshop *w, struct buf *out, struct err *err)
{
    const size_t begin = mic_put_record_begin(out);
    const size_t card_begin = out->len;

    card_group_put(out, &w->card->input->card);
    for (size_t i = 0; i < w->card->group_count; i++) {
        const struct planned_group *g = &w->card->groups[i];
        if (!g->is_chip)
            mic_put_group(out, g->mic, g->data, g->len);
        else if (!put_chip(w, g->mic, out, err))
            return false;
    }
    if (!seal_record(w, card_begin, out, err)) return false;
    mic_put_record_end(out, begin);
    return buf_ok(out, "record", err);
}

/* Cleanup cannot fail upward; but with a card's key left in the session this worker must not go on. */
static bool check_session(const struct keyring *k, struct err *err)
{
    if (!hsm_token_is_broken(k->master) && !hsm_token_is_broken(k->card_key)) return true;
    return err_set(err, ERR_TOKEN,
                   "a card's key could not be destroyed (C_DestroyObject): the session has to end");
}

bool workshop_prepare(struct workshop *w, const struct card_plan *plan, struct buf *record, struct err *err)
{
    w->card = plan;
    buf_clear(&w->record);
    if (!put_record(w, &w->record, err) || !check_session(w->keys, err)) return false;
    if (record->failed || record->max - record->len < w->record.len)
        return err_set(err, ERR_INPUT, "record of %zu bytes is larger than there is room for", w->record.len);
    buf_put(record, w->record.data, w->record.len);
    return buf_ok(record, "record", err);
}
