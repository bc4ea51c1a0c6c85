#include "bureau/conversation_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

/* ---- ends ---- */

const char *card_outcome_name(enum card_outcome outcome)
{
    static const char *const names[] = {[CARD_MADE] = "made",
                                        [CARD_UNTOUCHED] = "untouched",
                                        [CARD_HALF_DONE] = "half-done",
                                        [CARD_SPOILED] = "spoiled"};
    return names[outcome];
}

void conversation_set_turn(const struct conversation *c, struct card_turn *turn)
{
    turn->what = c->what;
    snprintf(turn->serial, sizeof(turn->serial), "%s", c->serial);
}

enum card_outcome conversation_outcome(const struct conversation *c)
{
    if (c->step == STEP_DONE) return CARD_MADE;
    if (c->spoiled) return CARD_SPOILED;
    return c->changed ? CARD_HALF_DONE : CARD_UNTOUCHED;
}

bool conversation_end(struct conversation *c, struct card_turn *turn, const struct err *why)
{
    c->order.crypto.close(c->order.crypto.context);
    conversation_set_turn(c, turn);
    buf_clear(&turn->command);
    turn->done = true;
    turn->outcome = conversation_outcome(c);
    if (!why && !c->order.record) buf_put(&turn->command, c->keys.checks.data, c->keys.checks.len);
    if (why) turn->err = *why;
    if (why) err_prefix(&turn->err, "%s", c->what);
    return true;
}

/* False for what is the token's or memory's fault; the rest is the end of this card. */
bool conversation_fail(struct conversation *c, struct card_turn *turn, const struct err *why, struct err *err)
{
    if (why->kind == ERR_TOKEN || why->kind == ERR_INTERNAL) {
        *err = *why;
        err_prefix(err, "%s", c->what);
        return false;
    }
    return conversation_end(c, turn, why);
}

/* ---- the order of steps ---- */

static bool go(struct conversation *c, enum step step, struct card_turn *turn, struct err *err)
{
    c->step = step;
    if (step == STEP_DONE) {
        snprintf(c->what, sizeof(c->what), "done");
        return conversation_end(c, turn, NULL);
    }
    return conversation_give(c, turn, err);
}

/* Does the domain's channel still stand? An application of the selecting kind ended it. */
static bool domain_is_open(const struct conversation *c)
{
    return c->purpose != FOR_APPLICATION;
}

static bool ask_new_keys(struct conversation *c, struct err *why)
{
    const struct card_crypto *k = &c->order.crypto;
    buf_clear(&c->keys.data);
    buf_clear(&c->keys.checks);
    c->keys.checks_wanted = c->order.again;
    return k->new_keys(k->context, &c->keys, why);
}

/* Through the domain, when everything is loaded. */
static bool lock(struct conversation *c, struct card_turn *turn, struct err *err)
{
    struct err why = ERR_INIT;
    if (c->order.record->ring->settings->replace_keys && !c->keys_done) {
        if (!ask_new_keys(c, &why)) return conversation_fail(c, turn, &why, err);
        if (c->keys.needed) return go(c, STEP_PUT_KEY, turn, err);
    }
    return go(c, STEP_LOCK, turn, err);
}

static bool next_application(struct conversation *c, size_t from, struct card_turn *turn, struct err *err)
{
    const struct open_record *r = c->order.record;
    for (c->application = from; c->application < r->application_count; c->application++) {
        const struct open_application *a = conversation_application(c);
        if (a->item_count == 0) continue;
        c->item = 0;
        c->block = 0;
        buf_clear(&c->dgis);
        if (a->load == BUREAU_LOAD_SELECT) {
            c->purpose = FOR_APPLICATION;
            return go(c, STEP_SELECT_APPLICATION, turn, err);
        }
        if (domain_is_open(c)) return go(c, STEP_INSTALL, turn, err);
        c->purpose = FOR_DOMAIN; /* back to the domain first; what is to be loaded is known already */
        return go(c, STEP_SELECT_DOMAIN, turn, err);
    }
    if (domain_is_open(c)) return lock(c, turn, err);
    c->purpose = FOR_LOCK;
    return go(c, STEP_SELECT_DOMAIN, turn, err);
}

/* A supplier's card: its keys, once, and no more. */
static bool supply(struct conversation *c, struct card_turn *turn, struct err *err)
{
    struct err why = ERR_INIT;
    if (c->keys_done) return go(c, STEP_DONE, turn, err);
    if (!ask_new_keys(c, &why)) return conversation_fail(c, turn, &why, err);
    if (c->keys.needed) return go(c, STEP_PUT_KEY, turn, err);
    if (c->order.again) return go(c, STEP_DONE, turn, err);
    err_set(&why, ERR_INPUT, "the card has its own keys already");
    return conversation_end(c, turn, &why);
}

static bool is_under_own_key(const struct open_item *item)
{
    return item->secrets && item->secrets[0].wrapped.method != METHOD_KWP;
}

/* What the issuer encrypted under a key of the card's own goes to it as it is: does the card have that key? Asked before anything on
 * it changes. A record that is repeated may be on a card whose keys were replaced behind it. */
static bool own_keys_fit(struct conversation *c, bool *any, struct err *why)
{
    const struct card_crypto *k = &c->order.crypto;
    const struct open_record *r = c->order.record;
    bool ok = true, unused = false;
    for (size_t n = 0; ok && n < r->application_count; n++) {
        const struct open_application *a = &r->applications[n];
        for (size_t i = 0; ok && i < a->item_count; i++) {
            if (!is_under_own_key(&a->items[i])) continue;
            *any = true;
            buf_clear(&c->dgis);
            ok = c->order.repeated || k->protect(k->context, &a->items[i], &c->dgis, &unused, why);
        }
        if (!ok) err_prefix(why, "application %s", a->name);
    }
    buf_clear(&c->dgis);
    return ok;
}

/* The first channel. Keys are replaced at once, unless what is to be loaded needs those that the card has. */
static bool begin_card(struct conversation *c, struct card_turn *turn, struct err *err)
{
    struct err why = ERR_INIT;
    bool own_keys = false;
    if (!own_keys_fit(c, &own_keys, &why)) return conversation_fail(c, turn, &why, err);
    if (!own_keys && c->order.record->ring->settings->replace_keys) {
        if (!ask_new_keys(c, &why)) return conversation_fail(c, turn, &why, err);
        if (c->keys.needed) return go(c, STEP_PUT_KEY, turn, err);
    }
    return next_application(c, c->application, turn, err);
}

static bool after_authenticate(struct conversation *c, struct card_turn *turn, struct err *err)
{
    if (!c->order.record) return supply(c, turn, err);
    if (c->purpose == FOR_APPLICATION) return go(c, STEP_STORE, turn, err);
    if (c->purpose == FOR_LOCK) return lock(c, turn, err);
    if (c->purpose == FOR_CARD) return begin_card(c, turn, err);
    return next_application(c, c->application, turn, err);
}

/* ---- taking answers ---- */

static bool refused(struct conversation *c, unsigned sw, struct card_turn *turn)
{
    char text[APDU_SW_TEXT];
    struct err why = ERR_INIT;
    apdu_sw_text(sw, text);
    err_set(&why, ERR_INPUT, "the card answers %s", text);
    return conversation_end(c, turn, &why);
}

static bool take_initialize(struct conversation *c, const struct apdu_answer *a, struct card_turn *turn,
                            struct err *err)
{
    const struct card_crypto *k = &c->order.crypto;
    struct scp_answer answer;
    struct err why = ERR_INIT;
    if (!scp_answer_read(a->data, a->len, &answer, &why)) return conversation_fail(c, turn, &why, err);
    hex_write(c->serial, sizeof(c->serial), answer.key_data, sizeof(answer.key_data), false);
    buf_clear(&c->authenticate);
    if (c->keys_done && c->purpose == FOR_DOMAIN && answer.key_version != c->keys.version) {
        c->spoiled = true;
        err_set(&why, ERR_INTEGRITY, "the card took keys of version %u and still answers with version %u",
                (unsigned)c->keys.version, (unsigned)answer.key_version);
        return conversation_end(c, turn, &why);
    }
    if (k->open(k->context, &answer, c->host, &c->authenticate, &why))
        return go(c, STEP_AUTHENTICATE, turn, err);
    if (why.kind == ERR_INTEGRITY && ++c->tries < c->order.tries)
        return go(c, STEP_INITIALIZE_UPDATE, turn, err);
    return conversation_fail(c, turn, &why, err);
}

static bool take_put_key(struct conversation *c, const struct apdu_answer *a, struct card_turn *turn,
                         struct err *err)
{
    struct err why = ERR_INIT;
    if (!bytes_equal(a->data, a->len, c->keys.checks.data, c->keys.checks.len)) {
        c->spoiled = true;
        err_set(&why, ERR_INTEGRITY, "the card answers with other check values than its new keys have");
        return conversation_end(c, turn, &why);
    }
    c->keys_done = true;
    c->purpose = FOR_DOMAIN; /* and see that they work */
    return go(c, STEP_SELECT_DOMAIN, turn, err);
}

static bool take_store(struct conversation *c, struct card_turn *turn, struct err *err)
{
    conversation_stored(c);
    if (c->item < conversation_application(c)->item_count) return go(c, STEP_STORE, turn, err);
    return next_application(c, c->application + 1, turn, err);
}

static bool take_good(struct conversation *c, const struct apdu_answer *a, struct card_turn *turn,
                      struct err *err)
{
    switch (c->step) {
    case STEP_SELECT_DOMAIN:
    case STEP_SELECT_APPLICATION:
        return go(c, STEP_INITIALIZE_UPDATE, turn, err);
    case STEP_INITIALIZE_UPDATE:
        return take_initialize(c, a, turn, err);
    case STEP_AUTHENTICATE:
        return after_authenticate(c, turn, err);
    case STEP_PUT_KEY:
        return take_put_key(c, a, turn, err);
    case STEP_INSTALL:
        return go(c, STEP_STORE, turn, err);
    case STEP_STORE:
        return take_store(c, turn, err);
    case STEP_INITIALIZED:
        return go(c, STEP_LOCK, turn, err);
    case STEP_LOCK:
    case STEP_DONE:
        break;
    }
    return go(c, STEP_DONE, turn, err);
}

static bool changes_card(enum step step)
{
    return step == STEP_PUT_KEY || step == STEP_STORE || step == STEP_INITIALIZED || step == STEP_LOCK;
}

/* Of a record that is repeated: an application that was finished takes no INSTALL and no first block, a card that is locked no step
 * towards it. */
static bool was_done(const struct conversation *c)
{
    return c->step == STEP_INSTALL || (c->step == STEP_STORE && c->block == 0) || c->step == STEP_INITIALIZED;
}

static bool go_on_behind(struct conversation *c, struct card_turn *turn, struct err *err)
{
    return c->step == STEP_INITIALIZED ? go(c, STEP_DONE, turn, err)
                                       : next_application(c, c->application + 1, turn, err);
}

/* The whole answer, all pieces fetched. */
static bool take_whole(struct conversation *c, const struct apdu_answer *a, struct card_turn *turn,
                       struct err *err)
{
    const struct card_crypto *k = &c->order.crypto;
    const unsigned class = a->sw >> 8;
    const bool done = a->sw == SW_OK || apdu_sw_is_warning(a->sw);
    struct err why = ERR_INIT;
    struct buf data;
    if (changes_card(c->step) && (done || class == 0x65)) c->changed = true;
    if (changes_card(c->step) && a->sw == SW_MEMORY_FAILED) c->spoiled = true;
    /* SECURED follows INITIALIZED, and a card may still be before that */
    if (c->step == STEP_LOCK && a->sw == SW_CONDITIONS && !c->initialized) {
        c->initialized = true;
        return go(c, STEP_INITIALIZED, turn, err);
    }
    if (a->sw == SW_CONDITIONS && c->order.repeated && was_done(c)) return go_on_behind(c, turn, err);
    if (a->sw != SW_OK) return refused(c, a->sw, turn);
    buf_init(&data, APDU_ANSWER_MAX);
    bool ok = true;
    if (c->in_channel)
        ok = k->answer(k->context, a, &data, &why);
    else if (a->len > 0)
        buf_put(&data, a->data, a->len);
    const struct apdu_answer clear = {data.data, data.len, a->sw};
    ok = ok ? take_good(c, &clear, turn, err) : conversation_fail(c, turn, &why, err);
    buf_release(&data);
    return ok;
}

static bool pulled(struct conversation *c, struct card_turn *turn)
{
    struct err why = ERR_INIT;
    if (changes_card(c->step)) c->changed = true; /* it may have been done */
    err_set(&why, ERR_INPUT, "no answer: the card was pulled out, or its reader is gone");
    return conversation_end(c, turn, &why);
}

bool conversation_answer(struct conversation *c, const uint8_t *answer, size_t len, struct card_turn *turn,
                         struct err *err)
{
    struct apdu_answer a;
    struct err why = ERR_INIT;
    err_clear(&turn->err);
    if (c->step == STEP_DONE) return err_set(err, ERR_INTERNAL, "the conversation is at its end");
    if (len == 0) return pulled(c, turn);
    if (!apdu_answer_read(answer, len, &a, &why)) {
        if (changes_card(c->step)) c->changed = true;
        return conversation_fail(c, turn, &why, err);
    }
    const bool asks = apdu_sw_has_more(a.sw) || apdu_sw_wrong_le(a.sw);
    if (apdu_sw_has_more(a.sw) && changes_card(c->step)) c->changed = true;
    if (asks && ++c->fetches > FETCHES_MAX) return refused(c, a.sw, turn);
    if (apdu_sw_wrong_le(a.sw) && !c->fetching) return conversation_give_again(c, a.sw, turn, err);
    if (a.len > 0) buf_put(&c->collected, a.data, a.len);
    if (!buf_ok(&c->collected, "the card's answer", &why)) return conversation_fail(c, turn, &why, err);
    if (asks) return conversation_give_fetch(c, a.sw, turn, err);
    const struct apdu_answer whole = {c->collected.data, c->collected.len, a.sw};
    return take_whole(c, &whole, turn, err);
}

/* ---- beginning ---- */

static void forget(struct conversation *c)
{
    struct buf *bufs[] = {&c->authenticate, &c->keys.data, &c->keys.checks,
                          &c->dgis,         &c->command,   &c->collected};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        buf_release(bufs[i]);
}

bool conversation_new(struct conversation **out, const struct conversation_order *order,
                      struct card_turn *turn, struct err *err)
{
    struct conversation *c = calloc(1, sizeof(*c));
    if (!c) return err_set_no_memory(err);
    c->order = *order;
    if (c->order.tries == 0) c->order.tries = 1;
    if (order->challenge) memcpy(c->given, order->challenge, sizeof(c->given));
    buf_init(&c->authenticate, COMMAND_MAX);
    buf_init(&c->keys.data, APDU_SHORT_DATA_MAX);
    buf_init(&c->keys.checks, APDU_SHORT_DATA_MAX);
    buf_init(&c->dgis, DGIS_MAX);
    buf_init(&c->command, COMMAND_MAX);
    buf_init(&c->collected, APDU_ANSWER_MAX);
    err_clear(&turn->err);
    if (!go(c, STEP_SELECT_DOMAIN, turn, err)) {
        conversation_free(c);
        return false;
    }
    *out = c;
    return true;
}

void conversation_free(struct conversation *c)
{
    if (!c) return;
    c->order.crypto.close(c->order.crypto.context);
    forget(c);
    free(c);
}
