/* FIG. 4: what the issuer's private key vouches for - the card's public key, and the static data of its records.
 * EMV Book 2, 5 and 6; the forms are formats/emv_cert.h's, the private operation is the token's. */
#include "prep/workshop.h"

#include <string.h>

static void add(struct workshop *w, uint32_t tag, const uint8_t *value, size_t len)
{
    if (len == 0) return; /* a remainder that is not needed */
    w->certificates[w->certificate_count++] =
        (struct certificate_value){.tag = tag, .value = value, .len = len};
}

const struct certificate_value *certify_value(const struct workshop *w, uint32_t tag)
{
    for (size_t i = 0; i < w->certificate_count; i++) {
        if (w->certificates[i].tag == tag) return &w->certificates[i];
    }
    return NULL;
}

static const struct issuer_key_settings *issuer(const struct workshop *w)
{
    return &w->job->issuer_keys[w->application->application->issuer_key];
}

bool certify_issuer(struct workshop *w, struct err *err)
{
    w->certificate_count = 0;
    if (!w->profile->certificates.present) return true;
    if (w->application->application->issuer_key < 0)
        return err_set(err, ERR_CONFIG, "the profile wants certificates, but the job names no issuer key");

    const struct certificate_file *c = &issuer(w)->certificate;
    add(w, 0x8F, &c->ca_index, 1);
    add(w, 0x90, c->certificate, c->certificate_len);
    add(w, 0x92, c->remainder, c->remainder_len);
    add(w, 0x9F32, c->exponent, c->exponent_len);
    if (w->profile->key_pair.present) add(w, 0x9F47, w->pair.exponent, w->pair.exponent_len);
    return true;
}

static bool sign_block(struct workshop *w, struct buf *out, struct err *err)
{
    const struct hsm_pair *pair = &w->keys->issuers[w->application->application->issuer_key];
    if (!buf_ok(&w->block, "certificate", err)) return false;
    buf_clear(out);
    if (hsm_sign_raw(w->keys->master, &pair->private_key, w->block.data, w->block.len, out, err)) return true;
    err_prefix(err, "sign with issuer key '%s'", issuer(w)->name);
    return false;
}

static bool certify_static_data(struct workshop *w, size_t signer_len, struct err *err)
{
    const struct buf *data = &w->static_data;
    buf_clear(&w->block);
    if (!emv_ssad_template(w->profile->certificates.dac, data->data, data->len, signer_len, &w->block, err) ||
        !sign_block(w, &w->ssad, err)) {
        err_prefix(err, "signed static application data");
        return false;
    }
    add(w, 0x93, w->ssad.data, w->ssad.len);
    return true;
}

static bool certify_pair(struct workshop *w, size_t signer_len, struct err *err)
{
    const struct certificate_plan *plan = &w->application->certificate;
    const struct buf *data = &w->static_data;
    struct emv_certificate c = {
        .key = {.modulus_len = w->pair.modulus_len, .exponent_len = w->pair.exponent_len}};

    if (w->pair.modulus_len > sizeof(c.key.modulus) || w->pair.exponent_len > sizeof(c.key.exponent))
        return err_set(err, ERR_CONFIG, "card certificate: a key of %zu bytes", w->pair.modulus_len);
    memcpy(c.subject, plan->subject, sizeof(c.subject));
    memcpy(c.expiry, plan->expiry, sizeof(c.expiry));
    memcpy(c.serial, plan->serial, sizeof(c.serial));
    memcpy(c.key.modulus, w->pair.modulus, w->pair.modulus_len);
    memcpy(c.key.exponent, w->pair.exponent, w->pair.exponent_len);
    buf_clear(&w->block);
    buf_clear(&w->icc_remainder);
    if (!emv_icc_template(&c, data->data, data->len, signer_len, &w->block, &w->icc_remainder, err) ||
        !sign_block(w, &w->icc, err)) {
        err_prefix(err, "card certificate");
        return false;
    }
    if (!buf_ok(&w->icc_remainder, "remainder", err)) return false;
    add(w, 0x9F46, w->icc.data, w->icc.len);
    add(w, 0x9F48, w->icc_remainder.data, w->icc_remainder.len);
    return true;
}

bool certify_card(struct workshop *w, struct err *err)
{
    if (!w->profile->certificates.present) return true;
    const size_t signer_len = w->keys->issuers[w->application->application->issuer_key].modulus_len;
    if (w->profile->certificates.ssad && !certify_static_data(w, signer_len, err)) return false;
    return !w->profile->key_pair.present || certify_pair(w, signer_len, err);
}
