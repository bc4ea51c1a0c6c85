#include "prep/commands/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "formats/mic_file.h"
#include "prep/commands/commands.h"

enum { WAIT_MS = 200 };

/* ---- before the first card ---- */

static bool begin_uses(struct run *r, struct err *err)
{
    const struct session *s = &r->session;
    const struct use_plan plan = {s->job, s->identity.job_id, r->planned, r->first, r->last};
    return !s->history || use_log_begin(&r->use_log, &plan, err);
}

static bool begin(struct run *r, const char *job_path, const struct run_options *options, struct err *err)
{
    struct session *s = &r->session;

    if (!run_read_shard(r, options, err) || !session_open(s, job_path, &options->session, err)) return false;
    if (s->unused_fields.len > 0) fprintf(stderr, "%s", buf_text(&s->unused_fields));
    const struct mic_file_summary *earlier = card_reader_earlier_pass(s->reader);
    if (earlier && options->shard)
        return err_set(err, ERR_CONFIG, "--shard: a further pass keeps the shards of its input");
    run_share_out(r);
    if (earlier) {
        r->due = r->first = earlier->job.first_record;
        r->last = r->first + earlier->count + earlier->set_aside_count - 1;
    }
    if (!outfile_is_new(s->job->output_path, err)) return false; /* before any number is taken */
    if (!run_plan_uses(r, err)) return false;
    if (s->job->counter_path && !run_reserve_numbers(s, err)) return false;
    if (!pool_open(s->pool, card_reader_fields(s->reader), &s->identity, err) || !run_fill_job_group(r, err))
        return false;
    if (s->job->on_bad_record == BAD_RECORD_SET_ASIDE &&
        !set_aside_new(&r->set_aside, s->job->set_aside_path, &r->job_group, err))
        return false;
    return interrupt_watch(&r->interrupt, err) && /* from here on an interruption leaves an incomplete file */
           begin_uses(r, err) && record_writer_create(&r->writer, s->job->output_path, &r->job_group, err);
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

/* Also of a run that failed: what it used of its keys is used. */
static bool end_uses(struct run *r, bool ok, struct err *err)
{
    struct err why = ERR_INIT;
    if (!r->use_log) return ok;
    pool_used(r->session.pool, r->used);
    bool ended = use_log_end(r->use_log, r->used, &why);
    use_log_free(r->use_log);
    r->use_log = NULL;
    if (ended) return ok;
    if (ok)
        *err = why;
    else
        fprintf(stderr, "cardprep run: %s\n", why.text);
    return false;
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
    if (record_writer_finish(r->writer, &signer, err)) return true;
    set_aside_undo(r->set_aside);
    return false;
}

static void release(struct run *r, bool keep)
{
    interrupt_release(&r->interrupt);
    record_writer_free(r->writer, keep);
    set_aside_free(r->set_aside);
    use_log_free(r->use_log);
    free(r->planned);
    free(r->used);
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
    ok = end_uses(r, ok, &err);
    if (ok && r->interrupted) ok = say_interrupted(r, job_path, options, &err);
    ok = ok && finish(r, &err);
    if (ok) {
        run_report(r, options->json);
        run_report_unused(r);
        if (r->set_aside && run_set_aside_count(r) > 0) status = err_exit_status(ERR_INPUT);
    } else {
        status = args_fail(&run_command, &err);
    }
    release(r, r->interrupted);
    return status;
}

static int command_run(int argc, char **argv)
{
    int status = 0;
    struct run_options o = {.session = {.writes = true, .asks_log = true}};
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

    if (!args_begin(&run_command, argc, argv, options, sizeof(options) / sizeof(options[0]), operands,
                    &status))
        return status;
    struct run *r = calloc(1, sizeof(*r));
    if (!r) {
        err_set_no_memory(&err);
        return args_fail(&run_command, &err);
    }
    r->interrupt.fd = -1;
    status = run(r, operands[0], &o);
    free(r);
    return status;
}

const struct arg_command run_command = {
    .program = "cardprep",
    .name = "run",
    .operands = "JOB",
    .operand_count = 1,
    .help = "prepare the cards of a job",
    .run = command_run,
};
