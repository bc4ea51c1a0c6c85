/* journal.h: what the log is asked. */
#include <inttypes.h>
#include <string.h>

#include "audit/history.h"
#include "audit/read.h"
#include "base/hex.h"
#include "ceremony/journal.h"
#include "ceremony/output.h"

/* *h stays NULL where there is no log yet. */
static bool load(const struct ceremony *c, struct history **h, struct err *err)
{
    *h = NULL;
    if (c->no_log) return true;
    if (c->journal) return history_load(h, c->plan->audit_log, err);
    if (!c->plan->audit_log || !output_is_there(c->plan->audit_log)) return true;
    return history_load(h, c->plan->audit_log, err);
}

bool journal_custodian_may(const struct ceremony *c, const struct plan_key *key, size_t index,
                           struct err *err)
{
    struct history *h = NULL;
    const char *custodian = key->components[index].custodian;
    if (!c->journal) return true;
    bool ok =
        load(c, &h, err) && history_custodian_may(h, custodian, key->name, key->version, index + 1, err);
    history_free(h);
    return ok;
}

bool journal_known_check(const struct ceremony *c, const struct plan_key *key, struct check_value *check,
                         struct err *err)
{
    struct history *h = NULL;
    *check = (struct check_value){.len = 0};
    if (!load(c, &h, err)) return false;
    const struct history_key *k = h ? history_key(h, key->name, key->version) : NULL;
    bool ok = true;
    if (k && k->recorded && !history_key_is_destroyed(k) && k->kcv[0]) {
        size_t len = strlen(k->kcv) / 2;
        ok = len <= sizeof(check->bytes) && hex_read_exact(k->kcv, 2 * len, check->bytes, len, err);
        check->len = ok ? len : 0;
    }
    history_free(h);
    return ok;
}

bool journal_is_destroyed(const struct ceremony *c, const struct plan_key *key, bool *destroyed,
                          struct err *err)
{
    struct history *h = NULL;
    *destroyed = false;
    if (!load(c, &h, err)) return false;
    const struct history_key *k = h ? history_key(h, key->name, key->version) : NULL;
    *destroyed = k && k->recorded && history_key_is_destroyed(k);
    history_free(h);
    return true;
}

bool journal_dates_are_known(const struct ceremony *c, const struct plan_key *key, bool *known,
                             struct err *err)
{
    struct history *h = NULL;
    *known = true;
    if (!load(c, &h, err)) return false;
    const struct history_key *k = h ? history_key(h, key->name, key->version) : NULL;
    if (k && k->recorded)
        *known = strcmp(k->not_before, key->not_before ? key->not_before : "") == 0 &&
                 strcmp(k->not_after, key->not_after ? key->not_after : "") == 0;
    history_free(h);
    return true;
}

bool journal_serial_is_new(const struct ceremony *c, const struct journal_import *i, struct err *err)
{
    struct history *h = NULL;
    if (!load(c, &h, err)) return false;
    uint64_t last = h ? history_serial(h, i->sender, i->key) : 0;
    history_free(h);
    return i->serial > last || err_set(err, ERR_INTEGRITY,
                                       "line 'serial' says %" PRIu64 ", but number %" PRIu64
                                       " of this key was taken in from '%s' before: an old file again",
                                       i->serial, last, i->sender);
}

bool journal_trusted(const struct ceremony *c, const char *sender, const char *signer,
                     char fingerprint[static 65], struct err *err)
{
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    fingerprint[0] = 0;
    if (!c->plan->audit_log || !output_is_there(c->plan->audit_log)) return true;
    bool ok = audit_read_open(&r, c->plan->audit_log, err);
    while (ok && (ok = audit_read_next(r, &line, err)) && line) {
        if (strcmp(line->event, "trust") != 0) continue;
        const char *from = audit_line_text(line, "sender"), *who = audit_line_text(line, "signer"),
                   *what = audit_line_text(line, "fingerprint");
        if (from && who && what && strcmp(from, sender) == 0 && strcmp(who, signer) == 0)
            snprintf(fingerprint, 65, "%s", what);
    }
    audit_read_free(r);
    return ok;
}

bool journal_limit_in_force(const struct ceremony *c, const struct plan_key *key, struct plan_limit *limit,
                            struct err *err)
{
    struct history *h = NULL;
    *limit = (struct plan_limit){0, false};
    if (!load(c, &h, err)) return false;
    const struct history_key *k = h ? history_key(h, key->name, key->version) : NULL;
    if (k && k->limit_given) *limit = (struct plan_limit){k->limit_blocks, k->limit_stop};
    history_free(h);
    return true;
}
