/* One application of a card record: its items in card order, every secret unwrapped and its check value compared. */
#include <stdio.h>
#include <string.h>

#include "bureau/open_internal.h"
#include "formats/dgi.h"

enum { TEMPLATE_RECORD = 0x70, CARD_KCV = 3 };

/* ---- secrets ---- */

static bool check_value(struct ring *r, const struct open_secret *s, struct err *err)
{
    const struct wrapped_secret *w = &s->wrapped;
    uint8_t kcv[SHA256_LEN], modulus[HSM_MODULUS_MAX];
    size_t len = 0;
    if (w->kind == SECRET_OPAQUE) return true;
    bool ok = w->kind == SECRET_RSA
                  ? hsm_private_modulus(r->t, &s->key, modulus, &len, err) && sha256(modulus, len, kcv, err)
                  : hsm_kcv(r->t, &s->key, HSM_ROLE_CARD_KEY, kcv, &len, err);
    if (!ok) return false;
    if (bytes_equal(kcv, w->kcv_len, w->kcv, w->kcv_len)) return true;
    return err_set(err, ERR_INTEGRITY, "the check value (C5) is that of another key");
}

static bool open_secret(struct ring *r, struct open_secret *s, struct err *err)
{
    const struct wrapped_secret *w = &s->wrapped;
    const struct hsm_key_ref ref = {.name = w->name,
                                    .role = w->kind == SECRET_RSA ? HSM_ROLE_CARD_PAIR : HSM_ROLE_CARD_KEY,
                                    .algorithm = ring_algorithm(w->kind)};
    if (w->method != METHOD_KWP) return true; /* under the card's own key: not ours to open */
    if (!hsm_unwrap_kwp(r->t, &s->kek->key, w->ciphertext, w->ciphertext_len, &ref, &s->key, err)) {
        if (hsm_unwrap_was_damaged(r->t)) err->kind = ERR_INTEGRITY;
        return false;
    }
    return check_value(r, s, err);
}

/* ---- one application ---- */

static struct open_item *add_item(struct open_application *a, uint16_t dgi, struct err *err)
{
    if (a->item_count == OPEN_ITEMS_MAX) {
        err_set(err, ERR_INPUT, "more than %d data groupings", OPEN_ITEMS_MAX);
        return NULL;
    }
    struct open_item *item = &a->items[a->item_count++];
    *item = (struct open_item){.dgi = dgi};
    return item;
}

static bool add_secret(struct open_record *o, struct open_application *a, const struct wrapped_secret *w,
                       struct err *err)
{
    struct open_item *item = a->item_count > 0 ? &a->items[a->item_count - 1] : NULL;
    if (a->secret_count == OPEN_SECRETS_MAX)
        return err_set(err, ERR_INPUT, "more than %d secrets", OPEN_SECRETS_MAX);
    struct open_secret *s = &a->secrets[a->secret_count];
    *s = (struct open_secret){*w, ring_kek(o->ring, a->entry->kekid), HSM_KEY_NONE};
    a->secret_count++;
    if (!s->kek) return err_set(err, ERR_CONFIG, "the settings have no such KEK");
    if (!item || !item->secrets || item->dgi != w->dgi) {
        item = add_item(a, w->dgi, err);
        if (!item) return false;
        item->secrets = s;
    }
    item->secret_count++;
    if (open_secret(o->ring, s, err)) return true;
    err_prefix(err, "secret %s", w->name);
    return false;
}

static bool add_grouping(struct open_application *a, const struct clear_grouping *g, struct err *err)
{
    struct open_item *item = add_item(a, g->dgi, err);
    if (!item) return false;
    item->value = g->value;
    item->len = g->len;
    return true;
}

static bool add_sealed(struct open_record *o, struct open_application *a, struct err *err)
{
    struct entry_walk walk;
    struct entry_item item;
    entry_walk_begin(&walk, a->entry);
    for (;;) {
        bool ok = entry_walk_next(&walk, &item, err);
        if (ok && item.kind == ITEM_END) return true;
        if (ok && item.kind == ITEM_SECRET) ok = add_secret(o, a, &item.secret, err);
        if (ok && item.kind == ITEM_GROUPING) ok = add_grouping(a, &item.grouping, err);
        if (!ok) return false;
    }
}

/* ---- loose elements ---- */

static const struct bureau_application *settings_of(const struct bureau *s, const struct entry *e)
{
    for (size_t i = 0; i < s->application_count; i++) {
        if (bytes_equal(s->applications[i].aid, s->applications[i].aid_len, e->aid, e->aid_len))
            return &s->applications[i];
    }
    return NULL;
}

static bool wants(const struct bureau_application *s, uint32_t tag, uint16_t dgi)
{
    for (size_t i = 0; i < s->loose_count; i++) {
        if (s->loose[i].tag == tag && s->loose[i].dgi == dgi) return true;
    }
    return false;
}

/* The elements for one DGI, as TLVs in the order of the entry, inside template 70 where the DGI is a record. */
static bool put_loose(const struct entry *e, const struct bureau_application *s, uint16_t dgi,
                      struct buf *out, struct err *err)
{
    struct cur c = cur_make(e->data, e->data_len, e->data_offset);
    struct tlv tlv;
    struct buf inner;
    buf_init(&inner, DGI_VALUE_MAX);
    bool ok = true;
    while (ok && cur_left(&c) > 0) {
        ok = tlv_read(&c, &tlv, err);
        if (ok && wants(s, tlv.tag, dgi)) tlv_put(&inner, tlv.tag, tlv.value, tlv.len);
    }
    ok = ok && buf_ok(&inner, "loose elements", err);
    if (ok && inner.len > 0) {
        if (dgi_is_record(dgi)) tlv_put_head(out, TEMPLATE_RECORD, inner.len);
        buf_put(out, inner.data, inner.len);
        ok = buf_ok(out, "loose elements", err);
    }
    buf_release(&inner);
    return ok;
}

static bool add_loose(struct open_application *a, const struct bureau_application *s, struct err *err)
{
    size_t ends[OPEN_ITEMS_MAX] = {0}, first = a->item_count, begin = 0;
    for (size_t i = 0; i < s->loose_count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || s->loose[k].dgi == s->loose[i].dgi;
        if (seen) continue;
        begin = a->loose.len;
        if (!put_loose(a->entry, s, s->loose[i].dgi, &a->loose, err)) return false;
        if (a->loose.len == begin) continue;
        if (!add_item(a, s->loose[i].dgi, err)) return false;
        ends[a->item_count - 1] = a->loose.len;
    }
    begin = 0;
    for (size_t i = first; i < a->item_count; i++) { /* now the bytes stay where they are */
        a->items[i].value = &a->loose.data[begin];
        a->items[i].len = ends[i] - begin;
        begin = ends[i];
    }
    return true;
}

/* ---- DGI 9000 ---- */

static bool is_check_value(struct ring *r, const struct open_secret *s, const uint8_t due[CARD_KCV], bool *is,
                           struct err *err)
{
    const struct secret_kind_row *row = secret_kind_row(s->wrapped.kind);
    uint8_t kcv[CARD_KCV];
    *is = row->key_len > 0 && bytes_equal(s->wrapped.kcv, CARD_KCV, due, CARD_KCV);
    if (*is || row->kcv_len == CARD_KCV || row->key_len == 0) return true;
    if (!s->key
             .handle) { /* an AES key under the card's own: which check value it has on cards is not to be seen */
        *is = true;
        return true;
    }
    if (!hsm_kcv_gp(r->t, &s->key, kcv, err)) return false;
    *is = bytes_equal(kcv, CARD_KCV, due, CARD_KCV);
    return true;
}

/* Each value must be that of a key of the entry, in their order; keys without one may stand between. */
static bool check_card_values(struct ring *r, const struct open_application *a, struct err *err)
{
    for (size_t i = 0; i < a->item_count; i++) {
        const struct open_item *item = &a->items[i];
        size_t next = 0;
        if (item->dgi != DGI_CHECK_VALUES || item->secrets) continue;
        bool ok = item->len % CARD_KCV == 0;
        for (size_t at = 0; ok && at < item->len; at += CARD_KCV) {
            bool is = false;
            while (!is && next < a->secret_count) {
                if (!is_check_value(r, &a->secrets[next++], &item->value[at], &is, err)) return false;
            }
            ok = is;
        }
        if (!ok) return err_set(err, ERR_INTEGRITY, "DGI 9000: check values that are not those of the keys");
    }
    return true;
}

/* ---- the version of the KMC ---- */

enum { VERSION_BYTES = 4, TEMPLATES_MAX = 3 };

/* In one clear grouping: directly, or inside a template. What is no TLV has none. */
static bool find_element(struct cur c, uint32_t tag, unsigned depth, struct tlv *out)
{
    struct err unused = ERR_INIT;
    struct tlv tlv;
    while (cur_left(&c) > 0 && tlv_read(&c, &tlv, &unused)) {
        if (tlv.tag == tag) {
            *out = tlv;
            return true;
        }
        if (depth > 0 && tlv_is_constructed(tlv.tag) &&
            find_element(cur_make(tlv.value, tlv.len, 0), tag, depth - 1, out))
            return true;
    }
    return false;
}

static bool have_version(const struct ring *r, uint64_t version)
{
    for (size_t i = 0; i < r->card_key_count; i++) {
        if (r->card_keys[i].settings->key.version == version) return true;
    }
    return false;
}

/* The element goes onto the card, so it stands in a grouping; what all applications say is one card's. */
static bool take_kmc_version(struct open_record *o, const struct open_application *a, uint32_t tag,
                             struct err *err)
{
    struct tlv found = {.len = 0};
    bool is = false;
    for (size_t i = 0; !is && i < a->item_count; i++)
        is = !a->items[i].secrets &&
             find_element(cur_make(a->items[i].value, a->items[i].len, 0), tag, TEMPLATES_MAX, &found);
    if (!is || found.len == 0 || found.len > VERSION_BYTES)
        return err_set(err, ERR_INPUT,
                       "no element %X that says a version of the KMC, as the settings want it",
                       (unsigned)tag);
    const uint64_t version = bytes_be(found.value, found.len);
    if (!have_version(o->ring, version))
        return err_set(err, ERR_CONFIG,
                       "element %X: the card comes from version %u of the KMC, which the settings lack",
                       (unsigned)tag, (unsigned)version);
    if (o->kmc_version && o->kmc_version != version)
        return err_set(err, ERR_INPUT,
                       "element %X: the card comes from version %u of the KMC, another application says %u",
                       (unsigned)tag, (unsigned)version, o->kmc_version);
    o->kmc_version = (unsigned)version;
    return true;
}

bool open_application_fill(struct open_record *o, struct open_application *a, struct err *err)
{
    const struct bureau_application *s = settings_of(o->ring->settings, a->entry);
    a->load = s ? s->load : BUREAU_LOAD_SELECT;
    bool ok = (!a->entry->sealed || add_sealed(o, a, err)) && (!s || add_loose(a, s, err)) &&
              check_card_values(o->ring, a, err) &&
              (!s || !s->kmc_version || take_kmc_version(o, a, s->kmc_version, err));
    if (!ok) err_prefix(err, "application %s", a->name);
    return ok;
}
