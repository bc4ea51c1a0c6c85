#include "ceremony/signer_file.h"

#include <string.h>

#include "ceremony/make_keys.h"
#include "ceremony/output.h"
#include "formats/public_key.h"

enum { PEM_MAX = 4096 };

size_t signer_file_count(const struct plan *p)
{
    return p->signer_file ? 1 : 0;
}

void signer_file_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    (void)index;
    output_describe(p->signer_file, text, size);
}

bool signer_file_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    (void)index;
    (void)err;
    output_look(c->plan->signer_file, r);
    return true;
}

static const struct plan_key *signing_key(const struct plan *p)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (p->keys[i].token_count &&
            strcmp(p->keys[i].token_roles[0], hsm_role_name(HSM_ROLE_SIGNING_PAIR)) == 0)
            return &p->keys[i];
    }
    return NULL;
}

bool signer_file_spki(struct ceremony *c, struct buf *spki, struct err *err)
{
    const struct plan_key *key = signing_key(c->plan);
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    if (!key)
        return err_set(err, ERR_CONFIG, "the plan has no key of role %s",
                       hsm_role_name(HSM_ROLE_SIGNING_PAIR));
    return make_keys_find_pair(c, key->name, &t, &pair, err) && hsm_pair_spki(&pair, spki, err);
}

static void put_pem(const struct plan *p, const struct buf *spki, struct buf *out)
{
    const struct public_key key = {spki->data, spki->len};
    buf_put_format(out, "%sPublic key that seals the end records of %s\n", p->test ? "TEST. " : "", p->name);
    public_key_put_pem(&key, out);
}

bool signer_file_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    struct buf spki, pem;
    bool ok = false;
    (void)index;
    buf_init(&spki, HSM_SPKI_MAX);
    buf_init(&pem, PEM_MAX);
    if (!signer_file_spki(c, &spki, err)) goto out;
    put_pem(c->plan, &spki, &pem);
    ok = output_put(c->plan->signer_file, &pem, OUTPUT_KEEP, r, err);
out:
    buf_release(&pem);
    buf_release(&spki);
    return ok;
}
