/* cardprep remake JOB --records LIST --reason WORD --output FILE: the issuer's signed authority to put these records on new cards
 * (docs/formats/remake-list.md). The job's signing key signs it in a worker, as it does a run's end record. */
#include "prep/commands/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/log.h"
#include "audit/text.h"
#include "base/args.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "formats/mic_file.h"
#include "formats/signers.h"
#include "prep/commands/remake_records.h"
#include "prep/commands/session.h"

struct options {
    const char *records, *reason, *output;
    struct arg_list mics, signers;
    uint64_t serial;
    bool help;
};

struct remake {
    const struct options *options;
    struct session session;
    struct signers signers; /* the token's own key is one more */
    struct public_key keys[SIGNERS_MAX + 1];
    struct remake_entry *entries;
    size_t count;
    bool *found; /* one per entry */
    struct remake_draft draft;
    bool has_job;
};

/* ---- the records are those of the job ---- */

static bool is_set_aside(const struct mic_file_summary *s, uint64_t number)
{
    for (uint64_t i = 0; i < s->set_aside_count; i++) {
        if (s->set_aside[i] == number) return true;
    }
    return false;
}

static bool take_job(struct remake *m, const struct job_group *job, struct err *err)
{
    struct remake_head *head = &m->draft.head;
    const uint8_t *first = job_group_first_job(job);
    if (m->has_job && memcmp(head->job_id, first, JOB_ID_LEN) != 0)
        return err_set(err, ERR_INPUT, "is of another job than the MIC file before it");
    memcpy(head->job_id, first, JOB_ID_LEN);
    memcpy(head->job_name, job->name, sizeof(head->job_name));
    m->has_job = true;
    return true;
}

static bool look_for(struct remake *m, const struct mic_file_summary *s, struct err *err)
{
    const uint64_t last = s->job.first_record + s->count + s->set_aside_count - 1;
    for (size_t i = 0; i < m->count; i++) {
        const uint64_t number = m->entries[i].record;
        if (number < s->job.first_record || number > last) continue;
        if (is_set_aside(s, number))
            return err_set(err, ERR_INPUT, "record %" PRIu64 " was set aside: there is no card of it",
                           number);
        m->found[i] = true;
    }
    return true;
}

static bool look_into(struct remake *m, const char *path, struct err *err)
{
    struct reader *r = NULL;
    struct mic_file *file = NULL;
    if (!reader_open(&r, path, err) || !mic_file_open(&file, r, m->keys, m->signers.count + 1, 0, err))
        return false;
    const struct mic_file_summary *s = mic_file_summary(file);
    bool ok = take_job(m, &s->job, err) && look_for(m, s, err);
    mic_file_free(file);
    if (!ok) err_prefix(err, "%s", path);
    return ok;
}

static bool look_into_all(struct remake *m, struct err *err)
{
    const struct arg_list *mics = &m->options->mics;
    const struct pool_token_report *report = pool_token_report(m->session.pool);
    m->keys[0] = (struct public_key){report->signer_spki, report->signer_spki_len};
    for (size_t i = 0; i < m->signers.count; i++)
        m->keys[i + 1] = m->signers.keys[i];
    for (size_t i = 0; i < mics->count; i++) {
        if (!look_into(m, mics->items[i], err)) return false;
    }
    if (mics->count == 0 && !look_into(m, m->session.job->output_path, err)) return false;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->found[i])
            return err_set(err, ERR_INPUT, "no MIC file that is given has record %" PRIu64,
                           m->entries[i].record);
    }
    return true;
}

/* ---- the list's number ---- */

static void put_members(const struct remake *m, const char *records, struct audit_event *e)
{
    const struct remake_head *head = &m->draft.head;
    audit_hex(e, "job", head->job_id, JOB_ID_LEN);
    audit_text(e, "job_name", head->job_name);
    audit_number(e, "count", m->count);
    audit_text(e, "records", records);
    audit_text(e, "reason", m->options->reason);
}

/* Before it is signed: a list that is in no log must not be. The line's number is the list's. */
static bool write_line(struct remake *m, struct err *err)
{
    static const struct audit_log_settings settings = {
        .program = "cardprep " CARDPREP_VERSION, .now = clock_now, .create = false};
    struct audit_log *log = NULL;
    struct audit_event e;
    struct buf records;
    buf_init(&records, AUDIT_TEXT_MAX);
    remake_records_text(m->entries, m->count, &records);
    const char *text = buf_text(&records);
    audit_event_init(&e, "remake");
    put_members(m, text ? text : "", &e);
    bool ok =
        audit_log_open(&log, m->session.job->audit_log, &settings, err) && audit_log_append(log, &e, err);
    if (ok) m->draft.head.serial = audit_log_head(log)->seq;
    audit_event_release(&e);
    audit_log_free(log);
    buf_release(&records);
    return ok;
}

static bool number_list(struct remake *m, struct err *err)
{
    if (m->session.job->audit_log) return write_line(m, err);
    m->draft.head.serial = m->options->serial;
    return true;
}

static bool check_serial(const struct remake *m, struct err *err)
{
    const char *log = m->session.job->audit_log;
    if (log && m->options->serial)
        return err_set(err, ERR_CONFIG, "--serial: the job has an audit log, which numbers its lists");
    return log || m->options->serial ||
           err_set(err, ERR_CONFIG,
                   "the job has no audit log that would number its lists: give --serial N, "
                   "higher than that of every list before");
}

/* ---- writing ---- */

static bool sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    return pool_sign(context, data, len, signature, err);
}

static bool put(void *context, const void *data, size_t len, struct err *err)
{
    return outfile_append(context, data, len, err);
}

static bool write_list(struct remake *m, struct err *err)
{
    struct signed_lines_signer signer = {.sign = sign, .context = m->session.pool};
    struct outfile *file = NULL;
    memcpy(signer.id, pool_token_report(m->session.pool)->signer, SHA256_LEN);
    if (!outfile_create(&file, m->options->output, err)) return false;
    const struct signed_lines_sink sink = {put, file};
    bool ok = remake_list_put(&m->draft, sink, &signer, err) && outfile_commit(file, err);
    outfile_close(file, false);
    return ok;
}

static bool begin(struct remake *m, const char *job_path, struct err *err)
{
    const struct session_options options = {.workers = 1, .no_survey = true, .asks_log = true};
    const struct options *o = m->options;

    if (!remake_records_read(o->records, o->reason, &m->entries, &m->count, err)) {
        err_prefix(err, "--records");
        return false;
    }
    m->found = calloc(m->count, sizeof(*m->found));
    if (!m->found) return err_set_no_memory(err);
    if (!signers_load(&m->signers, o->signers.items, o->signers.count, err)) return false;
    if (!outfile_is_new(o->output, err)) return false;
    if (!session_open(&m->session, job_path, &options, err) || !check_serial(m, err)) return false;
    if (m->session.key_warnings.len > 0) fputs(buf_text(&m->session.key_warnings), stderr);
    return pool_open(m->session.pool, NULL, &m->session.identity, err);
}

static bool remake(struct remake *m, const char *job_path, struct err *err)
{
    if (!begin(m, job_path, err) || !look_into_all(m, err)) return false;
    memcpy(m->draft.head.created, m->session.identity.created, sizeof(m->draft.head.created));
    m->draft.entries = m->entries;
    m->draft.count = m->count;
    return number_list(m, err) && write_list(m, err);
}

static void say(const struct remake *m)
{
    char id[2 * JOB_ID_LEN + 1];
    hex_write(id, sizeof(id), m->draft.head.job_id, JOB_ID_LEN, true);
    printf("%s: remake list %" PRIu64 " of job '%s' (%s), %zu records\n", m->options->output,
           m->draft.head.serial, m->draft.head.job_name, id, m->count);
}

static int run(const char *job_path, const struct options *o)
{
    struct err err = ERR_INIT;
    struct remake *m = calloc(1, sizeof(*m));
    bool ok = false;
    if (m) {
        m->options = o;
        ok = remake(m, job_path, &err);
        if (ok) say(m);
        session_close(&m->session);
        signers_release(&m->signers);
        free(m->entries);
        free(m->found);
        free(m);
    } else {
        err_set_no_memory(&err);
    }
    return ok ? 0 : args_fail(&remake_command, &err);
}

/* False: what is missing. */
static bool check_options(const struct options *o, struct err *err)
{
    if (!o->records) return err_set(err, ERR_CONFIG, "name the records: --records 2,5-9,12=SERIAL");
    if (!o->reason) return err_set(err, ERR_CONFIG, "say why, in one word: --reason WORD");
    if (!o->output) return err_set(err, ERR_CONFIG, "name the list: --output FILE");
    if (o->reason[0] && strspn(o->reason, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(o->reason) &&
        strcmp(o->reason, "-") != 0)
        return true;
    return err_set(err, ERR_CONFIG, "--reason is one word of a-z, 0-9 and -");
}

static int command_remake(int argc, char **argv)
{
    int status = 0;
    struct options o = {.records = NULL};
    struct err err = ERR_INIT;
    const char *path = NULL;
    const struct arg_option options[] = {
        {"records",
         ARG_TEXT,
         "LIST",
         "2,5-9,12=SERIAL: records, and the cards they had",
         {.text = &o.records}},
        {"reason", ARG_TEXT, "WORD", "why: one word", {.text = &o.reason}},
        {"output", ARG_TEXT, "FILE", "the remake list", {.text = &o.output}},
        {"mic",
         ARG_LIST,
         "FILE",
         "the job's MIC file (default: its output); again for shards",
         {.list = &o.mics}},
        {"signer",
         ARG_LIST,
         "PEM",
         "a key that may have signed MIC files, beside the job's own",
         {.list = &o.signers}},
        {"serial", ARG_NUMBER, "N", "number of the list, if the job has no audit log", {.number = &o.serial}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&remake_command, argc, argv, options, count, &path, &status)) return status;
    return check_options(&o, &err) ? run(path, &o) : args_fail(&remake_command, &err);
}

const struct arg_command remake_command = {
    "cardprep", "remake", "JOB", 1, "allow records of a job to be made again, on new cards", command_remake};
