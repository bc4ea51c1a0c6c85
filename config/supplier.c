/* The settings of a card supplier. */
#include <stdlib.h>

#include "config/bureau_read.h"
#include "config/job_read.h"

enum { KVN_MAX = 127, KVN_INITIAL = 255, KEY_DATA = 10, SERIAL_START = 5, SERIAL_LEN = 4 };

static bool read_kmc(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau *b = into;
    b->card_keys = calloc(1, sizeof(*b->card_keys));
    if (!b->card_keys) return err_set_no_memory(err);
    b->card_key_count = 1;
    return bureau_read_card_key(value, b->card_keys, err);
}

static bool read_blank_version(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, KVN_INITIAL, &number, err)) return false;
    if (number > KVN_MAX && number != KVN_INITIAL)
        return tree_error(value, err, "a card's key version is 1 to %d, or %d", KVN_MAX, KVN_INITIAL);
    *(unsigned *)into = (unsigned)number;
    return true;
}

static bool read_published(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"gp-test"};
    size_t index = 0;
    *(bool *)into = true;
    return schema_choice(value, words, SCHEMA_COUNT(words), &index, err);
}

static const struct schema_field blank_fields[] = {
    {"key_version", SCHEMA_REQUIRED, read_blank_version, offsetof(struct bureau_blank_keys, key_version)},
    {"keys", SCHEMA_OPTIONAL, read_published, offsetof(struct bureau_blank_keys, published)},
    {"master", SCHEMA_OPTIONAL, bureau_read_card_key, offsetof(struct bureau_blank_keys, master)},
};
static const struct schema blank_schema = SCHEMA("the keys of blank cards", blank_fields);

static bool read_blank(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau *b = into;
    struct bureau_blank_keys *blank = b->blank = calloc(1, sizeof(*b->blank));
    if (!blank) return err_set_no_memory(err);
    if (!schema_bind(value, &blank_schema, blank, err)) return false;
    if (blank->published == (blank->master.method != NULL))
        return tree_error(value, err,
                          "name the keys of blank cards: either 'keys: gp-test' or their 'master'");
    blank->master.key_version = blank->key_version;
    return true;
}

static bool read_start(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, KEY_DATA, &number, err)) return false;
    *(uint8_t *)into = (uint8_t)number;
    return true;
}

static const struct schema_field serial_fields[] = {
    {"start", SCHEMA_REQUIRED, read_start, offsetof(struct bureau_serial, start)},
    {"length", SCHEMA_REQUIRED, read_start, offsetof(struct bureau_serial, len)},
};
static const struct schema serial_schema = SCHEMA("the serial number", serial_fields);

static bool read_serial(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_serial *s = into;
    if (!schema_bind(value, &serial_schema, s, err)) return false;
    return s->start + s->len <= KEY_DATA + 1 ||
           tree_error(value, err, "the serial number lies within the %d bytes of KEYDATA", KEY_DATA);
}

static const struct schema_field fields[] = {
    {"supplier", SCHEMA_REQUIRED, schema_text, offsetof(struct bureau, name)},
    {"test", SCHEMA_OPTIONAL, schema_flag, offsetof(struct bureau, test)},
    {"token", SCHEMA_REQUIRED, job_read_token, offsetof(struct bureau, token)},
    {"kmc", SCHEMA_REQUIRED, read_kmc, 0},
    {"blank_keys", SCHEMA_REQUIRED, read_blank, 0},
    {"serial", SCHEMA_OPTIONAL, read_serial, offsetof(struct bureau, serial)},
    {"security", SCHEMA_OPTIONAL, bureau_read_security, offsetof(struct bureau, level)},
    {"response_mac", SCHEMA_OPTIONAL, schema_flag, offsetof(struct bureau, response_mac)},
    {"readers", SCHEMA_OPTIONAL, bureau_read_readers, 0},
    {"books", SCHEMA_OPTIONAL, schema_file, offsetof(struct bureau, books_path)},
};
static const struct schema schema = SCHEMA("the supplier's settings", fields);

/* What no part can say alone. */
static bool check(const struct tree_node *root, const struct bureau *b, struct err *err)
{
    const struct bureau_card_key *kmc = b->card_keys, *master = &b->blank->master;
    if (b->blank->published && !b->test)
        return tree_error(
            root, err, "'keys: gp-test' is for settings with 'test: yes' only: everybody knows these keys");
    if (kmc->key_version == b->blank->key_version)
        return tree_error(root, err,
                          "key version %u stands for the KMC and for the keys of blank cards: a card that "
                          "reports it could not be told from a blank one",
                          kmc->key_version);
    if (!b->blank->published && (kmc->key.algorithm[0] == 'a') != (master->key.algorithm[0] == 'a'))
        return tree_error(root, err, "the KMC and the master of blank cards belong to different protocols");
    return true;
}

static const struct bureau_kind supplier_kind = {.schema = &schema,
                                                 .defaults = {.level = BUREAU_LEVEL_MAC_ENCRYPTION,
                                                              .replace_keys = true,
                                                              .serial = {SERIAL_START, SERIAL_LEN}},
                                                 .check = check};

bool supplier_parse(struct bureau **out, const char *name, const void *text, size_t len, struct err *err)
{
    struct tree_document *d = NULL;
    return tree_parse(&d, name, text, len, err) && bureau_read_document(out, name, d, &supplier_kind, err);
}

bool supplier_load(struct bureau **out, const char *path, struct err *err)
{
    struct tree_document *d = NULL;
    return tree_load(&d, path, err) && bureau_read_document(out, path, d, &supplier_kind, err);
}
