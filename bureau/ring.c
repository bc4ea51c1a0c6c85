#include "bureau/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool secret_ref(const struct key_settings *s, enum hsm_role role, struct hsm_key_ref *out,
                       struct err *err)
{
    *out = (struct hsm_key_ref){.name = s->name, .label = s->label, .uri = s->uri, .role = role};
    if (!hsm_algorithm_find(s->algorithm, &out->algorithm, err)) {
        err_prefix(err, "key %s", s->name);
        return false;
    }
    memcpy(out->kcv, s->kcv, sizeof(out->kcv));
    out->kcv_len = s->kcv_len;
    return true;
}

static bool find_kek(struct ring *r, const struct bureau_kek *settings, struct ring_kek *out, struct err *err)
{
    const struct key_settings *s = &settings->key;
    struct hsm_key_ref ref;
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    char name[64];

    snprintf(name, sizeof(name), "%s/%u", s->name ? s->name : "KEK", (unsigned)s->version);
    if (!kekid_make(settings->issuer, s->version, out->kekid, err) ||
        !secret_ref(s, HSM_ROLE_KEK_BUREAU, &ref, err))
        return false;
    ref.name = name;
    if (ring_kek(r, out->kekid))
        return err_set(err, ERR_CONFIG, "two KEKs of issuer %s are %s", settings->issuer, name);
    if (!hsm_key_find(r->t, &ref, &out->key, err)) return false;
    if (!hsm_kcv(r->t, &out->key, HSM_ROLE_KEK_BUREAU, kcv, &len, err)) {
        err_prefix(err, "check value of %s", name);
        return false;
    }
    if (len != sizeof(out->kcv)) return err_set(err, ERR_CONFIG, "%s is no AES key", name);
    memcpy(out->kcv, kcv, sizeof(out->kcv));
    return true;
}

static bool is_tdes(enum hsm_algorithm a)
{
    return a == HSM_DES2 || a == HSM_DES3;
}

static bool find_k1(struct ring *r, struct ring_card_key *key, struct err *err)
{
    uint8_t l[16];
    if (key->method->method != DERIVE_KMC_AES) return true;
    if (!hsm_derive_cmac_l(r->t, &key->master, l, err)) {
        err_prefix(err, "key %s: CMAC subkey", key->name);
        return false;
    }
    derivation_double(l, key->k1);
    wipe(l, sizeof(l));
    key->has_k1 = true;
    return true;
}

static bool find_card_key(struct ring *r, const struct bureau_card_key *settings, struct ring_card_key *out,
                          struct err *err)
{
    struct hsm_key_ref ref;
    snprintf(out->name, sizeof(out->name), "%s/%u", settings->key.name, (unsigned)settings->key.version);
    out->settings = settings;
    out->method = derivation_find(settings->method);
    if (!secret_ref(&settings->key, HSM_ROLE_MASTER, &ref, err)) return false;
    ref.name = out->name;
    if (!out->method || out->method->method < DERIVE_KMC_CPS)
        return err_set(err, ERR_CONFIG, "key %s: '%s' is no method for a card's own keys", out->name,
                       settings->method);
    if (is_tdes(ref.algorithm) ? !out->method->tdes_master : !out->method->aes_master)
        return err_set(err, ERR_CONFIG, "key %s: method %s does not go with %s", out->name, settings->method,
                       hsm_algorithm_name(ref.algorithm));
    if (ring_card_key(r, settings->key_version))
        return err_set(err, ERR_CONFIG, "key %s: key version %u stands twice", out->name,
                       settings->key_version);
    return hsm_key_find(r->t, &ref, &out->master, err) && find_k1(r, out, err);
}

static bool find_blank(struct ring *r, const struct bureau_blank_keys *settings, struct err *err)
{
    struct ring_card_key found = {.settings = &settings->master, .published = settings->published};
    if (!settings->published) {
        if (!find_card_key(r, &settings->master, &found, err)) return false;
    } else {
        snprintf(found.name, sizeof(found.name), "the published test keys");
    }
    r->blank = found;
    return true;
}

static bool find_all(struct ring *r, struct err *err)
{
    const struct bureau *s = r->settings;
    for (size_t i = 0; i < s->kek_count; i++) {
        struct ring_kek found = {.key = HSM_KEY_NONE};
        if (!find_kek(r, &s->keks[i], &found, err)) return false;
        r->keks[r->kek_count++] = found;
    }
    for (size_t i = 0; i < s->card_key_count; i++) {
        struct ring_card_key found = {.has_k1 = false};
        if (!find_card_key(r, &s->card_keys[i], &found, err)) return false;
        r->card_keys[r->card_key_count++] = found;
    }
    if (s->blank && !find_blank(r, s->blank, err)) return false;
    if (s->return_label) {
        const struct hsm_key_ref ref = {.name = s->return_label,
                                        .label = s->return_label,
                                        .role = HSM_ROLE_SIGNING_PAIR,
                                        .algorithm = HSM_RSA};
        if (!hsm_pair_find(r->t, &ref, &r->return_pair, err)) return false;
        r->has_return = true;
    }
    return hsm_channel_probe(r->t, &r->abilities, err);
}

bool ring_open(struct ring **out, const struct bureau *settings, struct hsm_token *t, struct err *err)
{
    struct ring *r = calloc(1, sizeof(*r));
    if (!r) return err_set_no_memory(err);
    r->settings = settings;
    r->t = t;
    r->keks = calloc(settings->kek_count + 1, sizeof(*r->keks));
    r->card_keys = calloc(settings->card_key_count + 1, sizeof(*r->card_keys));
    bool ok = r->keks && r->card_keys ? find_all(r, err) : err_set_no_memory(err);
    if (!ok) {
        ring_free(r);
        return false;
    }
    *out = r;
    return true;
}

void ring_free(struct ring *r)
{
    if (!r) return;
    if (r->card_keys) wipe(r->card_keys, (r->settings->card_key_count + 1) * sizeof(*r->card_keys));
    wipe(&r->blank, sizeof(r->blank));
    free(r->card_keys);
    free(r->keks);
    free(r);
}

const struct ring_kek *ring_kek(const struct ring *r, const uint8_t kekid[KEKID_LEN])
{
    for (size_t i = 0; i < r->kek_count; i++) {
        if (bytes_equal(r->keks[i].kekid, KEKID_LEN, kekid, KEKID_LEN)) return &r->keks[i];
    }
    return NULL;
}

const struct ring_card_key *ring_card_key(const struct ring *r, unsigned key_version)
{
    for (size_t i = 0; i < r->card_key_count; i++) {
        if (r->card_keys[i].settings->key_version == key_version) return &r->card_keys[i];
    }
    if (r->blank.settings && r->blank.settings->key_version == key_version) return &r->blank;
    return NULL;
}

const struct ring_card_key *ring_newest_card_key(const struct ring *r, bool aes)
{
    const struct ring_card_key *newest = NULL;
    for (size_t i = 0; i < r->card_key_count; i++) {
        if (!ring_card_key_fits(&r->card_keys[i], aes)) continue;
        if (!newest || r->card_keys[i].settings->key_version > newest->settings->key_version)
            newest = &r->card_keys[i];
    }
    return newest;
}

struct kind_row {
    enum secret_kind kind;
    enum hsm_algorithm algorithm;
};
static const struct kind_row kinds[] = {{SECRET_DES2, HSM_DES2},     {SECRET_DES3, HSM_DES3},
                                        {SECRET_AES128, HSM_AES128}, {SECRET_AES192, HSM_AES192},
                                        {SECRET_AES256, HSM_AES256}, {SECRET_RSA, HSM_RSA},
                                        {SECRET_OPAQUE, HSM_GENERIC}};

enum hsm_algorithm ring_algorithm(enum secret_kind kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind) return kinds[i].algorithm;
    }
    return HSM_GENERIC;
}

/* A card's keys are as long as their master, and of its cipher; two-key TDES at most. */
static enum secret_kind kind_of_master(enum hsm_algorithm master)
{
    if (is_tdes(master)) return SECRET_DES2;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].algorithm == master) return kinds[i].kind;
    }
    return SECRET_AES128;
}

bool ring_card_data(const struct ring_card_key *from, const uint8_t key_data[10],
                    struct hsm_card_keys_data *out, enum hsm_algorithm *algorithm, struct err *err)
{
    struct hsm_card_keys_data data;
    uint8_t *const into[] = {data.enc, data.mac, data.dek};
    const bool tdes = is_tdes(from->master.algorithm);
    const enum secret_kind kind = kind_of_master(from->master.algorithm);

    for (size_t i = 0; i < 3; i++) {
        const struct derivation_input in = {from->method->method, key_data, 10, kind,
                                            (enum card_key_which)(CARD_KEY_ENC + i)};
        struct derivation_block block;
        if (!derivation_make(&in, tdes ? CIPHER_TDES : CIPHER_AES, &block, err)) {
            err_prefix(err, "KEYDATA");
            return false;
        }
        for (size_t n = 0; n < block.len; n++)
            into[i][n] = (uint8_t)(block.data[n] ^ (block.xor_k1 ? from->k1[n % sizeof(from->k1)] : 0));
        data.len = block.len;
    }
    *out = data;
    *algorithm = ring_algorithm(kind);
    return true;
}

bool ring_card_key_fits(const struct ring_card_key *from, bool aes)
{
    return from->published || is_tdes(from->master.algorithm) != aes;
}

/* Known to everybody, so their bytes may stand here: the token gets them as session objects like any other card's keys. */
static bool import_published(struct ring *r, const struct ring_card *card, struct hsm_card_keys *out,
                             struct err *err)
{
    static const uint8_t value[16] = {0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
                                      0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F};
    const enum hsm_algorithm algorithm = card->aes ? HSM_AES128 : HSM_DES2;
    const struct hsm_key_ref base = {
        .name = "test key", .role = HSM_ROLE_CHANNEL_BASE, .algorithm = algorithm};
    const struct hsm_key_ref data = {
        .name = "test key", .role = HSM_ROLE_CHANNEL_DATA, .algorithm = algorithm};
    struct hsm_card_keys keys = HSM_CARD_KEYS_NONE;
    struct secret s = SECRET_NONE;
    bool ok = secret_copy(&s, value, sizeof(value), err) && hsm_key_import(r->t, &base, &s, &keys.enc, err) &&
              hsm_key_import(r->t, &base, &s, &keys.mac, err) &&
              hsm_key_import(r->t, card->aes ? &data : &base, &s, &keys.dek, err);
    secret_release(&s);
    if (ok)
        *out = keys;
    else
        hsm_card_keys_destroy(r->t, &keys);
    return ok;
}

bool ring_derive(struct ring *r, const struct ring_card_key *from, const struct ring_card *card,
                 struct hsm_card_keys *out, struct err *err)
{
    struct hsm_card_keys_data data;
    enum hsm_algorithm algorithm = HSM_DES2;
    bool ok = from->published ? import_published(r, card, out, err)
                              : ring_card_data(from, card->key_data, &data, &algorithm, err) &&
                                    hsm_card_keys_derive(r->t, &from->master, &data, algorithm, out, err);
    if (!ok) err_prefix(err, "key %s", from->name);
    return ok;
}
