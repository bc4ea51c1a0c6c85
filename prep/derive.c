/* FIG. 3: the derivation data, shaped by its method, is encrypted with the master key inside the token; the result is
 * the card key, which leaves it wrapped only. */
#include "prep/workshop.h"

#include <stdio.h>
#include <string.h>

bool derive_algorithm(enum secret_kind kind, enum hsm_algorithm *out, struct err *err)
{
    static const struct {
        enum secret_kind kind;
        enum hsm_algorithm algorithm;
    } rows[] = {
        {SECRET_DES2, HSM_DES2},     {SECRET_DES3, HSM_DES3},     {SECRET_AES128, HSM_AES128},
        {SECRET_AES192, HSM_AES192}, {SECRET_AES256, HSM_AES256},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].kind != kind) continue;
        *out = rows[i].algorithm;
        return true;
    }
    return err_set(err, ERR_CONFIG, "kind %02X is no symmetric key", (unsigned)kind);
}

/* The card's own key, made under the cipher of its master. */
static bool static_algorithm(const struct derivation_block *block, enum hsm_algorithm *out, struct err *err)
{
    const bool tdes = block->cipher == CIPHER_TDES;
    switch (block->key_len) {
    case 16:
        *out = tdes ? HSM_DES2 : HSM_AES128;
        return true;
    case 24:
        *out = tdes ? HSM_DES3 : HSM_AES192;
        return true;
    case 32:
        if (tdes) break;
        *out = HSM_AES256;
        return true;
    default:
        break;
    }
    return err_set(err, ERR_CONFIG, "no cipher has a key of %zu bytes", block->key_len);
}

static bool derive(struct workshop *w, const struct planned_master *from, const struct hsm_key_ref *result,
                   struct hsm_key *out, struct err *err)
{
    const struct ring_master *master = keyring_master(w->keys, from->key);
    uint8_t data[sizeof(from->block.data)];

    memcpy(data, from->block.data, sizeof(data));
    if (from->block.xor_k1 && !master->has_k1)
        return err_set(err, ERR_INTERNAL, "no CMAC subkey for %s/%u", from->key->name,
                       (unsigned)from->key->version);
    for (size_t i = 0; from->block.xor_k1 && i < from->block.len; i++)
        data[i] ^= master->k1[i % sizeof(master->k1)];
    if (w->used) usage_add(w->used, w->job, from);
    if (hsm_derive(w->keys->master, &master->key, data, from->block.len, result, out, err)) return true;
    err_prefix(err, "derive from %s/%u", from->key->name, (unsigned)from->key->version);
    return false;
}

static bool check_values(struct workshop *w, const struct hsm_key *key, struct made_key *made,
                         struct err *err)
{
    if (!hsm_kcv(w->keys->master, key, HSM_ROLE_CARD_KEY, made->kcv, &made->kcv_len, err)) goto failed;
    memcpy(made->check, made->kcv, sizeof(made->check));
    const bool aes = made->kcv_len == HSM_KCV_MAX;
    if (aes && w->profile->check_value == CHECK_VALUE_GP &&
        !hsm_kcv_gp(w->keys->master, key, made->check, err))
        goto failed;
    return true;
failed:
    err_prefix(err, "check value");
    return false;
}

/* Second embodiment: the card's own key for one DGI, and where CBC stands in it. */
struct card_wrap {
    const struct planned_key *of; /* whose card_key it is; NULL: none yet */
    struct hsm_key key;
    uint8_t iv[16];
};

static bool card_wrap_ready(struct workshop *w, const struct planned_key *k, struct card_wrap *wrap,
                            struct err *err)
{
    if (wrap->of && plan_same_card_key(wrap->of, k)) return true;
    struct hsm_key_ref ref = {.name = k->card_key.key->name, .role = HSM_ROLE_CARD_STATIC};
    if (!static_algorithm(&k->card_key.block, &ref.algorithm, err)) return false;
    hsm_key_destroy(w->keys->master, &wrap->key);
    wrap->of = NULL;
    if (!derive(w, &k->card_key, &ref, &wrap->key, err)) {
        err_prefix(err, "the card's own key");
        return false;
    }
    wrap->of = k;
    return true;
}

static bool wrap_for_card(struct workshop *w, const struct planned_key *k, const struct hsm_key *key,
                          struct card_wrap *wrap, struct err *err)
{
    struct buf *out = &w->secrets;
    const size_t begin = out->len;

    if (!card_wrap_ready(w, k, wrap, err)) return false;
    if (k->rule->protection == METHOD_CARD_TDES_ECB)
        return hsm_wrap_tdes_ecb(w->keys->master, &wrap->key, key, out, err);
    if (!hsm_wrap_aes_cbc(w->keys->master, &wrap->key, wrap->iv, key, out, err)) return false;
    if (out->len < begin + sizeof(wrap->iv))
        return err_set(err, ERR_TOKEN, "C_WrapKey gave %zu bytes under AES-CBC", out->len - begin);
    memcpy(wrap->iv, out->data + out->len - sizeof(wrap->iv),
           sizeof(wrap->iv)); /* joined they are one CBC text */
    return true;
}

static bool make_key(struct workshop *w, const struct planned_key *k, struct card_wrap *wrap,
                     struct made_key *made, struct err *err)
{
    struct hsm_key_ref ref = {.name = k->rule->name, .role = HSM_ROLE_CARD_KEY};
    struct hsm_key key = HSM_KEY_NONE;
    bool ok = false;

    if (!derive_algorithm(k->rule->kind, &ref.algorithm, err)) goto out;
    if (!derive(w, &k->master, &ref, &key, err)) goto out;
    if (!check_values(w, &key, made, err)) goto out;
    made->wrapped.at = w->secrets.len;
    if (k->rule->protection != METHOD_KWP) {
        if (!wrap_for_card(w, k, &key, wrap, err)) {
            err_prefix(err, "wrap under the card's key of %s", k->card_key.key->name);
            goto out;
        }
    } else if (!hsm_wrap_kwp(w->keys->master, &w->keys->kek, &key, &w->secrets, err)) {
        err_prefix(err, "wrap under KEK '%s'", w->job->kek.name);
        goto out;
    }
    made->wrapped.len = w->secrets.len - made->wrapped.at;
    made->present = made->wrapped.present = true;
    ok = true;
out:
    hsm_key_destroy(w->keys->master, &key);
    if (!ok) err_prefix(err, "key %s", k->rule->name);
    return ok;
}

/* One DGI: its keys in their order, since the CBC of the second embodiment goes on from one to the next. */
static bool make_grouping(struct workshop *w, const struct profile_grouping *g, struct err *err)
{
    struct card_wrap wrap = {.of = NULL, .key = HSM_KEY_NONE, .iv = {0}};
    bool ok = true;

    for (size_t i = 0; ok && i < g->count; i++) {
        const struct planned_key *k = &w->application->keys[g->keys[i]];
        if (!k->left_out) ok = make_key(w, k, &wrap, &w->made[g->keys[i]], err);
    }
    hsm_key_destroy(w->keys->master, &wrap.key);
    return ok;
}

bool derive_keys(struct workshop *w, struct err *err)
{
    const struct profile *p = w->profile;

    buf_clear(&w->secrets);
    memset(w->made, 0, p->key_count * sizeof(*w->made));
    for (size_t i = 0; i < p->grouping_count; i++) {
        if (p->groupings[i].kind != GROUPING_KEYS) continue;
        if (!make_grouping(w, &p->groupings[i], err)) return false;
    }
    return true;
}

void derive_put(struct workshop *w, size_t key, uint16_t dgi, struct buf *out)
{
    static const char *const which[] = {
        [CARD_KEY_ENC] = "ENC", [CARD_KEY_MAC] = "MAC", [CARD_KEY_DEK] = "DEK"};
    const struct planned_key *k = &w->application->keys[key];
    const struct made_key *made = &w->made[key];
    struct wrapped_secret s = {.kind = k->rule->kind,
                               .kcv_len = made->kcv_len,
                               .method = k->rule->protection,
                               .ciphertext = w->secrets.data + made->wrapped.at,
                               .ciphertext_len = made->wrapped.len,
                               .dgi = dgi};

    snprintf(s.name, sizeof(s.name), "%s", k->rule->name);
    snprintf(s.master, sizeof(s.master), "%s/%u", k->master.key->name, (unsigned)k->master.key->version);
    memcpy(s.kcv, made->kcv, sizeof(s.kcv));
    if (k->own_data) {
        s.derivation_data = k->data;
        s.derivation_data_len = k->data_len;
    }
    if (k->rule->protection != METHOD_KWP)
        snprintf(s.card_key, sizeof(s.card_key), "%s/%u/%s", k->card_key.key->name,
                 (unsigned)k->card_key.key->version, which[k->rule->card_key.which]);
    wrapped_secret_put(out, &s);
}
