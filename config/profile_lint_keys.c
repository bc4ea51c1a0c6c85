/* What is wrong with a profile's keys, key pair and certificates. */
#include <string.h>

#include "config/lint.h"
#include "formats/dgi.h"

static unsigned times_in(const struct profile *p, enum grouping_kind kind, size_t key)
{
    unsigned times = 0;
    for (size_t i = 0; i < p->grouping_count; i++) {
        const struct profile_grouping *g = &p->groupings[i];
        for (size_t k = 0; g->kind == kind && k < g->count; k++)
            times += g->keys[k] == key;
    }
    return times;
}

static bool kind_goes_with(enum secret_method protection, enum secret_kind kind)
{
    if (protection == METHOD_CARD_TDES_ECB) return kind == SECRET_DES2 || kind == SECRET_DES3;
    if (protection == METHOD_CARD_AES_CBC)
        return kind == SECRET_DES2 || kind == SECRET_AES128 || kind == SECRET_AES256;
    return true;
}

static void check_method(struct lint *l, const struct profile_key *k)
{
    const char *method = derivation_row(k->method)->name;
    const char *kind = secret_kind_row(k->kind)->name;
    if (!lint_method_fits(k->method, k->kind, CIPHER_TDES) &&
        !lint_method_fits(k->method, k->kind, CIPHER_AES))
        lint_error(l, k->line, "key %s: method '%s' does not make a key of kind %s", k->name, method, kind);
    if (!kind_goes_with(k->protection, k->kind))
        lint_error(l, k->line, "key %s: a key of kind %s cannot go under the card's own %s key", k->name,
                   kind, k->protection == METHOD_CARD_TDES_ECB ? "TDES" : "AES");
}

/* Bytes of derivation data that the method takes for this key. */
static void check_data_length(struct lint *l, const struct profile_key *k, const struct lint_length *length)
{
    const struct derivation_row *row = derivation_row(k->method);
    size_t least = k->method == DERIVE_DIRECT ? secret_kind_row(k->kind)->key_len : row->data_min;
    size_t most = k->method == DERIVE_DIRECT ? least : row->data_max;
    if (length->least > most || (!length->open && length->most < least))
        lint_error(l, k->line,
                   "key %s: method '%s' takes %zu to %zu bytes of derivation data, this gives %zu", k->name,
                   row->name, least, most, length->least);
}

static void check_described(struct lint *l, const struct profile *p, unsigned line, const char *who,
                            uint32_t tag)
{
    if (tag && profile_element_index(p, tag) < 0)
        lint_error(l, line, "%s needs element %X, which the profile does not describe", who, tag);
}

static bool is_emv(enum derivation_method method)
{
    return method == DERIVE_EMV_A || method == DERIVE_EMV_B || method == DERIVE_EMV_C;
}

static void check_data(struct lint *l, const struct profile *p, const struct profile_key *k)
{
    if ((k->data == DATA_FROM_PAN) != is_emv(k->method)) {
        lint_error(l, k->line, "key %s: %s", k->name,
                   is_emv(k->method) ? "the emv methods take their data from {pan: TAG, psn: TAG}"
                                     : "{pan: …} goes with the emv methods only");
        return;
    }
    check_described(l, p, k->line, k->name, k->data_tag);
    check_described(l, p, k->line, k->name, k->psn_tag);
    int index = k->data == DATA_FROM_ELEMENT ? profile_element_index(p, k->data_tag) : -1;
    if (index >= 0) {
        struct lint_length length = lint_element_length(&p->elements[index]);
        check_data_length(l, k, &length);
        if (p->elements[index].optional && !k->optional)
            lint_error(l, k->line, "key %s: its derivation data, element %X, is optional", k->name,
                       k->data_tag);
    }
    if (k->data == DATA_FROM_SOURCES && k->data_options.len) {
        struct lint_length length = {k->data_options.len, k->data_options.len, false};
        check_data_length(l, k, &length);
    }
}

static bool versions_differ(const struct version_choice *a, const struct version_choice *b)
{
    return a->rule == VERSION_FIXED && b->rule == VERSION_FIXED && a->fixed != b->fixed;
}

static void check_masters(struct lint *l, const struct profile *p, size_t index)
{
    const struct profile_key *k = &p->keys[index];
    for (size_t i = 0; i < p->key_count; i++) {
        const struct profile_key *o = &p->keys[i];
        bool same =
            i < index && strcmp(k->master, o->master) == 0 && !versions_differ(&k->version, &o->version);
        if (same && k->method != o->method)
            lint_error(
                l, k->line,
                "key %s: master %s serves method '%s' (key %s); one master key version serves one method",
                k->name, k->master, derivation_row(o->method)->name, o->name);
        if (o->card_key.master && strcmp(k->master, o->card_key.master) == 0)
            lint_error(l, k->line, "key %s: master %s makes the cards' own keys; it serves nothing else",
                       k->name, k->master);
    }
}

static void check_key(struct lint *l, const struct profile *p, size_t index)
{
    const struct profile_key *k = &p->keys[index];
    unsigned times = times_in(p, GROUPING_KEYS, index);
    check_method(l, k);
    check_data(l, p, k);
    check_masters(l, p, index);
    if (times == 0) lint_error(l, k->line, "key %s is placed in no grouping: a secret needs a DGI", k->name);
    if (times > 1) lint_error(l, k->line, "key %s is placed twice", k->name);
    if (times_in(p, GROUPING_CHECK_VALUES, index) > 1)
        lint_error(l, k->line, "the check value of key %s is placed twice", k->name);
}

static void check_protections(struct lint *l, const struct profile *p)
{
    for (size_t i = 0; i < p->grouping_count; i++) {
        const struct profile_grouping *g = &p->groupings[i];
        for (size_t k = 1; g->kind == GROUPING_KEYS && k < g->count; k++) {
            const struct profile_key *a = &p->keys[g->keys[0]];
            const struct profile_key *b = &p->keys[g->keys[k]];
            if (a->protection != b->protection)
                lint_error(
                    l, g->line,
                    "DGI %04X: %s and %s are protected by different methods; all secrets of a DGI by one",
                    g->dgi, a->name, b->name);
        }
    }
}

static void check_pair(struct lint *l, const struct profile *p)
{
    unsigned groupings = 0;
    for (size_t i = 0; i < p->grouping_count; i++)
        groupings += p->groupings[i].kind == GROUPING_KEY_PAIR;
    if (p->key_pair.present && !groupings)
        lint_error(l, 0, "the key pair is placed in no grouping: {dgi: 8201, key_pair: yes} is missing");
    if (!p->key_pair.present && groupings)
        lint_error(l, 0, "a grouping places a key pair, but 'key_pair' is missing");
    if (p->key_pair.present && !p->certificates.present)
        lint_warning(l, 0, "the key pair gets no certificate: 'certificates' is missing");
}

static void check_certificates(struct lint *l, const struct profile *p)
{
    const struct profile_certificates *c = &p->certificates;
    if (!c->present) return;
    if (!p->key_pair.present && !c->ssad)
        lint_error(l, 0, "'certificates' has nothing to certify: neither 'key_pair' nor 'ssad'");
    check_described(l, p, 0, "the certificates' subject", c->subject_tag);
    check_described(l, p, 0, "the certificates' expiry", c->expiry_tag);
    int index = profile_element_index(p, c->subject_tag);
    if (index < 0) return;
    struct lint_length length = lint_element_length(&p->elements[index]);
    if (length.least > 10 || (!length.open && length.most > 10))
        lint_error(l, p->elements[index].line, "the certificates' subject (%X) has at most 10 bytes",
                   c->subject_tag);
    index = profile_element_index(p, c->expiry_tag);
    if (c->expiry != EXPIRY_ELEMENT || index < 0) return;
    length = lint_element_length(&p->elements[index]);
    if (length.least > 3 || (!length.open && length.most != 3))
        lint_error(l, p->elements[index].line, "the certificates' expiry (%X) must be YYMMDD, 3 bytes",
                   c->expiry_tag);
}

/* Certificate tags that no grouping places reach no card, and nobody could check the chain. */
static void check_certificates_placed(struct lint *l, const struct profile *p)
{
    static const struct {
        uint32_t tag;
        bool of_card, ssad;
    } due[] = {
        {0x8F, false, false}, {0x90, false, false},  {0x92, false, false},  {0x9F32, false, false},
        {0x93, false, true},  {0x9F46, true, false}, {0x9F47, true, false}, {0x9F48, true, false},
    };
    for (size_t i = 0; p->certificates.present && i < sizeof(due) / sizeof(due[0]); i++) {
        bool made = (!due[i].of_card || p->key_pair.present) && (!due[i].ssad || p->certificates.ssad);
        bool placed = false;
        for (size_t g = 0; g < p->grouping_count; g++) {
            for (size_t t = 0; p->groupings[g].kind == GROUPING_ELEMENTS && t < p->groupings[g].count; t++)
                placed = placed || p->groupings[g].tags[t] == due[i].tag;
        }
        if (!made || placed) continue;
        if (due[i].tag == 0x92 || due[i].tag == 0x9F48)
            lint_warning(l, 0, "remainder %X is placed in no grouping; larger keys would need it",
                         due[i].tag);
        else
            lint_error(l, 0, "certificate tag %X is placed in no grouping", due[i].tag);
    }
}

void lint_profile_keys(struct lint *l, const struct profile *p)
{
    for (size_t i = 0; i < p->key_count; i++)
        check_key(l, p, i);
    check_protections(l, p);
    check_pair(l, p);
    check_certificates(l, p);
    check_certificates_placed(l, p);
}
