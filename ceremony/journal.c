#include "ceremony/journal.h"

#include <stdlib.h>
#include <string.h>

#include "audit/history.h"
#include "audit/log.h"
#include "audit/read.h"
#include "base/digest.h"
#include "ceremony/evidence.h"
#include "ceremony/output.h"
#include "hsm/crypto.h"

struct journal {
    struct audit_log *log;
    const struct plan *plan;
    const char *site; /* NULL: every site */
    bool begun;       /* this sitting's first line is written */
};

/* A TEST plan asks nobody for a second officer, and its keys are no secret: so its log is its own. */
static bool is_of_this_kind(const struct plan *plan, struct err *err)
{
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    bool same = true;
    bool ok = audit_read_open(&r, plan->audit_log, err);
    while (ok && same && (ok = audit_read_next(r, &line, err)) && line) {
        const char *test = strcmp(line->event, "begin") == 0 ? audit_line_text(line, "test") : NULL;
        same = !test || (strcmp(test, "yes") == 0) == plan->test;
    }
    audit_read_free(r);
    return ok && (same || err_set(err, ERR_CONFIG,
                                  "%s is the log of a plan that is %sTEST, and this plan is %sTEST: neither "
                                  "goes on in the other's",
                                  plan->audit_log, plan->test ? "not " : "", plan->test ? "" : "not "));
}

bool journal_open(struct journal **out, const struct plan *plan, const char *site, struct err *err)
{
    const struct audit_log_settings settings = {evidence_program(), clock_now, NULL, true};
    struct journal *j = calloc(1, sizeof(*j));
    if (!j) return err_set_no_memory(err);
    j->plan = plan;
    j->site = site;
    if (!audit_log_open(&j->log, plan->audit_log, &settings, err) || !is_of_this_kind(plan, err)) {
        err_prefix(err, "audit log");
        journal_close(j);
        return false;
    }
    *out = j;
    return true;
}

void journal_close(struct journal *j)
{
    if (!j) return;
    audit_log_free(j->log);
    free(j);
}

/* ---- lines ---- */

static bool put(struct journal *j, struct audit_event *e, struct err *err)
{
    bool ok = audit_log_append(j->log, e, err);
    audit_event_release(e);
    if (!ok) err_prefix(err, "audit log");
    return ok;
}

static bool begin(struct journal *j, struct err *err)
{
    struct audit_event e;
    char plan_hash[EVIDENCE_HASH_TEXT], program_hash[EVIDENCE_HASH_TEXT], people[PLAN_PEOPLE_TEXT_MAX];
    if (j->begun) return true;
    if (!evidence_program_hash(program_hash, err)) return false;
    evidence_plan_hash(j->plan, plan_hash);
    audit_event_init(&e, "begin");
    audit_text(&e, "plan", j->plan->name);
    audit_text(&e, "plan_hash", plan_hash);
    audit_text(&e, "program_hash", program_hash);
    audit_text(&e, "test", j->plan->test ? "yes" : "no");
    if (j->site) audit_text(&e, "site", j->site);
    audit_text(&e, "officers", plan_people(j->plan, DUTY_OFFICER, people));
    audit_text(&e, "custodians", plan_people(j->plan, DUTY_CUSTODIAN, people));
    audit_text(&e, "witnesses", plan_people(j->plan, DUTY_WITNESS, people));
    j->begun = put(j, &e, err);
    return j->begun;
}

/* Begins a line; false: the sitting's own first line cannot be written. */
static bool start(struct journal *j, struct audit_event *e, const char *event, struct err *err)
{
    if (!begin(j, err)) return false;
    audit_event_init(e, event);
    return true;
}

static void put_check(struct audit_event *e, const struct check_value *check)
{
    char text[CHECK_VALUE_TEXT];
    check_value_text(check, text);
    audit_text(e, "kcv", text);
}

static void put_key(struct audit_event *e, const struct plan_key *key)
{
    audit_text(e, "key", key->name);
    audit_number(e, "version", key->version);
}

static void put_officers(struct audit_event *e, const struct officers *two)
{
    if (two->first[0]) audit_text(e, "officer_1", two->first);
    if (two->second[0]) audit_text(e, "officer_2", two->second);
}

bool journal_step(struct journal *j, size_t number, const char *what, const char *outcome, const char *detail,
                  struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "step", err)) return false;
    audit_number(&e, "number", number);
    audit_text(&e, "what", what);
    audit_text(&e, "outcome", outcome);
    if (detail[0]) audit_text(&e, "detail", detail);
    return put(j, &e, err);
}

bool journal_component(const struct ceremony *c, const struct plan_key *key, size_t index,
                       const struct check_value *check, const char *origin, struct err *err)
{
    struct audit_event e;
    if (!c->journal) return true;
    if (!start(c->journal, &e, "component", err)) return false;
    put_key(&e, key);
    audit_number(&e, "component", index + 1);
    audit_number(&e, "of", key->component_count);
    audit_text(&e, "custodian", key->components[index].custodian);
    put_check(&e, check);
    audit_text(&e, "origin", origin);
    return put(c->journal, &e, err);
}

/* The dates that the log has for a key stay as they are with each further copy: changing them takes two officers. */
static bool put_dates(const struct journal *j, const struct plan_key *key, struct audit_event *e,
                      struct err *err)
{
    struct history *h = NULL;
    if (!history_load_log(&h, j->log, err)) return false;
    const struct history_key *k = history_key(h, key->name, key->version);
    bool known = k && k->recorded && !history_key_is_destroyed(k);
    const char *from = known ? k->not_before : key->not_before, *to = known ? k->not_after : key->not_after;
    if (from && from[0]) audit_text(e, "not_before", from);
    if (to && to[0]) audit_text(e, "not_after", to);
    history_free(h);
    return true;
}

bool journal_key(struct journal *j, const struct journal_key *k, struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "key", err)) return false;
    put_key(&e, k->key);
    audit_text(&e, "role", k->role);
    audit_text(&e, "algorithm", k->key->algorithm);
    audit_text(&e, "token", k->token);
    audit_text(&e, "label", k->key->label);
    put_check(&e, k->check);
    audit_text(&e, "origin", k->origin);
    if (!put_dates(j, k->key, &e, err)) {
        audit_event_release(&e);
        return false;
    }
    if (k->key->method) audit_text(&e, "method", k->key->method);
    return put(j, &e, err);
}

bool journal_key_dates(struct journal *j, const struct plan_key *key, const struct officers *two,
                       struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "key-dates", err)) return false;
    put_key(&e, key);
    if (key->not_before) audit_text(&e, "not_before", key->not_before);
    if (key->not_after) audit_text(&e, "not_after", key->not_after);
    put_officers(&e, two);
    return put(j, &e, err);
}

/* The line's own number is the hand-over's: it rises, and no other line has it. */
bool journal_export(struct journal *j, const struct plan_key *key, const struct plan_hand_over *h,
                    const struct check_value *check, uint64_t *serial, struct err *err)
{
    struct audit_event e;
    if (!start(j, &e, "export", err)) return false;
    put_key(&e, key);
    audit_text(&e, "to", h->to);
    audit_text(&e, "under", h->under);
    put_check(&e, check);
    if (!put(j, &e, err)) return false;
    *serial = audit_log_head(j->log)->seq;
    return true;
}

bool journal_import(struct journal *j, const struct journal_import *i, struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "import", err)) return false;
    audit_text(&e, "sender", i->sender);
    audit_text(&e, "key", i->key);
    audit_number(&e, "version", i->version);
    audit_text(&e, "role", i->role);
    audit_number(&e, "serial", i->serial);
    put_check(&e, i->check);
    return put(j, &e, err);
}

bool journal_trust(struct journal *j, const char *sender, const char *signer, const char *fingerprint,
                   struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "trust", err)) return false;
    audit_text(&e, "sender", sender);
    audit_text(&e, "signer", signer);
    audit_text(&e, "fingerprint", fingerprint);
    return put(j, &e, err);
}

bool journal_limit(struct journal *j, const struct plan_key *key, const struct officers *two, struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "limit", err)) return false;
    put_key(&e, key);
    audit_number(&e, "blocks", key->limit.blocks);
    audit_text(&e, "then", key->limit.stop ? "stop" : "warn");
    put_officers(&e, two);
    return put(j, &e, err);
}

bool journal_destroy(struct journal *j, const struct plan_key *key, const char *token,
                     const struct officers *two, struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "destroy", err)) return false;
    put_key(&e, key);
    audit_text(&e, "token", token);
    audit_text(&e, "label", key->label);
    put_officers(&e, two);
    return put(j, &e, err);
}

bool journal_rotate(struct journal *j, const struct plan_key *from, unsigned to, const struct officers *two,
                    struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, "rotate", err)) return false;
    audit_text(&e, "key", from->name);
    audit_number(&e, "from", from->version);
    audit_number(&e, "to", to);
    put_officers(&e, two);
    return put(j, &e, err);
}

bool journal_note(struct journal *j, const char *event, const char *name, const char *value, struct err *err)
{
    struct audit_event e;
    if (!j) return true;
    if (!start(j, &e, event, err)) return false;
    audit_text(&e, name, value);
    return put(j, &e, err);
}

/* ---- the end ---- */

/* What cardprep writes (docs/formats/audit-log.md). */
static bool is_use(const char *event)
{
    return strcmp(event, "use") == 0 || strcmp(event, "use-begin") == 0;
}

/* Walks to the last line, whose event tells whether the log is closed. */
static bool read_head(const char *path, struct journal_head *head, struct err *err)
{
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    bool ok = audit_read_open(&r, path, err);
    while (ok && (ok = audit_read_next(r, &line, err)) && line) {
        head->seq = line->seq;
        memcpy(head->hash, line->hash, sizeof(head->hash));
        head->closed = strcmp(line->event, AUDIT_CLOSING) == 0;
        head->ceremonies_closed = head->closed || (head->ceremonies_closed && is_use(line->event));
    }
    audit_read_free(r);
    return ok;
}

bool journal_head(const struct ceremony *c, struct journal_head *head, struct err *err)
{
    *head = (struct journal_head){.seq = 0};
    return !output_is_there(c->plan->audit_log) || read_head(c->plan->audit_log, head, err);
}

struct signing {
    struct hsm_token *token;
    const struct hsm_pair *pair;
};

static bool sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    struct signing *s = context;
    return hsm_sign_sha256(s->token, &s->pair->private_key, data, len, signature, err);
}

bool journal_sign(struct journal *j, struct hsm_token *t, const struct hsm_pair *pair, struct err *err)
{
    struct signing signing = {t, pair};
    struct audit_signer signer = {.sign = sign, .context = &signing};
    struct audit_event e;
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    bool ok = hsm_pair_spki(pair, &spki, err) && sha256(spki.data, spki.len, signer.id, err);
    buf_release(&spki);
    if (!ok || !start(j, &e, AUDIT_CLOSING, err)) return false;
    audit_text(&e, "plan", j->plan->name);
    ok = audit_log_append_closing(j->log, &e, &signer, err);
    audit_event_release(&e);
    if (!ok) err_prefix(err, "audit log");
    return ok;
}
