#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/secret.h"
#include "bench/report.h"

enum { PATH_MAX_LEN = 4096 };

struct options {
    const char *cardprep;
    struct arg_list jobs;
    uint64_t seconds, rounds;
    bool quick, no_memory, silent, help, version;
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

/* The token's own table is measured with the first job. */
static bool measure(const char *path, bool first, const struct measure_settings *settings, json_t *jobs,
                    struct err *err)
{
    struct job *job = NULL;
    struct bench_input input;
    struct measurement *m = calloc(1, sizeof(*m));
    bool ok = false;

    if (!m) return err_set_no_memory(err);
    if (!job_load(&job, path, err)) goto out;
    if (!bench_input_open(&input, job, err)) goto out;
    m->job = job;
    ok = bench_input_write(&input, 1, err) && (!first || measure_token(m, settings, err)) &&
         measure_job(m, &input, settings, err);
    bench_input_close(&input);
    if (ok && json_array_append_new(jobs, report_job(m)) != 0) ok = err_set_no_memory(err);
    if (!ok) err_prefix(err, "%s", path);
out:
    job_free(job);
    free(m);
    return ok;
}

static int run(const struct options *o)
{
    char cardprep[PATH_MAX_LEN];
    struct err err = ERR_INIT;

    find_cardprep(cardprep);
    const struct measure_settings settings = settings_of(o, cardprep);
    json_t *all = report_head(&settings), *jobs = json_array();
    bool ok = true;
    for (size_t i = 0; ok && i < o->jobs.count; i++)
        ok = measure(o->jobs.items[i], i == 0, &settings, jobs, &err);
    json_object_set_new(all, "jobs", jobs);
    if (ok) {
        json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    json_decref(all);
    return ok ? 0 : args_report("cardbench", &err);
}

static int usage(const struct options *o, const struct arg_option *options, size_t count)
{
    const struct arg_command command = {
        "cardbench", "--job JOB", "", 0, "measure a token, and cardprep on it", NULL};
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
        {"seconds", ARG_NUMBER, "N", "length of each measurement (default: 10)", {.number = &o.seconds}},
        {"rounds", ARG_NUMBER, "N", "how often everything is measured (default: 3)", {.number = &o.rounds}},
        {"quick", ARG_FLAG, NULL, "a try that takes seconds; its figures mean nothing", {.flag = &o.quick}},
        {"no-memory", ARG_FLAG, NULL, "leave out the long runs that measure memory", {.flag = &o.no_memory}},
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
