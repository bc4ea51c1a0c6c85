#include "bench/report.h"

#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

json_t *report_number(double value, int digits)
{
    const double scale = pow(10, digits);
    return json_real(round(value * scale) / scale);
}

json_t *report_spread(const struct rounds *r, int digits)
{
    const struct spread s = rounds_spread(r);
    return json_pack("{s:o, s:o, s:o}", "min", report_number(s.min, digits), "median",
                     report_number(s.median, digits), "max", report_number(s.max, digits));
}

static json_t *timing(const struct timing *t)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "mean_us", report_number(timing_mean(t), 2), "deviation_us",
                     report_number(timing_deviation(t), 2), "min_us", report_number(t->min, 2), "max_us",
                     report_number(t->max, 2), "count", (json_int_t)t->count);
}

static const char *application_name(const struct job *job, int application)
{
    return application == RECORD_ITSELF ? "record" : job->applications[application].name;
}

json_t *report_operation(const struct operation_cost *o, const char *application)
{
    json_t *out = json_pack("{s:s, s:s, s:s*, s:o}", "operation", operation_name(o->kind), "what", o->what,
                            "application", application, "total_us", report_number(operation_cost_us(o), 2));
    for (size_t i = 0; operation_part(o->kind, i); i++)
        json_object_set_new(out, operation_part(o->kind, i), timing(&o->parts[i]));
    return out;
}

static json_t *token_costs(const struct measurement *m)
{
    json_t *all = json_array();
    for (size_t i = 0; i < m->token.count; i++)
        json_array_append_new(all, report_operation(&m->token.operations[i], NULL));
    return all;
}

static json_t *card_costs(const struct measurement *m)
{
    json_t *all = json_array();
    for (size_t i = 0; i < m->card.count; i++) {
        const struct operation_cost *o = &m->card.operations[i];
        json_array_append_new(all, report_operation(o, application_name(m->job, o->application)));
    }
    return all;
}

/* Chance alone moves a ratio by so much (95 %): generating a pair takes a time that varies widely. */
static double uncertainty(const struct measurement *m, const struct measured_run *run)
{
    const double mean = timing_mean(&m->card.card), deviation = timing_deviation(&m->card.card);
    if (mean <= 0 || !run->cards) return 0;
    return 1.96 * deviation / mean * sqrt(1 / (double)m->card.card.count + 1 / (double)run->cards);
}

static json_t *bound(const struct measurement *m)
{
    const double us = raw_card_us(&m->card, ALL_APPLICATIONS, true);
    json_t *applications = json_object();

    for (size_t i = 0; i < m->job->application_count; i++) {
        const double part = raw_card_us(&m->card, (int)i, true),
                     fixed = raw_card_us(&m->card, RECORD_ITSELF, true);
        json_object_set_new(applications, m->job->applications[i].name,
                            json_pack("{s:o, s:o}", "us", report_number(part, 1), "cards_per_second_alone",
                                      report_number(1e6 / (part + fixed), 1)));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "card_us", report_number(us, 1),
                     "cpu_us_per_card", report_number(m->card.cpu_us / (double)m->card.card.count, 1),
                     "cards_per_second", report_number(1e6 / us, 1), "by_round", report_spread(&m->bound, 1),
                     "without_pairs_cards_per_second",
                     report_number(1e6 / raw_card_us(&m->card, ALL_APPLICATIONS, false), 1), "applications",
                     applications, "record_bytes", (json_int_t)m->card.record_len);
}

static json_t *end_to_end(const struct measurement *m)
{
    json_t *all = json_array();
    for (size_t i = 0; i < RUNS; i++) {
        const struct measured_run *run = &m->runs[i];
        json_t *o = json_pack("{s:i, s:I, s:o, s:o, s:o, s:o}", "workers", (int)run->workers, "cards",
                              (json_int_t)run->cards, "cards_per_second", report_spread(&run->rate, 1),
                              "whole_run_cards_per_second", report_spread(&run->whole_rate, 1),
                              "ratio_by_round", report_spread(&run->ratio, 4), "cpu_us_per_card",
                              report_number(run->cards ? run->cpu_us / (double)run->cards : 0, 1));
        if (run->workers == 1 && run->cards_s > 0) {
            const double rate = (double)run->cards / run->cards_s;
            json_object_set_new(o, "ratio",
                                report_number(rate * raw_card_us(&m->card, ALL_APPLICATIONS, true) / 1e6, 4));
        }
        json_object_set_new(o, "ratio_uncertainty", report_number(uncertainty(m, run), 4));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *in_one_process(const struct measurement *m)
{
    if (m->ready.cards == 0 || m->ready.seconds <= 0) return json_null();
    const double cards = (double)m->ready.cards, rate = cards / m->ready.seconds;
    const double limit = 1e6 / raw_card_us(&m->card, ALL_APPLICATIONS, false);
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "pairs",
                     m->has_pairs ? "made beforehand" : "none", "cards", (json_int_t)m->ready.cards,
                     "cards_per_second", report_number(rate, 1), "bound_cards_per_second",
                     report_number(limit, 1), "ratio", report_number(rate / limit, 4), "own_work_us_per_card",
                     report_number(1e6 / rate - 1e6 / limit, 1), "cpu_us_per_card",
                     report_number(m->ready.cpu_us / cards, 1));
}

static json_t *memory(const struct measurement *m)
{
    json_t *all = json_array();
    for (size_t i = 0; i < MEMORY_RUNS; i++) {
        const struct run_result *r = &m->memory[i];
        if (!r->cards) continue;
        json_array_append_new(
            all, json_pack("{s:I, s:I, s:I, s:I, s:o}", "records", (json_int_t)r->cards, "coordinator_kib",
                           (json_int_t)r->coordinator_kib, "worker_kib", (json_int_t)r->worker_kib,
                           "workers_started", (json_int_t)r->workers_started, "cards_per_second",
                           report_number(r->cards_s > 0 ? (double)r->cards / r->cards_s : 0, 1)));
    }
    return all;
}

json_t *report_job(const struct measurement *m)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "job", m->job->name, "file", m->job->path, "token",
                          m->card.token, "generates_pairs", m->has_pairs);
    if (!o) return NULL;
    if (m->token.count) json_object_set_new(o, "token_operations", token_costs(m));
    json_object_set_new(o, "card_operations", card_costs(m));
    json_object_set_new(o, "bound_of_one_process", bound(m));
    json_object_set_new(o, "two_processes_cards_per_second", report_spread(&m->two_processes, 1));
    json_object_set_new(o, "two_processes_to_one", report_spread(&m->two_processes_to_one, 3));
    json_object_set_new(o, "end_to_end", end_to_end(m));
    json_object_set_new(o, "two_workers_to_one", report_spread(&m->two_to_one, 3));
    json_object_set_new(o, "in_one_process", in_one_process(m));
    json_object_set_new(o, "peak_memory", memory(m));
    return o;
}

json_t *report_head(const struct measure_settings *settings)
{
    struct utsname system;
    if (uname(&system) != 0) memset(&system, 0, sizeof(system));
    return json_pack("{s:s, s:{s:s, s:s, s:I}, s:{s:o, s:I}}", "cardbench", CARDPREP_VERSION, "machine",
                     "kernel", system.release, "architecture", system.machine, "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "settings", "seconds",
                     report_number(settings->seconds, 1), "rounds", (json_int_t)settings->rounds);
}
