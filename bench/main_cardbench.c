#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/secret.h"
#include "bench/bureau/report.h"

enum { PATH_MAX_LEN = 4096 };

struct options {
    const char *cardprep, *bureau;
    struct arg_list jobs, readers;
    uint64_t seconds, rounds, workers;
    bool quick, no_memory, no_prep, silent, help, version;
};

/* What a run has. */
struct bench {
    const struct options *options;
    char cardprep[PATH_MAX_LEN];
    struct bureau *bureau;
    struct measure_settings settings;
    struct bureau_measure_settings at_bureau;
    json_t *jobs;
};

/* The cardprep that was built or installed with this program, else the one in PATH. */
static void find_cardprep(char path[PATH_MAX_LEN])
{
    static const char *const places[] = {"cardprep", "../prep/cardprep"};
    char self[PATH_MAX_LEN - 32];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) slash[1] = '\0';
    for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, PATH_MAX_LEN, "%s%s", self, places[i]);
        if (access(path, X_OK) == 0) return;
    }
    snprintf(path, PATH_MAX_LEN, "cardprep");
}

static struct measure_settings settings_of(const struct options *o, const char *cardprep)
{
    struct measure_settings s = {.cardprep = o->cardprep ? o->cardprep : cardprep,
                                 .seconds = o->seconds ? (double)o->seconds : 10,
                                 .rounds = o->rounds ? o->rounds : 3,
                                 .pairs = 500,
                                 .memory_small = 1000,
                                 .memory_large = 100000,
                                 .memory_large_with_pairs = 3000,
                                 .people = o->silent ? NULL : stderr};
    if (s.rounds > ROUNDS_MAX) s.rounds = ROUNDS_MAX;
    if (o->quick) {
        s.seconds = 0.2;
        s.rounds = 1;
        s.pairs = 5;
        s.memory_small = 20;
        s.memory_large = 200;
        s.memory_large_with_pairs = 40;
    }
    if (o->no_memory) s.memory_small = s.memory_large = s.memory_large_with_pairs = 0;
    return s;
}

enum { RECORDS = 16, RECORDS_QUICK = 2, GATHER_US = 1500000, GATHER_QUICK_US = 100000, WORKERS_MIN = 2 };

static unsigned workers_of(const struct options *o)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const uint64_t wanted = o->workers ? o->workers : cores > WORKERS_MIN ? (uint64_t)cores : WORKERS_MIN;
    return wanted < TOGETHER_MAX ? (unsigned)wanted : TOGETHER_MAX;
}

static bool prepare(struct bench *b, struct err *err)
{
    const struct options *o = b->options;

    find_cardprep(b->cardprep);
    b->settings = settings_of(o, b->cardprep);
    if (o->bureau && !bureau_load(&b->bureau, o->bureau, err)) return false;
    b->at_bureau = (struct bureau_measure_settings){.common = &b->settings,
                                                    .settings = b->bureau,
                                                    .workers = workers_of(o),
                                                    .records = o->quick ? RECORDS_QUICK : RECORDS,
                                                    .gather_us = o->quick ? GATHER_QUICK_US : GATHER_US};
    bureau_measure_find_readers(&b->at_bureau, o->readers.items, o->readers.count);
    return true;
}

/* The token's own table is measured with the first job. */
static bool measure_prep(const struct bench *b, const struct bench_input *input, bool first, json_t **report,
                         struct err *err)
{
    struct measurement *m = calloc(1, sizeof(*m));
    if (!m) return err_set_no_memory(err);
    m->job = input->job;
    bool ok = (!first || measure_token(m, &b->settings, err)) && measure_job(m, input, &b->settings, err);
    if (ok && !(*report = report_job(m))) ok = err_set_no_memory(err);
    free(m);
    return ok;
}

static bool measure_bureau(const struct bench *b, const struct bench_input *input, json_t *report,
                           struct err *err)
{
    struct bureau_measurement *m = calloc(1, sizeof(*m));
    if (!m) return err_set_no_memory(err);
    bool ok = bureau_measure_job(m, input, &b->at_bureau, err);
    if (ok && json_object_set_new(report, "bureau", bureau_report_job(m, &b->at_bureau)) != 0)
        ok = err_set_no_memory(err);
    free(m);
    return ok;
}

static bool measure(const struct bench *b, const char *path, bool first, struct err *err)
{
    struct job *job = NULL;
    struct bench_input input;
    json_t *report = NULL;

    if (!job_load(&job, path, err)) return false;
    bool ok = bench_input_open(&input, job, err);
    if (ok) {
        ok = bench_input_write(&input, 1, err);
        if (b->options->no_prep)
            report = json_pack("{s:s, s:s}", "job", job->name, "file", job->path);
        else
            ok = ok && measure_prep(b, &input, first, &report, err);
        ok = ok && (!b->bureau || measure_bureau(b, &input, report, err));
        bench_input_close(&input);
    }
    if (ok && json_array_append(b->jobs, report) != 0) ok = err_set_no_memory(err);
    if (!ok) err_prefix(err, "%s", path);
    json_decref(report);
    job_free(job);
    return ok;
}

static bool measure_readers(const struct bench *b, json_t *all, struct err *err)
{
    struct contact_pace paces[PACES] = {{.readers = 0}};
    return bureau_measure_readers(paces, &b->at_bureau, err) &&
           (json_object_set_new(all, "readers", bureau_report_readers(paces, &b->at_bureau)) == 0 ||
            err_set_no_memory(err));
}

static int run(const struct options *o)
{
    struct err err = ERR_INIT;
    struct bench b = {.options = o, .jobs = json_array()};
    json_t *all = NULL;

    bool ok = prepare(&b, &err);
    if (ok) all = report_head(&b.settings);
    for (size_t i = 0; ok && i < o->jobs.count; i++)
        ok = measure(&b, o->jobs.items[i], i == 0, &err);
    ok = ok && measure_readers(&b, all, &err);
    if (ok) {
        json_object_set(all, "jobs", b.jobs);
        json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    json_decref(all);
    json_decref(b.jobs);
    bureau_free(b.bureau);
    return ok ? 0 : args_report("cardbench", &err);
}

static int usage(const struct options *o, const struct arg_option *options, size_t count)
{
    const struct arg_command command = {
        "cardbench", "--job JOB", "", 0, "measure a token, and cardprep and cardbureau on it", NULL};
    if (o->version)
        puts("cardbench " CARDPREP_VERSION);
    else
        args_usage(stdout, &command, options, count);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    const char *operands[1];
    struct err err = ERR_INIT;
    const struct arg_option options[] = {
        {"job", ARG_LIST, "JOB", "a job to be measured; may be given more than once", {.list = &o.jobs}},
        {"bureau", ARG_TEXT, "FILE", "measure the bureau of these settings as well", {.text = &o.bureau}},
        {"reader",
         ARG_LIST,
         "NAME",
         "readers with `softcard --echo` in them, to be measured",
         {.list = &o.readers}},
        {"workers",
         ARG_NUMBER,
         "N",
         "the bureau's token processes at once (default: a core each)",
         {.number = &o.workers}},
        {"seconds", ARG_NUMBER, "N", "length of each measurement (default: 10)", {.number = &o.seconds}},
        {"rounds", ARG_NUMBER, "N", "how often everything is measured (default: 3)", {.number = &o.rounds}},
        {"quick", ARG_FLAG, NULL, "a try that takes seconds; its figures mean nothing", {.flag = &o.quick}},
        {"no-memory", ARG_FLAG, NULL, "leave out the long runs that measure memory", {.flag = &o.no_memory}},
        {"no-prep", ARG_FLAG, NULL, "leave out cardprep", {.flag = &o.no_prep}},
        {"cardprep", ARG_TEXT, "PROGRAM", "measure this cardprep", {.text = &o.cardprep}},
        {"silent", ARG_FLAG, NULL, "do not tell what is under way", {.flag = &o.silent}},
        {"version", ARG_FLAG, NULL, "print the version", {.flag = &o.version}},
        {"help", ARG_FLAG, NULL, "show this help", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_parse(argc, argv, options, count, operands, 0, &err)) return args_report("cardbench", &err);
    if (o.help || o.version) return usage(&o, options, count);
    if (o.jobs.count == 0) {
        err_set(&err, ERR_CONFIG, "no job: give one with --job JOB");
        return args_report("cardbench", &err);
    }
    if (!secret_start(&err)) return args_report("cardbench", &err);
    return run(&o);
}
