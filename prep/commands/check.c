/* cardprep check JOB: all that can be known before the run. Nothing is written and no counter is taken: the trial cards
 * are prepared under a job id that is thrown away. */
#include "prep/commands/commands.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/hex.h"
#include "base/progress.h"
#include "prep/commands/session.h"

enum { TRIAL_MS = 2000, TRIAL_CARDS = 500, TRIAL_PENDING = 32, UNUSED_SHOWN = 20, FINDINGS_MAX = 1 << 20 };

struct check_options {
    uint64_t workers;
    bool no_token, canonical, json, help;
};

struct check {
    const char *job_path;
    const struct check_options *options;
    struct session session;
    struct buf config_findings, token_findings, unused_rows;
    size_t config_errors, token_errors;
    uint64_t unused_count;
    uint64_t trial_cards, trial_ms;
};

/* ---- configuration alone ---- */

static bool print_canonical(const struct job *job, struct err *err)
{
    struct buf text;
    buf_init(&text, 1 << 24);
    bool ok = job_canonical(job, &text, err) && buf_ok(&text, "canonical form", err);
    if (ok && fwrite(text.data, 1, text.len, stdout) != text.len)
        ok = err_set(err, ERR_FILE, "standard output cannot be written");
    buf_release(&text);
    return ok;
}

/* All findings at once, before any PIN is asked for. */
static bool check_config(struct check *c, struct err *err)
{
    struct job *job = NULL;
    bool ok = false;

    if (!job_load(&job, c->job_path, err)) return false;
    c->config_errors = job_lint(job, NULL, 0, &c->config_findings);
    const char *text = buf_text(&c->config_findings);
    if (text && text[0]) fprintf(stderr, "%s", text);
    if (c->config_errors > 0)
        err_set(err, ERR_CONFIG, "%s: %zu error%s", c->job_path, c->config_errors,
                c->config_errors == 1 ? "" : "s");
    else
        ok = !c->options->canonical || print_canonical(job, err);
    job_free(job);
    return ok;
}

/* ---- token and time ---- */

/* Cards of the input in their order, those that the survey refused left out. */
struct trial {
    struct check *check;
    uint64_t position;
    bool end;
};

static bool submit_next(struct trial *t, struct err *err)
{
    struct session *s = &t->check->session;
    struct card_input in;
    struct err refused = ERR_INIT;

    card_input_init(&in);
    bool ok = true;
    t->position++;
    if (!card_reader_next(s->reader, &in, &t->end, &refused)) {
        t->end = !card_reader_can_go_on(s->reader);
    } else if (!t->end) {
        ok = card_identify(&in, s->reader, s->job, &s->identity, t->position, err);
        if (ok && !survey_is_bad(&s->survey, in.number)) ok = pool_submit(s->pool, &in, err);
    }
    card_input_release(&in);
    return ok;
}

static bool run_trial(struct check *c, struct err *err)
{
    struct session *s = &c->session;
    struct trial t = {.check = c};
    const uint64_t begin = clock_monotonic_ms();
    uint64_t submitted = 0;
    struct pool_result *result = calloc(1, sizeof(*result));
    bool ok = true;

    if (!result) return err_set_no_memory(err);
    while (ok) {
        while (ok && !t.end && clock_monotonic_ms() - begin < TRIAL_MS && submitted < TRIAL_CARDS &&
               pool_pending(s->pool) < TRIAL_PENDING) {
            ok = submit_next(&t, err);
            submitted++;
        }
        if (!ok || pool_pending(s->pool) == 0) break;
        bool got = false;
        ok = pool_wait(s->pool, 100, result, &got, err);
        if (!ok || !got) continue;
        c->trial_cards++;
        if (result->ok) continue;
        *err = result->err;
        err_prefix(err, "record %" PRIu64, result->number);
        ok = false;
    }
    c->trial_ms = clock_monotonic_ms() - begin;
    free(result);
    return ok;
}

static bool check_token(struct check *c, struct err *err)
{
    struct session *s = &c->session;

    if (!pool_open(s->pool, card_reader_fields(s->reader), &s->identity, err)) return false;
    if (!pool_check_token(s->pool, &c->token_findings, &c->token_errors, err)) return false;
    const char *text = buf_text(&c->token_findings);
    if (text && text[0]) fprintf(stderr, "%s", text);
    if (c->token_errors > 0)
        return err_set(err, ERR_TOKEN, "%s: the token lacks %zu thing%s that this job needs", c->job_path,
                       c->token_errors, c->token_errors == 1 ? "" : "s");
    return run_trial(c, err);
}

/* Milliseconds for all cards; 0: unknown. */
static uint64_t estimate_ms(const struct check *c)
{
    const struct survey *survey = &c->session.survey;
    if (c->trial_cards == 0) return 0;
    return (survey->planned - survey->bad_count) * c->trial_ms / c->trial_cards;
}

/* ---- what is said ---- */

static void print_input(const struct check *c)
{
    const struct job *job = c->session.job;
    const struct survey *survey = &c->session.survey;

    printf("input %s: %" PRIu64 " cards", job->input.path, survey->planned);
    if (survey->bad_count) printf(", %zu of them to be set aside", survey->bad_count);
    putchar('\n');
    for (size_t i = 0; i < survey->application_total && i < job->application_count; i++)
        printf("  %-24s %" PRIu64 " cards\n", job->applications[i].name, survey->application_count[i]);
    if (survey->sealed_entries_copied)
        printf("  sealed entries copied    %" PRIu64 "\n", survey->sealed_entries_copied);
    if (survey->open_entries_copied)
        printf("  open entries copied      %" PRIu64 "\n", survey->open_entries_copied);
    if (survey->unnamed_entries)
        printf("  entries the job does not name %" PRIu64 "\n", survey->unnamed_entries);
}

/* What the audit log knows of the masters' use. */
static void print_uses(const struct check *c)
{
    const struct session *s = &c->session;
    for (size_t i = 0; s->history && i < s->job->key_count; i++) {
        const struct key_settings *key = &s->job->keys[i];
        struct history_limit limit = key_history_limit(s->history, key);
        printf("key %s/%u: %" PRIu64 " blocks of %zu bytes used, this job adds %" PRIu64, key->name,
               (unsigned)key->version, key_history_used(s->history, key), usage_block_len(key),
               s->survey.usage[i].blocks);
        if (!limit.none) printf("; limit %" PRIu64 ", then %s", limit.blocks, limit.stop ? "stop" : "warn");
        putchar('\n');
    }
}

static void print_warnings(struct check *c)
{
    const char *keys = buf_text(&c->session.key_warnings);
    if (keys && keys[0]) fprintf(stderr, "%s", keys);
    const char *messages = buf_text(&c->session.survey.messages), *unused = buf_text(&c->unused_rows);
    const char *fields = buf_text(&c->session.unused_fields);
    if (fields && fields[0]) fprintf(stderr, "%s", fields);
    if (messages && messages[0]) fprintf(stderr, "%s", messages);
    if (access(c->session.job->output_path, F_OK) == 0)
        fprintf(stderr,
                "warning: %s: exists, and a run replaces nothing: move it away or run with --output\n",
                c->session.job->output_path);
    if (c->unused_count == 0) return;
    fprintf(stderr, "warning: rows of joined inputs that belong to no card: %" PRIu64 "\n%s", c->unused_count,
            unused ? unused : "");
}

static void print_text(struct check *c)
{
    const struct job *job = c->session.job;
    char hash[2 * SHA256_LEN + 1], duration[64];

    hex_write(hash, sizeof(hash), c->session.settings_hash, SHA256_LEN, true);
    printf("job '%s': settings SHA-256 %s\n", job->name, hash);
    print_input(c);
    print_uses(c);
    if (c->options->no_token) {
        puts("token: not asked (--no-token)");
        return;
    }
    char kek[2 * KEKID_LEN + 1], kcv[2 * KEK_KCV_LEN + 1];
    const struct pool_token_report *report = pool_token_report(c->session.pool);
    hex_write(kek, sizeof(kek), report->kek.kekid, KEKID_LEN, false);
    hex_write(kcv, sizeof(kcv), report->kek.kcv, KEK_KCV_LEN, false);
    printf("token %s: every key found, roles and check values right; KEK %s, check value %s\n", report->token,
           kek, kcv);
    if (c->trial_cards == 0) return;
    progress_duration(duration, sizeof(duration), estimate_ms(c));
    printf("time: about %s (trial: %" PRIu64 " cards in %" PRIu64 " ms)\n", duration, c->trial_cards,
           c->trial_ms);
}

/* Member "keys" of a job with an audit log. */
static bool put_uses(json_t *o, const struct session *s)
{
    if (!s->history) return true;
    json_t *keys = json_array();
    bool ok = keys && json_object_set_new(o, "keys", keys) == 0;
    for (size_t i = 0; ok && i < s->job->key_count; i++) {
        const struct key_settings *key = &s->job->keys[i];
        struct history_limit limit = key_history_limit(s->history, key);
        json_t *k = json_pack("{s:s, s:i, s:i, s:I, s:I, s:I}", "name", key->name, "version",
                              (int)key->version, "block_bytes", (int)usage_block_len(key), "blocks_used",
                              (json_int_t)key_history_used(s->history, key), "derivations_planned",
                              (json_int_t)s->survey.usage[i].derivations, "blocks_planned",
                              (json_int_t)s->survey.usage[i].blocks);
        ok = k && json_array_append(keys, k) == 0;
        if (ok && !limit.none)
            ok = json_object_set_new(k, "limit_blocks", json_integer((json_int_t)limit.blocks)) == 0 &&
                 json_object_set_new(k, "limit_then", json_string(limit.stop ? "stop" : "warn")) == 0;
        json_decref(k);
    }
    return ok;
}

static bool print_json(struct check *c, struct err *err)
{
    const struct session *s = &c->session;
    char hash[2 * SHA256_LEN + 1];
    json_t *applications = json_object();

    hex_write(hash, sizeof(hash), s->settings_hash, SHA256_LEN, true);
    for (size_t i = 0; applications && i < s->survey.application_total && i < s->job->application_count;
         i++) {
        json_t *n = json_integer((json_int_t)s->survey.application_count[i]);
        err_ignore(json_object_set_new(applications, s->job->applications[i].name, n) == 0,
                   "json_pack fails as well when memory is exhausted");
    }
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:b, s:I, s:I, s:I}", "job", s->job->name,
                  "settings_sha256", hash, "cards", (json_int_t)s->survey.planned, "bad_records",
                  (json_int_t)s->survey.bad_count, "applications", applications, "sealed_entries_copied",
                  (json_int_t)s->survey.sealed_entries_copied, "open_entries_copied",
                  (json_int_t)s->survey.open_entries_copied, "unused_rows", (json_int_t)c->unused_count,
                  "token_checked", !c->options->no_token, "trial_cards", (json_int_t)c->trial_cards,
                  "trial_ms", (json_int_t)c->trial_ms, "estimate_ms", (json_int_t)estimate_ms(c));
    if (!o || !put_uses(o, s)) {
        json_decref(o);
        return err_set_no_memory(err);
    }
    json_dumpf(o, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(o);
    return true;
}

/* ---- the command ---- */

static bool check(struct check *c, struct err *err)
{
    const struct session_options options = {
        .workers = c->options->workers, .no_token = c->options->no_token, .asks_log = true};

    if (!check_config(c, err)) return false;
    if (c->options->canonical) return true;
    if (!session_open(&c->session, c->job_path, &options, err)) return false;
    bool ok =
        card_reader_unused_rows(c->session.reader, UNUSED_SHOWN, &c->unused_rows, &c->unused_count, err);
    if (ok && c->session.history)
        ok = key_history_limits(c->session.history, c->session.job, c->session.survey.usage,
                                &c->session.key_warnings, err);
    if (ok) print_warnings(c);
    if (ok) ok = card_reader_check_unused(c->session.reader, err);
    if (ok && !c->options->no_token) ok = check_token(c, err);
    if (ok && c->options->json) ok = print_json(c, err);
    if (ok && !c->options->json) print_text(c);
    session_close(&c->session);
    return ok;
}

static int run(const char *job_path, const struct check_options *options)
{
    struct err err = ERR_INIT;
    struct check *c = calloc(1, sizeof(*c));
    bool ok = false;

    if (c) {
        c->job_path = job_path;
        c->options = options;
        buf_init(&c->config_findings, FINDINGS_MAX);
        buf_init(&c->token_findings, FINDINGS_MAX);
        buf_init(&c->unused_rows, FINDINGS_MAX);
        ok = check(c, &err);
        buf_release(&c->config_findings);
        buf_release(&c->token_findings);
        buf_release(&c->unused_rows);
        free(c);
    } else {
        err_set_no_memory(&err);
    }
    if (ok && fflush(stdout) != 0) ok = err_set(&err, ERR_FILE, "standard output cannot be written");
    return ok ? 0 : args_fail(&check_command, &err);
}

static int command_check(int argc, char **argv)
{
    int status = 0;
    struct check_options o = {.workers = 0};
    const char *path = NULL;
    const struct arg_option options[] = {
        {"workers",
         ARG_NUMBER,
         "N",
         "workers of the timed trial (default: as the job says)",
         {.number = &o.workers}},
        {"no-token", ARG_FLAG, NULL, "leave token and time out: no PIN is needed", {.flag = &o.no_token}},
        {"canonical",
         ARG_FLAG,
         NULL,
         "print the settings in canonical form, nothing else",
         {.flag = &o.canonical}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&check_command, argc, argv, options, count, &path, &status)) return status;
    return run(path, &o);
}

const struct arg_command check_command = {
    "cardprep", "check", "JOB", 1, "say all that can be known before the run", command_check};
