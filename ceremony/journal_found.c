/* journal.h: a key that is on its token but not in the log. */
#include <string.h>

#include "audit/history.h"
#include "ceremony/journal.h"

static bool is_known(const struct history *h, const struct plan_key *key, const char *token)
{
    for (size_t i = 0; i < history_copy_count(h); i++) {
        const struct history_copy *copy = history_copy_at(h, i);
        if (!copy->destroyed && copy->key->version == key->version &&
            strcmp(copy->key->name, key->name) == 0 && strcmp(copy->token, token) == 0)
            return true;
    }
    return false;
}

bool journal_has_copy(const struct ceremony *c, const struct plan_key *key, const char *token, bool *has,
                      struct err *err)
{
    struct history *h = NULL;
    *has = false;
    if (!c->journal) return true;
    if (!history_load(&h, c->plan->audit_log, err)) return false;
    *has = is_known(h, key, token);
    history_free(h);
    return true;
}

bool journal_key_found(struct ceremony *c, const struct journal_key *k, struct err *err)
{
    bool known = false;
    if (!c->journal) return true;
    if (!journal_has_copy(c, k->key, k->token, &known, err)) return false;
    return known || journal_key(c->journal, k, err);
}
