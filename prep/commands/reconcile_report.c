#include "prep/commands/reconcile_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

void reconcile_report_begin(struct reconcile_report *r, bool json)
{
    memset(r, 0, sizeof(*r));
    r->json = json;
    if (json) fputs("{\"findings\": [", stdout);
}

static void id_text(const struct ledger_job *job, char out[2 * JOB_ID_LEN + 1])
{
    out[0] = '\0';
    if (job) hex_write(out, 2 * JOB_ID_LEN + 1, job->job_id, JOB_ID_LEN, true);
}

static bool print_json_finding(struct reconcile_report *r, struct err *err)
{
    char id[2 * JOB_ID_LEN + 1];
    id_text(r->job, id);
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:s}", "kind", r->word, "job_id", id, "first",
                          (json_int_t)r->first, "last", (json_int_t)r->last, "text", r->text);
    if (!o) return err_set_no_memory(err);
    fputs(r->any ? ",\n  " : "\n  ", stdout);
    json_dumpf(o, stdout, JSON_PRESERVE_ORDER);
    json_decref(o);
    return true;
}

static void print_text_finding(const struct reconcile_report *r)
{
    printf("%s: ", r->word);
    if (r->job) printf("job '%s': ", r->job->name);
    if (r->first > 0 && r->first == r->last) printf("record %" PRIu64 ": ", r->first);
    if (r->first < r->last) printf("records %" PRIu64 " to %" PRIu64 ": ", r->first, r->last);
    puts(r->text);
}

static bool print_kept(struct reconcile_report *r, struct err *err)
{
    if (!r->waiting) return true;
    if (r->json && !print_json_finding(r, err)) return false;
    if (!r->json) print_text_finding(r);
    r->any = true;
    r->waiting = false;
    return true;
}

bool reconcile_report_finding(void *report, const struct ledger_finding *f, struct err *err)
{
    struct reconcile_report *r = report;
    bool goes_on = r->waiting && r->job == f->job && r->last > 0 && r->last + 1 == f->first &&
                   strcmp(r->word, f->word) == 0 && strcmp(r->text, f->text) == 0;
    if (goes_on) {
        r->last = f->last;
        return true;
    }
    if (!print_kept(r, err)) return false;
    r->waiting = true;
    r->word = f->word;
    r->job = f->job;
    r->first = f->first;
    r->last = f->last;
    snprintf(r->text, sizeof(r->text), "%s", f->text);
    return true;
}

/* ---- counts ---- */

/* What is to be done about a record that is not closed. */
static const char *const next_steps[ACCOUNT_STATES] = {
    [ACCOUNT_NOT_TOLD] = "ask the bureau for its next return file",
    [ACCOUNT_SPOILED] = "to be made again by a remake list (cardprep remake)",
    [ACCOUNT_MISSING] = "ask the bureau; what it does not find is given up by a remake list",
};

static void print_text_job(const struct ledger_job *job)
{
    char id[2 * JOB_ID_LEN + 1];
    id_text(job, id);
    printf("job '%s' (%s): %" PRIu64 " records\n", job->name, id, job->planned);
    for (size_t i = 0; i < ACCOUNT_STATES; i++) {
        if (job->states[i] > 0)
            printf("  %" PRIu64 " %s%s%s\n", job->states[i], account_state_name((enum account_state)i),
                   next_steps[i] ? ": " : "", next_steps[i] ? next_steps[i] : "");
    }
    if (job->not_given > 0)
        printf("  %" PRIu64 " in shards that are not given: name their MIC files, too\n", job->not_given);
    if (job->wrong > 0)
        printf("  something is wrong with %" PRIu64 " of them: see above, and tell an officer\n", job->wrong);
}

static bool print_json_job(const struct ledger_job *job, bool first, struct err *err)
{
    char id[2 * JOB_ID_LEN + 1];
    id_text(job, id);
    json_t *o =
        json_pack("{s:s, s:s, s:I}", "job_id", id, "job", job->name, "records", (json_int_t)job->planned);
    bool ok = o != NULL;
    for (size_t i = 0; ok && i < ACCOUNT_STATES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", account_state_name((enum account_state)i));
        for (char *c = name; *c; c++) {
            if (*c == ' ') *c = '_';
        }
        ok = json_object_set_new(o, name, json_integer((json_int_t)job->states[i])) == 0;
    }
    ok = ok && json_object_set_new(o, "not_given", json_integer((json_int_t)job->not_given)) == 0 &&
         json_object_set_new(o, "wrong", json_integer((json_int_t)job->wrong)) == 0;
    if (ok) {
        fputs(first ? "\n  " : ",\n  ", stdout);
        json_dumpf(o, stdout, JSON_PRESERVE_ORDER);
    }
    json_decref(o);
    return ok || err_set_no_memory(err);
}

bool reconcile_report_end(struct reconcile_report *r, const struct ledger *l, struct err *err)
{
    if (!print_kept(r, err)) return false;
    if (r->json) fputs("], \"jobs\": [", stdout);
    for (size_t i = 0; i < ledger_job_count(l); i++) {
        if (!r->json) print_text_job(ledger_job_at(l, i));
        if (r->json && !print_json_job(ledger_job_at(l, i), i == 0, err)) return false;
    }
    if (r->json) printf("], \"closed\": %s}\n", ledger_is_closed(l) ? "true" : "false");
    if (!r->json && ledger_is_closed(l)) puts("every record is accounted for");
    return fflush(stdout) == 0 || err_set(err, ERR_FILE, "standard output cannot be written");
}

bool reconcile_report_open(const struct reconcile_report *r, const struct ledger *l, struct err *err)
{
    uint64_t records = 0, open = 0, wrong = 0;
    char also[64] = "";
    for (size_t i = 0; i < ledger_job_count(l); i++) {
        const struct ledger_job *job = ledger_job_at(l, i);
        records += job->planned;
        open += job->not_given;
        wrong += job->wrong;
        for (size_t k = 0; k < ACCOUNT_STATES; k++)
            open += account_state_is_closed((enum account_state)k) ? 0 : job->states[k];
    }
    const char *where = r->json ? "see 'findings'" : "see above which they are, and what to do";
    if (wrong > 0) snprintf(also, sizeof(also), ", and something is wrong with %" PRIu64, wrong);
    if (open > 0)
        return err_set(err, ERR_INPUT,
                       "all files were read; %" PRIu64 " of %" PRIu64
                       " records are not accounted for yet%s: %s",
                       open, records, also, where);
    if (wrong > 0)
        return err_set(err, ERR_INPUT,
                       "all files were read; something is wrong with %" PRIu64 " of %" PRIu64 " records: %s",
                       wrong, records, where);
    return err_set(
        err, ERR_INPUT,
        "all files were read; every record is accounted for, but not everything that the files say: %s",
        where);
}
