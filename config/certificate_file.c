#include "config/certificate_file.h"

#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "config/schema.h"

/* As the YAML gives them, before they are put into shape. */
struct ca_text {
    struct ca_key_file *file;
    uint8_t checksum[SHA1_LEN];
};

static bool read_modulus(const struct tree_node *value, struct emv_public_key *key, size_t max,
                         struct err *err)
{
    if (!schema_hex(value, key->modulus, 1, max, &key->modulus_len, err)) return false;
    return (key->modulus[0] & 0x80) || tree_error(value, err, "a modulus begins with a byte of 80 or more");
}

static bool read_ca_modulus(const struct tree_node *value, void *into, struct err *err)
{
    return read_modulus(value, &((struct ca_text *)into)->file->key.key, EMV_MODULUS_MAX, err);
}

/* 03 or 010001. */
static bool read_exponent(const struct tree_node *value, uint8_t *exponent, size_t *len, struct err *err)
{
    if (!schema_hex(value, exponent, 1, 3, len, err)) return false;
    bool ok = bytes_equal(exponent, *len, "\x03", 1) || bytes_equal(exponent, *len, "\x01\x00\x01", 3);
    return ok || tree_error(value, err, "the exponent must be 03 or 010001");
}

static bool read_ca_exponent(const struct tree_node *value, void *into, struct err *err)
{
    struct emv_public_key *key = &((struct ca_text *)into)->file->key.key;
    return read_exponent(value, key->exponent, &key->exponent_len, err);
}

static bool read_rid(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, ((struct ca_text *)into)->file->key.rid, 5, 5, NULL, err);
}

static bool read_index(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, &((struct ca_text *)into)->file->key.index, 1, 1, NULL, err);
}

static bool read_ca_expiry(const struct tree_node *value, void *into, struct err *err)
{
    uint8_t *expiry = ((struct ca_text *)into)->file->key.expiry;
    if (!schema_hex(value, expiry, 2, 2, NULL, err)) return false;
    bool ok = (expiry[0] >= 0x01 && expiry[0] <= 0x09) || (expiry[0] >= 0x10 && expiry[0] <= 0x12);
    ok = ok && (expiry[1] & 0x0F) <= 9 && expiry[1] >> 4 <= 9;
    return ok || tree_error(value, err, "'expiry' must be MMYY");
}

static bool read_checksum(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, ((struct ca_text *)into)->checksum, SHA1_LEN, SHA1_LEN, NULL, err);
}

static bool read_ca_test(const struct tree_node *value, void *into, struct err *err)
{
    return schema_flag(value, &((struct ca_text *)into)->file->test, err);
}

static const struct schema_field ca_fields[] = {
    {"rid", SCHEMA_REQUIRED, read_rid, 0},
    {"index", SCHEMA_REQUIRED, read_index, 0},
    {"modulus", SCHEMA_REQUIRED, read_ca_modulus, 0},
    {"exponent", SCHEMA_REQUIRED, read_ca_exponent, 0},
    {"expiry", SCHEMA_REQUIRED, read_ca_expiry, 0},
    {"checksum", SCHEMA_REQUIRED, read_checksum, 0},
    {"test", SCHEMA_OPTIONAL, read_ca_test, 0},
};
static const struct schema ca_schema = SCHEMA("the CA key", ca_fields);

static bool read_ca_key(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &ca_schema, into, err);
}

static const struct schema_field ca_file_fields[] = {{"ca_key", SCHEMA_REQUIRED, read_ca_key, 0}};
static const struct schema ca_file_schema = SCHEMA("a CA key file", ca_file_fields);

bool ca_key_file_load(const char *path, struct ca_key_file *out, struct err *err)
{
    struct tree_document *d = NULL;
    struct ca_key_file file = {0};
    struct ca_text text = {.file = &file};
    uint8_t checksum[SHA1_LEN];
    bool ok = tree_load(&d, path, err) && schema_bind(tree_root(d), &ca_file_schema, &text, err) &&
              emv_ca_checksum(&file.key, checksum, err);
    if (ok && !bytes_equal(checksum, sizeof(checksum), text.checksum, sizeof(text.checksum)))
        ok = err_set(err, ERR_INTEGRITY, "%s: the checksum is not that of RID, index, modulus and exponent",
                     path);
    if (ok) *out = file;
    tree_free(d);
    return ok;
}

static bool read_certificate(const struct tree_node *value, void *into, struct err *err)
{
    struct certificate_file *c = into;
    return schema_hex(value, c->certificate, 1, EMV_MODULUS_MAX, &c->certificate_len, err);
}

static bool read_remainder(const struct tree_node *value, void *into, struct err *err)
{
    struct certificate_file *c = into;
    return schema_hex(value, c->remainder, 1, sizeof(c->remainder), &c->remainder_len, err);
}

static bool read_certificate_exponent(const struct tree_node *value, void *into, struct err *err)
{
    struct certificate_file *c = into;
    return read_exponent(value, c->exponent, &c->exponent_len, err);
}

static bool read_certificate_rid(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, into, 5, 5, NULL, err);
}

static bool read_byte(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, into, 1, 1, NULL, err);
}

static const struct schema_field certificate_fields[] = {
    {"rid", SCHEMA_REQUIRED, read_certificate_rid, offsetof(struct certificate_file, rid)},
    {"ca_index", SCHEMA_REQUIRED, read_byte, offsetof(struct certificate_file, ca_index)},
    {"certificate", SCHEMA_REQUIRED, read_certificate, 0},
    {"remainder", SCHEMA_OPTIONAL, read_remainder, 0},
    {"exponent", SCHEMA_REQUIRED, read_certificate_exponent, 0},
    {"test", SCHEMA_OPTIONAL, schema_flag, offsetof(struct certificate_file, test)},
};
static const struct schema certificate_schema = SCHEMA("the issuer certificate", certificate_fields);

static bool read_issuer_certificate(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &certificate_schema, into, err);
}

static const struct schema_field certificate_file_fields[] = {
    {"issuer_certificate", SCHEMA_REQUIRED, read_issuer_certificate, 0},
};
static const struct schema certificate_file_schema =
    SCHEMA("an issuer certificate file", certificate_file_fields);

bool certificate_file_load(const char *path, struct certificate_file *out, struct err *err)
{
    struct tree_document *d = NULL;
    struct certificate_file file = {0};
    bool ok = tree_load(&d, path, err) && schema_bind(tree_root(d), &certificate_file_schema, &file, err);
    if (ok) *out = file;
    tree_free(d);
    return ok;
}

bool certificate_file_recover(struct certificate_file *c, const struct ca_key_file *ca, struct err *err)
{
    const struct emv_signed s = {c->certificate,   c->certificate_len, c->remainder,
                                 c->remainder_len, c->exponent,        c->exponent_len};
    if (!bytes_equal(c->rid, sizeof(c->rid), ca->key.rid, sizeof(ca->key.rid)) ||
        c->ca_index != ca->key.index)
        return err_set(err, ERR_INTEGRITY, "the issuer certificate names another CA key (RID or index)");
    return emv_issuer_recover(&s, &ca->key.key, &c->recovered, err);
}

static void put_line(struct buf *out, const char *key, const uint8_t *data, size_t len)
{
    buf_put_format(out, "  %s: \"", key);
    hex_put(out, data, len);
    buf_put_text(out, "\"\n");
}

bool ca_key_file_put(const struct ca_key_file *ca, struct buf *out, struct err *err)
{
    uint8_t checksum[SHA1_LEN];
    if (!emv_ca_checksum(&ca->key, checksum, err)) return false;
    if (ca->test) buf_put_text(out, "# TEST: not the key of a real scheme\n");
    buf_put_text(out, "ca_key:\n");
    put_line(out, "rid", ca->key.rid, sizeof(ca->key.rid));
    put_line(out, "index", &ca->key.index, 1);
    put_line(out, "modulus", ca->key.key.modulus, ca->key.key.modulus_len);
    put_line(out, "exponent", ca->key.key.exponent, ca->key.key.exponent_len);
    put_line(out, "expiry", ca->key.expiry, sizeof(ca->key.expiry));
    put_line(out, "checksum", checksum, sizeof(checksum));
    if (ca->test) buf_put_text(out, "  test: yes\n");
    return buf_ok(out, "CA key file", err);
}

bool certificate_file_put(const struct certificate_file *c, struct buf *out, struct err *err)
{
    if (c->test) buf_put_text(out, "# TEST: not certified by a real scheme\n");
    buf_put_text(out, "issuer_certificate:\n");
    put_line(out, "rid", c->rid, sizeof(c->rid));
    put_line(out, "ca_index", &c->ca_index, 1);
    put_line(out, "certificate", c->certificate, c->certificate_len);
    if (c->remainder_len) put_line(out, "remainder", c->remainder, c->remainder_len);
    put_line(out, "exponent", c->exponent, c->exponent_len);
    if (c->test) buf_put_text(out, "  test: yes\n");
    return buf_ok(out, "issuer certificate file", err);
}
