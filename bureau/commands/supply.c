/* cardbureau supply --settings SUPPLIER.yaml --batch OUT.csv: blank cards in readers get their own keys. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/hex.h"
#include "bureau/commands/commands.h"
#include "bureau/commands/posts.h"
#include "bureau/pin_once.h"
#include "bureau/supply.h"

enum { FAILURES_MAX = 3 /* cards in a row that did not get keys */, LINE_MAX_LEN = ERR_TEXT_MAX + 128 };

struct options {
    const char *settings, *batch;
    struct arg_list readers;
    uint64_t count;
    bool again, help;
};

struct run {
    const struct options *options;
    struct bureau *settings;
    struct batch *batch;
    struct posts posts;
    uint64_t failed;
};

/* ---- a card ---- */

static bool give_order(void *owner, struct post *p, struct err *err)
{
    struct run *r = owner;
    struct buf payload;
    (void)err;
    if (!posts_may_begin(&r->posts)) return true;
    buf_init(&payload, 1);
    buf_put_u8(&payload, r->options->again);
    post_say(p, STATION_SUPPLY, &payload);
    buf_release(&payload);
    p->state = POST_UNDER_WAY;
    p->known = false;
    p->id.len = 0;
    return true;
}

/* Another card of this number in another reader, not yet in the batch. */
static bool is_alone(const struct run *r, const struct post *p, struct err *err)
{
    for (size_t i = 0; i < r->posts.count; i++) {
        const struct post *other = &r->posts.all[i];
        if (other == p || other->state != POST_UNDER_WAY || !other->known) continue;
        if (!batch_is_other(r->batch, other->id.bytes, p->id.bytes))
            return err_set(err, ERR_INPUT, "the card in '%s' has the same serial number",
                           other->station.reader);
    }
    return true;
}

static bool on_known(void *owner, struct post *p, struct cur *c, struct err *err)
{
    struct run *r = owner;
    if (!station_get_card(c, &p->id, err)) return false;
    p->known = supply_known(r->batch, &p->id, err) && is_alone(r, p, err);
    if (p->known)
        post_say(p, STATION_GO, NULL);
    else
        post_refuse(p, err);
    return true;
}

static void count_failure(struct run *r, const struct post *p, const struct turns_result *result)
{
    char text[LINE_MAX_LEN];
    char id[2 * CARD_ID_MAX + 1];
    hex_write(id, sizeof(id), p->id.bytes, p->id.len, false);
    const char *card = result->serial[0] ? result->serial : id[0] ? id : "unknown";
    snprintf(text, sizeof(text), "card %s is %s and not listed: %s", card, card_outcome_name(result->outcome),
             result->err.text);
    posts_tell(&r->posts, p, text);
    r->failed++;
    posts_count_failure(&r->posts, &result->err);
}

static bool on_ended(void *owner, struct post *p, struct cur *c, struct err *err)
{
    struct run *r = owner;
    struct turns_result result;
    char text[LINE_MAX_LEN];

    if (!station_get_result(c, &result, err)) return false;
    if (result.outcome == CARD_MADE && !p->known)
        return err_set(err, ERR_INTERNAL, "a card that nobody knows is made");
    if (result.outcome != CARD_MADE) {
        count_failure(r, p, &result);
    } else {
        if (!supply_made(r->batch, &p->id, &result, err)) return false;
        r->posts.made++;
        r->posts.failures = 0;
        snprintf(text, sizeof(text), "card %s has its keys (%zu)", result.serial, batch_count(r->batch));
        posts_tell(&r->posts, p, text);
    }
    post_release(p);
    return true;
}

static bool has_more(void *owner, bool *more, struct err *err)
{
    (void)owner;
    (void)err;
    *more = true; /* until somebody says that it is enough */
    return true;
}

static bool lost(void *owner, struct post *p, const char *how, struct err *err)
{
    struct turns_result result = {.outcome = p->known ? CARD_HALF_DONE : CARD_UNTOUCHED};
    (void)err;
    if (p->known) hex_write(result.serial, sizeof(result.serial), p->id.bytes, p->id.len, false);
    err_set_text(&result.err, ERR_INTERNAL, "the station %s", how);
    count_failure(owner, p, &result);
    return true;
}

/* ---- the run ---- */

static bool start_stations(struct run *r, struct err *err)
{
    struct secret pin = SECRET_NONE;
    bool ok = pin_once_get(&pin, r->settings, err) &&
              posts_start(&r->posts, r->settings, &pin, &r->options->readers, err);
    secret_release(&pin);
    return ok;
}

static bool prepare(struct run *r, struct err *err)
{
    const struct options *o = r->options;
    if (!o->settings || !o->batch) return err_set(err, ERR_CONFIG, "give --settings and --batch");
    if (!supplier_load(&r->settings, o->settings, err)) return false;
    if (!r->settings->books_path)
        fprintf(stderr, "warning: %s names no books: this list is not compared with earlier ones\n",
                o->settings);
    r->posts.limit = o->count;
    r->posts.failures_max = FAILURES_MAX;
    return start_stations(r, err) && batch_create(&r->batch, o->batch, r->settings, err);
}

static bool work(struct run *r, struct err *err)
{
    static const struct posts_handler handlers[] = {
        {STATION_KNOWN, 1u << POST_UNDER_WAY, on_known},
        {STATION_ENDED, 1u << POST_UNDER_WAY, on_ended},
    };
    const struct posts_owner owner = {.context = r,
                                      .handlers = handlers,
                                      .handler_count = sizeof(handlers) / sizeof(handlers[0]),
                                      .serve = give_order,
                                      .has_more = has_more,
                                      .lost = lost};
    if (!posts_work(&r->posts, &owner, err)) return false;
    if (r->posts.interrupted)
        return err_set(err, ERR_INTERRUPTED, "interrupted after %zu cards", batch_count(r->batch));
    if (r->posts.stopping) {
        *err = r->posts.why;
        err_prefix(err, "%" PRIu64 " cards in a row did not get their keys, the last because of",
                   r->posts.failures);
        return false;
    }
    return r->failed == 0 ||
           err_set(err, ERR_INPUT, "done, but %" PRIu64 " cards did not get their keys", r->failed);
}

static int run(const struct options *o)
{
    struct run *r = calloc(1, sizeof(*r));
    struct err err = ERR_INIT;
    bool ok = r || err_set_no_memory(&err);
    if (r) {
        r->options = o;
        ok = prepare(r, &err) && work(r, &err);
        posts_end(&r->posts);
        if (r->batch) printf("%zu cards in %s\n", batch_count(r->batch), o->batch);
        batch_free(r->batch);
        bureau_free(r->settings);
        free(r);
    }
    return ok ? 0 : args_fail(&supply_command, &err);
}

static int command_supply(int argc, char **argv)
{
    int status = 0;
    struct options o = {.help = false};
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the supplier's settings", {.text = &o.settings}},
        {"batch", ARG_TEXT, "OUT", "the list of cards, a new file", {.text = &o.batch}},
        {"reader",
         ARG_LIST,
         "PATTERN",
         "readers by name, as the shell matches names (default: readers: of the settings)",
         {.list = &o.readers}},
        {"count", ARG_NUMBER, "N", "end after so many cards", {.number = &o.count}},
        {"again", ARG_FLAG, NULL, "also list cards that have their own keys already", {.flag = &o.again}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&supply_command, argc, argv, options, count, NULL, &status)) return status;
    return run(&o);
}

const struct arg_command supply_command = {
    "cardbureau", "supply", "", 0, "put their own keys onto blank cards", command_supply};
