#include "prep/commands/session.h"

#include <string.h>
#include <sys/random.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "prep/input/counter.h"

static bool make_identity(struct session *s, const char *job_id, struct err *err)
{
    if (!clock_text(clock_now(NULL), s->identity.created, err)) return false;
    if (job_id) {
        if (!hex_read_exact(job_id, strlen(job_id), s->identity.job_id, JOB_ID_LEN, err)) {
            err->kind = ERR_CONFIG;
            err_prefix(err, "--job-id");
            return false;
        }
    } else if (getrandom(s->identity.job_id, JOB_ID_LEN, 0) != JOB_ID_LEN) {
        return err_set(err, ERR_INTERNAL, "no random job id can be had");
    }
    if (!s->job->counter_path) return true;
    return counter_peek(s->job->counter_path, s->job->counter_first, &s->identity.counter_first, err);
}

/* The first line that is an error becomes err; the others stay in findings. */
static bool lint(struct session *s, struct err *err)
{
    size_t errors = job_lint(s->job, NULL, 0, &s->findings);
    if (errors == 0) return true;
    const char *text = buf_text(&s->findings);
    while (text && strncmp(text, "warning: ", 9) == 0) {
        text = strchr(text, '\n');
        if (text) text++;
    }
    int len = text ? (int)strcspn(text, "\n") : 0;
    return err_set(err, ERR_CONFIG, "%.*s%s", len, text ? text : "",
                   errors > 1 ? " (and more: see `cardprep check`)" : "");
}

static bool override(char **setting, const char *value, struct err *err)
{
    if (!value) return true;
    char *copy = strdup(value);
    if (!copy) return err_set_no_memory(err);
    free(*setting);
    *setting = copy;
    return true;
}

/* Tried before a PIN is asked for or a card number counter moves on. */
static bool try_output(const char *path, struct err *err)
{
    struct outfile *f = NULL;
    if (!outfile_create(&f, path, err)) return false;
    outfile_close(f, false);
    return true;
}

static bool ask_log(struct session *s, struct err *err)
{
    char today[11];
    memcpy(today, s->identity.created, 10);
    today[10] = '\0';
    return !s->job->audit_log || key_history_load(&s->history, s->job, today, &s->key_warnings, err);
}

static bool open_inputs(struct session *s, struct err *err)
{
    if (!card_reader_open(&s->reader, s->job, err)) return false;
    const struct field_table *fields = card_reader_fields(s->reader);
    job_unused_fields(s->job, fields->names, fields->count, &s->unused_fields);
    if (!planner_new(&s->planner, s->job, fields, err)) return false;
    if (!survey_run(&s->survey, s->reader, s->job, s->planner, &s->identity, err)) return false;
    s->surveyed = true;
    return card_reader_rewind(s->reader, err);
}

bool session_open(struct session *s, const char *job_path, const struct session_options *options,
                  struct err *err)
{
    memset(s, 0, sizeof(*s));
    buf_init(&s->findings, 1 << 20);
    buf_init(&s->unused_fields, 1 << 20);
    buf_init(&s->key_warnings, 1 << 20);
    bool ok = job_load(&s->job, job_path, err) && override(&s->job->output_path, options->output, err) &&
              job_settings_hash(s->job, s->settings_hash, err) && make_identity(s, options->job_id, err) &&
              lint(s, err);
    if (ok && options->asks_log) ok = ask_log(s, err);
    if (ok && options->writes) ok = try_output(s->job->output_path, err);
    if (ok && options->workers) s->job->workers = (unsigned)options->workers;
    if (ok && !options->no_token) ok = pool_start(&s->pool, s->job, err);
    if (ok && !options->no_survey) ok = open_inputs(s, err);
    if (!ok) session_close(s);
    return ok;
}

void session_close(struct session *s)
{
    pool_free(s->pool);
    if (s->surveyed) survey_release(&s->survey);
    planner_free(s->planner);
    card_reader_free(s->reader);
    job_free(s->job);
    buf_release(&s->findings);
    buf_release(&s->unused_fields);
    buf_release(&s->key_warnings);
    history_free(s->history);
    memset(s, 0, sizeof(*s));
}
