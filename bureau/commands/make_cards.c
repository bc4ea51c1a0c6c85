#include "bureau/commands/make_cards.h"

#include <inttypes.h>
#include <stdio.h>

static void tell_record(const struct make_cards *m, const struct post *p, const char *outcome,
                        const char *why)
{
    if (m->posts.progress.drawn) fputc('\n', stderr);
    fprintf(stderr, "%s: record %" PRIu64 ": %s: %s\n", p->station.reader, p->card.number, outcome, why);
}

/* ---- orders ---- */

static void send_order(struct make_cards *m, struct post *p, const struct offered_record *o,
                       enum card_purpose purpose)
{
    struct buf payload;
    buf_init(&payload, STATION_PAYLOAD_MAX);
    buf_put_be(&payload, (uint64_t)m->retries + 1, 4);
    buf_put_u8(&payload, (uint8_t)purpose);
    buf_put_be(&payload, o->card.number, 8);
    buf_put(&payload, o->bytes, o->len);
    post_say(p, STATION_ORDER, &payload);
    buf_release(&payload);
    modules_due(m->settings, o->record, p->modules);
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

    *begun =
        bound_read(m->settings, o->record, &p->due, err) && ledger_begin(m->ledger, &what, &expected, err);
    if (!*begun && err->kind != ERR_INPUT) return false;
    p->card = o->card;
    if (*begun) {
        send_order(m, p, o, expected.len > 0 ? PURPOSE_REPEAT : PURPOSE_RECORD);
    } else {
        tell_record(m, p, "left for a redo", err->text);
        m->left++;
        m->posts.why = *err;
    }
    return true;
}

/* Under way in a reader? */
static bool is_open(const struct make_cards *m, uint64_t number)
{
    const struct journal_record *r = journal_book_find(ledger_book(m->ledger), number);
    return r && r->open;
}

/* Another record than the one that was offered is this card's (it is on it already, or for it alone): that one, now. If the card in
 * another reader is being asked for it, this one waits. *served false: it is not to be had any more. */
static bool switch_record(struct make_cards *m, struct post *p, bool *served, struct err *err)
{
    struct offered_record offered;
    bool found = false;
    const uint64_t number = p->switch_to;

    *served = false;
    if (number > 0 && !m->posts.stopping && is_open(m, number)) {
        p->state = POST_WAITING;
        *served = true;
        return true;
    }
    p->switch_to = 0;
    if (number == 0 || m->posts.stopping) return true;
    return record_source_take(m->source, number, &found, &offered, err) &&
           (!found || begin(m, p, &offered, served, err));
}

/* The card that waits gets its record, or the next one that can be begun. */
static bool give_order(void *owner, struct post *p, struct err *err)
{
    struct make_cards *m = owner;
    struct offered_record offered;
    bool has = false, begun = false;

    p->state = POST_WAITING;
    if (p->switch_to && posts_may_begin(&m->posts)) {
        if (!switch_record(m, p, &begun, err)) return false;
        if (!begun) post_release(p);
        return true;
    }
    while (!begun && posts_may_begin(&m->posts)) {
        if (!record_source_has(m->source, &has, err)) return false;
        if (!has) return true;
        if (!record_source_next(m->source, &offered, err) || !begin(m, p, &offered, &begun, err))
            return false;
    }
    return true;
}

/* ---- what stations say ---- */

static bool put_bound(void *context, const struct offered_record *o, struct err *err)
{
    const struct make_cards *m = context;
    struct card_id due;
    /* One that binds to nothing that can be read is for no card; begin() says so in its turn. */
    if (!bound_read(m->settings, o->record, &due, err)) return err->kind == ERR_INPUT;
    return bound_index_add(m->bound, &due, o->card.number, err);
}

/* The record that is for this card and no other; 0: none, or it is made. */
static bool find_bound(struct make_cards *m, const struct card_id *id, uint64_t *number, struct err *err)
{
    if (!m->bound && (!bound_index_new(&m->bound, err) || !record_source_each(m->source, put_bound, m, err)))
        return false;
    *number = bound_index_find(m->bound, id);
    if (!record_source_is_left(m->source, *number) && !is_open(m, *number)) *number = 0;
    return true;
}

static bool on_known(void *owner, struct post *p, struct cur *c, struct err *err)
{
    struct make_cards *m = owner;
    struct err second = ERR_INIT;
    struct card_id id;

    if (!station_get_card(c, &id, err)) return false;
    const bool fits = bound_check(&p->due, &id, err);
    p->known = fits && ledger_known(m->ledger, &p->card, &id, m->retries, err);
    if (p->known) {
        post_say(p, STATION_GO, NULL);
        return true;
    }
    if (err->kind != ERR_INPUT) return false;
    p->card_refused = true;
    if (!fits && !find_bound(m, &id, &p->switch_to, &second)) {
        *err = second;
        return false;
    }
    if (fits && m->redo) p->switch_to = journal_book_record_on(ledger_book(m->ledger), &id);
    if (p->switch_to == p->card.number) p->switch_to = 0; /* that one has just been refused on it */
    post_refuse(p, err);
    return true;
}

static bool write_outcome(struct make_cards *m, struct post *p, const struct turns_result *r, struct err *err)
{
    const struct journal_ending ending = {p->card.number, r->outcome,  r->serial, r->what,
                                          r->err.text,    r->commands, r->ms,     p->modules};
    return ledger_outcome(m->ledger, &p->card, &ending, err);
}

static void count_outcome(struct make_cards *m, struct post *p, const struct turns_result *r)
{
    uint64_t *const counts[] = {
        [CARD_MADE] = &m->posts.made,
        [CARD_UNTOUCHED] = &m->untouched,
        [CARD_HALF_DONE] = &m->half_done,
        [CARD_SPOILED] = &m->spoiled,
    };
    if (p->due.len > 0 && p->switch_to) return; /* it was not its turn, and the card gets its own record */
    ++*counts[r->outcome];
    if (r->outcome == CARD_MADE) {
        m->posts.failures = 0;
        progress_update(&m->posts.progress, m->posts.made, clock_monotonic_ms());
        return;
    }
    if (r->token_lost) m->token = r->err;
    tell_record(m, p, card_outcome_name(r->outcome), r->err.text);
    if (p->switch_to)
        m->posts.why = r->err; /* the right record comes at once */
    else
        posts_count_failure(&m->posts, &r->err);
}

/* A record whose card stayed as it was goes to the next card, unless the fault seems to be its own. A token that fails is no fault of it. */
static bool give_back(struct make_cards *m, const struct post *p, const struct turns_result *r,
                      struct err *err)
{
    const struct journal_record *j = journal_book_find(ledger_book(m->ledger), p->card.number);
    bool own_fault = r->commands == 0 || (!p->card_refused && j && j->begun >= CARDS_PER_RECORD);
    if (r->outcome != CARD_UNTOUCHED) return true;
    if (r->token_lost || !own_fault) return record_source_give_back(m->source, p->card.number, err);
    m->left++;
    return true;
}

static bool on_ended(void *owner, struct post *p, struct cur *c, struct err *err)
{
    struct make_cards *m = owner;
    struct turns_result r;
    bool again = false;

    if (!station_get_result(c, &r, err) || !write_outcome(m, p, &r, err)) return false;
    count_outcome(m, p, &r);
    if (!give_back(m, p, &r, err) || !switch_record(m, p, &again, err)) return false;
    if (again) return true;
    if (r.outcome == CARD_UNTOUCHED && r.commands == 0 && !r.token_lost)
        return give_order(m, p, err); /* the card was not asked */
    if (r.outcome == CARD_MADE && p->modules[0]) {
        post_say(p, STATION_MODULES, NULL);
        p->state = POST_MODULES;
    } else {
        post_release(p);
    }
    return true;
}

static bool on_module(void *owner, struct post *p, struct cur *c, struct err *err)
{
    struct make_cards *m = owner;
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

static bool on_through(void *owner, struct post *p, struct cur *c, struct err *err)
{
    (void)owner;
    (void)c;
    (void)err;
    post_release(p);
    return true;
}

static const struct posts_handler handlers[] = {
    {STATION_KNOWN, 1u << POST_UNDER_WAY, on_known},
    {STATION_ENDED, 1u << POST_UNDER_WAY, on_ended},
    {STATION_MODULE, 1u << POST_MODULES, on_module},
    {STATION_THROUGH, 1u << POST_MODULES, on_through},
};

/* The card that a station had under way is written down as far as is known. */
static bool lost(void *owner, struct post *p, const char *how, struct err *err)
{
    struct make_cards *m = owner;
    struct turns_result r = {.outcome = p->known ? CARD_HALF_DONE : CARD_UNTOUCHED, .commands = 1};

    if (p->state == POST_MODULES) {
        m->modules_failed++;
        tell_record(m, p, "made", "its station ended before all modules were through");
        return true;
    }
    err_set_text(&r.err, ERR_INTERNAL, "the station %s", how);
    bool ok = write_outcome(m, p, &r, err) && give_back(m, p, &r, err);
    count_outcome(m, p, &r);
    return ok;
}

static bool has_more(void *owner, bool *more, struct err *err)
{
    const struct make_cards *m = owner;
    return record_source_has(m->source, more, err);
}

bool make_cards(struct make_cards *m, struct err *err)
{
    const struct posts_owner owner = {.context = m,
                                      .handlers = handlers,
                                      .handler_count = sizeof(handlers) / sizeof(handlers[0]),
                                      .serve = give_order,
                                      .has_more = has_more,
                                      .lost = lost};
    bool ok = posts_work(&m->posts, &owner, err);
    bound_index_free(m->bound);
    m->bound = NULL;
    return ok;
}
