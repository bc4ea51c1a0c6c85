/* The data groupings of one application: composed in the order in which they depend on each other, put in card order. */
#include "prep/workshop.h"

#include <string.h>

#include "formats/afl.h"
#include "formats/dgi.h"

enum { TAG_AIP = 0x82, TAG_AFL = 0x94, TAG_SDA_TAGS = 0x9F4A, CHECK_VALUE_LEN = 3 };

struct afl {
    struct afl_range ranges[AFL_RANGES_MAX];
    size_t count;
};

/* Random elements are drawn once: a record and its certificate must see the same bytes. */
static bool draw(struct workshop *w, struct err *err)
{
    buf_clear(&w->random);
    for (size_t i = 0; i < w->profile->element_count; i++) {
        const struct planned_value *v = &w->application->values[i];
        w->drawn[i].present = v->origin == VALUE_FROM_TOKEN;
        if (!w->drawn[i].present) continue;
        w->drawn[i].len = v->len;
        w->drawn[i].at = buf_reserve(&w->random, v->len);
        if (!buf_ok(&w->random, "random elements", err)) return false;
        if (!hsm_random(w->keys->master, w->random.data + w->drawn[i].at, v->len, err)) {
            err_prefix(err, "element %s", w->profile->elements[i].name);
            return false;
        }
    }
    return true;
}

/* False: nothing stands under this tag. */
static bool value_of(const struct workshop *w, uint32_t tag, const uint8_t **value, size_t *len)
{
    const int index = profile_element_index(w->profile, tag);
    const struct planned_value *v = index < 0 ? NULL : &w->application->values[index];

    if (!v || v->origin == VALUE_FROM_CERTIFICATES) {
        const struct certificate_value *c = certify_value(w, tag);
        if (!c) return false;
        *value = c->value;
        *len = c->len;
        return true;
    }
    if (v->origin == VALUE_ABSENT) return false;
    *value = v->origin == VALUE_FROM_TOKEN ? w->random.data + w->drawn[index].at : v->value;
    *len = v->len;
    return true;
}

static bool compose(struct workshop *w, size_t index, struct err *err)
{
    const struct profile_grouping *g = &w->profile->groupings[index];
    struct span *span = &w->groupings[index];
    size_t elements = 0;

    buf_clear(&w->inner);
    for (size_t i = 0; i < g->count; i++) {
        const uint8_t *value = NULL;
        size_t len = 0;
        if (!value_of(w, g->tags[i], &value, &len)) continue;
        tlv_put(&w->inner, g->tags[i], value, len);
        elements++;
    }
    if (!buf_ok(&w->inner, "grouping", err)) goto failed;
    if (elements == 0) return true; /* nothing to put: no grouping */
    span->at = w->clear.len;
    if (g->template_tag)
        tlv_put(&w->clear, g->template_tag, w->inner.data, w->inner.len);
    else
        buf_put(&w->clear, w->inner.data, w->inner.len);
    if (!buf_ok(&w->clear, "grouping", err)) goto failed;
    span->len = w->clear.len - span->at;
    span->present = true;
    const size_t limit = dgi_is_record(g->dgi) ? DGI_RECORD_VALUE_MAX : DGI_VALUE_MAX;
    if (span->len <= limit) return true;
    err_set(err, ERR_INPUT, "%zu bytes, more than the %zu that fit", span->len, limit);
failed:
    err_prefix(err, "DGI %04X", (unsigned)g->dgi);
    return false;
}

static bool is_signed(const struct afl *afl, const struct profile_grouping *g)
{
    return g->kind == GROUPING_ELEMENTS && dgi_is_record(g->dgi) &&
           afl_is_signed(afl->ranges, afl->count, dgi_record_sfi(g->dgi), dgi_record_number(g->dgi));
}

/* What a certificate covers cannot hold that certificate. */
static bool check_signed(const struct profile_grouping *g, struct err *err)
{
    for (size_t i = 0; i < g->count; i++) {
        const uint32_t tag = g->tags[i];
        if (tag != 0x93 && tag != 0x9F46 && tag != 0x9F48) continue;
        return err_set(err, ERR_CONFIG, "DGI %04X: the AFL marks this record as signed, so it cannot hold %X",
                       (unsigned)g->dgi, (unsigned)tag);
    }
    return true;
}

static bool compose_all(struct workshop *w, const struct afl *afl, bool those_signed, struct err *err)
{
    for (size_t i = 0; i < w->profile->grouping_count; i++) {
        const struct profile_grouping *g = &w->profile->groupings[i];
        if (g->kind != GROUPING_ELEMENTS || is_signed(afl, g) != those_signed) continue;
        if (those_signed && !check_signed(g, err)) return false;
        if (!compose(w, i, err)) return false;
    }
    return true;
}

static void record_value(void *context, uint8_t sfi, uint8_t record, const uint8_t **value, size_t *len)
{
    const struct workshop *w = context;
    const unsigned dgi = (unsigned)sfi << 8 | record;

    *value = NULL;
    for (size_t i = 0; i < w->profile->grouping_count; i++) {
        if (w->profile->groupings[i].dgi != dgi || !w->groupings[i].present) continue;
        *value = w->clear.data + w->groupings[i].at;
        *len = w->groupings[i].len;
        return;
    }
}

/* EMV Book 3, 10.3. An application without an AFL has no static data. */
static bool gather_static_data(struct workshop *w, const struct afl *afl, struct err *err)
{
    const uint8_t *tags = NULL, *aip = NULL;
    size_t tags_len = 0, aip_len = 0;

    buf_clear(&w->static_data);
    if (value_of(w, TAG_SDA_TAGS, &tags, &tags_len)) {
        if (tags_len != 1 || tags[0] != TAG_AIP)
            return err_set(err, ERR_INPUT, "element 9F4A may hold nothing but 82");
        if (!value_of(w, TAG_AIP, &aip, &aip_len) || aip_len != 2)
            return err_set(err, ERR_INPUT,
                           "element 9F4A asks for the AIP (82), which is missing or not 2 bytes");
    }
    if (!afl_static_data(afl->ranges, afl->count, record_value, w, aip, &w->static_data, err)) return false;
    return buf_ok(&w->static_data, "static data", err);
}

static bool read_afl(const struct workshop *w, struct afl *afl, struct err *err)
{
    const uint8_t *value = NULL;
    size_t len = 0;

    afl->count = 0;
    if (!w->profile->certificates.present || !value_of(w, TAG_AFL, &value, &len)) return true;
    if (afl_read(value, len, afl->ranges, &afl->count, err)) return true;
    err_prefix(err, "element 94");
    return false;
}

static void put_check_values(struct workshop *w, const struct profile_grouping *g, struct buf *out)
{
    buf_clear(&w->inner);
    for (size_t i = 0; i < g->count; i++) {
        const struct made_key *made = &w->made[g->keys[i]];
        if (made->present) buf_put(&w->inner, made->check, CHECK_VALUE_LEN);
    }
    if (w->inner.len) clear_grouping_put(out, g->dgi, w->inner.data, w->inner.len);
}

static void put_grouping(struct workshop *w, size_t index, struct buf *out)
{
    const struct profile_grouping *g = &w->profile->groupings[index];
    const struct span *span = &w->groupings[index];

    switch (g->kind) {
    case GROUPING_ELEMENTS:
        if (span->present) clear_grouping_put(out, g->dgi, w->clear.data + span->at, span->len);
        break;
    case GROUPING_KEYS:
        for (size_t i = 0; i < g->count; i++) {
            if (w->made[g->keys[i]].present) derive_put(w, g->keys[i], g->dgi, out);
        }
        break;
    case GROUPING_CHECK_VALUES:
        put_check_values(w, g, out);
        break;
    case GROUPING_KEY_PAIR:
        if (w->profile->key_pair.present) key_pair_put(w, DGI_CRT_FIRST, out);
        break;
    }
}

static bool make_pair(struct workshop *w, struct err *err)
{
    const struct profile_key_pair *rule = &w->profile->key_pair;
    if (!rule->present || w->maker.make(w->maker.context, rule, &w->pair, err)) return true;
    err_prefix(err, "key pair %s", rule->name);
    return false;
}

static bool assemble_by_profile(struct workshop *w, struct buf *out, struct err *err)
{
    struct afl afl;

    buf_clear(&w->clear);
    memset(w->groupings, 0, w->profile->grouping_count * sizeof(*w->groupings));
    w->certificate_count = 0;
    if (!draw(w, err) || !derive_keys(w, err) || !make_pair(w, err) || !certify_issuer(w, err)) return false;
    if (!read_afl(w, &afl, err) || !compose_all(w, &afl, true, err)) return false;
    if (w->profile->certificates.present && !gather_static_data(w, &afl, err)) return false;
    if (!certify_card(w, err) || !compose_all(w, &afl, false, err)) return false;
    for (size_t i = 0; i < w->profile->grouping_count; i++)
        put_grouping(w, i, out);
    return true;
}

bool assemble_application(struct workshop *w, struct buf *out, struct err *err)
{
    const struct planned_application *a = w->application;
    if (w->profile && !assemble_by_profile(w, out, err)) return false;
    for (size_t i = 0; i < a->loose_count; i++)
        tlv_put(out, a->loose[i].tag, a->loose[i].value, a->loose[i].len);
    return buf_ok(out, "application", err);
}
