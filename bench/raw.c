#include "bench/raw.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/setup.h"

enum { SAMPLES_MIN = 20 };

void raw_wait_until(double us)
{
    const double left = us - clock_us();
    if (us > 0 && left > 0) usleep((useconds_t)left);
}

static void name_token(const struct setup *s, struct raw_costs *costs)
{
    snprintf(costs->token, sizeof(costs->token), "%.40s (%.100s)", hsm_token_label(s->tokens.master),
             hsm_token_model(s->tokens.master));
}

/* A real record, for its length. */
static bool prepare_one(struct setup *s, size_t *len, struct err *err)
{
    struct workshop *w = NULL;
    struct buf record;

    buf_init(&record, MIC_DIGITS + MIC_RECORD_MAX);
    bool ok =
        workshop_new(&w, s->job, &s->identity, s->keys, err) && workshop_prepare(w, &s->plan, &record, err);
    *len = record.len;
    workshop_free(w);
    buf_release(&record);
    return ok;
}

static bool repeat_card(struct setup *s, const struct raw_order *order, struct raw_costs *costs,
                        struct err *err)
{
    struct operation operations[OPERATIONS_MAX];

    if (!setup_next(s, err) || !prepare_one(s, &costs->record_len, err)) return false;
    if (!operations_of_card(s->keys, &s->plan, costs->record_len, operations, &costs->count, err))
        return false;
    raw_wait_until(order->start_us);
    const double begin = clock_us(), cpu_begin = cpu_us();
    do {
        const double before = clock_us();
        for (size_t i = 0; i < costs->count; i++) {
            if (!operation_run(&operations[i], s->keys, &costs->operations[i], err)) return false;
        }
        timing_add(&costs->card, clock_us() - before);
    } while (clock_us() - begin < order->seconds * 1e6);
    costs->cpu_us = cpu_us() - cpu_begin;
    return true;
}

static bool repeat_each(struct setup *s, const struct raw_order *order, struct raw_costs *costs,
                        struct err *err)
{
    struct operation operations[OPERATIONS_MAX];

    if (!operations_of_token(s->keys, operations, &costs->count, err)) return false;
    for (size_t i = 0; i < costs->count; i++) {
        const bool pair = operations[i].kind == OPERATION_PAIR;
        const uint64_t least = pair ? order->pairs : SAMPLES_MIN;
        const double share = order->seconds * 1e6 / (double)costs->count, begin = clock_us();
        for (uint64_t n = 0; n < least || clock_us() - begin < share; n++) {
            if (!operation_run(&operations[i], s->keys, &costs->operations[i], err)) return false;
        }
    }
    return true;
}

typedef bool repeat_fn(struct setup *s, const struct raw_order *order, struct raw_costs *costs,
                       struct err *err);

static bool measure(const struct raw_order *order, struct raw_costs *costs, repeat_fn *repeat,
                    struct err *err)
{
    struct setup s;

    if (!setup_open(&s, order->job, err)) return false;
    name_token(&s, costs);
    bool ok = repeat(&s, order, costs, err);
    setup_close(&s);
    return ok;
}

bool raw_card(const void *order, void *costs, struct err *err)
{
    return measure(order, costs, repeat_card, err);
}

bool raw_token(const void *order, void *costs, struct err *err)
{
    return measure(order, costs, repeat_each, err);
}

void raw_join(struct raw_costs *all, const struct raw_costs *more)
{
    if (all->count == 0) {
        *all = *more;
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        for (size_t part = 0; part < OPERATION_PARTS; part++)
            timing_join(&all->operations[i].parts[part], &more->operations[i].parts[part]);
    }
    timing_join(&all->card, &more->card);
    all->cpu_us += more->cpu_us;
}

double raw_card_us(const struct raw_costs *costs, int application, bool with_pairs)
{
    double us = 0;
    for (size_t i = 0; i < costs->count; i++) {
        const struct operation_cost *o = &costs->operations[i];
        if (application != ALL_APPLICATIONS && o->application != application) continue;
        if (o->kind == OPERATION_PAIR && !with_pairs) continue;
        us += operation_cost_us(o);
    }
    return us;
}
