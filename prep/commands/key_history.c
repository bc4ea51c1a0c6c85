#include "prep/commands/key_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/hex.h"

enum { WARN_DAYS = 30, DATE_LEN = 10 };

/* A key of the job, of whatever kind. */
struct named_key {
    const char *name; /* NULL: it has none that the log could know */
    uint64_t version;
    const char *label; /* NULL: it is found by its name alone */
    const uint8_t *kcv;
    size_t kcv_len;
};

struct look {
    const struct history *history;
    const struct job *job;
    const char *today;
    struct buf *warnings;
};

static const struct history_key *find(const struct history *h, const struct named_key *k)
{
    const struct history_key *found = k->name ? history_key(h, k->name, k->version) : NULL;
    for (size_t i = 0; !(found && found->recorded) && k->label && i < history_copy_count(h); i++) {
        const struct history_copy *copy = history_copy_at(h, i);
        bool pair = strcmp(copy->key->algorithm, "rsa") == 0;
        if (pair == (k->kcv_len == 0) && strcmp(copy->label, k->label) == 0) found = copy->key;
    }
    return found;
}

/* Days since 1970; the text is a date. */
static int64_t days(const char *text)
{
    struct tm tm = {.tm_year = 0};
    struct err ignored = ERR_INIT;
    struct cur c = cur_make(text, DATE_LEN, 0);
    uint64_t year = 0, month = 0, day = 0;
    const uint8_t *dash = NULL;
    err_ignore(cur_take_digits(&c, 4, &year, "year", &ignored) && cur_take(&c, 1, &dash, "dash", &ignored) &&
                   cur_take_digits(&c, 2, &month, "month", &ignored) &&
                   cur_take(&c, 1, &dash, "dash", &ignored) && cur_take_digits(&c, 2, &day, "day", &ignored),
               "the history has checked its form");
    tm.tm_year = (int)year - 1900;
    tm.tm_mon = (int)month - 1;
    tm.tm_mday = (int)day;
    return (int64_t)timegm(&tm) / 86400;
}

static bool check_dates(const struct look *l, const struct history_key *k, const char *who, struct err *err)
{
    if (history_key_is_destroyed(k))
        return err_set(err, ERR_CONFIG, "key %s was destroyed on %.10s", who, k->destroyed_on);
    if (k->not_before[0] && strcmp(l->today, k->not_before) < 0)
        return err_set(err, ERR_CONFIG, "key %s begins on %s and must not be used before", who,
                       k->not_before);
    if (!k->not_after[0]) return true;
    if (strcmp(l->today, k->not_after) > 0)
        return err_set(err, ERR_CONFIG, "key %s ended on %s: rotate it", who, k->not_after);
    int64_t left = days(k->not_after) - days(l->today);
    if (left <= WARN_DAYS)
        buf_put_format(l->warnings, "warning: key %s ends on %s, in %" PRId64 " days: rotate it in time\n",
                       who, k->not_after, left);
    return true;
}

static bool check_kcv(const struct history_key *k, const struct named_key *named, const char *who,
                      struct err *err)
{
    char hex[2 * sizeof(((struct key_settings *)NULL)->kcv) + 1];
    if (named->kcv_len == 0 || !k->kcv[0]) return true;
    hex_write(hex, sizeof(hex), named->kcv, named->kcv_len, false);
    return strcasecmp(hex, k->kcv) == 0 ||
           err_set(err, ERR_CONFIG, "key %s: its check value is %s in the job and %s in the audit log", who,
                   hex, k->kcv);
}

static void warn_followed(const struct look *l, const struct history_key *k, const char *who)
{
    if (!k->followed_by || k->followed_by > UINT16_MAX) return;
    if (job_key(l->job, k->name, (uint16_t)k->followed_by)) return;
    buf_put_format(l->warnings,
                   "warning: key %s was followed by %s/%" PRIu64
                   " on %.10s: this job still names the old one\n",
                   who, k->name, k->followed_by, k->followed_on);
}

/* As the job calls it: "KML/1", or "'job-signing'" for a pair. */
static void describe(const struct named_key *named, char *who, size_t size)
{
    if (named->name)
        snprintf(who, size, "%s/%" PRIu64, named->name, named->version);
    else
        snprintf(who, size, "'%s'", named->label ? named->label : "");
}

static bool check_key(const struct look *l, const struct named_key *named, struct err *err)
{
    char who[300];
    const struct history_key *k = find(l->history, named);

    describe(named, who, sizeof(who));
    if (!k || !k->recorded) {
        if (named->name || named->label)
            buf_put_format(l->warnings, "warning: key %s: the audit log does not tell of its making\n", who);
        if (!k) return true;
    }
    if (!check_kcv(k, named, who, err) || !check_dates(l, k, who, err)) return false;
    warn_followed(l, k, who);
    return true;
}

/* Uses are written down under a master's name, so that is all that it is known by. */
static struct named_key master(const struct key_settings *k)
{
    return (struct named_key){k->name, k->version, NULL, k->kcv, k->kcv_len};
}

static bool check_keys(const struct look *l, struct err *err)
{
    const struct job *j = l->job;
    for (size_t i = 0; i < j->key_count; i++) {
        const struct named_key key = master(&j->keys[i]);
        if (!check_key(l, &key, err)) return false;
    }
    const struct named_key kek = {j->kek.name, j->kek.version, j->kek.label, j->kek.kcv, j->kek.kcv_len};
    const struct named_key signing = {.label = j->signing_key.label};
    if (!check_key(l, &kek, err) || !check_key(l, &signing, err)) return false;
    for (size_t i = 0; i < j->issuer_key_count; i++) {
        const struct named_key issuer = {.label = j->issuer_keys[i].label};
        if (!check_key(l, &issuer, err)) return false;
    }
    return true;
}

bool key_history_load(struct history **out, const struct job *job, const char *today, struct buf *warnings,
                      struct err *err)
{
    struct history *h = NULL;
    if (!history_load(&h, job->audit_log, err)) return false;
    const struct look l = {h, job, today, warnings};
    if (history_cut(h) > 0)
        buf_put_format(warnings,
                       "warning: %s: its last line is cut; the next run mends that and says so in it\n",
                       job->audit_log);
    if (!check_keys(&l, err)) {
        history_free(h);
        return false;
    }
    *out = h;
    return true;
}

uint64_t key_history_used(const struct history *h, const struct key_settings *key)
{
    const struct named_key named = master(key);
    const struct history_key *k = find(h, &named);
    return k ? k->blocks_used : 0;
}

struct history_limit key_history_limit(const struct history *h, const struct key_settings *key)
{
    const struct named_key named = master(key);
    return history_limit(find(h, &named), key->algorithm);
}

static bool check_limit(const struct history *h, const struct key_settings *key, uint64_t planned,
                        struct buf *warnings, struct err *err)
{
    struct history_limit limit = key_history_limit(h, key);
    uint64_t used = key_history_used(h, key);
    if (planned == 0 || limit.none || (used <= limit.blocks && planned <= limit.blocks - used)) return true;
    if (limit.stop)
        return err_set(err, ERR_CONFIG,
                       "key %s/%u: %" PRIu64 " blocks used and %" PRIu64
                       " more planned pass its limit of %" PRIu64
                       "; officers raise it in a ceremony, or rotate the key",
                       key->name, (unsigned)key->version, used, planned, limit.blocks);
    buf_put_format(warnings,
                   "warning: key %s/%u: %" PRIu64 " blocks used and %" PRIu64
                   " more planned pass its limit of %" PRIu64 ": rotate it soon\n",
                   key->name, (unsigned)key->version, used, planned, limit.blocks);
    return true;
}

bool key_history_limits(const struct history *h, const struct job *job, const struct usage *planned,
                        struct buf *warnings, struct err *err)
{
    for (size_t i = 0; i < job->key_count; i++) {
        if (!check_limit(h, &job->keys[i], planned[i].blocks, warnings, err)) return false;
    }
    return true;
}
