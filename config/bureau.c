#include "config/bureau.h"

#include <stdlib.h>
#include <string.h>

#include "config/bureau_read.h"
#include "config/job_read.h"
#include "config/lint.h"

enum { KEKS_MAX = 64, CARD_KEYS_MAX = 64, FILES_MAX = 16, KVN_MAX = 127 };

/* ---- keys ---- */

static const struct schema_field kek_fields[] = {
    {"issuer", SCHEMA_REQUIRED, job_read_issuer, offsetof(struct bureau_kek, issuer)},
    {"version", SCHEMA_REQUIRED, job_read_version, offsetof(struct bureau_kek, key.version)},
    {"algorithm", SCHEMA_OPTIONAL, job_read_algorithm, offsetof(struct bureau_kek, key.algorithm)},
    {"kcv", SCHEMA_REQUIRED, job_read_key_kcv, offsetof(struct bureau_kek, key)},
    {"label", SCHEMA_OPTIONAL, schema_text, offsetof(struct bureau_kek, key.label)},
    {"uri", SCHEMA_OPTIONAL, job_read_uri, offsetof(struct bureau_kek, key.uri)},
};
static const struct schema kek_schema = SCHEMA("a KEK", kek_fields);

static bool read_kek(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_kek *k = into;
    k->key.line = value->line;
    if (!schema_bind(value, &kek_schema, k, err) ||
        !job_check_reference(value, k->key.label, k->key.uri, err))
        return false;
    k->key.name = strdup("KEK");
    if (!k->key.algorithm) k->key.algorithm = strdup("aes256");
    if (!k->key.name || !k->key.algorithm) return err_set_no_memory(err);
    if (strncmp(k->key.algorithm, "aes", 3) != 0) return tree_error(value, err, "the KEK must be an AES key");
    return job_check_kcv(value, &k->key, err);
}

static bool read_keks(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct bureau_kek), KEKS_MAX, read_kek};
    struct bureau *b = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &b->kek_count, err);
    b->keks = array;
    for (size_t i = 0; ok && i < b->kek_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (strcmp(b->keks[i].issuer, b->keks[k].issuer) == 0 &&
                b->keks[i].key.version == b->keks[k].key.version)
                ok = tree_error(&value->items[i], err,
                                "the KEK of issuer %s version %u is named twice; first in line %u",
                                b->keks[i].issuer, b->keks[i].key.version, b->keks[k].key.line);
        }
    }
    return ok;
}

static bool read_method(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"kmc-cps", "kmc-visa2", "kmc-aes"};
    size_t index = 0;
    return schema_choice(value, words, SCHEMA_COUNT(words), &index, err) && schema_text(value, into, err);
}

static bool read_key_version(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, KVN_MAX, &number, err)) return false;
    *(unsigned *)into = (unsigned)number;
    return true;
}

static const struct schema_field card_key_fields[] = {
    {"name", SCHEMA_REQUIRED, job_read_key_name, offsetof(struct bureau_card_key, key.name)},
    {"version", SCHEMA_REQUIRED, job_read_version, offsetof(struct bureau_card_key, key.version)},
    {"algorithm", SCHEMA_REQUIRED, job_read_algorithm, offsetof(struct bureau_card_key, key.algorithm)},
    {"method", SCHEMA_REQUIRED, read_method, offsetof(struct bureau_card_key, method)},
    {"key_version", SCHEMA_OPTIONAL, read_key_version, offsetof(struct bureau_card_key, key_version)},
    {"kcv", SCHEMA_REQUIRED, job_read_key_kcv, offsetof(struct bureau_card_key, key)},
    {"label", SCHEMA_OPTIONAL, schema_text, offsetof(struct bureau_card_key, key.label)},
    {"uri", SCHEMA_OPTIONAL, job_read_uri, offsetof(struct bureau_card_key, key.uri)},
};
static const struct schema card_key_schema = SCHEMA("a card key", card_key_fields);

bool bureau_read_card_key(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_card_key *k = into;
    k->key.line = value->line;
    if (!schema_bind(value, &card_key_schema, k, err) ||
        !job_check_reference(value, k->key.label, k->key.uri, err) || !job_check_kcv(value, &k->key, err))
        return false;
    const struct derivation_row *row = derivation_find(k->method);
    const bool aes = k->key.algorithm[0] == 'a';
    if (!row || (aes ? !row->aes_master : !row->tdes_master))
        return tree_error(value, err, "method '%s' does not go with a master key of %s", k->method,
                          k->key.algorithm);
    if (!k->key_version && k->key.version > KVN_MAX)
        return tree_error(value, err,
                          "say by which 'key_version' (1 to %d) the card names this key: its version is %u",
                          KVN_MAX, k->key.version);
    if (!k->key_version) k->key_version = k->key.version;
    return true;
}

static bool read_card_keys(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct bureau_card_key), CARD_KEYS_MAX,
                                           bureau_read_card_key};
    struct bureau *b = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &b->card_key_count, err);
    b->card_keys = array;
    for (size_t i = 0; ok && i < b->card_key_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (b->card_keys[i].key_version == b->card_keys[k].key_version)
                ok = tree_error(&value->items[i], err,
                                "key version %u stands for two keys; the first is in line %u",
                                b->card_keys[i].key_version, b->card_keys[k].key.line);
        }
    }
    return ok;
}

static const struct schema_field return_fields[] = {
    {"label", SCHEMA_REQUIRED, schema_text, offsetof(struct bureau, return_label)},
};
static const struct schema return_schema = SCHEMA("the return key", return_fields);

static bool read_return_key(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &return_schema, into, err);
}

/* ---- the rest ---- */

static bool read_files(const struct tree_node *value, char ***paths, size_t *count, struct err *err)
{
    static const struct schema_list how = {sizeof(char *), FILES_MAX, schema_file};
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, count, err);
    *paths = array;
    return ok;
}

static bool read_signers(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau *b = into;
    return read_files(value, &b->signer_paths, &b->signer_count, err);
}

static bool read_trusted(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau *b = into;
    return schema_texts(value, &b->trusted_labels, &b->trusted_count, err);
}

static bool read_ca_keys(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau *b = into;
    return read_files(value, &b->ca_paths, &b->ca_count, err);
}

bool bureau_read_readers(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau *b = into;
    return schema_texts(value, &b->reader_patterns, &b->reader_count, err);
}

bool bureau_read_security(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"mac", "mac+encryption"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum bureau_level *)into = index ? BUREAU_LEVEL_MAC_ENCRYPTION : BUREAU_LEVEL_MAC;
    return true;
}

static const struct schema_field fields[] = {
    {"bureau", SCHEMA_REQUIRED, schema_text, offsetof(struct bureau, name)},
    {"token", SCHEMA_REQUIRED, job_read_token, offsetof(struct bureau, token)},
    {"keks", SCHEMA_REQUIRED, read_keks, 0},
    {"card_keys", SCHEMA_OPTIONAL, read_card_keys, 0},
    {"signers", SCHEMA_OPTIONAL, read_signers, 0},
    {"trusted", SCHEMA_OPTIONAL, read_trusted, 0},
    {"ca_keys", SCHEMA_OPTIONAL, read_ca_keys, 0},
    {"books", SCHEMA_REQUIRED, schema_file, offsetof(struct bureau, books_path)},
    {"return_key", SCHEMA_OPTIONAL, read_return_key, 0},
    {"keydata_group", SCHEMA_OPTIONAL, schema_mic, offsetof(struct bureau, keydata_group)},
    {"security", SCHEMA_OPTIONAL, bureau_read_security, offsetof(struct bureau, level)},
    {"response_mac", SCHEMA_OPTIONAL, schema_flag, offsetof(struct bureau, response_mac)},
    {"replace_keys", SCHEMA_OPTIONAL, schema_flag, offsetof(struct bureau, replace_keys)},
    {"readers", SCHEMA_OPTIONAL, bureau_read_readers, 0},
    {"applications", SCHEMA_OPTIONAL, bureau_read_applications, 0},
    {"modules", SCHEMA_OPTIONAL, bureau_read_modules, 0},
};
static const struct schema schema = SCHEMA("the bureau's settings", fields);

/* What no part can say alone. */
static bool check(const struct tree_node *root, const struct bureau *b, struct err *err)
{
    return b->signer_count || b->trusted_count ||
           tree_error(root, err, "name whose files are accepted: 'signers' or 'trusted'");
}

static const struct bureau_kind bureau_kind = {
    .schema = &schema, .defaults = {.level = BUREAU_LEVEL_MAC_ENCRYPTION}, .check = check};

static bool read_document(struct bureau *b, const char *name, const struct tree_node *root,
                          const struct bureau_kind *kind, struct err *err)
{
    *b = kind->defaults;
    b->path = strdup(name);
    if (!b->path) return err_set_no_memory(err);
    return schema_bind(root, kind->schema, b, err) && kind->check(root, b, err);
}

bool bureau_read_document(struct bureau **out, const char *name, struct tree_document *d,
                          const struct bureau_kind *kind, struct err *err)
{
    struct bureau *b = calloc(1, sizeof(*b));
    bool ok = b ? read_document(b, name, tree_root(d), kind, err) : err_set_no_memory(err);
    tree_free(d);
    if (ok)
        *out = b;
    else
        bureau_free(b);
    return ok;
}

bool bureau_parse(struct bureau **out, const char *name, const void *text, size_t len, struct err *err)
{
    struct tree_document *d = NULL;
    return tree_parse(&d, name, text, len, err) && bureau_read_document(out, name, d, &bureau_kind, err);
}

bool bureau_load(struct bureau **out, const char *path, struct err *err)
{
    struct tree_document *d = NULL;
    return tree_load(&d, path, err) && bureau_read_document(out, path, d, &bureau_kind, err);
}

static void bureau_card_key_release(struct bureau_card_key *k)
{
    free(k->method);
    key_settings_release(&k->key);
}

void bureau_free(struct bureau *b)
{
    if (!b) return;
    for (size_t i = 0; b->keks && i < b->kek_count; i++) {
        free(b->keks[i].issuer);
        key_settings_release(&b->keks[i].key);
    }
    for (size_t i = 0; b->card_keys && i < b->card_key_count; i++)
        bureau_card_key_release(&b->card_keys[i]);
    if (b->blank) bureau_card_key_release(&b->blank->master);
    free(b->blank);
    free(b->keks);
    free(b->card_keys);
    bureau_cards_release(b);
    token_settings_release(&b->token);
    schema_texts_free(b->signer_paths, b->signer_count);
    schema_texts_free(b->trusted_labels, b->trusted_count);
    schema_texts_free(b->ca_paths, b->ca_count);
    schema_texts_free(b->reader_patterns, b->reader_count);
    free(b->books_path);
    free(b->return_label);
    free(b->keydata_group);
    free(b->path);
    free(b->name);
    free(b);
}

/* ---- asking ---- */

const struct bureau_kek *bureau_kek_of(const struct bureau *b, const uint8_t kekid[6])
{
    for (size_t i = 0; i < b->kek_count; i++) {
        uint8_t id[KEKID_LEN];
        struct err unused = ERR_INIT;
        if (kekid_make(b->keks[i].issuer, b->keks[i].key.version, id, &unused) &&
            bytes_equal(id, KEKID_LEN, kekid, KEKID_LEN))
            return &b->keks[i];
    }
    return NULL;
}

const struct bureau_card_key *bureau_card_key_of(const struct bureau *b, unsigned key_version)
{
    for (size_t i = 0; i < b->card_key_count; i++) {
        if (b->card_keys[i].key_version == key_version) return &b->card_keys[i];
    }
    return NULL;
}

const struct bureau_application *bureau_application_of(const struct bureau *b, const uint8_t *aid, size_t len)
{
    for (size_t i = 0; i < b->application_count; i++) {
        const struct bureau_application *a = &b->applications[i];
        if (bytes_equal(a->aid, a->aid_len, aid, len)) return a;
    }
    return NULL;
}

/* ---- lint ---- */

static void lint_keks(struct lint *l, const struct bureau *b)
{
    for (size_t i = 0; i < b->kek_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct key_settings *one = &b->keks[i].key, *other = &b->keks[k].key;
            if (bytes_equal(one->kcv, one->kcv_len, other->kcv, other->kcv_len))
                lint_warning(l, one->line, "this KEK has the check value of the one in line %u", other->line);
        }
    }
}

void bureau_lint(const struct bureau *b, struct buf *findings)
{
    struct lint l = {.out = findings, .file = b->path};
    lint_keks(&l, b);
    if (b->level == BUREAU_LEVEL_MAC)
        lint_warning(&l, 0, "security: mac: clear groupings go to the card without encryption");
    if (!b->ca_count) lint_warning(&l, 0, "no 'ca_keys': certificates on cards are not checked");
    if (!b->card_key_count) lint_warning(&l, 0, "no 'card_keys': no card can be unlocked");
    if (!b->return_label) lint_warning(&l, 0, "no 'return_key': no return file can be written");
}
