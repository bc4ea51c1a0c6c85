/* Keys, key pair and certificates of a profile. */
#include <stdlib.h>
#include <string.h>

#include "config/canonical.h"
#include "config/profile_read.h"
#include "formats/mic.h"

enum { KEYS_MAX = PROFILE_PLACES_MAX, RSA_BITS_MAX = 1984 };

static const char *const kind_names[] = {"des2", "des3", "aes128", "aes192",
                                         "aes256"}; /* from SECRET_DES2 on */

const char *profile_kind_name(enum secret_kind kind)
{
    return kind_names[kind - SECRET_DES2];
}

static bool read_kind(const struct tree_node *value, void *into, struct err *err)
{
    size_t index = 0;
    if (!schema_choice(value, kind_names, SCHEMA_COUNT(kind_names), &index, err)) return false;
    *(enum secret_kind *)into = (enum secret_kind)(SECRET_DES2 + index);
    return true;
}

static bool read_method(const struct tree_node *value, void *into, struct err *err)
{
    const char *names[DERIVATION_METHOD_COUNT];
    size_t index = 0;
    for (size_t i = 0; i < DERIVATION_METHOD_COUNT; i++)
        names[i] = derivation_row((enum derivation_method)i)->name;
    if (!schema_choice(value, names, DERIVATION_METHOD_COUNT, &index, err)) return false;
    *(enum derivation_method *)into = (enum derivation_method)index;
    return true;
}

/* The name of a key or secret stands in tag C3 or CD of the record. */
static bool read_name(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    size_t len = strlen(text);
    bool ok = len <= SECRET_NAME_MAX;
    for (size_t i = 0; ok && i < len; i++)
        ok = text[i] > 0x20 && text[i] < 0x7F && text[i] != '/';
    if (!ok)
        return tree_error(value, err, "a name has 1 to %d ASCII characters, no space and no '/'",
                          SECRET_NAME_MAX);
    return schema_text(value, into, err);
}

static const struct schema_field version_fields[] = {
    {"field", SCHEMA_REQUIRED, schema_text, offsetof(struct version_choice, field)},
};
static const struct schema version_schema = SCHEMA("a version", version_fields);

static bool read_version(const struct tree_node *value, void *into, struct err *err)
{
    struct version_choice *v = into;
    uint64_t number = 0;
    if (value->kind == TREE_MAPPING) {
        v->rule = VERSION_FIELD;
        return schema_bind(value, &version_schema, v, err);
    }
    if (value->kind == TREE_SCALAR && strcmp(value->text, "newest") == 0) {
        v->rule = VERSION_NEWEST;
        return true;
    }
    struct err why = ERR_INIT;
    if (!schema_number(value, 1, UINT16_MAX, &number, &why))
        return tree_error(value, err, "a version is newest, a number from 1 to 65535, or {field: NAME}");
    v->rule = VERSION_FIXED;
    v->fixed = (uint16_t)number;
    return true;
}

static const struct schema_field data_fields[] = {
    {"pan", SCHEMA_OPTIONAL, profile_read_tag, offsetof(struct profile_key, data_tag)},
    {"psn", SCHEMA_OPTIONAL, profile_read_tag, offsetof(struct profile_key, psn_tag)},
    {"element", SCHEMA_OPTIONAL, profile_read_tag, offsetof(struct profile_key, data_tag)},
    {"from", SCHEMA_OPTIONAL, source_list_read, offsetof(struct profile_key, data_from)},
    {"convert", SCHEMA_OPTIONAL, profile_read_convert, offsetof(struct profile_key, data_convert)},
    {"length", SCHEMA_OPTIONAL, schema_size, offsetof(struct profile_key, data_options.len)},
};
static const struct schema data_schema = SCHEMA("derivation data", data_fields);

static bool read_data(const struct tree_node *value, void *into, struct err *err)
{
    struct profile_key *k = into;
    if (!schema_bind(value, &data_schema, k, err)) return false;
    bool pan = tree_get(value, "pan") != NULL;
    bool element = tree_get(value, "element") != NULL;
    bool from = k->data_from.count > 0;
    if (pan + element + from != 1)
        return tree_error(
            value, err,
            "derivation data is one of {pan: TAG, psn: TAG}, {element: TAG} and {from: …, convert: …}");
    if (k->psn_tag && !pan) return tree_error(value, err, "'psn' goes with 'pan' only");
    if (!from && (k->data_convert || k->data_options.len))
        return tree_error(value, err, "'convert' and 'length' go with 'from' only");
    bool text = false;
    for (size_t i = 0; i < k->data_from.count; i++) {
        const struct source *s = &k->data_from.sources[i];
        if (s->kind == SOURCE_TOKEN || s->kind == SOURCE_KEY_VERSION)
            return tree_error(value, err, "derivation data cannot come from '%s'", source_kind_name(s->kind));
        text = text || source_gives_text(s);
    }
    if (text != (k->data_convert != NULL))
        return tree_error(value, err,
                          text ? "key 'convert' is missing in derivation data that comes from text"
                               : "'convert' says nothing here: no source gives text");
    k->data = pan ? DATA_FROM_PAN : element ? DATA_FROM_ELEMENT : DATA_FROM_SOURCES;
    return true;
}

static bool read_which(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"enc", "mac", "dek"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum card_key_which *)into = (enum card_key_which)(CARD_KEY_ENC + index);
    return true;
}

static const struct schema_field card_key_fields[] = {
    {"master", SCHEMA_REQUIRED, read_name, offsetof(struct profile_key, card_key.master)},
    {"version", SCHEMA_OPTIONAL, read_version, offsetof(struct profile_key, card_key.version)},
    {"method", SCHEMA_REQUIRED, read_method, offsetof(struct profile_key, card_key.method)},
    {"which", SCHEMA_REQUIRED, read_which, offsetof(struct profile_key, card_key.which)},
    {"keydata", SCHEMA_REQUIRED, schema_text, offsetof(struct profile_key, card_key.keydata_field)},
};
static const struct schema card_key_schema = SCHEMA("a card key", card_key_fields);

static bool is_kmc(enum derivation_method method)
{
    return method == DERIVE_KMC_CPS || method == DERIVE_KMC_VISA2 || method == DERIVE_KMC_AES;
}

static bool read_card_key(const struct tree_node *value, void *into, struct err *err)
{
    struct profile_key *k = into;
    if (!schema_bind(value, &card_key_schema, k, err)) return false;
    return is_kmc(k->card_key.method) ||
           tree_error(value, err, "a card's own key comes by kmc-cps, kmc-visa2 or kmc-aes");
}

/* METHOD_CARD_TDES_ECB stands for "card-key" until the card key's method is known. */
static bool read_protection(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"kek", "card-key"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum secret_method *)into = index ? METHOD_CARD_TDES_ECB : METHOD_KWP;
    return true;
}

static const struct schema_field key_fields[] = {
    {"name", SCHEMA_REQUIRED, read_name, offsetof(struct profile_key, name)},
    {"master", SCHEMA_REQUIRED, read_name, offsetof(struct profile_key, master)},
    {"version", SCHEMA_OPTIONAL, read_version, offsetof(struct profile_key, version)},
    {"kind", SCHEMA_REQUIRED, read_kind, offsetof(struct profile_key, kind)},
    {"method", SCHEMA_REQUIRED, read_method, offsetof(struct profile_key, method)},
    {"data", SCHEMA_REQUIRED, read_data, 0},
    {"optional", SCHEMA_OPTIONAL, schema_flag, offsetof(struct profile_key, optional)},
    {"protection", SCHEMA_OPTIONAL, read_protection, offsetof(struct profile_key, protection)},
    {"card_key", SCHEMA_OPTIONAL, read_card_key, 0},
};
static const struct schema key_schema = SCHEMA("a key", key_fields);

static bool read_key(const struct tree_node *value, void *into, struct err *err)
{
    struct profile_key *k = into;
    k->line = value->line;
    k->protection = METHOD_KWP;
    if (!schema_bind(value, &key_schema, k, err)) return false;
    bool by_card_key = k->protection != METHOD_KWP;
    if (by_card_key != (k->card_key.master != NULL))
        return tree_error(value, err,
                          by_card_key ? "'protection: card-key' needs 'card_key'"
                                      : "'card_key' goes with 'protection: card-key' only");
    if (by_card_key && k->card_key.method == DERIVE_KMC_AES) k->protection = METHOD_CARD_AES_CBC;
    if (is_kmc(k->method))
        return tree_error(value, err,
                          "method '%s' makes a card's own transport keys; use it under 'card_key'",
                          derivation_row(k->method)->name);
    return true;
}

bool profile_read_keys(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct profile_key), KEYS_MAX, read_key};
    struct profile *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->key_count, err);
    p->keys = array;
    for (size_t i = 0; ok && i < p->key_count; i++) {
        for (size_t j = 0; ok && j < i; j++) {
            if (strcmp(p->keys[i].name, p->keys[j].name) == 0)
                ok = tree_error(&value->items[i], err, "key '%s' is described twice; first in line %u",
                                p->keys[i].name, p->keys[j].line);
        }
    }
    return ok;
}

static bool read_bits(const struct tree_node *value, void *into, struct err *err)
{
    return schema_rsa_bits(value, RSA_BITS_MAX, into, err);
}

bool profile_read_crt_padding(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"always", "when-needed"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(bool *)into = index == 1;
    return true;
}

static const struct schema_field pair_fields[] = {
    {"name", SCHEMA_OPTIONAL, read_name, offsetof(struct profile_key_pair, name)},
    {"bits", SCHEMA_REQUIRED, read_bits, offsetof(struct profile_key_pair, bits)},
    {"exponent", SCHEMA_REQUIRED, schema_rsa_exponent, offsetof(struct profile_key_pair, exponent)},
    {"crt_padding", SCHEMA_OPTIONAL, profile_read_crt_padding,
     offsetof(struct profile_key_pair, crt_padding_when_needed)},
};
static const struct schema pair_schema = SCHEMA("the key pair", pair_fields);

bool profile_read_key_pair(const struct tree_node *value, void *into, struct err *err)
{
    struct profile *p = into;
    p->key_pair.present = true;
    if (!schema_bind(value, &pair_schema, &p->key_pair, err)) return false;
    if (!p->key_pair.name && !(p->key_pair.name = strdup("card-key"))) return err_set_no_memory(err);
    for (size_t i = 0; i < p->key_count; i++) {
        if (strcmp(p->keys[i].name, p->key_pair.name) == 0)
            return tree_error(value, err, "the key pair has the name of key '%s'", p->keys[i].name);
    }
    return true;
}

static const struct schema_field expiry_fields[] = {
    {"element", SCHEMA_REQUIRED, profile_read_tag, offsetof(struct profile_certificates, expiry_tag)},
};
static const struct schema expiry_schema = SCHEMA("an expiry rule", expiry_fields);

static bool read_expiry(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"issuer"};
    struct profile_certificates *c = into;
    size_t index = 0;
    c->expiry = value->kind == TREE_MAPPING ? EXPIRY_ELEMENT : EXPIRY_ISSUER;
    return value->kind == TREE_MAPPING ? schema_bind(value, &expiry_schema, c, err)
                                       : schema_choice(value, words, SCHEMA_COUNT(words), &index, err);
}

static bool read_dac(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, into, 2, 2, NULL, err);
}

static const struct schema_field ssad_fields[] = {
    {"dac", SCHEMA_REQUIRED, read_dac, offsetof(struct profile_certificates, dac)},
};
static const struct schema ssad_schema = SCHEMA("the signed static data", ssad_fields);

static bool read_ssad(const struct tree_node *value, void *into, struct err *err)
{
    struct profile_certificates *c = into;
    c->ssad = true;
    return schema_bind(value, &ssad_schema, c, err);
}

static const struct schema_field certificate_fields[] = {
    {"subject", SCHEMA_REQUIRED, profile_read_tag, offsetof(struct profile_certificates, subject_tag)},
    {"expiry", SCHEMA_REQUIRED, read_expiry, 0},
    {"ssad", SCHEMA_OPTIONAL, read_ssad, 0},
};
static const struct schema certificate_schema = SCHEMA("the certificates", certificate_fields);

bool profile_read_certificates(const struct tree_node *value, void *into, struct err *err)
{
    struct profile *p = into;
    p->certificates.present = true;
    return schema_bind(value, &certificate_schema, &p->certificates, err);
}

static void version_canonical(struct canonical *c, const struct version_choice *v)
{
    size_t mark = canonical_enter(c, "version");
    if (v->rule == VERSION_FIXED)
        canonical_number(c, "fixed", v->fixed);
    else if (v->rule == VERSION_FIELD)
        canonical_text(c, "field", v->field);
    else
        canonical_flag(c, "newest", true);
    canonical_leave(c, mark);
}

static void data_canonical(struct canonical *c, const struct profile_key *k)
{
    size_t mark = canonical_enter(c, "data");
    canonical_tag(c, k->data == DATA_FROM_PAN ? "pan" : "element", k->data_tag);
    canonical_tag(c, "psn", k->psn_tag);
    source_list_canonical(c, &k->data_from);
    canonical_text(c, "convert", k->data_convert ? k->data_convert->name : NULL);
    canonical_number(c, "length", k->data_options.len);
    canonical_leave(c, mark);
}

void profile_key_canonical(struct canonical *c, const struct profile_key *k)
{
    static const char *const which[] = {
        [CARD_KEY_ENC] = "enc", [CARD_KEY_MAC] = "mac", [CARD_KEY_DEK] = "dek"};
    canonical_text(c, "name", k->name);
    canonical_text(c, "master", k->master);
    version_canonical(c, &k->version);
    canonical_text(c, "kind", profile_kind_name(k->kind));
    canonical_text(c, "method", derivation_row(k->method)->name);
    data_canonical(c, k);
    canonical_flag(c, "optional", k->optional);
    canonical_text(c, "protection", k->protection == METHOD_KWP ? "kek" : "card-key");
    if (!k->card_key.master) return;
    size_t mark = canonical_enter(c, "card_key");
    canonical_text(c, "master", k->card_key.master);
    version_canonical(c, &k->card_key.version);
    canonical_text(c, "method", derivation_row(k->card_key.method)->name);
    canonical_text(c, "which", which[k->card_key.which]);
    canonical_text(c, "keydata", k->card_key.keydata_field);
    canonical_leave(c, mark);
}

void profile_key_release(struct profile_key *k)
{
    free(k->name);
    free(k->master);
    free(k->version.field);
    source_list_release(&k->data_from);
    free(k->card_key.master);
    free(k->card_key.version.field);
    free(k->card_key.keydata_field);
}
