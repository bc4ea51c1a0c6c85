#include "prep/commands/use_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "prep/commands/key_history.h"

enum { WARNINGS_MAX = 1 << 16 };

struct use_log {
    struct use_plan plan;
    struct audit_log *log;
    uint64_t *begun; /* per key of the job: number of its use-begin line, 0: none */
};

static void put_members(struct audit_event *e, const struct use_log *u, size_t index)
{
    const struct key_settings *key = &u->plan.job->keys[index];
    char kcv[2 * sizeof(key->kcv) + 1];
    hex_write(kcv, sizeof(kcv), key->kcv, key->kcv_len, false);
    audit_hex(e, "job", u->plan.job_id, JOB_ID_LEN);
    audit_text(e, "job_name", u->plan.job->name);
    audit_text(e, "key", key->name);
    audit_number(e, "version", key->version);
    audit_text(e, "kcv", kcv);
    audit_number(e, "count", u->plan.planned[index].derivations);
    audit_number(e, "blocks", u->plan.planned[index].blocks);
    audit_number(e, "first", u->plan.first);
    audit_number(e, "last", u->plan.last);
}

static bool put_begin(struct use_log *u, size_t index, struct err *err)
{
    struct audit_event e;
    audit_event_init(&e, "use-begin");
    put_members(&e, u, index);
    bool ok = audit_log_append(u->log, &e, err);
    if (ok) u->begun[index] = audit_log_head(u->log)->seq;
    audit_event_release(&e);
    return ok;
}

static bool put_end(struct use_log *u, size_t index, const struct usage *actual, struct err *err)
{
    struct audit_event e;
    audit_event_init(&e, "use");
    put_members(&e, u, index);
    audit_number(&e, "begin", u->begun[index]);
    audit_number(&e, "actual", actual->derivations);
    audit_number(&e, "actual_blocks", actual->blocks);
    bool ok = audit_log_append(u->log, &e, err);
    audit_event_release(&e);
    return ok;
}

/* The lock is held. */
static bool begin_all(struct use_log *u, struct err *err)
{
    struct history *h = NULL;
    struct buf told; /* the caller has warned before */
    buf_init(&told, WARNINGS_MAX);
    bool ok =
        history_load_log(&h, u->log, err) && key_history_limits(h, u->plan.job, u->plan.planned, &told, err);
    history_free(h);
    buf_release(&told);
    for (size_t i = 0; ok && i < u->plan.job->key_count; i++) {
        if (u->plan.planned[i].derivations > 0) ok = put_begin(u, i, err);
    }
    return ok;
}

bool use_log_begin(struct use_log **out, const struct use_plan *plan, struct err *err)
{
    static const struct audit_log_settings settings = {
        .program = "cardprep " CARDPREP_VERSION, .now = clock_now, .create = false};
    struct use_log *u = calloc(1, sizeof(*u));
    if (!u) return err_set_no_memory(err);
    u->plan = *plan;
    u->begun = calloc(plan->job->key_count + 1, sizeof(*u->begun));
    bool ok = (u->begun || err_set_no_memory(err)) &&
              audit_log_open(&u->log, plan->job->audit_log, &settings, err) && audit_log_hold(u->log, err) &&
              begin_all(u, err);
    if (!ok) {
        use_log_free(u);
        return false;
    }
    audit_log_let_go(u->log);
    *out = u;
    return true;
}

bool use_log_end(struct use_log *u, const struct usage *actual, struct err *err)
{
    for (size_t i = 0; i < u->plan.job->key_count; i++) {
        if (u->begun[i] > 0 && !put_end(u, i, &actual[i], err)) return false;
        u->begun[i] = 0;
    }
    return true;
}

void use_log_free(struct use_log *u)
{
    if (!u) return;
    audit_log_free(u->log);
    free(u->begun);
    free(u);
}
