/* journal.h: a key that is on its token but not in the log. */
#include <string.h>

#include "audit/history.h"
#include "ceremony/journal.h"

static bool is_known(const struct history *h, const struct journal_key *k)
{
    for (size_t i = 0; i < history_copy_count(h); i++) {
        const struct history_copy *copy = history_copy_at(h, i);
        if (!copy->destroyed && copy->key->version == k->key->version &&
            strcmp(copy->key->name, k->key->name) == 0 && strcmp(copy->token, k->token) == 0)
            return true;
    }
    return false;
}

bool journal_key_found(struct ceremony *c, const struct journal_key *k, struct err *err)
{
    struct history *h = NULL;
    if (!c->journal) return true;
    if (!history_load(&h, c->plan->audit_log, err)) return false;
    bool known = is_known(h, k);
    history_free(h);
    return known || journal_key(c->journal, k, err);
}
