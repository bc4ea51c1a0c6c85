#include "ceremony/report_text.h"

#include <inttypes.h>
#include <string.h>

#include "audit/read.h"
#include "base/clock.h"
#include "ceremony/audit_check.h"
#include "ceremony/evidence.h"
#include "ceremony/output.h"
#include "ceremony/place.h"
#include "ceremony/public_file.h"

static bool put_head(const struct ceremony *c, struct buf *out, struct err *err)
{
    const struct plan *p = c->plan;
    char now[CLOCK_TEXT_LEN + 1], plan_hash[EVIDENCE_HASH_TEXT], program_hash[EVIDENCE_HASH_TEXT];
    char people[PLAN_PEOPLE_TEXT_MAX];
    if (!clock_text(clock_now(NULL), now, err) || !evidence_program_hash(program_hash, err)) return false;
    evidence_plan_hash(p, plan_hash);
    buf_put_format(out,
                   "%sCEREMONY REPORT\n\nplan        %s\nsite        %s\nwritten     %s\nprogram     %s\nits "
                   "SHA-256 %s\n",
                   p->test ? "TEST - NOT FOR REAL CARDS\n\n" : "", p->name,
                   c->site ? c->site : "all sites of the plan", now, evidence_program(), program_hash);
    for (int duty = 0; duty < DUTY_COUNT; duty++)
        buf_put_format(out, "%-11s %s\n", plan_duty_name((enum plan_duty)duty),
                       plan_people(p, (enum plan_duty)duty, people));
    buf_put_format(out, "\nFILES (SHA-256)\n\n%s  %s\n", plan_hash, p->path);
    return true;
}

static bool put_file(struct buf *out, const char *path, struct err *err)
{
    char hash[EVIDENCE_HASH_TEXT];
    if (!path || !output_is_there(path)) return true;
    if (!evidence_file_hash(path, hash, err)) return false;
    buf_put_format(out, "%s  %s\n", hash, path);
    return true;
}

static bool put_files(const struct plan *p, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (!put_file(out, public_file_path(p, &p->keys[i]), err)) return false;
        for (size_t h = 0; h < p->keys[i].hand_over_count; h++) {
            if (!put_file(out, p->keys[i].hand_overs[h].path, err)) return false;
        }
    }
    for (size_t i = 0; i < p->certificate_count; i++) {
        if (!put_file(out, p->certificates[i].certificate_path, err) ||
            !put_file(out, p->certificates[i].ca_path, err))
            return false;
    }
    return put_file(out, p->audit_log, err);
}

static bool put_place(struct ceremony *c, const struct plan_key *k, size_t i, struct buf *out,
                      struct err *err)
{
    struct place p;
    struct check_value check = {{0}, 0};
    char text[CHECK_VALUE_TEXT] = "-";
    if (!place_open(c, k, i, &p, err)) return false;
    if (p.there) {
        if (!place_look(c, &p, &check, err)) return false;
        check_value_text(&check, text);
    }
    buf_put_format(out, "%-16s %-10s %-18s %-8s %-10s %s to %s%s\n", p.name, k->tokens[i], k->token_roles[i],
                   k->algorithm, text, k->not_before ? k->not_before : "-", k->not_after ? k->not_after : "-",
                   p.there ? "" : "  NOT THERE");
    return true;
}

static bool put_keys(struct ceremony *c, struct buf *out, struct err *err)
{
    buf_put_format(
        out, "\nKEYS (role and attributes compared with docs/KEYS.md)\n\n%-16s %-10s %-18s %-8s %-10s %s\n",
        "key", "token", "role", "kind", "check", "used from, to");
    for (size_t k = 0; k < c->plan->key_count; k++) {
        const struct plan_key *key = &c->plan->keys[k];
        for (size_t i = 0; i < key->token_count; i++) {
            if (plan_token_is_at(c->plan, key->tokens[i], c->site) && !put_place(c, key, i, out, err))
                return false;
        }
    }
    return true;
}

/* The named exceptions of docs/THREATS.md that this plan takes. */
static void put_exceptions(const struct plan *p, struct buf *out)
{
    size_t components = 0;
    for (size_t i = 0; i < p->key_count; i++)
        components += p->keys[i].origin == ORIGIN_COMPONENTS;
    buf_put_format(out, "\nNAMED EXCEPTIONS (docs/THREATS.md)\n\n");
    buf_put_format(out,
                   "components in this program (and the key, where the token cannot add them): %zu keys\n",
                   components);
    buf_put_format(out, "key blocks (TR-31) with the key in this program: %s\n",
                   p->allow_clear_key_block ? "ALLOWED by the plan (allow_clear_key_block: yes)"
                                            : "not allowed");
}

static void put_line(const struct audit_line *line, struct buf *out)
{
    struct audit_member m;
    buf_put_format(out, "%5" PRIu64 "  %s  %s", line->seq, line->time, line->event);
    for (size_t i = 0; audit_line_member(line, i, &m); i++) {
        if (strcmp(m.name, "signature") == 0) continue;
        if (m.text)
            buf_put_format(out, "%s %s=%s", i ? "," : ":", m.name, m.text);
        else
            buf_put_format(out, "%s %s=%" PRIu64, i ? "," : ":", m.name, m.number);
    }
    buf_put_text(out, "\n");
}

static bool put_log(struct ceremony *c, struct buf *out, struct err *err)
{
    struct audit_check check;
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    char text[AUDIT_CHECK_TEXT];
    if (!audit_check_plan(c, &check, err)) return false;
    audit_check_describe(&check, text);
    buf_put_format(out, "\nAUDIT LOG\n\n%s\nlast line %" PRIu64 ", hash ", text, check.found.head.seq);
    for (size_t i = 0; i < sizeof(check.found.head.hash); i++)
        buf_put_format(out, "%02x", check.found.head.hash[i]);
    buf_put_text(out, "\n\n");
    bool ok = audit_read_open(&r, c->plan->audit_log, err);
    while (ok && (ok = audit_read_next(r, &line, err)) && line)
        put_line(line, out);
    audit_read_free(r);
    return ok;
}

bool report_text(struct ceremony *c, struct buf *out, struct err *err)
{
    if (!put_head(c, out, err) || !put_files(c->plan, out, err) || !put_keys(c, out, err)) return false;
    put_exceptions(c->plan, out);
    if (!put_log(c, out, err)) return false;
    buf_put_text(
        out, "\nAuditor: name ______________________  signature ______________________  date __________\n");
    return buf_ok(out, "report", err);
}
