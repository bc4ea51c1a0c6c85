#include "bench/measure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum {
    CARDS_FIRST = 100,           /* in the input, before a rate is known */
    START_TOGETHER_US = 1500000, /* after which two processes have logged in, one after the other */
    READY_PAIRS = 32,
};

void measure_say(const struct measure_settings *settings, const char *format, ...)
{
    va_list args;
    if (!settings->people) return;
    va_start(args, format);
    fputs("cardbench: ", settings->people);
    vfprintf(settings->people, format, args);
    fputc('\n', settings->people);
    va_end(args);
}

bool measure_token(struct measurement *m, const struct measure_settings *settings, struct err *err)
{
    const struct raw_order order = {.job = m->job, .seconds = settings->seconds, .pairs = settings->pairs};
    measure_say(settings, "%s: the token", m->job->name);
    return child_run(raw_token, &order, &m->token, sizeof(m->token), err);
}

/* ---- one round ---- */

static bool token_alone(struct measurement *m, const struct measure_settings *settings, double *card_us,
                        struct err *err)
{
    static struct raw_costs costs;
    const struct raw_order order = {.job = m->job, .seconds = settings->seconds / 2};

    if (!child_run(raw_card, &order, &costs, sizeof(costs), err)) return false;
    *card_us = raw_card_us(&costs, ALL_APPLICATIONS, true);
    raw_join(&m->card, &costs);
    return true;
}

static bool token_twice(struct measurement *m, const struct measure_settings *settings, struct err *err)
{
    static struct raw_costs costs[2];
    const struct raw_order order = {
        .job = m->job, .seconds = settings->seconds / 2, .start_us = clock_us() + START_TOGETHER_US};
    const struct together both = {.contexts = {&order, &order},
                                  .results = {&costs[0], &costs[1]},
                                  .count = 2,
                                  .result_len = sizeof(costs[0])};

    if (!child_run_together(raw_card, &both, err)) return false;
    double rate = 0;
    for (size_t i = 0; i < 2; i++)
        rate += 1e6 / raw_card_us(&costs[i], ALL_APPLICATIONS, true);
    rounds_add(&m->two_processes, rate);
    return true;
}

static bool end_to_end(struct measured_run *run, const struct bench_input *input,
                       const struct measure_settings *settings, double bound, struct err *err)
{
    struct run_result result;
    const uint64_t cards = (uint64_t)(bound * run->workers * settings->seconds) + 2;

    if (!run_cardprep(settings->cardprep, input, cards, run->workers, &result, err)) return false;
    if (result.cards == 0 || result.cards_s <= 0)
        return err_set(err, ERR_INPUT, "%" PRIu64 " cards take no time that can be measured", result.cards);
    run->cards += result.cards;
    run->cards_s += result.cards_s;
    run->cpu_us += result.cpu_us;
    rounds_add(&run->rate, (double)result.cards / result.cards_s);
    rounds_add(&run->whole_rate, (double)result.cards / result.whole_s);
    return true;
}

static double last(const struct rounds *r)
{
    return r->values[r->count - 1];
}

static bool measure_round(struct measurement *m, const struct bench_input *input,
                          const struct measure_settings *settings, struct err *err)
{
    double before_us = 0, after_us = 0;
    struct measured_run *one = &m->runs[0], *two = &m->runs[1];

    if (!token_alone(m, settings, &before_us, err)) return false;
    if (!end_to_end(one, input, settings, 1e6 / before_us, err)) return false;
    if (!token_alone(m, settings, &after_us, err)) return false;
    const double bound = 2e6 / (before_us + after_us);
    if (!end_to_end(two, input, settings, bound, err)) return false;
    if (!token_twice(m, settings, err)) return false;
    rounds_add(&m->bound, bound);
    rounds_add(&one->ratio, last(&one->rate) / bound);
    rounds_add(&two->ratio, last(&two->rate) / last(&m->two_processes));
    rounds_add(&m->two_to_one, last(&two->rate) / last(&one->rate));
    rounds_add(&m->two_processes_to_one, last(&m->two_processes) / bound);
    return true;
}

/* ---- memory ---- */

static bool measure_memory(struct measurement *m, const struct bench_input *input,
                           const struct measure_settings *settings, struct err *err)
{
    const uint64_t records[MEMORY_RUNS] = {
        settings->memory_small, m->has_pairs ? settings->memory_large_with_pairs : settings->memory_large};

    for (size_t i = 0; i < MEMORY_RUNS; i++) {
        if (!records[i] || (i > 0 && !input->ours)) continue;
        measure_say(settings, "%s: memory over %" PRIu64 " records", m->job->name, records[i]);
        if (!run_cardprep(settings->cardprep, input, records[i], RUNS, &m->memory[i], err)) return false;
    }
    return true;
}

bool measure_job(struct measurement *m, const struct bench_input *input,
                 const struct measure_settings *settings, struct err *err)
{
    const struct ready_order ready = {.job = m->job, .seconds = settings->seconds, .pairs = READY_PAIRS};

    for (size_t i = 0; i < m->job->application_count; i++) {
        const struct profile *p = m->job->applications[i].profile;
        m->has_pairs = m->has_pairs || (p && p->key_pair.present);
    }
    m->runs[0].workers = 1;
    m->runs[1].workers = 2;
    if (!bench_input_write(input, CARDS_FIRST, err)) return false;
    for (uint64_t i = 0; i < settings->rounds; i++) {
        measure_say(settings, "%s: round %" PRIu64 " of %" PRIu64, m->job->name, i + 1, settings->rounds);
        if (!measure_round(m, input, settings, err)) return false;
    }
    measure_say(settings, "%s: in one process, with pairs made beforehand", m->job->name);
    if (!child_run(ready_pairs_measure, &ready, &m->ready, sizeof(m->ready), err)) return false;
    return measure_memory(m, input, settings, err);
}
