#include "bench/bureau/measure.h"

#include <stdio.h>
#include <string.h>

#include "bench/bureau/contact.h"
#include "bench/bureau/rewrap.h"

enum { PATIENCE_MS = 2000 }; /* with a service that is just starting */
typedef const struct bureau_measure_settings settings_t;

static double start_at(settings_t *s, unsigned workers)
{
    return workers > 1 ? clock_us() + s->gather_us : 0;
}

static double seconds_of(settings_t *s)
{
    return s->common->seconds / 2;
}

/* ---- several at once ---- */

/* The contexts lie one behind the other, and so do the results. */
struct crowd {
    const void *contexts;
    size_t context_len;
    void *results;
    size_t result_len;
    unsigned count;
};

static bool run_crowd(child_fn *fn, const struct crowd *c, struct err *err)
{
    struct together all = {.count = c->count, .result_len = c->result_len};
    for (size_t i = 0; i < c->count; i++) {
        all.contexts[i] = (const char *)c->contexts + i * c->context_len;
        all.results[i] = (char *)c->results + i * c->result_len;
    }
    return child_run_together(fn, &all, err);
}

static bool run_raw(struct bureau_pace *pace, const struct script_order *script, bool conversation,
                    settings_t *s, struct bureau_costs *joined, struct err *err)
{
    static struct bureau_costs costs[TOGETHER_MAX];
    struct bureau_raw_order orders[TOGETHER_MAX];
    const struct crowd crowd = {orders, sizeof(orders[0]), costs, sizeof(costs[0]), pace->workers};
    const double start = start_at(s, pace->workers);
    double rate = 0;

    for (unsigned i = 0; i < pace->workers; i++) {
        orders[i] = (struct bureau_raw_order){*script, conversation};
        orders[i].script.start_us = start;
    }
    if (!run_crowd(bureau_raw, &crowd, err)) return false;
    for (unsigned i = 0; i < pace->workers; i++) {
        rate += 1e6 / timing_mean(&costs[i].all);
        pace->least_records += costs[i].all.count;
        pace->least_cpu_us += costs[i].cpu_us;
    }
    rounds_add(&pace->least, rate);
    if (joined) bureau_costs_join(joined, &costs[0]);
    return true;
}

static double last(const struct rounds *r)
{
    return r->values[r->count - 1];
}

static void finish_round(struct bureau_pace *pace, double rate)
{
    rounds_add(&pace->rate, rate);
    rounds_add(&pace->ratio, rate / last(&pace->least));
}

static bool run_rewrap(struct bureau_pace *pace, const struct script_order *script, settings_t *s,
                       struct err *err)
{
    struct rewrap_result results[TOGETHER_MAX];
    struct script_order orders[TOGETHER_MAX];
    const struct crowd crowd = {orders, sizeof(orders[0]), results, sizeof(results[0]), pace->workers};
    const double start = start_at(s, pace->workers);
    double rate = 0;

    for (unsigned i = 0; i < pace->workers; i++) {
        orders[i] = *script;
        orders[i].start_us = start;
    }
    if (!run_crowd(rewrap_records, &crowd, err)) return false;
    for (unsigned i = 0; i < pace->workers; i++) {
        rate += (double)results[i].records / results[i].seconds;
        pace->records += results[i].records;
        pace->units += results[i].secrets;
        pace->cpu_us += results[i].cpu_us;
    }
    finish_round(pace, rate);
    return true;
}

/* With readers if the pace is theirs. */
static bool run_script(struct bureau_pace *pace, const struct script_order *script, bool readers,
                       settings_t *s, struct err *err)
{
    struct script_result results[TOGETHER_MAX];
    struct script_order orders[TOGETHER_MAX];
    const struct crowd crowd = {orders, sizeof(orders[0]), results, sizeof(results[0]), pace->workers};
    const double start = start_at(s, pace->workers);
    double rate = 0;

    for (unsigned i = 0; i < pace->workers; i++) {
        orders[i] = *script;
        orders[i].start_us = start;
        orders[i].reader = readers ? s->readers.names[i] : NULL;
    }
    if (!run_crowd(script_play, &crowd, err)) return false;
    for (unsigned i = 0; i < pace->workers; i++) {
        rate += (double)results[i].cards / results[i].seconds;
        pace->records += results[i].cards;
        pace->units += results[i].commands;
        pace->cpu_us += results[i].cpu_us;
    }
    finish_round(pace, rate);
    return true;
}

/* ---- readers ---- */

struct contact_sum {
    double us, cpu_us, median_us; /* a command, mean over the readers */
    uint64_t commands;
};

static bool run_contacts(child_fn *fn, const struct contact_order *order, unsigned readers, settings_t *s,
                         struct contact_sum *sum, struct err *err)
{
    static struct contact_order orders[READERS];
    struct contact_result results[READERS];
    const struct crowd crowd = {orders, sizeof(orders[0]), results, sizeof(results[0]), readers};
    const double start = start_at(s, readers);

    *sum = (struct contact_sum){.us = 0};
    for (unsigned i = 0; i < readers; i++) {
        orders[i] = *order;
        orders[i].reader = s->readers.names[i];
        orders[i].seconds = seconds_of(s);
        orders[i].start_us = start;
    }
    if (!run_crowd(fn, &crowd, err)) return false;
    for (unsigned i = 0; i < readers; i++) {
        const double commands = (double)results[i].commands;
        if (results[i].commands == 0) return err_set(err, ERR_FILE, "a reader that took no command");
        sum->us += results[i].seconds * 1e6 / commands / readers;
        sum->cpu_us += results[i].cpu_us / commands / readers;
        sum->median_us += results[i].median_us / readers;
        sum->commands += results[i].commands;
    }
    return true;
}

/* What a card at a reader takes at least: the token's operations, and the commands by SCardTransmit. */
static bool run_at_readers(struct bureau_pace *pace, const struct bureau_protocol *p,
                           const struct script_order *script, settings_t *s, struct err *err)
{
    static struct contact_order order;
    struct bureau_pace token = {.workers = pace->workers};
    struct contact_sum bare;

    order.count = p->part.count;
    for (size_t i = 0; i < p->part.count; i++)
        order.lens[i] = p->part.commands[i].len;
    if (!run_raw(&token, script, true, s, NULL, err) ||
        !run_contacts(contact_bare, &order, pace->workers, s, &bare, err))
        return false;
    const double count = (double)p->part.count, workers = pace->workers;
    rounds_add(&pace->least, workers * 1e6 / (workers * 1e6 / last(&token.least) + count * bare.us));
    pace->least_records += token.least_records;
    pace->least_cpu_us += token.least_cpu_us + (double)token.least_records * count * bare.cpu_us;
    return run_script(pace, script, true, s, err);
}

bool bureau_measure_readers(struct contact_pace paces[PACES], settings_t *s, struct err *err)
{
    static struct contact_order order;
    struct contact_sum bare, driver;

    contact_usual(&order);
    for (size_t i = 0; i < PACES; i++) {
        struct contact_pace *pace = &paces[i];
        const unsigned readers = i == 0 ? FEW : READERS;
        if (s->readers.count < readers) continue;
        pace->readers = readers;
        measure_say(s->common, "%u readers", readers);
        for (uint64_t round = 0; round < s->common->rounds; round++) {
            if (!run_contacts(contact_bare, &order, readers, s, &bare, err) ||
                !run_contacts(contact_driver, &order, readers, s, &driver, err))
                return false;
            rounds_add(&pace->bare_us, bare.us);
            rounds_add(&pace->driver_us, driver.us);
            rounds_add(&pace->ratio, bare.us / driver.us);
            rounds_add(&pace->bare_median_us, bare.median_us);
            rounds_add(&pace->driver_median_us, driver.median_us);
            rounds_add(&pace->ratio_of_medians, bare.median_us / driver.median_us);
            pace->bare_cpu_us += bare.cpu_us / (double)s->common->rounds;
            pace->driver_cpu_us += driver.cpu_us / (double)s->common->rounds;
            pace->commands += driver.commands;
        }
    }
    return true;
}

void bureau_measure_find_readers(struct bureau_measure_settings *s, const char *const *patterns, size_t count)
{
    struct err err = ERR_INIT;
    struct pcsc *p = NULL;

    s->readers.count = 0;
    if (count == 0) {
        snprintf(s->why_no_readers, sizeof(s->why_no_readers), "no reader is named (--reader)");
        return;
    }
    bool ok = pcsc_open(&p, PATIENCE_MS, &err) && pcsc_list(p, patterns, count, &s->readers, &err);
    pcsc_free(p);
    if (!ok)
        snprintf(s->why_no_readers, sizeof(s->why_no_readers), "%.190s", err.text);
    else if (s->readers.count == 0)
        snprintf(s->why_no_readers, sizeof(s->why_no_readers), "no reader has such a name");
}

/* ---- a job ---- */

static bool measure_round(struct bureau_protocol *p, const struct script_order *script, settings_t *s,
                          struct err *err)
{
    for (size_t i = 0; i < PACES; i++) {
        struct bureau_costs *joined = i == 0 ? &p->costs : NULL;
        if (!run_raw(&p->rewrap[i], script, false, s, NULL, err) ||
            !run_rewrap(&p->rewrap[i], script, s, err) ||
            !run_raw(&p->script[i], script, true, s, joined, err) ||
            !run_script(&p->script[i], script, false, s, err))
            return false;
        if (p->at_readers[i].workers > 0 && !run_at_readers(&p->at_readers[i], p, script, s, err))
            return false;
    }
    return true;
}

static bool measure_protocol(struct bureau_protocol *p, const char *job, const struct bureau_records *records,
                             settings_t *s, struct err *err)
{
    const struct script_order script = {.settings = s->settings,
                                        .records = records,
                                        .protocol = p->protocol,
                                        .part = &p->part,
                                        .seconds = seconds_of(s)};

    for (size_t i = 0; i < PACES; i++) {
        const unsigned readers = i == 0 ? FEW : READERS;
        p->rewrap[i].workers = p->script[i].workers = i == 0 ? FEW : s->workers;
        p->at_readers[i].workers = s->readers.count >= readers ? readers : 0;
    }
    if (!child_run(script_rehearse, &script, &p->part, sizeof(p->part), err)) return false;
    for (uint64_t i = 0; i < s->common->rounds; i++) {
        measure_say(s->common, "%s: the bureau, SCP%02u, round %u of %u", job, (unsigned)p->protocol,
                    (unsigned)i + 1, (unsigned)s->common->rounds);
        if (!measure_round(p, &script, s, err)) return false;
    }
    return true;
}

bool bureau_measure_job(struct bureau_measurement *m, const struct bench_input *input, settings_t *s,
                        struct err *err)
{
    static const enum scp_protocol protocols[PROTOCOLS] = {SCP02, SCP03};
    struct bureau_records records;

    if (!bureau_records_make(&records, s->common->cardprep, input, s->settings, s->records, err))
        return false;
    m->records = records.count;
    bool ok = true;
    for (size_t i = 0; ok && i < PROTOCOLS; i++) {
        if (!bureau_setup_has(s->settings, protocols[i])) continue;
        struct bureau_protocol *p = &m->protocols[m->count++];
        p->protocol = protocols[i];
        ok = measure_protocol(p, input->job->name, &records, s, err);
        if (!ok) err_prefix(err, "bureau, SCP%02u", (unsigned)protocols[i]);
    }
    bureau_records_release(&records);
    return ok;
}
