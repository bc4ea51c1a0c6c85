/* The values of an application's elements: from the record's own open entry, else from the sources in order, else the default. */
#include "prep/planning/plan_work.h"

#include <string.h>

#include "formats/pan.h"

enum { SUBJECT_LEN = 10, SUBJECT_TEXT_MAX = 64 };

/* The element in the open entry. A profile's element stands there once. */
static bool in_entry(const struct plan_work *w, uint32_t tag, const struct tlv **out, struct err *err)
{
    *out = NULL;
    for (size_t i = 0; i < w->tlv_count; i++) {
        if (w->tlvs[i].tag != tag) continue;
        if (*out)
            return err_set(err, ERR_INPUT, "stands twice in the record's entry, at offset %llu too",
                           (unsigned long long)w->tlvs[i].offset);
        *out = &w->tlvs[i];
    }
    return true;
}

/* What a conversion would have checked of a text is checked of a record's bytes too, where that means the same. */
static bool check_record_value(const struct plan_work *w, const struct bound_element *e,
                               const struct tlv *tlv, struct err *err)
{
    const char *name = e->from.convert ? e->from.convert->name : "";
    struct buf digits;
    struct date date;
    if (!plan_check_len(e->from.options, tlv->len, err)) return false;
    if (strcmp(name, "date-yymmdd") == 0 && tlv->len == 3) return date_from_bcd(tlv->value, &date, err);
    if (strncmp(name, "pan", 3) != 0) return true;
    buf_init(&digits, 2 * PAN_DIGITS_MAX + 2);
    bool ok = bcd_digits(tlv->value, tlv->len, &digits, err) &&
              pan_check((const char *)digits.data, digits.len,
                        w->a->profile->luhn && strcmp(name, "pan") == 0, err);
    buf_release(&digits);
    return ok;
}

static void set_value(struct planned_value *v, enum value_origin origin, const uint8_t *value, size_t len)
{
    *v = (struct planned_value){.origin = origin, .value = value, .len = len};
}

static bool element_value(struct plan_work *w, const struct bound_element *e, struct planned_value *v,
                          struct err *err)
{
    const struct tlv *tlv = NULL;
    struct sourced sourced;
    set_value(v, VALUE_ABSENT, NULL, 0);
    if (!in_entry(w, e->rule->tag, &tlv, err)) return false;
    if (e->from_certificates) {
        if (tlv)
            return err_set(err, ERR_INPUT, "stands in the record's entry, and the profile makes it anew");
        v->origin = VALUE_FROM_CERTIFICATES;
        return true;
    }
    if (tlv) {
        set_value(v, VALUE_FROM_RECORD, tlv->value, tlv->len);
        return check_record_value(w, e, tlv, err);
    }
    if (derivation_is_old_data(w, e->rule->tag)) {
        set_value(v, VALUE_FROM_RECORD, w->old_data, w->old_len);
        if (plan_check_len(e->from.options, w->old_len, err)) return true;
        err_prefix(err, "derivation data of the old entry");
        return false;
    }
    if (!plan_from_sources(w, &e->from, &sourced, err)) return false;
    if (sourced.given) {
        set_value(v, sourced.value ? VALUE_FROM_SOURCE : VALUE_FROM_TOKEN, sourced.value, sourced.len);
        v->source = sourced.source;
        return true;
    }
    if (e->fallback) {
        set_value(v, VALUE_FROM_DEFAULT, e->fallback, e->fallback_len);
        return true;
    }
    return e->rule->optional || plan_no_source(w, &e->from, err);
}

bool plan_values(struct plan_work *w, struct err *err)
{
    for (size_t i = 0; i < w->a->profile->element_count; i++) {
        const struct profile_element *rule = w->a->elements[i].rule;
        if (element_value(w, &w->a->elements[i], &w->a->values[i], err)) continue;
        err_prefix(err, "element %X (%s)", (unsigned)rule->tag, rule->name);
        return false;
    }
    w->out->values = w->a->values;
    return true;
}

/* A value with bytes, or an error that names what it is for. */
static bool need_value(const struct plan_work *w, uint32_t tag, const struct planned_value **out,
                       struct err *err)
{
    *out = plan_value(w->out, tag);
    if (*out && (*out)->value) return true;
    return err_set(err, ERR_INPUT, "element %X has no value", (unsigned)tag);
}

/* Digits, padded with F: a PAN, or what stands in its place. */
static bool subject(const struct plan_work *w, uint8_t out[SUBJECT_LEN], struct err *err)
{
    const struct planned_value *v = NULL;
    uint32_t tag = w->a->profile->certificates.subject_tag;
    if (!need_value(w, tag, &v, err)) return false;
    if (v->len > SUBJECT_LEN)
        return err_set(err, ERR_INPUT, "element %X: %zu bytes, more than a certificate's %d", (unsigned)tag,
                       v->len, SUBJECT_LEN);
    struct buf digits;
    buf_init(&digits, SUBJECT_TEXT_MAX);
    bool ok = bcd_digits(v->value, v->len, &digits, err);
    buf_release(&digits);
    if (!ok) {
        err_prefix(err, "element %X", (unsigned)tag);
        return false;
    }
    memset(out, 0xFF, SUBJECT_LEN);
    memcpy(out, v->value, v->len);
    return true;
}

static bool outlives(const char *what, const uint8_t expiry[2], const char *whose, const uint8_t limit[2],
                     struct err *err)
{
    return err_set(err, ERR_INPUT, "%s would expire %02X/%02X, after %s, %02X/%02X", what, expiry[0],
                   expiry[1], whose, limit[0], limit[1]);
}

static bool expiry(const struct plan_work *w, const struct issuer_key_settings *issuer, uint8_t out[2],
                   struct err *err)
{
    const struct profile_certificates *rule = &w->a->profile->certificates;
    const struct planned_value *v = NULL;
    struct date date;
    if (rule->expiry == EXPIRY_ISSUER) {
        memcpy(out, issuer->certificate.recovered.expiry, 2);
        return true;
    }
    if (!need_value(w, rule->expiry_tag, &v, err)) return false;
    if (v->len != 3)
        return err_set(err, ERR_INPUT, "element %X: %zu bytes are no date YYMMDD", (unsigned)rule->expiry_tag,
                       v->len);
    if (!date_from_bcd(v->value, &date, err)) {
        err_prefix(err, "element %X", (unsigned)rule->expiry_tag);
        return false;
    }
    out[0] = v->value[1];
    out[1] = v->value[0];
    return true;
}

bool plan_certificate(struct plan_work *w, struct err *err)
{
    struct certificate_plan *c = &w->out->certificate;
    if (!w->a->profile->certificates.present) return true;
    const struct issuer_key_settings *issuer = &w->p->job->issuer_keys[w->a->rule->issuer_key];
    const uint8_t *issuer_expiry = issuer->certificate.recovered.expiry;
    if (!subject(w, c->subject, err) || !expiry(w, issuer, c->expiry, err)) goto failed;
    /* Low 24 bits of the record's number: unique in any job of up to 16 million cards, and the same in every run. */
    c->serial[0] = (uint8_t)(w->in->number >> 16);
    c->serial[1] = (uint8_t)(w->in->number >> 8);
    c->serial[2] = (uint8_t)w->in->number;
    if (emv_expires_after(c->expiry, issuer_expiry)) {
        outlives("it", c->expiry, "the issuer's certificate", issuer_expiry, err);
        goto failed;
    }
    if (!emv_expires_after(issuer_expiry, issuer->ca.key.expiry)) return true;
    outlives("the issuer's", issuer_expiry, "the CA's key", issuer->ca.key.expiry, err);
failed:
    err_prefix(err, "card certificate");
    return false;
}
