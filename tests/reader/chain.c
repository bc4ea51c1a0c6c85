/* EMV Book 2 sections 5 and 6 (docs/formats/emv.md): issuer certificate, signed static data and card
 * certificate of one entry, from the CA key down to the card key. */
#include <string.h>

#include "reader.h"

enum { N_CA_MAX = 248, HASH_LEN = 20 };

enum element {
    AIP,
    AFL,
    PAN,
    CA_INDEX,
    ISSUER,
    ISSUER_REST,
    ISSUER_EXP,
    SSAD,
    CARD,
    CARD_EXP,
    CARD_REST,
    TAG_LIST,
    ELEMENTS
};
static const uint32_t TAGS[ELEMENTS] = {
    [AIP] = 0x82,    [AFL] = 0x94,         [PAN] = 0x5A,          [CA_INDEX] = 0x8F,
    [ISSUER] = 0x90, [ISSUER_REST] = 0x92, [ISSUER_EXP] = 0x9F32, [SSAD] = 0x93,
    [CARD] = 0x9F46, [CARD_EXP] = 0x9F47,  [CARD_REST] = 0x9F48,  [TAG_LIST] = 0x9F4A,
};

struct chain {
    const struct entry *entry;
    struct span data[ELEMENTS];
    struct span_list statics;
    uint8_t issuer_expiry[2]; /* YY MM */
};

/* An RSA public key out of a certificate. */
struct public_key {
    uint8_t modulus[N_CA_MAX];
    size_t len;
    BIGNUM *n, *e;
};

/* Issuer and card certificates differ in this alone. */
struct form {
    const char *name;
    uint8_t format;
    size_t id_len;
    enum element certificate, rest, exponent;
};
static const struct form ISSUER_FORM = {"issuer certificate", 0x02, 4, ISSUER, ISSUER_REST, ISSUER_EXP};
static const struct form CARD_FORM = {"card certificate", 0x04, 10, CARD, CARD_REST, CARD_EXP};

static void key_release(struct public_key *key)
{
    BN_free(key->n);
    BN_free(key->e);
}

/* Finds the elements in one data grouping or among the loose ones; a tag counts where it stands first. */
static bool collect(struct reader *r, struct chain *c, struct span data)
{
    struct tlv tlv;
    while (data.len) {
        if (!tlv_take(r, &data, &tlv)) return false;
        if (tlv_is_constructed(&tlv) && tlv_is_list(tlv.value) && !collect(r, c, tlv.value)) return false;
        for (size_t i = 0; i < ELEMENTS; i++) {
            if (TAGS[i] != tlv.tag) continue;
            if (c->data[i].at && i >= CA_INDEX && !span_is_equal(c->data[i], tlv.value))
                return refuse(r, tlv.start, "tag %02X stands twice, with two values", tlv.tag);
            if (!c->data[i].at) c->data[i] = tlv.value;
        }
    }
    return true;
}

static bool collect_all(struct reader *r, struct chain *c)
{
    struct span rest = c->entry->data, dgi, value;
    struct tlv tlv;
    while (rest.len) {
        if (!tlv_take(r, &rest, &tlv)) return false;
        if (tlv.tag == 0xE2 && !grouping_read(r, tlv.value, &dgi, &value)) return false;
        if (tlv.tag == 0xE2 && grouping_is_tlv(dgi, value) && !collect(r, c, value)) return false;
        struct span whole = span_of(tlv.start, (size_t)(tlv.value.at + tlv.value.len - tlv.start));
        if (tlv.tag != 0xE1 && tlv.tag != 0xE2 && !collect(r, c, whole)) return false;
    }
    return true;
}

/* The record `number` of file `sfi` as it is authenticated. */
static bool add_record(struct reader *r, struct chain *c, unsigned sfi, unsigned number)
{
    struct span rest = c->entry->data, dgi, value;
    struct tlv tlv;
    const char *why;
    while (rest.len) {
        if (!tlv_take(r, &rest, &tlv)) return false;
        if (tlv.tag != 0xE2) continue;
        if (!grouping_read(r, tlv.value, &dgi, &value)) return false;
        if (dgi.at[0] != sfi || dgi.at[1] != number) continue;
        if (sfi <= 10) {
            if (!tlv_next(&value, &tlv, &why) || tlv.tag != 0x70 || value.len)
                return refuse(r, dgi.at, "record %u of SFI %u is not one template 70", number, sfi);
            value = tlv.value;
        }
        span_list_add(&c->statics, value);
        return true;
    }
    return refuse(r, c->data[AFL].at, "AFL authenticates record %u of SFI %u, which is not there", number,
                  sfi);
}

static bool collect_statics(struct reader *r, struct chain *c)
{
    struct span afl = c->data[AFL], list = c->data[TAG_LIST];
    if (afl.len % 4) return refuse(r, afl.at, "AFL is not made of fours");
    for (const uint8_t *f = afl.at; afl.len >= 4; f = afl.at) {
        (void)span_take(&afl, 4);
        unsigned sfi = f[0] >> 3;
        if (f[0] & 7 || sfi < 1 || sfi > 30 || f[1] == 0 || f[2] < f[1] || f[3] > f[2] - f[1] + 1)
            return refuse(r, f, "AFL names no possible records");
        for (unsigned i = 0; i < f[3]; i++) {
            if (!add_record(r, c, sfi, f[1] + i)) return false;
        }
    }
    if (!list.at) return true;
    if (list.len != 1 || list.at[0] != 0x82) return refuse(r, list.at, "9F4A may hold 82 alone");
    if (!c->data[AIP].at) return refuse(r, list.at, "9F4A asks for an AIP, and there is none");
    span_list_add(&c->statics, c->data[AIP]);
    return true;
}

/* Recovers a signature and checks header, format and trailer. */
static bool recover(struct reader *r, const char *name, uint8_t format, const BIGNUM *n, const BIGNUM *e,
                    struct span in, uint8_t out[N_CA_MAX])
{
    if (in.len > N_CA_MAX || in.len < 64) return refuse(r, in.at, "%s has a wrong length", name);
    if (!crypto_rsa_public(n, e, in, out))
        return refuse(r, in.at, "%s is not as long as its signer's modulus", name);
    if (out[0] != 0x6A || out[1] != format || out[in.len - 1] != 0xBC)
        return refuse(r, in.at, "%s does not recover under its signer's key", name);
    return true;
}

/* SHA-1 over the recovered bytes between header and hash, and what is not in them. */
static bool check_hash(struct reader *r, const char *name, struct span in, const uint8_t *plain,
                       const struct span *more, size_t more_count)
{
    struct span_list parts = {0};
    uint8_t hash[HASH_LEN];
    span_list_add(&parts, span_of(plain + 1, in.len - 2 - HASH_LEN));
    for (size_t i = 0; i < more_count; i++)
        span_list_add(&parts, more[i]);
    bool ok = crypto_sha1(parts.items, parts.count, hash) &&
              memcmp(hash, plain + in.len - 1 - HASH_LEN, HASH_LEN) == 0;
    span_list_release(&parts);
    return ok || refuse(r, in.at, "%s: hash does not match", name);
}

static bool is_padding(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0xBB) return false;
    }
    return true;
}

/* The modulus stands in the certificate as far as it fits, the rest in a tag of its own. */
static bool take_key(struct reader *r, const struct chain *c, const struct form *form, const uint8_t *plain,
                     struct public_key *key)
{
    struct span in = c->data[form->certificate], rest = c->data[form->rest], e = c->data[form->exponent];
    size_t head = form->id_len + 11, room = in.len - head - HASH_LEN - 1;
    const uint8_t *algorithms = plain + head - 4; /* hash, key, modulus length, exponent length */
    size_t inside = algorithms[2] < room ? algorithms[2] : room;

    if (algorithms[0] != 1 || algorithms[1] != 1)
        return refuse(r, in.at, "%s: unknown algorithm", form->name);
    key->len = algorithms[2];
    if (key->len > in.len || key->len < 64)
        return refuse(r, in.at, "%s: wrong length of modulus", form->name);
    if (rest.len != key->len - inside || (rest.at && rest.len == 0))
        return refuse(r, in.at, "%s: remainder does not complete the modulus", form->name);
    if (!is_padding(plain + head + inside, room - inside))
        return refuse(r, in.at, "%s: padding is not BB", form->name);
    if (e.len != algorithms[3] || !(span_number(e) == 3 || span_number(e) == 65537) || e.at[0] == 0)
        return refuse(r, in.at, "%s: exponent is not that of its tag, or neither 3 nor 65537", form->name);
    memcpy(key->modulus, plain + head, inside);
    if (rest.len) memcpy(key->modulus + inside, rest.at, rest.len);
    if (key->modulus[0] == 0) return refuse(r, in.at, "%s: modulus begins with zero", form->name);
    key->n = BN_bin2bn(key->modulus, (int)key->len, NULL);
    key->e = BN_bin2bn(e.at, (int)e.len, NULL);
    return key->n && key->e;
}

/* MMYY to comparable YY MM. */
static bool take_expiry(struct reader *r, const struct form *form, struct span in, const uint8_t *mmyy,
                        uint8_t expiry[2])
{
    bool month = (mmyy[0] >= 0x01 && mmyy[0] <= 0x09) || (mmyy[0] >= 0x10 && mmyy[0] <= 0x12);
    if (!month || mmyy[1] >> 4 > 9 || (mmyy[1] & 0xF) > 9)
        return refuse(r, in.at, "%s: no expiry date", form->name);
    expiry[0] = mmyy[1];
    expiry[1] = mmyy[0];
    return true;
}

static uint8_t nibble(const uint8_t *at, size_t i)
{
    return i % 2 ? at[i / 2] & 0xF : at[i / 2] >> 4;
}

/* Three to eight leading digits of the PAN, then F. */
static bool is_issuer_of(const uint8_t *id, struct span pan)
{
    size_t digits = 0;
    while (digits < 8 && nibble(id, digits) <= 9)
        digits++;
    for (size_t i = 0; i < 8; i++) {
        if (i >= digits && nibble(id, i) != 0xF) return false;
        if (i < digits && pan.at && (i >= 2 * pan.len || nibble(pan.at, i) != nibble(id, i))) return false;
    }
    return digits >= 3;
}

static bool check_issuer(struct reader *r, struct chain *c, struct public_key *issuer)
{
    struct span in = c->data[ISSUER], index = c->data[CA_INDEX], aid = c->entry->aid;
    struct span more[] = {c->data[ISSUER_REST], c->data[ISSUER_EXP]};
    uint8_t plain[N_CA_MAX];

    if (!in.at || !index.at || !c->data[ISSUER_EXP].at)
        return refuse(r, c->entry->data.at, "certificates without issuer certificate (90), 9F32 or 8F");
    const struct ca_key *ca = keys_ca(r->keys, span_of(aid.at, 5), index);
    if (!ca) return refuse(r, index.at, "CA key of this RID and index is not held");
    if (!recover(r, ISSUER_FORM.name, ISSUER_FORM.format, ca->n, ca->e, in, plain) ||
        !check_hash(r, ISSUER_FORM.name, in, plain, more, 2) ||
        !take_key(r, c, &ISSUER_FORM, plain, issuer) ||
        !take_expiry(r, &ISSUER_FORM, in, plain + 6, c->issuer_expiry))
        return false;
    if (!is_issuer_of(plain + 2, c->data[PAN]))
        return refuse(r, in.at, "issuer certificate: identifier is not the PAN's");
    r->summary.certificates++;
    return true;
}

static bool check_static_signature(struct reader *r, struct chain *c, const struct public_key *issuer)
{
    static const char NAME[] = "signed static data (93)";
    struct span in = c->data[SSAD];
    uint8_t plain[N_CA_MAX];
    if (!recover(r, NAME, 0x03, issuer->n, issuer->e, in, plain) ||
        !check_hash(r, NAME, in, plain, c->statics.items, c->statics.count))
        return false;
    if (plain[2] != 1 || !is_padding(plain + 5, in.len - 5 - HASH_LEN - 1))
        return refuse(r, in.at, "%s: algorithm or padding is wrong", NAME);
    r->summary.certificates++;
    return true;
}

/* The PAN, or the purse's identifier, padded with F. */
static bool check_holder(struct reader *r, const struct chain *c, const uint8_t *in_certificate,
                         struct span holder)
{
    struct span id = c->data[PAN].at ? c->data[PAN] : holder;
    uint8_t padded[10];
    if (!id.at) return true;
    memset(padded, 0xFF, sizeof(padded));
    if (id.len > sizeof(padded)) return refuse(r, id.at, "PAN is longer than ten bytes");
    memcpy(padded, id.at, id.len);
    if (memcmp(padded, in_certificate, sizeof(padded)) == 0) return true;
    return refuse(r, c->data[CARD].at, "card certificate is another card's: PAN or identifier differs");
}

static bool check_card(struct reader *r, struct chain *c, const struct public_key *issuer,
                       const struct rsa_private *rsa, struct span holder)
{
    struct span in = c->data[CARD];
    struct public_key card = {0};
    struct span_list more = {0};
    uint8_t plain[N_CA_MAX], expiry[2];

    if (!c->data[CARD_EXP].at) return refuse(r, in.at, "9F46 without 9F47");
    span_list_add(&more, c->data[CARD_REST]);
    span_list_add(&more, c->data[CARD_EXP]);
    for (size_t i = 0; i < c->statics.count; i++)
        span_list_add(&more, c->statics.items[i]);
    bool ok = recover(r, CARD_FORM.name, CARD_FORM.format, issuer->n, issuer->e, in, plain) &&
              check_hash(r, CARD_FORM.name, in, plain, more.items, more.count) &&
              take_key(r, c, &CARD_FORM, plain, &card) &&
              take_expiry(r, &CARD_FORM, in, plain + 12, expiry) && check_holder(r, c, plain + 2, holder);
    if (ok && memcmp(expiry, c->issuer_expiry, 2) > 0)
        ok = refuse(r, in.at, "card certificate outlives the issuer's");
    if (ok && rsa->n && (BN_cmp(rsa->n, card.n) != 0 || BN_cmp(rsa->e, card.e) != 0))
        ok = refuse(r, in.at, "card certificate is for another key than the card's");
    if (ok) r->summary.certificates++;
    key_release(&card);
    span_list_release(&more);
    return ok;
}

static bool check_all(struct reader *r, struct chain *c, const struct rsa_private *rsa, struct span holder)
{
    struct public_key issuer = {0};
    bool wanted = false, ok = true;
    for (size_t i = ISSUER; i < TAG_LIST; i++)
        wanted |= c->data[i].at != NULL;
    if (!wanted) return true;
    ok = check_issuer(r, c, &issuer) && collect_statics(r, c);
    if (ok && c->data[SSAD].at) ok = check_static_signature(r, c, &issuer);
    if (ok && c->data[CARD].at) ok = check_card(r, c, &issuer, rsa, holder);
    if (ok && !c->data[CARD].at && (c->data[CARD_EXP].at || c->data[CARD_REST].at))
        ok = refuse(r, c->entry->data.at, "9F47 or 9F48 without 9F46");
    key_release(&issuer);
    return ok;
}

bool chain_check(struct reader *r, const struct entry *entry, const struct rsa_private *rsa,
                 struct span holder)
{
    struct chain c = {.entry = entry};
    bool ok = collect_all(r, &c) && check_all(r, &c, rsa, holder);
    span_list_release(&c.statics);
    return ok;
}
