#include "bench/ready_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "bench/setup.h"
#include "bench/timing.h"
#include "prep/workshop.h"

enum { WRAPPED_MAX = 1 << 12 };

struct ready_pair {
    unsigned bits;
    unsigned long exponent;
    struct card_pair pair;
};
struct shelf {
    struct ready_pair *pairs;
    size_t count, next;
};

static bool take(void *context, const struct profile_key_pair *rule, struct card_pair *out, struct err *err)
{
    struct shelf *shelf = context;

    for (size_t i = 0; i < shelf->count; i++) {
        const struct ready_pair *p = &shelf->pairs[(shelf->next + i) % shelf->count];
        if (p->bits != rule->bits || p->exponent != rule->exponent) continue;
        memcpy(out->modulus, p->pair.modulus, p->pair.modulus_len);
        out->modulus_len = p->pair.modulus_len;
        memcpy(out->exponent, p->pair.exponent, p->pair.exponent_len);
        out->exponent_len = p->pair.exponent_len;
        memcpy(out->kcv, p->pair.kcv, sizeof(out->kcv));
        buf_clear(&out->wrapped);
        buf_put(&out->wrapped, p->pair.wrapped.data, p->pair.wrapped.len);
        shelf->next += i + 1;
        return buf_ok(&out->wrapped, "key pair", err);
    }
    return err_set(err, ERR_INTERNAL, "no pair of %u bits made beforehand", rule->bits);
}

static bool fill(struct shelf *shelf, const struct setup *s, size_t each, struct err *err)
{
    const struct pair_maker generator = key_pair_generator(s->keys);

    for (size_t a = 0; a < s->job->application_count; a++) {
        const struct profile *profile = s->job->applications[a].profile;
        if (!profile || !profile->key_pair.present) continue;
        for (size_t i = 0; i < each && shelf->count < READY_PAIRS_MAX; i++) {
            struct ready_pair *p = &shelf->pairs[shelf->count++];
            p->bits = profile->key_pair.bits;
            p->exponent = profile->key_pair.exponent;
            buf_init(&p->pair.wrapped, WRAPPED_MAX);
            if (!generator.make(generator.context, &profile->key_pair, &p->pair, err)) return false;
        }
    }
    return true;
}

static bool prepare_cards(struct setup *s, struct workshop *w, double seconds, struct ready_result *result,
                          struct err *err)
{
    struct buf record;
    bool ok = true;

    buf_init(&record, MIC_DIGITS + MIC_RECORD_MAX);
    const double begin = clock_us(), cpu_begin = cpu_us();
    while (ok && clock_us() - begin < seconds * 1e6) {
        buf_clear(&record);
        ok = setup_next(s, err) && workshop_prepare(w, &s->plan, &record, err);
        result->cards += ok;
    }
    result->seconds = (clock_us() - begin) / 1e6;
    result->cpu_us = cpu_us() - cpu_begin;
    buf_release(&record);
    return ok;
}

bool ready_pairs_measure(const void *context, void *out, struct err *err)
{
    const struct ready_order *order = context;
    struct setup s;
    struct workshop *w = NULL;
    struct shelf shelf = {.pairs = calloc(READY_PAIRS_MAX, sizeof(*shelf.pairs))};

    if (!shelf.pairs) return err_set_no_memory(err);
    bool ok = setup_open(&s, order->job, err);
    if (ok) {
        const struct pair_maker maker = {.make = take, .context = &shelf};
        ok = fill(&shelf, &s, order->pairs, err) && workshop_new(&w, s.job, &s.identity, s.keys, err);
        if (ok) workshop_set_pair_maker(w, &maker);
        ok = ok && prepare_cards(&s, w, order->seconds, out, err);
        workshop_free(w);
        setup_close(&s);
    }
    for (size_t i = 0; i < shelf.count; i++)
        buf_release(&shelf.pairs[i].pair.wrapped);
    free(shelf.pairs);
    return ok;
}
