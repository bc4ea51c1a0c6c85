/* Tokens and keys of a job: by reference, with the check value that is expected. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "config/job_read.h"

enum { KEYS_MAX = 256, ISSUER_KEYS_MAX = 16, DES_KCV_LEN = 3, AES_KCV_LEN = 5 };

static const char *const algorithms[] = {"des2", "des3", "aes128", "aes192", "aes256"};

size_t job_kcv_len(const char *algorithm)
{
    return algorithm[0] == 'd' ? DES_KCV_LEN : AES_KCV_LEN;
}

bool job_read_algorithm(const struct tree_node *value, void *into, struct err *err)
{
    size_t index = 0;
    return schema_choice(value, algorithms, SCHEMA_COUNT(algorithms), &index, err) &&
           schema_text(value, into, err);
}

bool job_read_issuer(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    size_t len = strspn(text, "0123456789");
    if (text[len] || len < 3 || len > 8)
        return tree_error(value, err, "an issuer identifier has 3 to 8 digits");
    return schema_text(value, into, err);
}

bool job_read_pin(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    char *path = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    bool known = strcmp(text, "prompt") == 0 || (strncmp(text, "fd:", 3) == 0 && text[3]) ||
                 (strncmp(text, "credential:", 11) == 0 && text[11]) ||
                 (strncmp(text, "file:", 5) == 0 && text[5]);
    if (!known) /* the text is not shown: somebody may have written a PIN here */
        return tree_error(
            value, err,
            "a PIN comes from prompt, file:PATH, fd:N or credential:NAME; it never stands here itself");
    if (strncmp(text, "file:", 5) != 0) return schema_text(value, into, err);
    if (!file_path_beside(value->file, text + 5, &path, err)) return false;
    char *pin = NULL;
    int n = asprintf(&pin, "file:%s", path);
    free(path);
    if (n < 0) return err_set_no_memory(err);
    *(char **)into = pin;
    return true;
}

bool job_read_module(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    return strchr(text, '/') ? schema_file(value, into, err) : schema_text(value, into, err);
}

bool job_read_uri(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    if (strncmp(text, "pkcs11:", 7) != 0)
        return tree_error(value, err, "'uri' must be an RFC 7512 URI: pkcs11:…");
    if (strstr(text, "pin-value=")) return tree_error(value, err, "a PIN never stands in a URI; use 'pin'");
    return schema_text(value, into, err);
}

static const struct schema_field token_fields[] = {
    {"module", SCHEMA_OPTIONAL, job_read_module, offsetof(struct token_settings, module)},
    {"uri", SCHEMA_OPTIONAL, job_read_uri, offsetof(struct token_settings, uri)},
    {"label", SCHEMA_OPTIONAL, schema_text, offsetof(struct token_settings, label)},
    {"serial", SCHEMA_OPTIONAL, schema_text, offsetof(struct token_settings, serial)},
    {"parameters", SCHEMA_OPTIONAL, schema_text, offsetof(struct token_settings, parameters)},
    {"pin", SCHEMA_OPTIONAL, job_read_pin, offsetof(struct token_settings, pin)},
};
static const struct schema token_schema = SCHEMA("a token", token_fields);

bool job_read_token(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &token_schema, into, err) && job_check_token(value, into, err);
}

bool job_check_token(const struct tree_node *value, struct token_settings *t, struct err *err)
{
    if (!t->uri && !t->label && !t->serial)
        return tree_error(value, err, "a token needs one of uri, label and serial");
    if (!t->uri && !t->module) return tree_error(value, err, "key 'module' is missing in a token");
    if (!t->pin && !(t->pin = strdup("prompt"))) return err_set_no_memory(err);
    return true;
}

void token_settings_release(struct token_settings *t)
{
    free(t->module);
    free(t->uri);
    free(t->label);
    free(t->serial);
    free(t->parameters);
    free(t->pin);
}

bool job_read_kcv(const struct tree_node *value, uint8_t kcv[5], size_t *len, struct err *err)
{
    if (!schema_hex(value, kcv, DES_KCV_LEN, AES_KCV_LEN, len, err)) return false;
    return *len != 4 || tree_error(value, err, "a check value has 3 bytes (DES) or 5 bytes (AES)");
}

bool job_read_key_kcv(const struct tree_node *value, void *into, struct err *err)
{
    struct key_settings *k = into;
    return job_read_kcv(value, k->kcv, &k->kcv_len, err);
}

bool job_read_key_name(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    bool ok = strlen(text) <= SECRET_NAME_MAX;
    for (size_t i = 0; ok && text[i]; i++)
        ok = text[i] > 0x20 && text[i] < 0x7F && text[i] != '/';
    if (!ok)
        return tree_error(value, err, "a key's name has 1 to %d ASCII characters, no space and no '/'",
                          SECRET_NAME_MAX);
    return schema_text(value, into, err);
}

bool job_read_version(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, UINT16_MAX, &number, err)) return false;
    *(uint16_t *)into = (uint16_t)number;
    return true;
}

#define REFERENCE_ROWS(type)                                                                                 \
    {"label", SCHEMA_OPTIONAL, schema_text, offsetof(type, label)},                                          \
    {                                                                                                        \
        "uri", SCHEMA_OPTIONAL, job_read_uri, offsetof(type, uri)                                            \
    }

static const struct schema_field key_fields[] = {
    {"name", SCHEMA_REQUIRED, job_read_key_name, offsetof(struct key_settings, name)},
    {"version", SCHEMA_REQUIRED, job_read_version, offsetof(struct key_settings, version)},
    {"algorithm", SCHEMA_REQUIRED, job_read_algorithm, offsetof(struct key_settings, algorithm)},
    {"kcv", SCHEMA_REQUIRED, job_read_key_kcv, 0},
    REFERENCE_ROWS(struct key_settings),
};
static const struct schema key_schema = SCHEMA("a key", key_fields);

static const struct schema_field kek_fields[] = {
    {"version", SCHEMA_REQUIRED, job_read_version, offsetof(struct key_settings, version)},
    {"algorithm", SCHEMA_OPTIONAL, job_read_algorithm, offsetof(struct key_settings, algorithm)},
    {"kcv", SCHEMA_REQUIRED, job_read_key_kcv, 0},
    REFERENCE_ROWS(struct key_settings),
};
static const struct schema kek_schema = SCHEMA("the KEK", kek_fields);

static const struct schema_field signing_fields[] = {REFERENCE_ROWS(struct key_settings)};
static const struct schema signing_schema = SCHEMA("the signing key", signing_fields);

bool job_check_reference(const struct tree_node *value, const char *label, const char *uri, struct err *err)
{
    return !label != !uri || tree_error(value, err, "a key needs either 'label' or 'uri'");
}

bool job_check_kcv(const struct tree_node *value, const struct key_settings *k, struct err *err)
{
    size_t len = job_kcv_len(k->algorithm);
    return k->kcv_len == len ||
           tree_error(value, err, "the check value of a key of %s has %zu bytes", k->algorithm, len);
}

static bool read_key(const struct tree_node *value, void *into, struct err *err)
{
    struct key_settings *k = into;
    k->line = value->line;
    return schema_bind(value, &key_schema, k, err) && job_check_reference(value, k->label, k->uri, err) &&
           job_check_kcv(value, k, err);
}

bool job_read_keys(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct key_settings), KEYS_MAX, read_key};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->key_count, err);
    j->keys = array;
    for (size_t i = 0; ok && i < j->key_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (strcmp(j->keys[i].name, j->keys[k].name) == 0 && j->keys[i].version == j->keys[k].version)
                ok = tree_error(&value->items[i], err, "key %s version %u is named twice; first in line %u",
                                j->keys[i].name, j->keys[i].version, j->keys[k].line);
        }
    }
    return ok;
}

bool job_read_kek(const struct tree_node *value, void *into, struct err *err)
{
    struct key_settings *k = into;
    k->line = value->line;
    if (!schema_bind(value, &kek_schema, k, err) || !job_check_reference(value, k->label, k->uri, err))
        return false;
    if (!k->algorithm) k->algorithm = strdup("aes256");
    k->name = strdup("KEK");
    if (!k->algorithm || !k->name) return err_set_no_memory(err);
    if (job_kcv_len(k->algorithm) == DES_KCV_LEN) return tree_error(value, err, "the KEK must be an AES key");
    return job_check_kcv(value, k, err);
}

bool job_read_signing_key(const struct tree_node *value, void *into, struct err *err)
{
    struct key_settings *k = into;
    k->line = value->line;
    if (!schema_bind(value, &signing_schema, k, err) || !job_check_reference(value, k->label, k->uri, err))
        return false;
    k->algorithm = strdup("rsa");
    k->name = strdup("signing-key");
    return (k->algorithm && k->name) || err_set_no_memory(err);
}

void key_settings_release(struct key_settings *k)
{
    free(k->name);
    free(k->algorithm);
    free(k->label);
    free(k->uri);
}

static const struct schema_field issuer_key_fields[] = {
    {"name", SCHEMA_REQUIRED, job_read_key_name, offsetof(struct issuer_key_settings, name)},
    REFERENCE_ROWS(struct issuer_key_settings),
    {"certificate", SCHEMA_REQUIRED, schema_file, offsetof(struct issuer_key_settings, certificate_path)},
    {"ca_key", SCHEMA_REQUIRED, schema_file, offsetof(struct issuer_key_settings, ca_path)},
};
static const struct schema issuer_key_schema = SCHEMA("an issuer key", issuer_key_fields);

static bool read_issuer_key(const struct tree_node *value, void *into, struct err *err)
{
    struct issuer_key_settings *k = into;
    return schema_bind(value, &issuer_key_schema, k, err) &&
           job_check_reference(value, k->label, k->uri, err);
}

bool job_read_issuer_keys(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct issuer_key_settings), ISSUER_KEYS_MAX,
                                           read_issuer_key};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->issuer_key_count, err);
    j->issuer_keys = array;
    for (size_t i = 1; ok && i < j->issuer_key_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (strcmp(j->issuer_keys[i].name, j->issuer_keys[k].name) == 0)
                ok = tree_error(&value->items[i], err, "issuer key '%s' is named twice",
                                j->issuer_keys[i].name);
        }
    }
    return ok;
}
