#include "bureau/commands/posts.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "bureau/commands/card_run.h"
#include "bureau/pcsc.h"

/* A run. */
struct round {
    struct posts *s;
    const struct posts_owner *owner;
};

void posts_tell(const struct posts *s, const struct post *p, const char *what)
{
    if (s->progress.drawn) fputc('\n', stderr);
    fprintf(stderr, "%s: %s\n", p->station.reader, what);
}

static size_t count_state(const struct posts *s, enum post_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->all[i].state == state;
    return n;
}

bool posts_may_begin(const struct posts *s)
{
    return !s->stopping && (s->limit == 0 || s->made + count_state(s, POST_UNDER_WAY) < s->limit);
}

void posts_count_failure(struct posts *s, const struct err *why)
{
    s->why = *why;
    if (++s->failures < s->failures_max || s->stopping) return;
    s->stopping = true;
    fprintf(stderr, "%" PRIu64 " cards in a row were not made: no more are begun\n", s->failures);
}

/* ---- talking ---- */

void post_say(struct post *p, enum station_message type, const struct buf *payload)
{
    struct err err = ERR_INIT;
    err_ignore(station_send(p->station.fd, type, payload, &err), "the next poll says that it has ended");
}

void post_refuse(struct post *p, const struct err *why)
{
    struct err err = ERR_INIT;
    err_ignore(station_send_err(p->station.fd, STATION_NO, why, &err),
               "the next poll says that it has ended");
}

void post_release(struct post *p)
{
    post_say(p, STATION_RELEASE, NULL);
    p->state = POST_IDLE;
}

static bool on_card(struct round *r, struct post *p, struct cur *c, struct err *err)
{
    const uint8_t *atr;
    size_t len = cur_left(c);
    if (len > ATR_MAX) return err_set(err, ERR_INTERNAL, "an ATR of %zu bytes", len);
    if (!cur_take(c, len, &atr, "ATR", err)) return false;
    if (len > 0) memcpy(p->atr, atr, len);
    p->atr_len = len;
    p->switch_to = 0;
    p->state = POST_WAITING;
    return r->owner->serve(r->owner->context, p, err);
}

static bool on_words(struct round *r, struct post *p, bool refused, struct cur *c, struct err *err)
{
    struct err said = ERR_INIT;
    if (!station_get_err(c, &said, err)) return false;
    posts_tell(r->s, p, said.text);
    if (refused) r->s->why = said;
    return true;
}

/* *sense false: what was said does not fit. */
static bool take(struct round *r, struct post *p, enum station_message type, struct cur *c, bool *sense,
                 struct err *err)
{
    const struct posts_owner *o = r->owner;
    *sense = true;
    if (type == STATION_NOTE || type == STATION_REFUSED)
        return on_words(r, p, type == STATION_REFUSED, c, err);
    if (type == STATION_CARD && p->state == POST_IDLE) return on_card(r, p, c, err);
    for (size_t i = 0; i < o->handler_count; i++)
        if (o->handlers[i].type == type && (o->handlers[i].states & 1u << p->state))
            return o->handlers[i].take(o->context, p, c, err);
    *sense = false;
    return true;
}

static bool dispatch(struct round *r, struct post *p, enum station_message type, const struct buf *payload,
                     bool *sense, struct err *err)
{
    struct cur c = cur_make(payload->data, payload->len, 0);
    bool ok = take(r, p, type, &c, sense, err);
    /* a message that cannot be read is the station's end, not ours */
    if (!ok && err->kind == ERR_INTERNAL) *sense = false;
    return ok || !*sense;
}

/* ---- stations that end ---- */

static bool lose(struct round *r, struct post *p, const char *how, struct err *err)
{
    const bool busy = p->state == POST_UNDER_WAY || p->state == POST_MODULES;
    bool ok = !busy || r->owner->lost(r->owner->context, p, how, err);
    p->state = POST_GONE;
    return ok;
}

static bool hear(struct round *r, struct post *p, struct err *err)
{
    struct buf payload;
    enum station_message type = STATION_NOTE;
    struct err nonsense = ERR_INIT;
    bool closed = false, sense = true, ok = true;
    char how[64];

    buf_init(&payload, STATION_PAYLOAD_MAX);
    if (!station_receive(p->station.fd, &type, &payload, &closed, &nonsense))
        sense = false;
    else if (!closed)
        ok = dispatch(r, p, type, &payload, &sense, err);
    buf_release(&payload);
    if (!closed && sense) return ok;
    if (!closed && p->station.pid > 0) kill(p->station.pid, SIGKILL);
    const bool willing = station_reap(&p->station, how);
    if (r->s->why.kind == ERR_NONE || !closed || !willing) {
        posts_tell(r->s, p, how);
        err_set_text(&r->s->why, ERR_INTERNAL, "%s: the station %s", p->station.reader, how);
    }
    return lose(r, p, how, err);
}

/* ---- the loop ---- */

/* Cards that wait get what has come free meanwhile. */
static bool serve_waiting(struct round *r, struct err *err)
{
    for (size_t i = 0; i < r->s->count; i++)
        if (r->s->all[i].state == POST_WAITING && !r->owner->serve(r->owner->context, &r->s->all[i], err))
            return false;
    return true;
}

static bool is_through(struct round *r, bool *through, struct err *err)
{
    struct posts *s = r->s;
    bool more = false;
    *through = false;
    if (count_state(s, POST_UNDER_WAY) + count_state(s, POST_MODULES) > 0) return true;
    if (!posts_may_begin(s)) {
        *through = true;
        return true;
    }
    if (!r->owner->has_more(r->owner->context, &more, err)) return false;
    *through = !more;
    if (more && count_state(s, POST_GONE) == s->count) {
        *err = s->why;
        if (err->kind == ERR_NONE) err_set_text(err, ERR_INTERNAL, "no station is left");
        return false;
    }
    return true;
}

static void on_signal(struct posts *s, struct interrupt *signals, bool *at_once)
{
    if (!interrupt_came(signals)) return;
    *at_once = s->interrupted;
    s->interrupted = s->stopping = true;
    if (!*at_once && count_state(s, POST_UNDER_WAY) > 0)
        fprintf(stderr, "\ninterrupted: cards under way are finished first\n");
}

static bool step(struct round *r, struct interrupt *signals, bool *at_once, struct err *err)
{
    struct posts *s = r->s;
    struct pollfd fds[STATIONS_MAX + 1] = {{.fd = signals->fd, .events = POLLIN}};

    for (size_t i = 0; i < s->count; i++)
        fds[i + 1] = (struct pollfd){.fd = s->all[i].station.fd, .events = POLLIN};
    if (poll(fds, s->count + 1, -1) < 0)
        return errno == EINTR || err_set_errno(err, ERR_INTERNAL, errno, "poll");
    if (fds[0].revents) on_signal(s, signals, at_once);
    for (size_t i = 0; i < s->count; i++)
        if (fds[i + 1].revents && !hear(r, &s->all[i], err)) return false;
    return serve_waiting(r, err);
}

static bool loop(struct round *r, struct interrupt *signals, struct err *err)
{
    bool through = false, at_once = false;
    while (is_through(r, &through, err)) {
        if (through) return true;
        if (!step(r, signals, &at_once, err)) return false;
        if (at_once) return true;
    }
    return false;
}

/* Lets every station end; what is still under way is told to the owner, unless its files cannot be written. */
static void end_all(struct round *r, bool files_fail)
{
    struct err err = ERR_INIT;
    for (size_t i = 0; i < r->s->count; i++) {
        struct post *p = &r->s->all[i];
        station_end(&p->station);
        if (files_fail) continue; /* the next run sees it */
        err_ignore(lose(r, p, "was broken off", &err), "the next run sees what was under way");
    }
}

/* Whoever stands at the readers sees nothing else before the first card. */
static void tell_readers(const struct posts *s)
{
    if (s->count == 0) return;
    fprintf(stderr, "ready for cards in");
    for (size_t i = 0; i < s->count; i++)
        fprintf(stderr, "%s '%s'", i > 0 ? "," : "", s->all[i].station.reader);
    fprintf(stderr, "; Ctrl-C ends\n");
}

bool posts_work(struct posts *s, const struct posts_owner *owner, struct err *err)
{
    struct round r = {s, owner};
    struct interrupt signals;

    if (!interrupt_watch(&signals, err)) return false;
    tell_readers(s);
    bool ok = loop(&r, &signals, err);
    end_all(&r, !ok && err->kind == ERR_FILE);
    interrupt_release(&signals);
    return ok;
}

/* ---- begin and end ---- */

static bool find_readers(const struct arg_list *wanted, struct pcsc_readers *readers, struct err *err)
{
    struct pcsc *p = NULL;

    if (!pcsc_open(&p, STATION_PATIENCE_MS, err)) return false;
    bool ok = pcsc_list(p, wanted->items, wanted->count, readers, err);
    if (ok && readers->count == 0)
        ok = err_set(err, ERR_FILE, "no reader is there%s%s", wanted->count > 0 ? " whose name matches " : "",
                     wanted->count > 0 ? wanted->items[0] : "");
    pcsc_free(p);
    return ok;
}

bool posts_start(struct posts *s, const struct bureau *settings, const struct secret *pin,
                 const struct arg_list *named, struct err *err)
{
    const struct arg_list wanted = reader_patterns(named, settings);
    struct pcsc_readers readers;

    if (!find_readers(&wanted, &readers, err)) return false;
    for (; s->count < readers.count && s->count < STATIONS_MAX; s->count++) {
        int pin_fd = -1;
        if (!pin_once_pipe(pin, &pin_fd, err) ||
            !station_start(&s->all[s->count].station, settings, readers.names[s->count], pin_fd, err))
            return false;
    }
    return true;
}

void posts_end(struct posts *s)
{
    for (size_t i = 0; i < s->count; i++)
        station_end(&s->all[i].station);
}
