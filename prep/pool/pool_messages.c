#include "prep/pool/pool_internal.h"

#include <string.h>

void pool_slot_fail(struct slot *s, const struct err *err)
{
    s->state = SLOT_DONE;
    s->ok = false;
    s->err = *err;
}

static bool take_ready(struct pool *p, struct pool_worker *w, struct cur *c, struct err *err)
{
    const uint8_t *bytes;
    uint64_t spki_len;

    if (w->state != WORKER_STARTING)
        return err_set(err, ERR_INTERNAL, "a worker says twice that it is ready");
    if (!cur_take(c, sizeof(p->report.kek), &bytes, "KEK", err)) return false;
    memcpy(&p->report.kek, bytes, sizeof(p->report.kek));
    if (!cur_take(c, SHA256_LEN, &bytes, "signer", err)) return false;
    memcpy(p->report.signer, bytes, SHA256_LEN);
    if (!cur_take_be(c, 2, &spki_len, "signer", err)) return false;
    if (spki_len > sizeof(p->report.signer_spki))
        return err_set(err, ERR_INTERNAL, "a worker's signing key has %llu bytes",
                       (unsigned long long)spki_len);
    if (!cur_take(c, (size_t)spki_len, &bytes, "signer", err)) return false;
    memcpy(p->report.signer_spki, bytes, (size_t)spki_len);
    p->report.signer_spki_len = (size_t)spki_len;
    size_t len = cur_left(c);
    if (len >= sizeof(p->report.token)) len = sizeof(p->report.token) - 1;
    memcpy(p->report.token, c->data + c->pos, len);
    p->report.token[len] = '\0';
    w->state = WORKER_READY;
    p->came_through = true;
    p->failed_starts = 0;
    err_clear(&p->start_refusal);
    return true;
}

/* The slot that an answer belongs to; workers answer in the order in which they were asked. */
static struct slot *take_answered(struct pool *p, struct pool_worker *w, uint64_t number)
{
    if (w->at_count == 0) return NULL;
    struct slot *s = pool_slot(p, w->at[0]);
    if (s->number != number) return NULL;
    w->at_count--;
    memmove(w->at, w->at + 1, w->at_count * sizeof(w->at[0]));
    return s;
}

static bool take_record(struct pool *p, struct pool_worker *w, struct cur *c, struct err *err)
{
    uint64_t number, peak_kib;

    if (!cur_take_be(c, 8, &number, "number", err) || !cur_take_be(c, 8, &peak_kib, "memory", err))
        return false;
    struct slot *s = take_answered(p, w, number);
    if (!s)
        return err_set(err, ERR_INTERNAL, "a worker answered for record %llu", (unsigned long long)number);
    if (peak_kib > p->statistics.peak_worker_kib) p->statistics.peak_worker_kib = peak_kib;
    buf_clear(&s->record);
    buf_put(&s->record, c->data + c->pos, cur_left(c));
    if (!buf_ok(&s->record, "record", err)) {
        buf_release(&s->record);
        pool_slot_fail(s, err);
        return false;
    }
    s->state = SLOT_DONE;
    s->ok = true;
    p->stored_bytes += s->record.len;
    w->cards++;
    uint64_t took = pool_now_us() - w->heard_us;
    w->card_us = w->card_us ? (7 * w->card_us + took) / 8 : took;
    return true;
}

static bool take_refused(struct pool *p, struct pool_worker *w, struct cur *c, struct err *err)
{
    uint64_t number;
    struct err sent = ERR_INIT;

    if (!cur_take_be(c, 8, &number, "number", err) || !wire_get_err(c, &sent, err)) return false;
    if (w->state == WORKER_STARTING) {
        p->start_refusal = sent;
        p->failed_starts++;
        w->broken = true;
        return true;
    }
    struct slot *s = number ? take_answered(p, w, number) : NULL;
    if (!s && !w->asked) return err_set(err, ERR_INTERNAL, "a worker refused what it was not given");
    if (!s && sent.kind == ERR_TOKEN && p->ask_failures++ == 0) { /* as with cards: another process, once */
        w->asked = false;
        w->broken = true;
        return true;
    }
    if (!s) {
        p->reply_error = sent;
        p->reply_got = true;
        w->asked = false;
        return true;
    }
    /* A token that has lost its session refuses everything: another process gets one more try with the card. */
    if (sent.kind == ERR_TOKEN && s->token_errors++ == 0) {
        s->state = SLOT_QUEUED;
        w->broken = true;
        return true;
    }
    pool_slot_fail(s, &sent);
    return true;
}

/* Index of a key, derivations and blocks, again and again. */
static bool take_used(struct pool *p, struct cur *c, struct err *err)
{
    while (cur_left(c) > 0) {
        uint64_t key, derivations, blocks;
        if (!cur_take_be(c, 2, &key, "key", err) || !cur_take_be(c, 4, &derivations, "derivations", err) ||
            !cur_take_be(c, 4, &blocks, "blocks", err))
            return false;
        if (!p->key_uses || key >= p->job->key_count)
            return err_set(err, ERR_INTERNAL, "a worker used no key of the job");
        p->key_uses[key].derivations += derivations;
        p->key_uses[key].blocks += blocks;
    }
    return true;
}

void pool_used(const struct pool *p, struct usage *out)
{
    size_t count = p->job->key_count;
    memset(out, 0, count * sizeof(*out));
    if (!p->key_uses) return;
    usage_add_all(out, p->key_uses, count, 1);
    for (size_t i = 0; i < p->worker_count; i++)
        usage_add_all(out, p->card_most, count, p->workers[i].at_count);
}

static bool take_message(struct pool *p, struct pool_worker *w, enum wire_type type, struct cur payload,
                         struct err *err)
{
    switch (type) {
    case WIRE_READY:
        return take_ready(p, w, &payload, err);
    case WIRE_RECORD:
        return take_record(p, w, &payload, err);
    case WIRE_REFUSED:
        return take_refused(p, w, &payload, err);
    case WIRE_USED:
        return take_used(p, &payload, err);
    case WIRE_SIGNATURE:
    case WIRE_FINDINGS:
        if (!w->asked) return err_set(err, ERR_INTERNAL, "a worker answered what it was not asked");
        buf_clear(&p->reply);
        buf_put(&p->reply, payload.data, payload.len);
        p->reply_got = true;
        w->asked = false;
        return buf_ok(&p->reply, "answer of a worker", err);
    default:
        return err_set(err, ERR_INTERNAL, "unknown message %d of a worker", (int)type);
    }
}

bool pool_take_messages(struct pool *p, struct pool_worker *w)
{
    struct err err = ERR_INIT;
    bool closed = false;

    if (!wire_fill(&w->wire, &closed, &err)) return false;
    for (;;) {
        enum wire_type type;
        struct cur payload;
        bool got = false;
        if (!wire_next(&w->wire, &type, &payload, &got, &err)) return false;
        if (!got) return !closed;
        if (!take_message(p, w, type, payload, &err)) return false;
        w->heard_us = pool_now_us();
    }
}
