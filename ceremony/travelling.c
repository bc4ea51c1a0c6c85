#include "ceremony/travelling.h"

#include <string.h>

#include "hsm/travel.h"

static struct hsm_pair_ref pair_ref(const struct place *p)
{
    return (struct hsm_pair_ref){p->ref, p->key->bits, p->key->exponent};
}

static bool make_pair(const struct place *p, struct travelling *out, struct err *err)
{
    const struct hsm_pair_ref ref = pair_ref(p);
    return hsm_travel_pair_generate(p->token, &ref, &out->pair, err) &&
           place_check_pair(p, &out->pair, &out->check, err);
}

static bool make_secret(const struct place *p, const struct secret *value, struct travelling *out,
                        struct err *err)
{
    bool ok = value->data ? hsm_travel_import(p->token, &p->ref, value, &out->key, err)
                          : hsm_travel_generate(p->token, &p->ref, &out->key, err);
    return ok && hsm_kcv(p->token, &out->key, HSM_ROLE_TRAVELLING, out->check.bytes, &out->check.len, err);
}

bool travelling_make(const struct place *p, const struct secret *value, struct travelling *out,
                     struct err *err)
{
    *out = (struct travelling)TRAVELLING_NONE;
    out->is_pair = p->key->bits != 0;
    if (out->is_pair ? make_pair(p, out, err) : make_secret(p, value, out, err)) return true;
    travelling_destroy(p, out);
    return false;
}

bool travelling_wrap(const struct place *p, const struct travelling *k, const struct hsm_key *transport,
                     struct buf *out, struct err *err)
{
    return hsm_travel_wrap(p->token, transport, k->is_pair ? &k->pair.private_key : &k->key, out, err);
}

bool travelling_wrap_oaep(const struct place *p, const struct travelling *k,
                          const struct hsm_public *receiver, struct buf *out, struct err *err)
{
    if (k->is_pair)
        return err_set(err, ERR_CONFIG, "a pair is handed over under a transport key, not under a pair");
    return hsm_travel_wrap_oaep(p->token, receiver, &k->key, out, err);
}

bool travelling_install(const struct place *p, struct travelling *k, struct err *err)
{
    const struct hsm_pair_ref ref = pair_ref(p);
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_pair pair;
    return k->is_pair ? hsm_travel_pair_install(p->token, &k->pair, &ref, &pair, err)
                      : hsm_travel_install(p->token, &k->key, &p->ref, &key, err);
}

void travelling_destroy(const struct place *p, struct travelling *k)
{
    hsm_key_destroy(p->token, &k->key);
    hsm_pair_destroy(p->token, &k->pair);
}

bool travelling_receive(struct place *p, const struct hsm_travel_blob *blob, const struct check_value *check,
                        struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_pair pair;
    memcpy(p->ref.kcv, check->bytes, check->len);
    p->ref.kcv_len = check->len;
    const struct hsm_pair_ref ref = pair_ref(p);
    return p->key->bits ? hsm_travel_pair_receive(p->token, blob, &ref, &pair, err)
                        : hsm_travel_receive(p->token, blob, &p->ref, &key, err);
}
