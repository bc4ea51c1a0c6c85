#include "bureau/commands/make_cards.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void tell(const struct make_cards *m, const struct post *p, const char *what)
{
    if (m->progress.drawn) fputc('\n', stderr);
    fprintf(stderr, "%s: %s\n", p->station.reader, what);
}

static void tell_record(const struct make_cards *m, const struct post *p, const char *outcome,
                        const char *why)
{
    if (m->progress.drawn) fputc('\n', stderr);
    fprintf(stderr, "%s: record %" PRIu64 ": %s: %s\n", p->station.reader, p->card.number, outcome, why);
}

static size_t count_state(const struct make_cards *m, enum post_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < m->post_count; i++)
        n += m->posts[i].state == state;
    return n;
}

/* ---- orders ---- */

/* A station that does not hear any more is noticed by its socket. */
static void say(struct post *p, enum station_message type, const struct buf *payload)
{
    struct err err = ERR_INIT;
    err_ignore(station_send(p->station.fd, type, payload, &err), "the next poll says that it has ended");
}

static void release(struct post *p)
{
    say(p, STATION_RELEASE, NULL);
    p->state = POST_IDLE;
}

static void send_order(struct make_cards *m, struct post *p, const struct offered_record *o, bool repeated)
{
    struct buf payload;
    buf_init(&payload, STATION_PAYLOAD_MAX);
    buf_put_be(&payload, (uint64_t)m->retries + 1, 4);
    buf_put_u8(&payload, repeated);
    buf_put_be(&payload, o->card.number, 8);
    buf_put(&payload, o->bytes, o->len);
    say(p, STATION_ORDER, &payload);
    buf_release(&payload);
    p->state = POST_UNDER_WAY;
    p->known = p->card_refused = false;
    p->switch_to = 0;
}

/* Writes down that this record is begun, and has it done. *begun false: journal or books do not take it. */
static bool begin(struct make_cards *m, struct post *p, const struct offered_record *o, bool *begun,
                  struct err *err)
{
    const struct ledger_begin what = {&o->card, p->station.reader, p->atr, p->atr_len};
    struct card_id expected;

    *begun = ledger_begin(m->ledger, &what, &expected, err);
    if (!*begun && err->kind != ERR_INPUT) return false;
    p->card = o->card;
    if (*begun) {
        send_order(m, p, o, expected.len > 0);
    } else {
        tell_record(m, p, "left for a redo", err->text);
        m->why = *err;
    }
    return true;
}

static bool may_begin_more(const struct make_cards *m)
{
    size_t busy = count_state(m, POST_UNDER_WAY);
    return !m->stopping && (m->limit == 0 || m->made + busy < m->limit);
}

/* The next record that can be begun goes to the card that waits. */
static bool give_order(struct make_cards *m, struct post *p, struct err *err)
{
    struct offered_record offered;
    bool has = false, begun = false;

    p->state = POST_WAITING;
    while (!begun && may_begin_more(m)) {
        if (!record_source_has(m->source, &has, err)) return false;
        if (!has) return true;
        if (!record_source_next(m->source, &offered, err) || !begin(m, p, &offered, &begun, err))
            return false;
    }
    return true;
}

/* ---- what stations say ---- */

static bool on_card(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    const uint8_t *atr;
    size_t len = cur_left(c);
    if (len > ATR_MAX) return err_set(err, ERR_INTERNAL, "an ATR of %zu bytes", len);
    if (!cur_take(c, len, &atr, "ATR", err)) return false;
    if (len > 0) memcpy(p->atr, atr, len);
    p->atr_len = len;
    return give_order(m, p, err);
}

static bool on_known(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    struct card_id id;
    struct err second = ERR_INIT;

    if (!station_get_card(c, &id, err)) return false;
    p->known = ledger_known(m->ledger, &p->card, &id, m->retries, err);
    if (p->known) {
        say(p, STATION_GO, NULL);
        return true;
    }
    if (err->kind != ERR_INPUT) return false;
    p->card_refused = true;
    if (m->redo) p->switch_to = journal_book_record_on(ledger_book(m->ledger), &id);
    if (p->switch_to == p->card.number) p->switch_to = 0; /* refused for this very record */
    err_ignore(station_send_err(p->station.fd, STATION_NO, err, &second),
               "the next poll says that it has ended");
    return true;
}

static bool write_outcome(struct make_cards *m, struct post *p, const struct turns_result *r, struct err *err)
{
    const struct journal_ending ending = {p->card.number, r->outcome,  r->serial, r->what,
                                          r->err.text,    r->commands, r->ms};
    return ledger_outcome(m->ledger, &p->card, &ending, err);
}

static void count_outcome(struct make_cards *m, struct post *p, const struct turns_result *r)
{
    uint64_t *const counts[] = {
        [CARD_MADE] = &m->made,
        [CARD_UNTOUCHED] = &m->untouched,
        [CARD_HALF_DONE] = &m->half_done,
        [CARD_SPOILED] = &m->spoiled,
    };
    ++*counts[r->outcome];
    if (r->outcome == CARD_MADE) {
        m->failures = 0;
        progress_update(&m->progress, m->made, clock_monotonic_ms());
        return;
    }
    m->why = r->err;
    tell_record(m, p, card_outcome_name(r->outcome), r->err.text);
    if (p->switch_to) return; /* the right record comes at once */
    if (++m->failures >= m->failures_max && !m->stopping) {
        m->stopping = true;
        fprintf(stderr, "%" PRIu64 " cards in a row were not made: no more are begun\n", m->failures);
    }
}

/* A record whose card stayed as it was goes to the next card, unless the fault seems to be its own. */
static bool give_back(struct make_cards *m, const struct post *p, const struct turns_result *r,
                      struct err *err)
{
    const struct journal_record *j = journal_book_find(ledger_book(m->ledger), p->card.number);
    bool own_fault = r->commands == 0 || (!p->card_refused && j && j->begun >= CARDS_PER_RECORD);
    if (r->outcome != CARD_UNTOUCHED || own_fault) return true;
    return record_source_give_back(m->source, p->card.number, err);
}

/* The card holds another record of this job, which is to be repeated: on it, now. */
static bool switch_record(struct make_cards *m, struct post *p, bool *begun, struct err *err)
{
    struct offered_record offered;
    bool found = false;
    uint64_t number = p->switch_to;

    *begun = false;
    p->switch_to = 0;
    if (number == 0 || m->stopping) return true;
    return record_source_take(m->source, number, &found, &offered, err) &&
           (!found || begin(m, p, &offered, begun, err));
}

static bool on_ended(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    struct turns_result r;
    bool again = false;

    if (!station_get_result(c, &r, err) || !write_outcome(m, p, &r, err)) return false;
    count_outcome(m, p, &r);
    if (!give_back(m, p, &r, err) || !switch_record(m, p, &again, err)) return false;
    if (again) return true;
    if (r.outcome == CARD_UNTOUCHED && r.commands == 0)
        return give_order(m, p, err); /* the card was not asked */
    if (r.outcome == CARD_MADE && m->settings->module_count > 0) {
        say(p, STATION_MODULES, NULL);
        p->state = POST_MODULES;
    } else {
        release(p);
    }
    return true;
}

static bool on_module(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    char mic[MIC_NAME_MAX + 1];
    struct err why = ERR_INIT;
    uint8_t done;

    if (!station_get_text(c, mic, sizeof(mic), err) || !cur_take_u8(c, &done, "module", err) ||
        !station_get_err(c, &why, err))
        return false;
    if (!done) {
        m->modules_failed++;
        tell_record(m, p, "made", why.text);
    }
    return ledger_module(m->ledger, p->card.number, mic, done, why.text, err);
}

static bool on_through(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    (void)m;
    (void)c;
    (void)err;
    release(p);
    return true;
}

static bool on_note(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    struct err said = ERR_INIT;
    if (!station_get_err(c, &said, err)) return false;
    tell(m, p, said.text);
    return true;
}

static bool on_refused(struct make_cards *m, struct post *p, struct cur *c, struct err *err)
{
    struct err said = ERR_INIT;
    if (!station_get_err(c, &said, err)) return false;
    tell(m, p, said.text);
    m->why = said;
    return true;
}

/* What may be said in which state; the rest is nonsense. */
static const struct {
    enum station_message type;
    unsigned states; /* bits */
    bool (*take)(struct make_cards *, struct post *, struct cur *, struct err *);
} handlers[] = {
    {STATION_CARD, 1u << POST_IDLE, on_card},
    {STATION_KNOWN, 1u << POST_UNDER_WAY, on_known},
    {STATION_ENDED, 1u << POST_UNDER_WAY, on_ended},
    {STATION_MODULE, 1u << POST_MODULES, on_module},
    {STATION_THROUGH, 1u << POST_MODULES, on_through},
    {STATION_NOTE, ~0u, on_note},
    {STATION_REFUSED, ~0u, on_refused},
};

static bool dispatch(struct make_cards *m, struct post *p, enum station_message type,
                     const struct buf *payload, bool *sense, struct err *err)
{
    struct cur c = cur_make(payload->data, payload->len, 0);
    *sense = false;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].type != type || !(handlers[i].states & 1u << p->state)) continue;
        bool ok = handlers[i].take(m, p, &c, err);
        *sense = ok ||
                 err->kind != ERR_INTERNAL; /* a message that cannot be read is the station's end, not ours */
        return ok || !*sense;
    }
    return true;
}

/* ---- stations that end ---- */

/* The card that it had under way, if any, is written down as far as is known. */
static bool lose(struct make_cards *m, struct post *p, const char *how, struct err *err)
{
    struct turns_result r = {.outcome = p->known ? CARD_HALF_DONE : CARD_UNTOUCHED, .commands = 1};
    bool ok = true;

    if (p->state == POST_UNDER_WAY) {
        err_set_text(&r.err, ERR_INTERNAL, "the station %s", how);
        ok = write_outcome(m, p, &r, err) && give_back(m, p, &r, err);
        count_outcome(m, p, &r);
    }
    p->state = POST_GONE;
    return ok;
}

static bool hear(struct make_cards *m, struct post *p, struct err *err)
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
        ok = dispatch(m, p, type, &payload, &sense, err);
    buf_release(&payload);
    if (!closed && sense) return ok;
    if (!closed && p->station.pid > 0) kill(p->station.pid, SIGKILL);
    station_reap(&p->station, how);
    if (m->why.kind == ERR_NONE || !closed) {
        tell(m, p, how);
        err_set_text(&m->why, ERR_INTERNAL, "%s: the station %s", p->station.reader, how);
    }
    return lose(m, p, how, err);
}

/* ---- the loop ---- */

/* Cards that wait get what was given back meanwhile. */
static bool serve_waiting(struct make_cards *m, struct err *err)
{
    for (size_t i = 0; i < m->post_count; i++)
        if (m->posts[i].state == POST_WAITING && !give_order(m, &m->posts[i], err)) return false;
    return true;
}

static bool is_through(struct make_cards *m, bool *through, struct err *err)
{
    bool has = false;
    *through = false;
    if (count_state(m, POST_UNDER_WAY) + count_state(m, POST_MODULES) > 0) return true;
    if (!may_begin_more(m)) {
        *through = true;
        return true;
    }
    if (!record_source_has(m->source, &has, err)) return false;
    *through = !has;
    if (has && count_state(m, POST_GONE) == m->post_count) {
        *err = m->why;
        if (err->kind == ERR_NONE) err_set_text(err, ERR_INTERNAL, "no station is left");
        return false;
    }
    return true;
}

static void on_signal(struct make_cards *m, int fd, bool *at_once)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) return;
    *at_once = m->interrupted;
    m->interrupted = m->stopping = true;
    if (!*at_once && count_state(m, POST_UNDER_WAY) > 0)
        fprintf(stderr, "\ninterrupted: cards under way are finished first\n");
}

static bool step(struct make_cards *m, int signal_fd, bool *at_once, struct err *err)
{
    struct pollfd fds[STATIONS_MAX + 1] = {{.fd = signal_fd, .events = POLLIN}};

    for (size_t i = 0; i < m->post_count; i++)
        fds[i + 1] = (struct pollfd){.fd = m->posts[i].station.fd, .events = POLLIN};
    if (poll(fds, m->post_count + 1, -1) < 0)
        return errno == EINTR || err_set_errno(err, ERR_INTERNAL, errno, "poll");
    if (fds[0].revents) on_signal(m, signal_fd, at_once);
    for (size_t i = 0; i < m->post_count; i++)
        if (fds[i + 1].revents && !hear(m, &m->posts[i], err)) return false;
    return serve_waiting(m, err);
}

static bool loop(struct make_cards *m, int signal_fd, struct err *err)
{
    bool through = false, at_once = false;
    while (is_through(m, &through, err)) {
        if (through) return true;
        if (!step(m, signal_fd, &at_once, err)) return false;
        if (at_once) return true;
    }
    return false;
}

/* Lets every station end; what is still under way is written down as far as that can be done. */
static void end_all(struct make_cards *m, bool books_fail)
{
    struct err err = ERR_INIT;
    for (size_t i = 0; i < m->post_count; i++) {
        struct post *p = &m->posts[i];
        station_end(&p->station);
        if (books_fail) continue; /* the next run takes such records for half-done */
        err_ignore(lose(m, p, "was broken off", &err), "the next run takes the record for half-done");
    }
}

bool make_cards(struct make_cards *m, struct err *err)
{
    sigset_t signals, before;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &signals, &before) < 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "block signals");
    int fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    bool ok = fd >= 0 ? loop(m, fd, err) : err_set_errno(err, ERR_INTERNAL, errno, "watch signals");
    end_all(m, !ok && err->kind == ERR_FILE);
    if (fd >= 0) close(fd);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return ok;
}
