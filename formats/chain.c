#include "formats/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "formats/afl.h"
#include "formats/dgi.h"

enum { RECORDS_MAX = 128, DEPTH_MAX = 4, STATIC_DATA_MAX = 1 << 16, RID_LEN = 5 };

/* Tags that a chain needs, wherever in the card's data they stand. */
enum {
    AT_PAN,
    AT_AIP,
    AT_CA_INDEX,
    AT_ISSUER,
    AT_ISSUER_REMAINDER,
    AT_SSAD,
    AT_AFL,
    AT_ISSUER_EXPONENT,
    AT_CARD,
    AT_CARD_EXPONENT,
    AT_CARD_REMAINDER,
    AT_TAG_LIST,
    AT_COUNT
};
static const uint32_t wanted[AT_COUNT] = {
    [AT_PAN] = 0x5A,
    [AT_AIP] = 0x82,
    [AT_CA_INDEX] = 0x8F,
    [AT_ISSUER] = 0x90,
    [AT_ISSUER_REMAINDER] = 0x92,
    [AT_SSAD] = 0x93,
    [AT_AFL] = 0x94,
    [AT_ISSUER_EXPONENT] = 0x9F32,
    [AT_CARD] = 0x9F46,
    [AT_CARD_EXPONENT] = 0x9F47,
    [AT_CARD_REMAINDER] = 0x9F48,
    [AT_TAG_LIST] = 0x9F4A,
};

struct content {
    struct tlv found[AT_COUNT]; /* value NULL: not there */
    struct clear_grouping records[RECORDS_MAX];
    size_t record_count;
    bool has_pair;
    uint8_t pair_kcv[3];
};

struct chain_checker {
    const struct emv_ca_key *keys;
    size_t key_count;
    /* The issuer certificate of the card before: a job has few of them. */
    struct buf issuer_bytes;
    const struct emv_ca_key *issuer_ca;
    struct emv_certificate issuer;
    struct content content;
    struct buf static_data;
};

bool chain_checker_new(struct chain_checker **out, const struct emv_ca_key *keys, size_t count,
                       struct err *err)
{
    struct chain_checker *c = calloc(1, sizeof(*c));
    if (!c) return err_set_no_memory(err);
    c->keys = keys;
    c->key_count = count;
    buf_init(&c->issuer_bytes, 4096);
    buf_init(&c->static_data, STATIC_DATA_MAX);
    *out = c;
    return true;
}

void chain_checker_free(struct chain_checker *c)
{
    if (!c) return;
    buf_release(&c->issuer_bytes);
    buf_release(&c->static_data);
    free(c);
}

/* ---- gathering ---- */

static void note(struct content *c, const struct tlv *t)
{
    for (size_t i = 0; i < AT_COUNT; i++) {
        if (wanted[i] == t->tag && !c->found[i].value) c->found[i] = *t;
    }
}

/* A grouping that is no list of objects holds none of the tags; that is no error here. */
static void note_list(struct content *c, struct cur list, int depth)
{
    struct err err = ERR_INIT;
    struct tlv t;
    bool end = false;
    while (tlv_read_emv(&list, &t, &end, &err) && !end) {
        note(c, &t);
        if (tlv_is_constructed(t.tag) && depth < DEPTH_MAX)
            note_list(c, cur_make(t.value, t.len, 0), depth + 1);
    }
}

static bool holds_objects(uint16_t dgi)
{
    enum { KEYS_FIRST = 0x8000, KEYS_LAST = 0x9010 };
    return dgi < KEYS_FIRST || dgi > KEYS_LAST;
}

static bool note_grouping(struct content *c, const struct clear_grouping *g, struct err *err)
{
    if (holds_objects(g->dgi)) note_list(c, cur_make(g->value, g->len, 0), 0);
    if (!dgi_is_record(g->dgi)) return true;
    if (c->record_count == RECORDS_MAX) return err_set(err, ERR_INPUT, "more than %d records", RECORDS_MAX);
    c->records[c->record_count++] = *g;
    return true;
}

static bool gather(struct content *c, const struct entry *entry, struct err *err)
{
    struct entry_walk walk;
    struct entry_item item = {.kind = ITEM_BINDING};

    memset(c, 0, sizeof(*c));
    entry_walk_begin(&walk, entry);
    while (item.kind != ITEM_END) {
        if (!entry_walk_next(&walk, &item, err)) return false;
        if (item.kind == ITEM_GROUPING && !note_grouping(c, &item.grouping, err)) return false;
        if (item.kind == ITEM_LOOSE) note(c, &item.tlv);
        if (item.kind != ITEM_SECRET || item.secret.kind != SECRET_RSA) continue;
        c->has_pair = true;
        memcpy(c->pair_kcv, item.secret.kcv, sizeof(c->pair_kcv));
    }
    return true;
}

/* ---- checking ---- */

static void record_value(void *context, uint8_t sfi, uint8_t record, const uint8_t **value, size_t *len)
{
    const struct content *c = context;
    *value = NULL;
    for (size_t i = 0; i < c->record_count; i++) {
        if (c->records[i].dgi != ((unsigned)sfi << 8 | record)) continue;
        *value = c->records[i].value;
        *len = c->records[i].len;
    }
}

static bool static_data(struct chain_checker *c, struct err *err)
{
    const struct tlv *afl = &c->content.found[AT_AFL], *tags = &c->content.found[AT_TAG_LIST];
    const struct tlv *aip = &c->content.found[AT_AIP];
    struct afl_range ranges[AFL_RANGES_MAX];
    size_t count = 0;

    buf_clear(&c->static_data);
    if (afl->value && !afl_read(afl->value, afl->len, ranges, &count, err)) return false;
    if (tags->value && (tags->len != 1 || tags->value[0] != 0x82))
        return err_set(err, ERR_INPUT, "9F4A may hold nothing but 82");
    if (tags->value && (!aip->value || aip->len != 2))
        return err_set(err, ERR_INPUT, "9F4A asks for the AIP (82), which is missing or not 2 bytes");
    return afl_static_data(ranges, count, record_value, &c->content, tags->value ? aip->value : NULL,
                           &c->static_data, err) &&
           buf_ok(&c->static_data, "static data", err);
}

static const struct emv_ca_key *ca_key(const struct chain_checker *c, const uint8_t *aid, uint8_t index)
{
    for (size_t i = 0; i < c->key_count; i++) {
        if (memcmp(c->keys[i].rid, aid, RID_LEN) == 0 && c->keys[i].index == index) return &c->keys[i];
    }
    return NULL;
}

static struct emv_signed signed_value(const struct tlv *certificate, const struct tlv *remainder,
                                      const struct tlv *exponent)
{
    return (struct emv_signed){.certificate = certificate->value,
                               .len = certificate->len,
                               .remainder = remainder->value,
                               .remainder_len = remainder->len,
                               .exponent = exponent->value,
                               .exponent_len = exponent->len};
}

static bool recover_issuer(struct chain_checker *c, const struct emv_ca_key *ca, struct err *err)
{
    const struct tlv *f = c->content.found;
    const struct emv_signed s = signed_value(&f[AT_ISSUER], &f[AT_ISSUER_REMAINDER], &f[AT_ISSUER_EXPONENT]);
    struct buf bytes;
    bool ok = false;

    buf_init(&bytes, 4096);
    tlv_put(&bytes, wanted[AT_ISSUER], s.certificate, s.len);
    tlv_put(&bytes, wanted[AT_ISSUER_REMAINDER], s.remainder, s.remainder_len);
    tlv_put(&bytes, wanted[AT_ISSUER_EXPONENT], s.exponent, s.exponent_len);
    if (!buf_ok(&bytes, "issuer certificate", err)) goto out;
    ok = c->issuer_ca == ca && bytes_equal(bytes.data, bytes.len, c->issuer_bytes.data, c->issuer_bytes.len);
    if (ok) goto out;
    c->issuer_ca = NULL;
    if (!emv_issuer_recover(&s, &ca->key, &c->issuer, err)) goto out;
    if (emv_expires_after(c->issuer.expiry, ca->expiry)) {
        err_set(err, ERR_INTEGRITY, "expires after the CA key");
        goto out;
    }
    buf_clear(&c->issuer_bytes);
    buf_put(&c->issuer_bytes, bytes.data, bytes.len);
    c->issuer_ca = ca;
    ok = true;
out:
    buf_release(&bytes);
    if (!ok) err_prefix(err, "issuer certificate (90)");
    return ok;
}

/* The PAN as a certificate holds it: padded with F to ten bytes. */
static bool check_subject(const struct content *c, const struct emv_certificate *card, struct err *err)
{
    const struct tlv *pan = &c->found[AT_PAN];
    uint8_t subject[sizeof(card->subject)];

    if (!pan->value) return true;
    memset(subject, 0xFF, sizeof(subject));
    if (pan->len > sizeof(subject)) return err_set(err, ERR_INPUT, "5A has %zu bytes", pan->len);
    memcpy(subject, pan->value, pan->len);
    if (bytes_equal(subject, sizeof(subject), card->subject, sizeof(subject))) return true;
    return err_set(err, ERR_INTEGRITY, "another card number than 5A");
}

static bool check_card(struct chain_checker *c, struct chain_result *out, struct err *err)
{
    const struct tlv *f = c->content.found;
    const struct emv_signed s = signed_value(&f[AT_CARD], &f[AT_CARD_REMAINDER], &f[AT_CARD_EXPONENT]);
    struct emv_certificate card;
    uint8_t hash[SHA256_LEN];

    if (!emv_icc_recover(&s, &c->issuer.key, c->static_data.data, c->static_data.len, &card, err))
        return false;
    if (emv_expires_after(card.expiry, c->issuer.expiry))
        return err_set(err, ERR_INTEGRITY, "expires after the issuer certificate");
    if (!check_subject(&c->content, &card, err)) return false;
    out->card = true;
    if (!c->content.has_pair) return true;
    if (!sha256(card.key.modulus, card.key.modulus_len, hash, err)) return false;
    if (!bytes_equal(hash, sizeof(c->content.pair_kcv), c->content.pair_kcv, sizeof(c->content.pair_kcv)))
        return err_set(err, ERR_INTEGRITY, "the wrapped key pair is not the certified one (check value)");
    out->key_pair = true;
    return true;
}

bool chain_check(struct chain_checker *c, const struct entry *entry, struct chain_result *out,
                 struct err *err)
{
    const struct tlv *f = c->content.found;
    uint8_t dac[2];

    *out = (struct chain_result){.certificates = false};
    if (!gather(&c->content, entry, err)) return false;
    if (!f[AT_ISSUER].value) {
        if (!f[AT_SSAD].value && !f[AT_CARD].value) return true;
        return err_set(err, ERR_INTEGRITY, "signed data without an issuer certificate (90)");
    }
    out->certificates = true;
    if (!f[AT_CA_INDEX].value || f[AT_CA_INDEX].len != 1)
        return err_set(err, ERR_INTEGRITY, "issuer certificate (90) without a CA key index (8F)");
    out->ca_index = f[AT_CA_INDEX].value[0];
    const struct emv_ca_key *ca = ca_key(c, entry->aid, out->ca_index);
    out->no_ca_key = !ca;
    if (!ca) return true;
    if (!recover_issuer(c, ca, err) || !static_data(c, err)) return false;
    if (f[AT_SSAD].value) {
        if (!emv_ssad_recover(f[AT_SSAD].value, f[AT_SSAD].len, &c->issuer.key, c->static_data.data,
                              c->static_data.len, dac, err)) {
            err_prefix(err, "signed static data (93)");
            return false;
        }
        out->static_data = true;
    }
    if (!f[AT_CARD].value || check_card(c, out, err)) return true;
    err_prefix(err, "card certificate (9F46)");
    return false;
}
