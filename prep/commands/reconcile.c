/* cardprep reconcile JOB|MIC … --returns FILE … --signer PEM --bureau-signer PEM: accounts for every record of every job, and
 * names what is missing or wrong. Needs no token.
 *
 * Files may be given in any order: each says in its first bytes what it is. Two kinds of signers are kept apart: the issuer's, of MIC files and
 * remake lists, and the bureaus', of return files. A bureau that could sign its own remake lists could make two live cards. */
#include "prep/commands/commands.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/log.h"
#include "base/args.h"
#include "config/job.h"
#include "formats/signers.h"
#include "prep/commands/reconcile_report.h"

struct options {
    struct arg_list returns, signers, bureau_signers;
    bool json, help;
};

enum kind { KIND_JOB, KIND_MIC, KIND_REMAKES, KIND_RETURNS, KIND_COUNT };
struct input {
    const char *path; /* borrowed */
    enum kind kind;
};

struct reconcile {
    const struct options *options;
    struct input *inputs;
    size_t input_count;
    struct job **jobs;
    size_t job_count;
    struct signers signers, bureau_signers;
    struct ledger *ledger;
    struct reconcile_report report;
    uint64_t mic_files, remake_lists, return_files;
};

/* ---- what the files are ---- */

static bool begins(const uint8_t *bytes, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

static bool find_kind(struct input *in, struct err *err)
{
    enum { LOOK = 16 };
    struct reader *r = NULL;
    const uint8_t *bytes = NULL;
    size_t len = 0, digits = 0;
    if (!reader_open(&r, in->path, err)) return false;
    bool ok = reader_peek(r, LOOK, &bytes, &len, err);
    if (ok) {
        while (digits < len && isdigit(bytes[digits]))
            digits++;
        in->kind = digits >= MIC_DIGITS                     ? KIND_MIC
                   : begins(bytes, len, "cardprep remake ") ? KIND_REMAKES
                   : begins(bytes, len, "cardprep return ") ? KIND_RETURNS
                                                            : KIND_JOB;
    }
    reader_free(r);
    return ok;
}

static bool take_inputs(struct reconcile *c, const struct arg_operands *operands, struct err *err)
{
    const struct arg_list *returns = &c->options->returns;
    c->input_count = (size_t)operands->count + returns->count;
    c->inputs = calloc(c->input_count, sizeof(*c->inputs));
    c->jobs = calloc(c->input_count, sizeof(struct job *));
    if (!c->inputs || !c->jobs) return err_set_no_memory(err);
    for (size_t i = 0; i < c->input_count; i++) {
        const size_t operand = i < (size_t)operands->count ? i : 0;
        c->inputs[i].path = i < (size_t)operands->count ? operands->items[operand]
                                                        : returns->items[i - (size_t)operands->count];
        if (!find_kind(&c->inputs[i], err)) return false;
    }
    return true;
}

/* ---- loading ---- */

static bool add_mic(struct reconcile *c, const char *path, struct err *err)
{
    struct reader *r = NULL;
    struct mic_file *file = NULL;
    bool ok = reader_open(&r, path, err) &&
              mic_file_open(&file, r, c->signers.keys, c->signers.count, 0, err) &&
              ledger_add_mic(c->ledger, path, file, err);
    mic_file_free(file);
    if (ok) c->mic_files++;
    return ok;
}

static bool add_remakes(struct reconcile *c, const char *path, struct err *err)
{
    struct reader *r = NULL;
    struct remake_list *list = NULL;
    bool ok = reader_open(&r, path, err) &&
              remake_list_open(&list, r, c->signers.keys, c->signers.count, err) &&
              ledger_add_remakes(c->ledger, path, list, err);
    remake_list_free(list);
    if (ok) c->remake_lists++;
    return ok;
}

static bool add_returns(struct reconcile *c, const char *path, struct err *err)
{
    struct reader *r = NULL;
    struct return_file *file = NULL;
    bool ok = reader_open(&r, path, err) &&
              return_file_open(&file, r, c->bureau_signers.keys, c->bureau_signers.count, err) &&
              ledger_add_returns(c->ledger, path, file, err);
    return_file_free(file);
    if (ok) c->return_files++;
    return ok;
}

static bool load_job(struct reconcile *c, const char *path, struct err *err)
{
    if (!job_load(&c->jobs[c->job_count], path, err)) return false;
    c->job_count++;
    return true;
}

static bool each(struct reconcile *c, enum kind kind,
                 bool (*take)(struct reconcile *c, const char *path, struct err *err), struct err *err)
{
    for (size_t i = 0; i < c->input_count; i++) {
        if (c->inputs[i].kind == kind && !take(c, c->inputs[i].path, err)) return false;
    }
    return true;
}

/* A job stands for its output, unless MIC files are named. */
static bool add_outputs(struct reconcile *c, struct err *err)
{
    for (size_t i = 0; c->mic_files == 0 && i < c->job_count; i++) {
        const char *path = c->jobs[i]->output_path;
        if (!path) return err_set(err, ERR_CONFIG, "%s: has no output; name the MIC files", c->jobs[i]->path);
    }
    const bool alone = c->mic_files == 0;
    for (size_t i = 0; alone && i < c->job_count; i++) {
        if (!add_mic(c, c->jobs[i]->output_path, err)) return false;
    }
    return true;
}

static bool has_kind(const struct reconcile *c, enum kind kind)
{
    for (size_t i = 0; i < c->input_count; i++) {
        if (c->inputs[i].kind == kind) return true;
    }
    return false;
}

static bool load(struct reconcile *c, const struct arg_operands *operands, struct err *err)
{
    const struct options *o = c->options;
    if (!take_inputs(c, operands, err)) return false;
    if (!has_kind(c, KIND_JOB) && !has_kind(c, KIND_MIC))
        return err_set(err, ERR_CONFIG, "name the job or its MIC files");
    if (o->signers.count == 0)
        return err_set(err, ERR_CONFIG,
                       "name the issuer's key, which signed MIC files and remake lists: --signer PEM");
    if (has_kind(c, KIND_RETURNS) && o->bureau_signers.count == 0)
        return err_set(err, ERR_CONFIG, "name the key that signed the return files: --bureau-signer PEM");
    return signers_load(&c->signers, o->signers.items, o->signers.count, err) &&
           signers_load(&c->bureau_signers, o->bureau_signers.items, o->bureau_signers.count, err) &&
           ledger_new(&c->ledger, err) && each(c, KIND_JOB, load_job, err) &&
           each(c, KIND_MIC, add_mic, err) && add_outputs(c, err) &&
           each(c, KIND_REMAKES, add_remakes, err) && each(c, KIND_RETURNS, add_returns, err);
}

/* ---- the job's log ---- */

static void put_members(const struct reconcile *c, const struct ledger_job *job, struct audit_event *e)
{
    audit_hex(e, "job", job->job_id, JOB_ID_LEN);
    audit_text(e, "job_name", job->name);
    audit_number(e, "records", job->planned);
    for (size_t i = 0; i < ACCOUNT_STATES; i++) {
        static const char *const names[ACCOUNT_STATES] = {
            [ACCOUNT_NOT_TOLD] = "not_told",   [ACCOUNT_MADE] = "made",
            [ACCOUNT_REMADE] = "remade",       [ACCOUNT_SPOILED] = "spoiled",
            [ACCOUNT_DESTROYED] = "destroyed", [ACCOUNT_MISSING] = "missing",
            [ACCOUNT_SET_ASIDE] = "set_aside"};
        audit_number(e, names[i], job->states[i]);
    }
    audit_number(e, "not_given", job->not_given);
    audit_number(e, "wrong", job->wrong);
    audit_number(e, "return_files", c->return_files);
    audit_number(e, "remake_lists", c->remake_lists);
}

static bool write_line(const struct reconcile *c, const char *path, const struct ledger_job *job,
                       struct err *err)
{
    static const struct audit_log_settings settings = {
        .program = "cardprep " CARDPREP_VERSION, .now = clock_now, .create = false};
    struct audit_log *log = NULL;
    struct audit_event e;
    audit_event_init(&e, "reconcile");
    put_members(c, job, &e);
    bool ok = audit_log_open(&log, path, &settings, err) && audit_log_append(log, &e, err);
    audit_event_release(&e);
    audit_log_free(log);
    return ok;
}

/* Each job of the files goes into the log of the job that has its name. */
static bool write_lines(const struct reconcile *c, struct err *err)
{
    for (size_t i = 0; i < c->job_count; i++) {
        const struct job *job = c->jobs[i];
        for (size_t k = 0; job->audit_log && k < ledger_job_count(c->ledger); k++) {
            if (ledger_job_is_called(c->ledger, k, job->name) &&
                !write_line(c, job->audit_log, ledger_job_at(c->ledger, k), err))
                return false;
        }
    }
    return true;
}

/* ---- the command ---- */

static bool reconcile(struct reconcile *c, const struct arg_operands *operands, struct err *err)
{
    if (!load(c, operands, err)) return false;
    reconcile_report_begin(&c->report, c->options->json);
    return ledger_settle(c->ledger, reconcile_report_finding, &c->report, err) && write_lines(c, err) &&
           reconcile_report_end(&c->report, c->ledger, err);
}

static void release(struct reconcile *c)
{
    for (size_t i = 0; i < c->job_count; i++)
        job_free(c->jobs[i]);
    free(c->jobs);
    free(c->inputs);
    ledger_free(c->ledger);
    signers_release(&c->signers);
    signers_release(&c->bureau_signers);
    free(c);
}

static int run(const struct arg_operands *operands, const struct options *o)
{
    struct err err = ERR_INIT;
    struct reconcile *c = calloc(1, sizeof(*c));
    bool ok = false;
    if (c) {
        c->options = o;
        ok = reconcile(c, operands, &err);
        if (ok && !ledger_is_closed(c->ledger)) ok = reconcile_report_open(&c->report, c->ledger, &err);
        release(c);
    } else {
        err_set_no_memory(&err);
    }
    return ok ? 0 : args_fail(&reconcile_command, &err);
}

static int command_reconcile(int argc, char **argv)
{
    struct options o = {.json = false};
    struct err err = ERR_INIT;
    const struct arg_option options[] = {
        {"returns",
         ARG_LIST,
         "FILE",
         "a return file or remake list; again for more, or as operands",
         {.list = &o.returns}},
        {"signer",
         ARG_LIST,
         "PEM",
         "the issuer's key, of MIC files and remake lists; again for more",
         {.list = &o.signers}},
        {"bureau-signer",
         ARG_LIST,
         "PEM",
         "a bureau's key, of return files; again for more",
         {.list = &o.bureau_signers}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    struct arg_operands operands = {calloc((size_t)argc, sizeof(char *)), argc, 0};
    int status = 0;

    if (!operands.items) {
        err_set_no_memory(&err);
        return args_fail(&reconcile_command, &err);
    }
    if (!args_parse_many(argc, argv, options, count, &operands, &err))
        status = args_fail(&reconcile_command, &err);
    else if (o.help)
        args_usage(stdout, &reconcile_command, options, count);
    else
        status = run(&operands, &o);
    free(operands.items);
    return status;
}

const struct arg_command reconcile_command = {
    "cardprep", "reconcile", "FILE...", 1, "account for every record of a job", command_reconcile};
