#include "prep/pool/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "prep/pool/pool_internal.h"

uint64_t pool_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct slot *pool_slot(struct pool *p, size_t position)
{
    return &p->slots[position % p->slot_count];
}

/* A slot keeps its memory for the next card, unless an unusually large record made it grow. */
static void slot_shrink(struct slot *s)
{
    if (s->request.room > SLOT_KEEPS) buf_release(&s->request);
    if (s->record.room > SLOT_KEEPS) buf_release(&s->record);
}

static bool start_counting(struct pool *p)
{
    if (!p->job->audit_log) return true;
    p->key_uses = calloc(p->job->key_count + 1, sizeof(*p->key_uses));
    p->card_most = calloc(p->job->key_count + 1, sizeof(*p->card_most));
    if (p->card_most) usage_add_most(p->card_most, p->job);
    return p->key_uses && p->card_most;
}

bool pool_start(struct pool **out, const struct job *job, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct pool *p = calloc(1, sizeof(*p));

    if (!p) return err_set_no_memory(err);
    p->job = job;
    p->worker_count = job->workers ? job->workers : (size_t)(cores > 0 ? cores : 1);
    if (p->worker_count > WORKERS_MAX) p->worker_count = WORKERS_MAX;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        p->workers[i].wire.fd = -1;
    buf_init(&p->start_payload, FIELDS_MAX * 80 + 256);
    buf_init(&p->reply, 1 << 20);
    p->slot_count = p->worker_count * WINDOW_PER_WORKER;
    p->slots = calloc(p->slot_count, sizeof(*p->slots));
    if (!p->slots || !start_counting(p)) {
        err_set_no_memory(err);
    } else if (keeper_start(&p->keeper, job, err)) {
        for (size_t i = 0; i < p->slot_count; i++) {
            buf_init(&p->slots[i].request, WIRE_PAYLOAD_MAX);
            buf_init(&p->slots[i].record, WIRE_PAYLOAD_MAX);
        }
        *out = p;
        return true;
    }
    pool_free(p);
    return false;
}

void pool_free(struct pool *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->worker_count; i++) {
        if (p->workers[i].wire.fd >= 0) wire_release(&p->workers[i].wire);
    }
    keeper_free(p->keeper);
    for (size_t i = 0; p->slots && i < p->slot_count; i++) {
        buf_release(&p->slots[i].request);
        buf_release(&p->slots[i].record);
    }
    free(p->slots);
    free(p->key_uses);
    free(p->card_most);
    buf_release(&p->start_payload);
    buf_release(&p->reply);
    free(p);
}

/* ---- workers: start, end, replace ---- */

static bool worker_start(struct pool *p, struct pool_worker *w, struct err *err)
{
    int fd = -1;

    if (!keeper_spawn(p->keeper, &w->pid, &fd, err)) return false;
    wire_init(&w->wire, fd);
    w->state = WORKER_STARTING;
    w->at_count = 0;
    w->cards = 0;
    w->broken = w->asked = false;
    w->heard_us = pool_now_us();
    p->statistics.started++;
    size_t begin = wire_put_begin(&w->wire, WIRE_START);
    buf_put(&w->wire.out, p->start_payload.data, p->start_payload.len);
    wire_put_end(&w->wire, begin);
    return true;
}

/* What a worker had when it ended goes back to the queue. The card that it was busy with is not known for sure, so each of
 * them is suspect and is then given out alone (worker_depth): only a card that fells a worker again is refused. */
static void requeue(struct pool *p, struct pool_worker *w, const char *how)
{
    struct err err = ERR_INIT;

    if (p->key_uses) usage_add_all(p->key_uses, p->card_most, p->job->key_count, w->at_count);
    for (size_t i = 0; i < w->at_count; i++) {
        struct slot *s = pool_slot(p, w->at[i]);
        s->state = SLOT_QUEUED;
        if (!how) continue;
        if (++s->felled < FELLED_MAX) continue;
        err_set(&err, ERR_INPUT, "felled %d worker processes (the last one %s); it was not prepared",
                FELLED_MAX, how);
        pool_slot_fail(s, &err);
    }
    w->at_count = 0;
}

/* Ends the worker and takes its cards back. `at_fault`: it died or hung, as opposed to being retired or broken. */
static bool worker_end(struct pool *p, struct pool_worker *w, bool at_fault, const char *reason,
                       struct err *err)
{
    char how[64] = "";
    bool starting = w->state == WORKER_STARTING;

    wire_release(&w->wire);
    w->state = WORKER_NONE;
    if (!keeper_reap(p->keeper, w->pid, at_fault, how, err)) return false;
    if (at_fault && starting) p->failed_starts++;
    if (at_fault && w->asked) p->ask_failures++;
    w->asked = false;
    requeue(p, w, at_fault ? (reason ? reason : how) : NULL);
    if (at_fault || w->broken)
        p->statistics.replaced++;
    else
        p->statistics.retired++;
    return true;
}

/* ---- scheduling ---- */

static size_t worker_depth(const struct pool_worker *w)
{
    if (w->card_us == 0) return DEPTH_MIN;
    uint64_t depth = DEPTH_WORK_US / w->card_us;
    if (depth < DEPTH_MIN) return DEPTH_MIN;
    return depth > DEPTH_MAX ? DEPTH_MAX : (size_t)depth;
}

static bool retires(const struct pool *p, const struct pool_worker *w)
{
    return w->broken || (p->job->retire_after && w->cards + w->at_count >= p->job->retire_after);
}

/* Gives queued cards to workers that have room. A card that has felled a worker travels alone. */
static void dispatch(struct pool *p)
{
    size_t next = p->head, end = p->head + p->used;

    for (size_t i = 0; i < p->worker_count; i++) {
        struct pool_worker *w = &p->workers[i];
        while (w->state == WORKER_READY && !retires(p, w) && w->at_count < worker_depth(w)) {
            while (next < end && pool_slot(p, next)->state != SLOT_QUEUED)
                next++;
            if (next == end) return;
            struct slot *s = pool_slot(p, next);
            bool suspect = s->felled > 0;
            bool has_suspect = w->at_count > 0 && pool_slot(p, w->at[0])->felled > 0;
            if (has_suspect || (suspect && w->at_count > 0)) break;
            size_t begin = wire_put_begin(&w->wire, WIRE_CARD);
            buf_put(&w->wire.out, s->request.data, s->request.len);
            wire_put_end(&w->wire, begin);
            if (w->at_count == 0) w->heard_us = pool_now_us();
            s->state = SLOT_AT_WORKER;
            w->at[w->at_count++] = next % p->slot_count;
        }
    }
}

static bool is_hung(const struct pool *p, const struct pool_worker *w)
{
    uint64_t limit_s = w->state == WORKER_STARTING ? START_TIMEOUT_S : p->job->card_timeout_s;
    bool busy = w->state == WORKER_STARTING || w->at_count > 0 || w->asked;
    return busy && limit_s && pool_now_us() - w->heard_us > limit_s * 1000000;
}

/* Starts what is missing. Until one worker has come through there is only one: a wrong PIN must not cost as many tries as
 * there are workers. Later, starts that keep failing end the run only when no other worker is left. */
static bool start_missing(struct pool *p, struct err *err)
{
    size_t living = 0;

    for (size_t i = 0; i < p->worker_count; i++)
        living += p->workers[i].state != WORKER_NONE;
    for (size_t i = 0; i < p->worker_count; i++) {
        if (p->workers[i].state != WORKER_NONE) continue;
        if (living > 0 && (!p->came_through || p->failed_starts >= START_TRIES)) return true;
        if (p->failed_starts >= START_TRIES) {
            if (p->start_refusal.kind == ERR_NONE)
                return err_set(err, ERR_TOKEN, "%d worker processes in a row ended while they started",
                               START_TRIES);
            *err = p->start_refusal;
            return false;
        }
        if (!worker_start(p, &p->workers[i], err)) return false;
        living++;
    }
    return true;
}

/* Ends workers that hang, are broken or are due to retire, and starts what is missing. */
static bool tend(struct pool *p, struct err *err)
{
    for (size_t i = 0; i < p->worker_count; i++) {
        struct pool_worker *w = &p->workers[i];
        if (w->state == WORKER_NONE) continue;
        bool hung = is_hung(p, w);
        bool due = w->state == WORKER_READY && w->at_count == 0 && !w->asked && retires(p, w);
        if ((hung || w->broken || due) && !worker_end(p, w, hung, hung ? "hung and was ended" : NULL, err))
            return false;
    }
    return start_missing(p, err);
}

/* One round: send, wait for messages, take them. */
static bool turn(struct pool *p, int timeout_ms, struct err *err)
{
    struct pollfd polls[WORKERS_MAX];
    struct err ignored = ERR_INIT;

    if (!tend(p, err)) return false;
    dispatch(p);
    for (size_t i = 0; i < p->worker_count; i++) {
        struct pool_worker *w = &p->workers[i];
        err_ignore(wire_flush(&w->wire, &ignored), "a worker that has gone is noticed when it is read");
        polls[i].fd = w->wire.fd;
        polls[i].events = (short)(POLLIN | (wire_unsent(&w->wire) ? POLLOUT : 0));
        polls[i].revents = 0;
    }
    int n = poll(polls, (nfds_t)p->worker_count, timeout_ms);
    if (n < 0 && errno != EINTR) return err_set_errno(err, ERR_INTERNAL, errno, "poll");
    for (size_t i = 0; n > 0 && i < p->worker_count; i++) {
        struct pool_worker *w = &p->workers[i];
        if (!(polls[i].revents & (POLLIN | POLLHUP | POLLERR))) continue;
        if (!pool_take_messages(p, w) && !worker_end(p, w, !w->broken, NULL, err)) return false;
    }
    dispatch(p);
    return true;
}

/* ---- what the coordinator calls ---- */

bool pool_open(struct pool *p, const struct field_table *fields, const struct job_identity *identity,
               struct err *err)
{
    struct buf *b = &p->start_payload;

    buf_clear(b);
    buf_put(b, identity->job_id, JOB_ID_LEN);
    buf_put_be(b, identity->counter_first, 8);
    buf_put(b, identity->created, sizeof(identity->created));
    buf_put_be(b, fields ? fields->count : WIRE_SIGNS_ONLY, 2);
    for (size_t i = 0; fields && i < fields->count; i++) {
        size_t len = strlen(fields->names[i]);
        buf_put_be(b, len, 1);
        buf_put(b, fields->names[i], len + 1);
    }
    if (!buf_ok(b, "field names", err)) return false;
    for (;;) {
        size_t ready = 0;
        if (!turn(p, 100, err)) return false;
        for (size_t i = 0; i < p->worker_count; i++)
            ready += p->workers[i].state == WORKER_READY;
        if (ready > 0) return true; /* the others follow while the first one works */
        if (p->start_refusal.kind !=
            ERR_NONE) { /* wrong PIN, missing key: it will not get better by trying again */
            *err = p->start_refusal;
            return false;
        }
    }
}

const struct pool_token_report *pool_token_report(const struct pool *p)
{
    return &p->report;
}

void pool_statistics(const struct pool *p, struct pool_statistics *out)
{
    *out = p->statistics;
}

bool pool_has_room(const struct pool *p)
{
    return p->used < p->slot_count && p->stored_bytes < WINDOW_BYTES;
}

size_t pool_pending(const struct pool *p)
{
    return p->used;
}

bool pool_submit(struct pool *p, const struct card_input *in, struct err *err)
{
    if (p->used == p->slot_count) return err_set(err, ERR_INTERNAL, "the window is full");
    struct slot *s = pool_slot(p, p->head + p->used);
    s->state = SLOT_QUEUED;
    s->number = in->number;
    s->place = in->place;
    s->felled = s->token_errors = 0;
    s->ok = false;
    err_clear(&s->err);
    buf_clear(&s->request);
    buf_clear(&s->record);
    card_input_put(&s->request, in);
    if (!buf_ok(&s->request, "card", err)) return false;
    p->stored_bytes += s->request.len;
    p->used++;
    return true;
}

void pool_withdraw(struct pool *p)
{
    while (p->used > 0) {
        struct slot *last = pool_slot(p, p->head + p->used - 1);
        if (last->state != SLOT_QUEUED || last->felled > 0 || last->token_errors > 0) return;
        p->stored_bytes -= last->request.len;
        p->used--;
    }
}

bool pool_wait(struct pool *p, int timeout_ms, struct pool_result *out, bool *got, struct err *err)
{
    *got = false;
    if (p->spent) slot_shrink(p->spent);
    p->spent = NULL;
    if (p->used == 0) return true;
    struct slot *s = pool_slot(p, p->head);
    if (s->state != SLOT_DONE && !turn(p, timeout_ms, err)) return false;
    if (s->state != SLOT_DONE) return true;
    *out = (struct pool_result){.number = s->number,
                                .ok = s->ok,
                                .record = s->record.data,
                                .len = s->record.len,
                                .err = s->err,
                                .place = s->place};
    p->stored_bytes -= s->request.len + s->record.len;
    p->spent = s;
    p->head = (p->head + 1) % p->slot_count;
    p->used--;
    *got = true;
    return true;
}

/* Sends one request to a worker that has nothing else to do, and waits for its answer; asks another one if that one ends. */
static bool ask(struct pool *p, enum wire_type type, const uint8_t *data, size_t len, struct err *err)
{
    p->reply_got = false;
    p->ask_failures = 0;
    err_clear(&p->reply_error);
    while (!p->reply_got) {
        if (p->ask_failures >= FELLED_MAX)
            return err_set(err, ERR_TOKEN, "%d worker processes ended or hung while they were asked to %s",
                           FELLED_MAX, type == WIRE_SIGN ? "sign" : "try the token");
        struct pool_worker *asked = NULL, *idle = NULL;
        for (size_t i = 0; i < p->worker_count; i++) {
            struct pool_worker *w = &p->workers[i];
            if (w->asked) asked = w;
            if (w->state == WORKER_READY && w->at_count == 0 && !w->broken) idle = w;
        }
        if (!asked && idle) {
            size_t begin = wire_put_begin(&idle->wire, type);
            buf_put(&idle->wire.out, data, len);
            wire_put_end(&idle->wire, begin);
            idle->asked = true;
            idle->heard_us = pool_now_us();
        }
        if (!turn(p, 100, err)) return false;
    }
    if (p->reply_error.kind == ERR_NONE) return true;
    *err = p->reply_error;
    return false;
}

bool pool_sign(struct pool *p, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    if (!ask(p, WIRE_SIGN, data, len, err)) return false;
    buf_put(signature, p->reply.data, p->reply.len);
    return buf_ok(signature, "signature", err);
}

bool pool_check_token(struct pool *p, struct buf *findings, size_t *errors, struct err *err)
{
    uint64_t count = 0;

    if (!ask(p, WIRE_CHECK, NULL, 0, err)) return false;
    struct cur c = cur_make(p->reply.data, p->reply.len, 0);
    if (!cur_take_be(&c, 8, &count, "findings", err)) return false;
    *errors = (size_t)count;
    buf_put(findings, c.data + c.pos, cur_left(&c));
    return buf_ok(findings, "findings", err);
}
