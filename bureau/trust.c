#include "bureau/trust.h"

#include <stdlib.h>

static bool take_token(struct trust *t, struct token_process *p, struct err *err)
{
    if (!token_process_signers(p, &t->spkis, err)) return false;
    struct cur c = cur_make(t->spkis.data, t->spkis.len, 0);
    while (cur_left(&c)) {
        uint64_t len = 0;
        struct public_key *key = &t->keys[t->count];
        if (t->count == SIGNERS_MAX + TRUSTED_MAX)
            return err_set(err, ERR_CONFIG, "more than %d trusted signers on the token", TRUSTED_MAX);
        if (!cur_take_be(&c, 2, &len, "length of a signer's key", err) ||
            !cur_take(&c, (size_t)len, &key->spki, "a signer's key", err))
            return false;
        key->len = (size_t)len;
        t->count++;
    }
    return true;
}

static bool load(struct trust *t, const struct bureau *settings, struct token_process *p, struct err *err)
{
    if (!signers_load(&t->files, (const char *const *)settings->signer_paths, settings->signer_count, err))
        return false;
    for (; t->count < t->files.count; t->count++)
        t->keys[t->count] = t->files.keys[t->count];
    return !settings->trusted_count || take_token(t, p, err);
}

bool trust_new(struct trust **out, const struct bureau *settings, struct token_process *p, struct err *err)
{
    struct trust *t = calloc(1, sizeof(*t));
    if (!t) return err_set_no_memory(err);
    buf_init(&t->spkis, TRUST_SPKIS_MAX);
    if (load(t, settings, p, err)) {
        *out = t;
        return true;
    }
    trust_free(t);
    return false;
}

void trust_free(struct trust *t)
{
    if (!t) return;
    signers_release(&t->files);
    buf_release(&t->spkis);
    free(t);
}
