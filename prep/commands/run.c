#include "prep/commands/commands.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "base/progress.h"
#include "base/secret.h"
#include "formats/mic_file.h"
#include "prep/input/counter.h"
#include "prep/commands/interrupt.h"
#include "prep/commands/session.h"
#include "prep/commands/set_aside.h"
#include "prep/pool/worker.h"
#include "prep/write.h"

enum { WAIT_MS = 200, SHARDS_MAX = 65535 };

struct run_options {
    struct session_options session;
    const char *shard; /* "2/4" */
    bool json, help;
};

struct run {
    struct session session;
    struct job_group job_group;
    struct record_writer *writer;
    struct set_aside *set_aside; /* NULL unless the job sets bad records aside */
    struct interrupt interrupt;
    struct progress progress;
    uint64_t first, last; /* records of this shard */
    uint64_t position;    /* of the reader */
    uint64_t due;         /* number of the next record to be written or set aside */
    bool input_ended, interrupted;
    uint64_t started_ms;
    uint64_t in_cards_ms; /* from the first ready worker to the last record */
};

/* ---- before the first card ---- */

static bool parse_shard(const char *text, uint16_t *shard, uint16_t *shards, struct err *err)
{
    const char *slash = strchr(text, '/');
    struct cur before = cur_make((const uint8_t *)text, slash ? (size_t)(slash - text) : 0, 0);
    struct cur after = cur_make((const uint8_t *)(slash ? slash + 1 : ""), slash ? strlen(slash + 1) : 0, 0);
    uint64_t k = 0, n = 0;
    struct err unused = ERR_INIT;

    if (cur_left(&before) == 0 || cur_left(&before) > 5 || cur_left(&after) == 0 || cur_left(&after) > 5 ||
        !cur_take_digits(&before, cur_left(&before), &k, "shard", &unused) ||
        !cur_take_digits(&after, cur_left(&after), &n, "shards", &unused) || k == 0 || k > n ||
        n > SHARDS_MAX)
        return err_set(err, ERR_CONFIG, "--shard '%s' is not of the form 2/4", text);
    *shard = (uint16_t)k;
    *shards = (uint16_t)n;
    return true;
}

static bool read_shard(struct run *r, const struct run_options *options, struct err *err)
{
    struct job_group *g = &r->job_group;

    g->shard = g->shards = 1;
    if (options->shard && !parse_shard(options->shard, &g->shard, &g->shards, err)) return false;
    return g->shards == 1 || options->session.job_id ||
           err_set(err, ERR_CONFIG, "--shard needs --job-id: the same for all %u shards",
                   (unsigned)g->shards);
}

/* Shard k of n takes the k-th of n runs of numbers, as equal as can be. */
static void share_out(struct run *r)
{
    uint64_t shard = r->job_group.shard, shards = r->job_group.shards;
    uint64_t planned = r->session.survey.planned;
    r->first = planned * (shard - 1) / shards + 1;
    r->last = planned * shard / shards;
    r->due = r->first;
}

static void add_passes(struct job_group *g, const struct mic_file_summary *earlier)
{
    if (!earlier) return;
    memcpy(g->passes, earlier->job.passes, sizeof(g->passes));
    g->pass_count = earlier->job.pass_count;
    memcpy(g->passes[g->pass_count++], earlier->job.job_id, JOB_ID_LEN);
    g->first_record = earlier->job.first_record;
    g->planned = earlier->job.planned;
    g->shard = earlier->job.shard;
    g->shards = earlier->job.shards;
}

static bool add_kek(struct job_group *g, const struct job_kek *kek, struct err *err)
{
    for (size_t i = 0; i < g->kek_count; i++) {
        if (memcmp(g->keks[i].kekid, kek->kekid, KEKID_LEN) == 0) return true;
    }
    if (g->kek_count == JOB_KEKS_MAX)
        return err_set(err, ERR_INPUT, "more than %d KEKs in one file", JOB_KEKS_MAX);
    g->keks[g->kek_count++] = *kek;
    return true;
}

/* Records of this shard that will be written, as far as the survey can tell: JOB D7 lists no KEK for a file without any. */
static uint64_t expected_records(const struct run *r)
{
    const struct mic_file_summary *earlier = card_reader_earlier_pass(r->session.reader);
    uint64_t count = r->last >= r->first ? r->last - r->first + 1 : 0;

    if (earlier) count -= earlier->set_aside_count;
    for (size_t i = 0; i < r->session.survey.bad_count; i++)
        count -= r->session.survey.bad[i] >= r->first && r->session.survey.bad[i] <= r->last;
    return count;
}

static bool fill_job_group(struct run *r, struct err *err)
{
    struct session *s = &r->session;
    struct job_group *g = &r->job_group;
    const struct mic_file_summary *earlier = card_reader_earlier_pass(s->reader);

    memcpy(g->job_id, s->identity.job_id, JOB_ID_LEN);
    snprintf(g->name, sizeof(g->name), "%s", s->job->name);
    memcpy(g->settings_hash, s->settings_hash, SHA256_LEN);
    memcpy(g->created, s->identity.created, sizeof(g->created));
    snprintf(g->program, sizeof(g->program), "cardprep %s", CARDPREP_VERSION);
    snprintf(g->chip_mic, sizeof(g->chip_mic), "%s", s->job->chip_mic);
    g->first_record = r->first;
    g->planned = s->survey.planned;
    if (earlier && earlier->job.pass_count == JOB_PASSES_MAX)
        return err_set(err, ERR_INPUT, "the input has had too many passes");
    add_passes(g, earlier);
    for (size_t i = 0; i < s->survey.kek_count; i++) {
        if (!add_kek(g, &s->survey.keks[i], err)) return false;
    }
    return expected_records(r) == 0 || add_kek(g, &pool_token_report(s->pool)->kek, err);
}

static bool reserve_numbers(struct session *s, struct err *err)
{
    struct counter_claim claim = {.count = s->survey.planned};

    memcpy(claim.job_id, s->identity.job_id, JOB_ID_LEN);
    return counter_fingerprint(s->job->input.path, claim.input, err) &&
           counter_reserve(s->job->counter_path, s->job->counter_first, &claim, &s->identity.counter_first,
                           err);
}

static bool begin(struct run *r, const char *job_path, const struct run_options *options, struct err *err)
{
    struct session *s = &r->session;

    if (!read_shard(r, options, err) || !session_open(s, job_path, &options->session, err)) return false;
    if (s->unused_fields.len > 0) fprintf(stderr, "%s", buf_text(&s->unused_fields));
    const struct mic_file_summary *earlier = card_reader_earlier_pass(s->reader);
    if (earlier && options->shard)
        return err_set(err, ERR_CONFIG, "--shard: a further pass keeps the shards of its input");
    share_out(r);
    if (earlier) {
        r->due = r->first = earlier->job.first_record;
        r->last = r->first + earlier->count + earlier->set_aside_count - 1;
    }
    if (!outfile_is_new(s->job->output_path, err)) return false; /* before any number is taken */
    if (s->job->counter_path && !reserve_numbers(s, err)) return false;
    if (!pool_open(s->pool, card_reader_fields(s->reader), &s->identity, err) || !fill_job_group(r, err))
        return false;
    if (s->job->on_bad_record == BAD_RECORD_SET_ASIDE &&
        !set_aside_new(&r->set_aside, s->job->set_aside_path, &r->job_group, err))
        return false;
    return interrupt_watch(&r->interrupt, err) && /* from here on an interruption leaves an incomplete file */
           record_writer_create(&r->writer, s->job->output_path, &r->job_group, err);
}

/* ---- cards ---- */

static bool is_due_here(const struct run *r, uint64_t number)
{
    return number >= r->first && number <= r->last;
}

/* Reads until the window is full. Records that the survey refused are passed over: their numbers are set aside when they are due. */
static bool feed(struct run *r, struct err *err)
{
    struct session *s = &r->session;

    while (!r->input_ended && !r->interrupted && pool_has_room(s->pool)) {
        struct card_input in;
        memset(&in, 0, sizeof(in));
        bool end = false;
        bool ok = card_reader_next(s->reader, &in, &end, err);
        if (ok && end) {
            r->input_ended = true;
            return true;
        }
        r->position++;
        if (ok) ok = card_identify(&in, s->reader, s->job, &s->identity, r->position, err);
        uint64_t number = card_reader_number(s->reader, &in, r->position);
        if (survey_is_bad(&s->survey, number) && (ok || card_reader_can_go_on(s->reader))) continue;
        if (!ok) return false; /* the survey found it good: the input has changed */
        if (is_due_here(r, number) && !pool_submit(s->pool, &in, err)) return false;
        if (number >= r->last) r->input_ended = true;
    }
    return true;
}

/* Records before `number` that will not come. */
static bool set_aside_until(struct run *r, uint64_t number, struct err *err)
{
    for (; r->due < number; r->due++) {
        if (!record_writer_set_aside(r->writer, r->due, err)) return false;
    }
    return true;
}

static bool take(struct run *r, struct pool_result *result, struct err *err)
{
    struct session *s = &r->session;

    if (!set_aside_until(r, result->number, err)) return false;
    if (result->ok) {
        if (!record_writer_append(r->writer, result->record, result->len, err)) return false;
        r->due++;
        return true;
    }
    if (r->set_aside && result->err.kind == ERR_INPUT)
        return set_aside_add(r->set_aside, result->number, &result->err, err) &&
               set_aside_until(r, result->number + 1, err);
    *err = result->err;
    err_prefix(err, "%s: record %" PRIu64, s->job->input.path, result->number);
    return false;
}

static bool prepare_all(struct run *r, struct err *err)
{
    struct session *s = &r->session;
    uint64_t total = r->last >= r->first ? r->last - r->first + 1 : 0;
    uint64_t began_ms = clock_monotonic_ms();

    progress_init(&r->progress, stderr, isatty(STDERR_FILENO), "cards", total, clock_monotonic_ms());
    while (!(r->input_ended || r->interrupted) || pool_pending(s->pool) > 0) {
        struct pool_result result;
        bool got = false;
        if (!feed(r, err)) return false;
        if (!pool_wait(s->pool, WAIT_MS, &result, &got, err)) return false;
        if (got && !take(r, &result, err)) return false;
        if (interrupt_came(&r->interrupt)) {
            r->interrupted = true;
            pool_withdraw(s->pool);
        }
        progress_update(&r->progress, r->due - r->first, clock_monotonic_ms());
    }
    r->in_cards_ms = clock_monotonic_ms() - began_ms;
    progress_finish(&r->progress, r->due - r->first, clock_monotonic_ms());
    if (r->interrupted) return true;
    return card_reader_unchanged(s->reader, err) && set_aside_until(r, r->last + 1, err);
}

/* ---- after the last card ---- */

static bool sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    return pool_sign(context, data, len, signature, err);
}

static bool finish(struct run *r, struct err *err)
{
    struct session *s = &r->session;
    struct record_signer signer = {.sign = sign, .context = s->pool, .algorithm = SIGNATURE_RSA_SHA256};

    memcpy(signer.id, pool_token_report(s->pool)->signer, SHA256_LEN);
    if (r->set_aside && !set_aside_commit(r->set_aside, s, r->first, r->last, err)) return false;
    if (r->job_group.kek_count > 0 && record_writer_count(r->writer) == 0)
        return err_set(err, ERR_INPUT, "every record was refused: there is nothing to write; see '%s'",
                       r->set_aside ? set_aside_path(r->set_aside) : s->job->input.path);
    return record_writer_finish(r->writer, &signer, err);
}

static uint64_t set_aside_count(const struct run *r)
{
    return r->due - r->first - record_writer_count(r->writer);
}

static void report(const struct run *r, bool json)
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
            job_id, "cards", (json_int_t)cards, "set_aside", (json_int_t)set_aside_count(r), "milliseconds",
            (json_int_t)took_ms, "milliseconds_in_cards", (json_int_t)r->in_cards_ms, "workers_started",
            (json_int_t)statistics.started, "workers_replaced", (json_int_t)statistics.replaced,
            "peak_worker_kib", (json_int_t)statistics.peak_worker_kib, "peak_coordinator_kib",
            (json_int_t)process_peak_kib());
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
        printf("set aside: %" PRIu64 "%s%s\n", set_aside_count(r), set_aside_count(r) ? ", see " : "",
               set_aside_count(r) ? set_aside_path(r->set_aside) : "");
}

static void report_unused(struct run *r)
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

static void release(struct run *r, bool keep)
{
    interrupt_release(&r->interrupt);
    record_writer_free(r->writer, keep);
    set_aside_free(r->set_aside);
    session_close(&r->session);
}

/* With the command that starts again. */
static bool say_interrupted(const struct run *r, const char *job_path, const struct run_options *o,
                            struct err *err)
{
    const struct session_options *s = &o->session;
    const char *partial = record_writer_partial_path(r->writer);
    char workers[40] = "";

    if (s->workers) snprintf(workers, sizeof(workers), " --workers %" PRIu64, s->workers);
    return err_set(
        err, ERR_INTERRUPTED,
        "interrupted after %" PRIu64 " of %" PRIu64 " records; '%s' is incomplete and no bureau accepts it. "
        "To start again: rm '%s' && cardprep run '%s'%s%s%s%s%s%s%s%s",
        r->due - r->first, r->last - r->first + 1, partial, partial, job_path, s->output ? " --output '" : "",
        s->output ? s->output : "", s->output ? "'" : "", s->job_id ? " --job-id " : "",
        s->job_id ? s->job_id : "", o->shard ? " --shard " : "", o->shard ? o->shard : "", workers);
}

static int run(struct run *r, const char *job_path, const struct run_options *options)
{
    struct err err = ERR_INIT;
    int status = 0;

    r->started_ms = clock_monotonic_ms();
    interrupt_ends_process();
    bool ok = begin(r, job_path, options, &err) && prepare_all(r, &err);
    if (ok && r->interrupted) ok = say_interrupted(r, job_path, options, &err);
    ok = ok && finish(r, &err);
    if (ok) {
        report(r, options->json);
        report_unused(r);
        if (r->set_aside && set_aside_count(r) > 0) status = err_exit_status(ERR_INPUT);
    } else {
        status = args_report("cardprep run", &err);
    }
    release(r, r->interrupted);
    return status;
}

int command_run(int argc, char **argv)
{
    struct run_options o = {.session.writes = true};
    const char *operands[1];
    struct err err = ERR_INIT;
    const struct arg_option options[] = {
        {"workers",
         ARG_NUMBER,
         "N",
         "worker processes (default: as the job says, else one per core)",
         {.number = &o.session.workers}},
        {"output", ARG_TEXT, "FILE", "write here instead of where the job says", {.text = &o.session.output}},
        {"job-id",
         ARG_TEXT,
         "HEX",
         "job id of 32 hex digits: the other shards of one job, or a test",
         {.text = &o.session.job_id}},
        {"shard",
         ARG_TEXT,
         "K/N",
         "prepare only the K-th of N parts; all parts need the same --job-id",
         {.text = &o.shard}},
        {"json", ARG_FLAG, NULL, "print the summary as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "show this help", {.flag = &o.help}},
    };
    const struct arg_command usage = {"run", "JOB", 1, "prepare the cards of a job", command_run};

    if (!args_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), operands, 1, &err))
        return args_report("cardprep run", &err);
    if (o.help) {
        args_usage(stdout, "cardprep", &usage, options, sizeof(options) / sizeof(options[0]));
        return 0;
    }
    struct run *r = calloc(1, sizeof(*r));
    if (!r) {
        err_set_no_memory(&err);
        return args_report("cardprep run", &err);
    }
    r->interrupt.fd = -1;
    int status = run(r, operands[0], &o);
    free(r);
    return status;
}
