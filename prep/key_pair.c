#include "prep/workshop.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"

static bool generate(void *context, const struct profile_key_pair *rule, struct card_pair *out,
                     struct err *err)
{
    struct keyring *k = context;
    const struct hsm_pair_ref ref = {
        .key = {.name = rule->name, .role = HSM_ROLE_CARD_PAIR, .algorithm = HSM_RSA},
        .bits = rule->bits,
        .exponent = rule->exponent,
    };
    struct hsm_pair pair = {.private_key = HSM_KEY_NONE, .public_key = HSM_KEY_NONE};
    uint8_t hash[SHA256_LEN];
    bool ok = false;

    if (!hsm_pair_generate(k->card_key, &ref, &pair, err)) {
        err_prefix(err, "generate %u bits, e = %lu", rule->bits, rule->exponent);
        goto out;
    }
    if (!sha256(pair.modulus, pair.modulus_len, hash, err)) goto out;
    buf_clear(&out->wrapped);
    if (!hsm_wrap_kwp(k->card_key, &k->pair_kek, &pair.private_key, &out->wrapped, err)) {
        err_prefix(err, "wrap under KEK '%s'", k->job->kek.name);
        goto out;
    }
    memcpy(out->modulus, pair.modulus, pair.modulus_len);
    out->modulus_len = pair.modulus_len;
    memcpy(out->exponent, pair.exponent, pair.exponent_len);
    out->exponent_len = pair.exponent_len;
    memcpy(out->kcv, hash, sizeof(out->kcv));
    ok = true;
out:
    hsm_pair_destroy(k->card_key, &pair);
    return ok;
}

struct pair_maker key_pair_generator(struct keyring *k)
{
    return (struct pair_maker){.make = generate, .context = k};
}

void key_pair_put(const struct workshop *w, uint16_t dgi, struct buf *out)
{
    struct wrapped_secret s = {.kind = SECRET_RSA,
                               .kcv_len = sizeof(w->pair.kcv),
                               .method = METHOD_KWP,
                               .ciphertext = w->pair.wrapped.data,
                               .ciphertext_len = w->pair.wrapped.len,
                               .dgi = dgi};
    snprintf(s.name, sizeof(s.name), "%s", w->profile->key_pair.name);
    memcpy(s.kcv, w->pair.kcv, sizeof(w->pair.kcv));
    wrapped_secret_put(out, &s);
}
