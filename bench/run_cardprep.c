#include "bench/run_cardprep.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/timing.h"

enum { SUMMARY_MAX = 1 << 16 };

static bool read_summary(const struct buf *text, struct run_result *out, struct err *err)
{
    json_int_t cards = 0, whole = 0, in_cards = 0, coordinator = 0, worker = 0, started = 0;
    json_t *o = json_loadb((const char *)text->data, text->len, 0, NULL);
    bool ok = o && json_unpack(o, "{s:I, s:I, s:I, s:I, s:I, s:I}", "cards", &cards, "milliseconds", &whole,
                               "milliseconds_in_cards", &in_cards, "peak_coordinator_kib", &coordinator,
                               "peak_worker_kib", &worker, "workers_started", &started) == 0;
    json_decref(o);
    if (!ok)
        return err_set(err, ERR_INTERNAL,
                       "cardprep run --json printed another summary than this cardbench knows");
    *out = (struct run_result){.cards = (uint64_t)cards,
                               .whole_s = (double)whole / 1000,
                               .cards_s = (double)in_cards / 1000,
                               .coordinator_kib = (uint64_t)coordinator,
                               .worker_kib = (uint64_t)worker,
                               .workers_started = (uint64_t)started};
    return true;
}

static bool run(const char *program, const struct job *job, const char *output, const char *workers,
                struct run_result *out, struct err *err)
{
    const char *const argv[] = {program, "run",      job->path, "--json", "--workers",
                                workers, "--output", output,    NULL};
    struct buf text;

    buf_init(&text, SUMMARY_MAX);
    bool ok = program_run(argv, &text, err) && read_summary(&text, out, err);
    buf_release(&text);
    return ok;
}

bool run_cardprep_into(const char *program, const struct bench_input *input, uint64_t cards, const char *path,
                       struct err *err)
{
    struct run_result ignored;
    return bench_input_write(input, cards, err) && run(program, input->job, path, "1", &ignored, err);
}

bool run_cardprep(const char *program, const struct bench_input *input, uint64_t cards, unsigned workers,
                  struct run_result *out, struct err *err)
{
    char number[16], *output = NULL, *partial = NULL;
    bool ok = false;

    snprintf(number, sizeof(number), "%u", workers);
    if (asprintf(&output, "%s.cardbench-%d", input->job->output_path, (int)getpid()) < 0 ||
        asprintf(&partial, "%s.partial", output) < 0) {
        err_set_no_memory(err);
        goto out;
    }
    ok = bench_input_write(input, cards, err);
    const double before_us = cpu_of_children_us();
    ok = ok && run(program, input->job, output, number, out, err);
    if (ok) out->cpu_us = cpu_of_children_us() - before_us;
    unlink(output);
    unlink(partial);
out:
    free(output);
    free(partial);
    return ok;
}
