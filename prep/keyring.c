#include "prep/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/secret.h"
#include "hsm/probe.h"

const struct ring_master *keyring_master(const struct keyring *k, const struct key_settings *settings)
{
    return &k->masters[settings - k->job->keys];
}

static struct hsm_key_ref pair_ref(const char *name, const char *label, const char *uri, enum hsm_role role)
{
    return (struct hsm_key_ref){.name = name, .label = label, .uri = uri, .role = role, .algorithm = HSM_RSA};
}

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

static bool find_kek(struct keyring *k, struct err *err)
{
    const struct key_settings *settings = &k->job->kek;
    struct hsm_key_ref ref;
    uint8_t kcv[HSM_KCV_MAX];
    size_t kcv_len = 0;

    if (!secret_ref(settings, HSM_ROLE_KEK_ISSUER, &ref, err)) return false;
    if (!hsm_key_find(k->master, &ref, &k->kek, err)) return false;
    k->pair_kek = k->kek;
    if (k->card_key != k->master && !hsm_key_find(k->card_key, &ref, &k->pair_kek, err)) {
        err_prefix(err, "card-key token");
        return false;
    }
    if (!hsm_kcv(k->master, &k->kek, HSM_ROLE_KEK_ISSUER, kcv, &kcv_len, err)) {
        err_prefix(err, "check value of KEK '%s'", settings->name);
        return false;
    }
    if (kcv_len != KEK_KCV_LEN) return err_set(err, ERR_TOKEN, "KEK '%s' is no AES key", settings->name);
    memcpy(k->kek_name.kcv, kcv, KEK_KCV_LEN);
    return kekid_make(k->job->issuer, settings->version, k->kek_name.kekid, err);
}

/* kmc-aes is CMAC of one whole block, hence ECB over the block XOR K1: only masters that it uses need K1. */
static bool needs_k1(const struct job *job, const struct key_settings *settings)
{
    for (size_t a = 0; a < job->application_count; a++) {
        const struct profile *p = job->applications[a].profile;
        for (size_t i = 0; p && i < p->key_count; i++) {
            const struct profile_key *key = &p->keys[i];
            if (key->method == DERIVE_KMC_AES && strcmp(key->master, settings->name) == 0) return true;
            if (key->protection != METHOD_KWP && key->card_key.method == DERIVE_KMC_AES &&
                strcmp(key->card_key.master, settings->name) == 0)
                return true;
        }
    }
    return false;
}

static bool find_master(struct keyring *k, size_t index, struct err *err)
{
    const struct key_settings *settings = &k->job->keys[index];
    struct ring_master *master = &k->masters[index];
    struct hsm_key_ref ref;
    char name[64]; /* a master has versions, and messages must tell them apart */

    snprintf(name, sizeof(name), "%s/%u", settings->name, (unsigned)settings->version);
    if (!secret_ref(settings, HSM_ROLE_MASTER, &ref, err)) return false;
    ref.name = name;
    if (!hsm_key_find(k->master, &ref, &master->key, err)) return false;
    if (!needs_k1(k->job, settings)) return true;
    uint8_t l[16];
    if (!hsm_derive_cmac_l(k->master, &master->key, l, err)) {
        err_prefix(err, "key %s: CMAC subkey for kmc-aes", name);
        return false;
    }
    derivation_double(l, master->k1);
    wipe(l, sizeof(l));
    master->has_k1 = true;
    return true;
}

static bool find_issuer(struct keyring *k, size_t index, struct err *err)
{
    const struct issuer_key_settings *settings = &k->job->issuer_keys[index];
    const struct emv_public_key *certified = &settings->certificate.recovered.key;
    struct hsm_pair *pair = &k->issuers[index];
    const struct hsm_key_ref ref =
        pair_ref(settings->name, settings->label, settings->uri, HSM_ROLE_ISSUER_PAIR);

    if (!hsm_pair_find(k->master, &ref, pair, err)) return false;
    if (bytes_equal(pair->modulus, pair->modulus_len, certified->modulus, certified->modulus_len) &&
        bytes_equal(pair->exponent, pair->exponent_len, certified->exponent, certified->exponent_len))
        return true;
    return err_set(err, ERR_TOKEN, "issuer key '%s' on the token is not the key of the certificate %s",
                   settings->name, settings->certificate_path);
}

static bool make_mac_key(struct keyring *k, struct err *err)
{
    const struct hsm_key_ref ref = {.name = "MAC key", .role = HSM_ROLE_MAC_KEY, .algorithm = HSM_AES256};
    struct buf wrapped;
    bool ok = false;

    buf_init(&wrapped, MACKEY_LEN);
    if (!hsm_key_generate(k->master, &ref, &k->mac_key, err)) {
        err_prefix(err, "generate the MAC key");
        goto out;
    }
    if (!hsm_wrap_kwp(k->master, &k->kek, &k->mac_key, &wrapped, err)) {
        err_prefix(err, "wrap the MAC key under KEK '%s'", k->job->kek.name);
        goto out;
    }
    if (wrapped.len != MACKEY_LEN) {
        err_set(err, ERR_TOKEN, "the wrapped MAC key has %zu bytes instead of %d", wrapped.len, MACKEY_LEN);
        goto out;
    }
    memcpy(k->mackey, wrapped.data, MACKEY_LEN);
    ok = true;
out:
    buf_release(&wrapped);
    return ok;
}

static bool find_all(struct keyring *k, struct err *err)
{
    const struct job *job = k->job;
    const struct key_settings *s = &job->signing_key;
    const struct hsm_key_ref signer = pair_ref(s->name, s->label, s->uri, HSM_ROLE_SIGNING_PAIR);

    if (!find_kek(k, err)) return false;
    for (size_t i = 0; i < job->key_count; i++) {
        if (!find_master(k, i, err)) return false;
    }
    for (size_t i = 0; i < job->issuer_key_count; i++) {
        if (!find_issuer(k, i, err)) return false;
    }
    return hsm_pair_find(k->master, &signer, &k->signer, err) && make_mac_key(k, err);
}

bool keyring_open(struct keyring **out, const struct job *job, const struct keyring_tokens *tokens,
                  struct err *err)
{
    struct keyring *k = calloc(1, sizeof(*k));
    if (!k) return err_set_no_memory(err);
    k->job = job;
    k->master = tokens->master;
    k->card_key = tokens->card_key ? tokens->card_key : tokens->master;
    k->masters = calloc(job->key_count + 1, sizeof(*k->masters));
    k->issuers = calloc(job->issuer_key_count + 1, sizeof(*k->issuers));
    if (!k->masters || !k->issuers) {
        keyring_free(k);
        return err_set_no_memory(err);
    }
    if (!find_all(k, err)) {
        keyring_free(k);
        return false;
    }
    *out = k;
    return true;
}

void keyring_free(struct keyring *k)
{
    if (!k) return;
    hsm_key_destroy(k->master, &k->mac_key);
    if (k->masters) wipe(k->masters, (k->job->key_count + 1) * sizeof(*k->masters)); /* subkeys */
    free(k->masters);
    free(k->issuers);
    free(k);
}

bool keyring_sign(struct keyring *k, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    if (hsm_sign_sha256(k->master, &k->signer.private_key, data, len, signature, err)) return true;
    err_prefix(err, "sign with job signing key '%s'", k->job->signing_key.name);
    return false;
}

bool keyring_signer(struct keyring *k, uint8_t id[SHA256_LEN], struct buf *spki, struct err *err)
{
    const size_t begin = spki->len;
    if (!hsm_pair_spki(&k->signer, spki, err)) return false;
    return sha256(spki->data + begin, spki->len - begin, id, err);
}

void keyring_kek(const struct keyring *k, struct job_kek *out)
{
    *out = k->kek_name;
}

/* ---- what the token lacks ---- */

struct lint {
    const struct hsm_profile *master, *card_key;
    struct buf *findings;
    size_t errors;
};

/* `who` is what needs the operation: "application x: key y". */
static void lint_need(struct lint *l, const struct hsm_profile *profile, enum hsm_ability ability,
                      const char *who)
{
    if (profile->can[ability]) return;
    const struct hsm_ability_row *row = hsm_ability_row(ability);
    buf_put_format(l->findings, "%s: the token lacks %s (%s): %s\n", who, row->name, row->help,
                   profile->why[ability]);
    l->errors++;
}

static void lint_derive(struct lint *l, const struct job *job, const char *master, const char *who)
{
    const struct key_settings *settings = job_key(job, master, 0);
    enum hsm_algorithm algorithm = HSM_GENERIC;
    struct err err = ERR_INIT;

    if (!settings || !hsm_algorithm_find(settings->algorithm, &algorithm, &err))
        return; /* job_lint says so */
    const bool tdes = algorithm == HSM_DES2 || algorithm == HSM_DES3;
    lint_need(l, l->master, tdes ? HSM_CAN_DERIVE_TDES : HSM_CAN_DERIVE_AES, who);
}

static void lint_application(struct lint *l, const struct job *job, const struct job_application *a)
{
    const struct profile *p = a->profile;
    char who[160];

    for (size_t i = 0; p && i < p->key_count; i++) {
        const struct profile_key *key = &p->keys[i];
        if (key->optional && !job_key(job, key->master, 0)) continue;
        snprintf(who, sizeof(who), "application %s: key %s", a->name, key->name);
        lint_derive(l, job, key->master, who);
        if (key->protection == METHOD_KWP) continue;
        lint_derive(l, job, key->card_key.master, who);
        lint_need(l, l->master,
                  key->protection == METHOD_CARD_TDES_ECB ? HSM_CAN_WRAP_TDES_ECB : HSM_CAN_WRAP_AES_CBC,
                  who);
    }
    if (p && p->key_pair.present) {
        snprintf(who, sizeof(who), "application %s: key pair %s", a->name, p->key_pair.name);
        lint_need(l, l->card_key, p->key_pair.exponent == 3 ? HSM_CAN_RSA_E3 : HSM_CAN_RSA_E65537, who);
        lint_need(l, l->card_key, HSM_CAN_KWP_RSA, who);
    }
    if (p && p->certificates.present) {
        snprintf(who, sizeof(who), "application %s: certificates", a->name);
        lint_need(l, l->master, HSM_CAN_RSA_RAW, who);
    }
}

size_t keyring_lint(const struct job *job, const struct keyring_tokens *tokens, struct buf *findings)
{
    struct hsm_token *card_key = tokens->card_key ? tokens->card_key : tokens->master;
    struct err err = ERR_INIT;

    if (!hsm_probe(tokens->master, true, &err) ||
        (card_key != tokens->master && !hsm_probe(card_key, true, &err))) {
        buf_put_format(findings, "token probe: %s\n", err.text);
        return 1;
    }
    struct lint l = {.master = hsm_token_profile(tokens->master),
                     .card_key = hsm_token_profile(card_key),
                     .findings = findings};
    lint_need(&l, l.master, HSM_CAN_KWP, "sealing");
    lint_need(&l, l.master, HSM_CAN_CMAC, "sealing");
    lint_need(&l, l.master, HSM_CAN_RSA_SHA256, "job signature");
    for (size_t i = 0; i < job->application_count; i++)
        lint_application(&l, job, &job->applications[i]);
    if (!l.master->can[HSM_HONOURS_EXTRACTABLE])
        buf_put_text(
            findings,
            "warning: the token wraps keys that are not extractable: roles are not enforced by it\n");
    return l.errors;
}
