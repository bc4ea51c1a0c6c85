#include "prep/commands/run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/hex.h"
#include "prep/pool/worker.h"

uint64_t run_set_aside_count(const struct run *r)
{
    return r->due - r->first - record_writer_count(r->writer);
}

void run_report(const struct run *r, bool json)
{
    const struct session *s = &r->session;
    uint64_t took_ms = clock_monotonic_ms() - r->started_ms, cards = record_writer_count(r->writer);
    struct pool_statistics statistics;
    char job_id[2 * JOB_ID_LEN + 1], time[32];

    pool_statistics(s->pool, &statistics);
    hex_write(job_id, sizeof(job_id), s->identity.job_id, JOB_ID_LEN, true);
    progress_duration(time, sizeof(time), took_ms);
    if (json) {
        json_t *o = json_pack(
            "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "output", s->job->output_path, "job_id",
            job_id, "cards", (json_int_t)cards, "set_aside", (json_int_t)run_set_aside_count(r),
            "milliseconds", (json_int_t)took_ms, "milliseconds_in_cards", (json_int_t)r->in_cards_ms,
            "workers_started", (json_int_t)statistics.started, "workers_replaced",
            (json_int_t)statistics.replaced, "peak_worker_kib", (json_int_t)statistics.peak_worker_kib,
            "peak_coordinator_kib", (json_int_t)process_peak_kib());
        json_dumpf(o, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(o);
        return;
    }
    printf("%s: %" PRIu64 " cards in %s", s->job->output_path, cards, time);
    if (took_ms > 0) printf(" (%.1f a second)", (double)cards * 1000.0 / (double)took_ms);
    printf("\njob id %s\n", job_id);
    for (size_t i = 0; i < s->job->application_count; i++)
        printf("application %s: %" PRIu64 " cards\n", s->job->applications[i].name,
               s->survey.application_count[i]);
    if (s->survey.unnamed_entries)
        printf("entries not named by the job, copied: %" PRIu64 "\n", s->survey.unnamed_entries);
    if (statistics.replaced) printf("worker processes replaced: %u\n", statistics.replaced);
    if (r->set_aside)
        printf("set aside: %" PRIu64 "%s%s\n", run_set_aside_count(r), run_set_aside_count(r) ? ", see " : "",
               run_set_aside_count(r) ? set_aside_path(r->set_aside) : "");
}

void run_report_unused(struct run *r)
{
    struct buf lines;
    uint64_t count = 0;
    struct err err = ERR_INIT;

    buf_init(&lines, 1 << 16);
    if (!card_reader_unused_rows(r->session.reader, 20, &lines, &count, &err))
        fprintf(stderr, "cardprep: %s\n", err.text);
    else if (count)
        fprintf(stderr, "cardprep: %" PRIu64 " rows of joined inputs were used by no card:\n%s", count,
                buf_text(&lines));
    buf_release(&lines);
}
