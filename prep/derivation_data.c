/* FIG. 2, steps 304, 306 and 316: the derivation data of each key - from the record, else from the profile's other source, else
 * from the sequential counter - and which master, by name and version, it goes with.
 *
 * "From the record" is the element in its open entry, or the C2 of the sealed entry that is replaced; the other sources and the
 * counter are what the profile lists, in its order. */
#include "prep/planning/plan_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

enum { KEYDATA_LEN = 10, PSN_DIGITS = 2, PAN_TEXT_MAX = 64 };

static enum derivation_cipher cipher_of(const struct key_settings *key)
{
    return strncmp(key->algorithm, "aes", 3) == 0 ? CIPHER_AES : CIPHER_TDES;
}

/* ---- which master ---- */

static bool parse_version(const struct field_text *text, uint16_t *out)
{
    struct cur c = cur_make(text->text, text->len, 0);
    struct err unused = ERR_INIT;
    uint64_t value = 0;
    if (text->len > 5 || !cur_take_digits(&c, text->len, &value, "version", &unused)) return false;
    *out = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

static bool choose(const struct plan_work *w, const struct bound_version *v, const struct key_settings **out,
                   struct err *err)
{
    uint16_t version = 0;
    *out = v->key;
    if (v->rule != VERSION_FIELD) return true;
    struct field_text text = plan_field(w->in, &v->field);
    if (!text.text) return true;
    if (!parse_version(&text, &version))
        return err_set(err, ERR_INPUT, "field '%s' holds no version of a key (1 to 65535)", v->field.name);
    *out = job_key(w->p->job, v->master, version);
    return *out ||
           err_set(err, ERR_INPUT, "field '%s' asks for version %u of %s, which the job does not have",
                   v->field.name, (unsigned)version, v->master);
}

bool derivation_masters(struct plan_work *w, struct err *err)
{
    for (size_t i = 0; i < w->a->profile->key_count; i++) {
        const struct bound_key *k = &w->a->keys[i];
        struct planned_key *out = &w->a->planned_keys[i];
        *out = (struct planned_key){.rule = k->rule, .left_out = k->left_out};
        if (k->left_out) continue;
        if (choose(w, &k->version, &out->master.key, err) &&
            (k->rule->protection == METHOD_KWP || choose(w, &k->card_version, &out->card_key.key, err)))
            continue;
        err_prefix(err, "key %s", k->rule->name);
        return false;
    }
    w->out->keys = w->a->planned_keys;
    return true;
}

const struct key_settings *derivation_master_named(const struct plan_work *w, const char *name)
{
    for (size_t i = 0; i < w->a->profile->key_count; i++) {
        const struct planned_key *k = &w->a->planned_keys[i];
        if (k->left_out) continue;
        if (strcmp(k->master.key->name, name) == 0) return k->master.key;
        if (k->card_key.key && strcmp(k->card_key.key->name, name) == 0) return k->card_key.key;
    }
    return job_key(w->p->job, name, 0);
}

/* ---- the data ---- */

/* The first key that the card gets; its data is the entry's C2. */
static const struct bound_key *leading_key(const struct plan_work *w)
{
    for (size_t i = 0; i < w->a->profile->key_count; i++) {
        if (!w->a->keys[i].left_out) return &w->a->keys[i];
    }
    return NULL;
}

/* Is this key's data by rule the same as the leading key's, so that an old C2 stands for it? */
static bool follows_old_data(const struct plan_work *w, const struct bound_key *k)
{
    const struct bound_key *first = leading_key(w);
    if (!w->old_data || !first) return false;
    if (k == first) return true;
    return k->rule->data == first->rule->data && k->rule->data != DATA_FROM_SOURCES &&
           k->rule->data_tag == first->rule->data_tag && k->rule->psn_tag == first->rule->psn_tag;
}

bool derivation_is_old_data(const struct plan_work *w, uint32_t tag)
{
    const struct bound_key *first = w->old_data ? leading_key(w) : NULL;
    return first && first->rule->data == DATA_FROM_ELEMENT && first->rule->data_tag == tag;
}

static bool element(const struct plan_work *w, uint32_t tag, const struct planned_value **out,
                    struct err *err)
{
    *out = plan_value(w->out, tag);
    if (!*out || (*out)->origin == VALUE_ABSENT)
        return err_set(err, ERR_INPUT, "element %X, its derivation data, has no value", (unsigned)tag);
    return (*out)->value ||
           err_set(err, ERR_INPUT, "element %X, its derivation data, is not known yet", (unsigned)tag);
}

static bool keep(struct planned_key *out, const uint8_t *data, size_t len, struct err *err)
{
    if (len > DERIVATION_DATA_MAX)
        return err_set(err, ERR_INPUT, "derivation data of %zu bytes, more than %d", len,
                       DERIVATION_DATA_MAX);
    if (len > 0) memcpy(out->data, data, len);
    out->data_len = len;
    return true;
}

static bool from_element(const struct plan_work *w, struct planned_key *out, struct err *err)
{
    const struct planned_value *v = NULL;
    if (!element(w, out->rule->data_tag, &v, err)) return false;
    out->data_origin = v->origin;
    return keep(out, v->value, v->len, err);
}

/* PAN and sequence number as the elements hold them, in BCD. */
static bool from_pan(const struct plan_work *w, struct planned_key *out, struct err *err)
{
    const struct planned_value *pan = NULL;
    const struct planned_value *psn = out->rule->psn_tag ? plan_value(w->out, out->rule->psn_tag) : NULL;
    struct buf digits, sequence, data;
    if (!element(w, out->rule->data_tag, &pan, err)) return false;
    buf_init(&digits, PAN_TEXT_MAX);
    buf_init(&sequence, PAN_TEXT_MAX);
    buf_init(&data, DERIVATION_DATA_MAX);
    bool ok =
        bcd_digits(pan->value, pan->len, &digits, err) &&
        (!psn || !psn->value || bcd_digits(psn->value, psn->len, &sequence, err)) &&
        derivation_data_emv((const char *)digits.data, digits.len,
                            sequence.len ? (const char *)sequence.data : "", sequence.len, &data, err) &&
        keep(out, data.data, data.len, err);
    out->data_origin = pan->origin;
    buf_release(&digits);
    buf_release(&sequence);
    buf_release(&data);
    return ok;
}

static bool from_sources(struct plan_work *w, const struct bound_key *k, struct planned_key *out,
                         struct err *err)
{
    struct sourced sourced;
    if (!plan_from_sources(w, &k->data_from, &sourced, err)) return false;
    if (!sourced.given) return plan_no_source(w, &k->data_from, err);
    if (!sourced.value) return err_set(err, ERR_CONFIG, "derivation data cannot be random");
    out->data_origin = VALUE_FROM_SOURCE;
    out->data_source = sourced.source;
    return keep(out, sourced.value, sourced.len, err);
}

/* The old C2 is the record's own word. A card that is to have another PAN is another card. */
static bool check_old_data(const struct plan_work *w, const struct bound_key *k, struct planned_key *out,
                           struct err *err)
{
    if (k->rule->data == DATA_FROM_PAN && !bytes_equal(out->data, out->data_len, w->old_data, w->old_len))
        return err_set(err, ERR_INPUT, "the replaced entry's derivation data is not that of element %X",
                       (unsigned)k->rule->data_tag);
    out->data_origin = VALUE_FROM_RECORD;
    return keep(out, w->old_data, w->old_len, err);
}

static bool find_data(struct plan_work *w, const struct bound_key *k, struct planned_key *out,
                      struct err *err)
{
    bool old = follows_old_data(w, k);
    if (old && k->rule->data == DATA_FROM_SOURCES) return check_old_data(w, k, out, err);
    bool ok = k->rule->data == DATA_FROM_ELEMENT ? from_element(w, out, err)
              : k->rule->data == DATA_FROM_PAN   ? from_pan(w, out, err)
                                                 : from_sources(w, k, out, err);
    return ok && (!old || check_old_data(w, k, out, err));
}

/* ---- the blocks ---- */

static bool make_block(const struct planned_key *k, struct planned_master *master, struct err *err)
{
    const struct derivation_input in = {
        .method = k->rule->method, .data = k->data, .len = k->data_len, .kind = k->rule->kind};
    return derivation_make(&in, cipher_of(master->key), &master->block, err);
}

static enum secret_kind card_key_kind(const struct key_settings *master)
{
    if (cipher_of(master) == CIPHER_TDES) return SECRET_DES2;
    return strcmp(master->algorithm, "aes256") == 0   ? SECRET_AES256
           : strcmp(master->algorithm, "aes192") == 0 ? SECRET_AES192
                                                      : SECRET_AES128;
}

/* Second embodiment: the card's own static key, from the KEYDATA in the supplier's list. */
static bool make_card_key(const struct plan_work *w, const struct bound_key *k, struct planned_key *out,
                          struct err *err)
{
    uint8_t keydata[KEYDATA_LEN];
    struct field_text text = plan_field(w->in, &k->keydata);
    if (k->rule->protection == METHOD_KWP) return true;
    if (!text.text)
        return err_set(err, ERR_INPUT,
                       k->keydata.index < 0 ? "KEYDATA: the input has no field '%s'"
                                            : "KEYDATA: field '%s' is empty",
                       k->keydata.name);
    if (!hex_read_exact(text.text, text.len, keydata, KEYDATA_LEN, err)) {
        err_prefix(err, "KEYDATA: field '%s'", k->keydata.name);
        return false;
    }
    const struct derivation_input in = {.method = k->rule->card_key.method,
                                        .data = keydata,
                                        .len = KEYDATA_LEN,
                                        .kind = card_key_kind(out->card_key.key),
                                        .which = k->rule->card_key.which};
    return derivation_make(&in, cipher_of(out->card_key.key), &out->card_key.block, err);
}

bool derivation_data(struct plan_work *w, struct err *err)
{
    const struct planned_key *first = NULL;
    for (size_t i = 0; i < w->a->profile->key_count; i++) {
        const struct bound_key *k = &w->a->keys[i];
        struct planned_key *out = &w->a->planned_keys[i];
        if (out->left_out) continue;
        if (!find_data(w, k, out, err) || !make_block(out, &out->master, err) ||
            !make_card_key(w, k, out, err)) {
            err_prefix(err, "key %s", k->rule->name);
            return false;
        }
        if (!first) first = out;
        out->own_data = !bytes_equal(out->data, out->data_len, first->data, first->data_len);
    }
    w->out->c2 = first;
    return true;
}
