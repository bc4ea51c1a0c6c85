#include "ceremony/audit_check.h"

#include <inttypes.h>
#include <string.h>

#include "audit/log.h"
#include "audit/read.h"
#include "base/digest.h"
#include "base/hex.h"
#include "ceremony/closing.h"
#include "ceremony/dual_control.h"
#include "ceremony/journal.h"
#include "ceremony/output.h"
#include "ceremony/place.h"
#include "ceremony/public_file.h"
#include "formats/signers.h"
#include "hsm/data.h"

static bool load_signers(const struct plan *p, struct signers *out, struct err *err)
{
    const char *paths[SIGNERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < p->key_count && count < SIGNERS_MAX; i++) {
        const char *path = public_file_path(p, &p->keys[i]);
        if (!path || !plan_key_has_role(&p->keys[i], HSM_ROLE_SIGNING_PAIR) || !output_is_there(path))
            continue;
        paths[count++] = p->keys[i].public_path ? p->keys[i].public_path : p->signer_file;
    }
    return signers_load(out, paths, count, err);
}

static bool is_newer(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a_len >= 8 && (b_len < 8 || memcmp(a, b, 8) > 0);
}

struct hsm_token *audit_check_token(const struct ceremony *c)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site);
    size_t token = key ? plan_token_index(c->plan, key->tokens[0]) : c->plan->token_count;
    return token == c->plan->token_count ? NULL : c->tokens[token].open;
}

bool audit_check_anchor(struct ceremony *c, struct audit_head *anchor, bool *found, struct err *err)
{
    struct hsm_token *t = audit_check_token(c);
    struct buf data;
    *found = false;
    if (!t) return true;
    buf_init(&data, HSM_DATA_MAX);
    bool ok = hsm_data_get(t, CLOSING_ANCHOR_LABEL, is_newer, &data, found, err);
    if (ok && *found && data.len != CLOSING_ANCHOR_LEN)
        ok = err_set(err, ERR_INTEGRITY, "the token keeps %zu bytes as the log's end, not %d", data.len,
                     CLOSING_ANCHOR_LEN);
    if (ok && *found) {
        anchor->seq = bytes_be(data.data, 8);
        memcpy(anchor->hash, data.data + 8, sizeof(anchor->hash));
    }
    buf_release(&data);
    return ok;
}

/* The line of this number; found stays false where the log ends before. */
static bool find_line(const char *path, uint64_t seq, uint8_t hash[SHA256_LEN], bool *found, struct err *err)
{
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    *found = false;
    if (!output_is_there(path)) return true;
    bool ok = audit_read_open(&r, path, err);
    while (ok && !*found && (ok = audit_read_next(r, &line, err)) && line) {
        *found = line->seq == seq;
        if (*found) memcpy(hash, line->hash, SHA256_LEN);
    }
    audit_read_free(r);
    return ok;
}

/* Two officers go on without the log that the token knows of, and the new one says so: who had which component, and which
 * hand-overs were taken in, is not known any more. */
static bool give_up(struct ceremony *c, const struct audit_head *anchor, struct err *err)
{
    struct officers two;
    char what[160], text[256];
    snprintf(what, sizeof(what), "go on without the audit log that was closed at line %" PRIu64, anchor->seq);
    if (!dual_control(c, what, &two, err)) return false;
    snprintf(text, sizeof(text), "closed at line %" PRIu64 "; given up by %s and %s", anchor->seq, two.first,
             two.second);
    c->log_given_up = true; /* asked once; the next closing leaves this log's end on the token */
    return journal_note(c->journal, "log-lost", "log", text, err);
}

bool audit_check_continues(struct ceremony *c, struct err *err)
{
    struct audit_head anchor = {.seq = 0};
    uint8_t hash[SHA256_LEN];
    bool anchored = false, found = false;
    if (!c->plan->audit_log || !audit_check_anchor(c, &anchor, &anchored, err)) return !c->plan->audit_log;
    if (!anchored) return true;
    if (!find_line(c->plan->audit_log, anchor.seq, hash, &found, err)) return false;
    if (found && bytes_equal(hash, sizeof(hash), anchor.hash, sizeof(anchor.hash))) return true;
    if (c->log_is_lost) return c->log_given_up || give_up(c, &anchor, err);
    return err_set(err, ERR_INTEGRITY,
                   "%s: the token keeps that a ceremony closed its log at line %" PRIu64
                   ", and %s. Bring the whole log back; another plan for this token goes on in the same log. "
                   "If it is lost "
                   "for ever, two officers can go on: --log-is-lost",
                   c->plan->audit_log, anchor.seq,
                   found ? "that is another line here" : "it ends before that");
}

/* Has the pair that signs here closed the log before? */
static bool was_closed_here(struct ceremony *c, bool *closed, struct err *err)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site);
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct buf spki;
    uint8_t hash[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    *closed = false;
    buf_init(&spki, HSM_SPKI_MAX);
    bool ok = place_find_pair(c, key->name, &t, &pair, err) && hsm_pair_spki(&pair, &spki, err) &&
              sha256(spki.data, spki.len, hash, err) && audit_read_open(&r, c->plan->audit_log, err);
    if (ok) hex_write(hex, sizeof(hex), hash, sizeof(hash), true);
    while (ok && (ok = audit_read_next(r, &line, err)) && line) {
        const char *signer = strcmp(line->event, AUDIT_CLOSING) == 0 ? audit_line_text(line, "signer") : NULL;
        *closed = *closed || (signer && strcmp(signer, hex) == 0);
    }
    audit_read_free(r);
    buf_release(&spki);
    return ok;
}

/* Every signed closing leaves the log's end on its token, unless the token keeps no data. */
static bool may_lack_anchor(struct ceremony *c, const struct audit_check *check, struct err *err)
{
    struct hsm_token *t = audit_check_token(c);
    bool closed = false, possible = false;
    if (!t || check->anchored || check->found.closings == 0) return true;
    if (!was_closed_here(c, &closed, err)) return false;
    if (!closed) return true;
    if (!hsm_data_possible(t, &possible, err)) return false;
    return !possible ||
           err_set(err, ERR_INTEGRITY,
                   "%s: it was closed by this token's signature, but the token does not keep its end any "
                   "more: somebody removed that",
                   c->plan->audit_log);
}

bool audit_check_plan(struct ceremony *c, struct audit_check *out, struct err *err)
{
    struct signers signers = {.count = 0};
    struct audit_head anchor = {.seq = 0};
    bool ok = false;
    if (!load_signers(c->plan, &signers, err)) return false;
    if (audit_check_anchor(c, &anchor, &out->anchored, err)) {
        const struct audit_verify_settings settings = {signers.keys, signers.count,
                                                       out->anchored ? &anchor : NULL};
        ok = audit_verify(c->plan->audit_log, &settings, &out->found, err) && may_lack_anchor(c, out, err);
    }
    signers_release(&signers);
    return ok;
}

void audit_check_describe(const struct audit_check *check, char text[static AUDIT_CHECK_TEXT])
{
    const struct audit_verified *v = &check->found;
    int n = snprintf(text, AUDIT_CHECK_TEXT,
                     "%" PRIu64 " lines, %" PRIu64 " closings (%" PRIu64 " verified), %" PRIu64
                     " lines behind the last verified one",
                     v->head.seq, v->closings, v->closings_good, v->behind);
    if (n > 0 && n < AUDIT_CHECK_TEXT)
        snprintf(text + n, AUDIT_CHECK_TEXT - (size_t)n, "; %s",
                 check->anchored ? "its end is as the token keeps it" : "not compared with a token");
}
