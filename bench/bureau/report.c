#include "bench/bureau/report.h"

static double each(double sum, uint64_t count)
{
    return count ? sum / (double)count : 0;
}

static json_t *left_out(const char *why)
{
    return json_pack("{s:s}", "left_out", why);
}

static void add_left_out(json_t *all, unsigned readers, const struct bureau_measure_settings *s)
{
    json_t *o = json_pack("{s:i}", "readers", (int)readers);
    json_object_set_new(o, "left_out",
                        s->readers.count > 0 ? json_sprintf("only %zu named", s->readers.count)
                                             : json_string(s->why_no_readers));
    json_array_append_new(all, o);
}

/* ---- paces ---- */

/* What the members are called. */
struct words {
    const char *workers, *rate, *unit_rate, *least;
};

static json_t *pace(const struct bureau_pace *p, const struct words *w)
{
    const double units = each((double)p->units, p->records);
    const double cpu = each(p->cpu_us, p->records), least_cpu = each(p->least_cpu_us, p->least_records);
    struct rounds unit_rate = p->rate;
    json_t *o = json_pack("{s:i, s:I, s:o, s:o, s:o}", w->workers, (int)p->workers, "records",
                          (json_int_t)p->records, w->rate, report_spread(&p->rate, 1), w->least,
                          report_spread(&p->least, 1), "ratio", report_spread(&p->ratio, 4));

    for (size_t i = 0; i < unit_rate.count; i++)
        unit_rate.values[i] *= units;
    json_object_set_new(o, w->unit_rate, report_spread(&unit_rate, 1));
    json_object_set_new(o, "cpu_us_per_record", report_number(cpu, 1));
    json_object_set_new(o, "least_cpu_us_per_record", report_number(least_cpu, 1));
    json_object_set_new(o, "cpu_ratio", report_number(cpu > 0 ? least_cpu / cpu : 0, 4));
    return o;
}

static json_t *paces(const struct bureau_pace all[PACES], const struct words *w)
{
    json_t *out = json_array();
    for (size_t i = 0; i < PACES; i++)
        json_array_append_new(out, pace(&all[i], w));
    return out;
}

static json_t *at_readers(const struct bureau_protocol *p, const struct bureau_measure_settings *s)
{
    static const struct words w = {"readers", "cards_per_second", "commands_per_second",
                                   "token_and_reader_alone_cards_per_second"};
    json_t *out = json_array();

    for (size_t i = 0; i < PACES; i++) {
        const struct bureau_pace *one = &p->at_readers[i];
        if (one->workers == 0) {
            add_left_out(out, i == 0 ? FEW : READERS, s);
            continue;
        }
        json_t *o = pace(one, &w);
        const double commands = each((double)one->units, one->records) * rounds_spread(&one->rate).median;
        json_object_set_new(o, "seconds_per_command",
                            report_number(commands > 0 ? one->workers / commands : 0, 9));
        json_array_append_new(out, o);
    }
    return out;
}

/* ---- a job ---- */

static json_t *operations(const struct bureau_costs *costs)
{
    json_t *all = json_array();
    for (size_t i = 0; i < costs->count; i++) {
        const struct bureau_cost *c = &costs->operations[i];
        json_t *o = report_operation(&c->cost, NULL);
        json_object_set_new(o, "part", json_string(i < costs->of_record ? "record" : "conversation"));
        json_object_set_new(o, "times", json_integer(c->times));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *protocol(const struct bureau_protocol *p, const struct bureau_measure_settings *s)
{
    static const struct words rewrap = {"workers", "records_per_second", "rewraps_per_second",
                                        "token_alone_records_per_second"};
    static const struct words script = {"workers", "scripts_per_second", "commands_per_second",
                                        "token_alone_scripts_per_second"};
    size_t bytes = 0;

    for (size_t i = 0; i < p->part.count; i++)
        bytes += p->part.commands[i].len;
    return json_pack("{s:s, s:s, s:{s:I, s:I, s:I, s:I}, s:I, s:I, s:o, s:o, s:o, s:o}", "protocol",
                     p->protocol == SCP02 ? "SCP02" : "SCP03", "security",
                     s->settings->level == BUREAU_LEVEL_MAC ? "mac" : "mac+encryption", "secrets", "all",
                     (json_int_t)p->part.secrets, "inside", (json_int_t)p->part.inside, "readable",
                     (json_int_t)p->part.readable, "untouched", (json_int_t)p->part.untouched, "commands",
                     (json_int_t)p->part.count, "command_bytes", (json_int_t)bytes, "operations",
                     operations(&p->costs), "rewrap", paces(p->rewrap, &rewrap), "script",
                     paces(p->script, &script), "at_readers", at_readers(p, s));
}

json_t *bureau_report_job(const struct bureau_measurement *m, const struct bureau_measure_settings *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < m->count; i++)
        json_array_append_new(all, protocol(&m->protocols[i], s));
    return json_pack("{s:s, s:I, s:o}", "bureau", s->settings->name, "records", (json_int_t)m->records,
                     "protocols", all);
}

static json_t *contact(const struct contact_pace *p)
{
    return json_pack(
        "{s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "readers", (int)p->readers, "commands",
        (json_int_t)p->commands, "bare_us_per_command", report_spread(&p->bare_us, 2),
        "driver_us_per_command", report_spread(&p->driver_us, 2), "ratio", report_spread(&p->ratio, 4),
        "bare_median_us", report_spread(&p->bare_median_us, 2), "driver_median_us",
        report_spread(&p->driver_median_us, 2), "ratio_of_medians", report_spread(&p->ratio_of_medians, 4),
        "bare_cpu_us_per_command", report_number(p->bare_cpu_us, 2), "driver_cpu_us_per_command",
        report_number(p->driver_cpu_us, 2));
}

json_t *bureau_report_readers(const struct contact_pace all[PACES], const struct bureau_measure_settings *s)
{
    if (s->readers.count == 0) return left_out(s->why_no_readers);
    json_t *out = json_array();
    for (size_t i = 0; i < PACES; i++) {
        const struct contact_pace *p = &all[i];
        if (p->readers == 0) {
            add_left_out(out, i == 0 ? FEW : READERS, s);
            continue;
        }
        json_array_append_new(out, contact(p));
    }
    return json_pack("{s:o}", "driver", out);
}
