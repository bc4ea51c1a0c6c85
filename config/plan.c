#include "config/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "config/job_read.h"
#include "config/plan_read.h"

enum { TOKENS_MAX = 16, CERTIFICATES_MAX = 32 };

/* As in a job, or `halves`. */
static bool read_pin_or_halves(const struct tree_node *value, char **source, bool *halves, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    *halves = strcmp(text, "halves") == 0;
    if (!*halves) return job_read_pin(value, source, err);
    *source = strdup("prompt");
    return *source || err_set_no_memory(err);
}

static bool read_pin(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_token *t = into;
    return read_pin_or_halves(value, &t->token.pin, &t->pin_halves, err);
}

static bool read_so_pin(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_token *t = into;
    return read_pin_or_halves(value, &t->so_pin, &t->so_pin_halves, err);
}

static const struct schema_field token_fields[] = {
    {"name", SCHEMA_REQUIRED, schema_text, offsetof(struct plan_token, name)},
    {"site", SCHEMA_OPTIONAL, plan_read_name, offsetof(struct plan_token, site)},
    {"module", SCHEMA_OPTIONAL, job_read_module, offsetof(struct plan_token, token.module)},
    {"uri", SCHEMA_OPTIONAL, job_read_uri, offsetof(struct plan_token, token.uri)},
    {"label", SCHEMA_OPTIONAL, schema_text, offsetof(struct plan_token, token.label)},
    {"serial", SCHEMA_OPTIONAL, schema_text, offsetof(struct plan_token, token.serial)},
    {"parameters", SCHEMA_OPTIONAL, schema_text, offsetof(struct plan_token, token.parameters)},
    {"pin", SCHEMA_OPTIONAL, read_pin, 0},
    {"so_pin", SCHEMA_OPTIONAL, read_so_pin, 0},
    {"initialise", SCHEMA_OPTIONAL, schema_flag, offsetof(struct plan_token, initialise)},
};
static const struct schema token_schema = SCHEMA("a token", token_fields);

static bool read_token(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_token *t = into;
    if (!schema_bind(value, &token_schema, t, err) || !job_check_token(value, &t->token, err)) return false;
    if (t->initialise && (!t->token.label || !t->token.module))
        return tree_error(value, err, "'initialise' needs the token's 'module' and 'label'");
    if (t->initialise && !t->so_pin && !(t->so_pin = strdup("prompt"))) return err_set_no_memory(err);
    if (!t->site && !(t->site = strdup(t->name))) return err_set_no_memory(err);
    return true;
}

static bool read_tokens(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct plan_token), TOKENS_MAX, read_token};
    struct plan *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->token_count, err);
    p->tokens = array;
    for (size_t i = 0; ok && i < p->token_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (strcmp(p->tokens[i].name, p->tokens[k].name) == 0)
                ok = tree_error(&value->items[i], err, "token '%s' is named twice", p->tokens[i].name);
        }
    }
    return ok;
}

static bool read_rid(const struct tree_node *value, void *into, struct err *err)
{
    uint8_t rid[5];
    return schema_hex(value, rid, sizeof(rid), sizeof(rid), NULL, err) && schema_text(value, into, err);
}

static bool read_byte(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, into, 1, 1, NULL, err);
}

static bool read_serial(const struct tree_node *value, void *into, struct err *err)
{
    return schema_hex(value, into, 3, 3, NULL, err);
}

static bool read_month_year(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    bool ok = strlen(text) == 4 && strspn(text, "0123456789") == 4;
    int month = ok ? 10 * (text[0] - '0') + (text[1] - '0') : 0;
    if (month < 1 || month > 12) return tree_error(value, err, "'%s' must be MMYY", value->key);
    return schema_text(value, into, err);
}

static const struct schema_field certificate_fields[] = {
    {"issuer_key", SCHEMA_REQUIRED, job_read_key_name, offsetof(struct plan_certificate, issuer_key)},
    {"ca_key", SCHEMA_OPTIONAL, job_read_key_name, offsetof(struct plan_certificate, ca_key)},
    {"rid", SCHEMA_REQUIRED, read_rid, offsetof(struct plan_certificate, rid)},
    {"ca_index", SCHEMA_REQUIRED, read_byte, offsetof(struct plan_certificate, ca_index)},
    {"issuer", SCHEMA_REQUIRED, job_read_issuer, offsetof(struct plan_certificate, issuer_digits)},
    {"expiry", SCHEMA_REQUIRED, read_month_year, offsetof(struct plan_certificate, expiry)},
    {"ca_expiry", SCHEMA_OPTIONAL, read_month_year, offsetof(struct plan_certificate, ca_expiry)},
    {"serial", SCHEMA_REQUIRED, read_serial, offsetof(struct plan_certificate, serial)},
    {"certificate", SCHEMA_REQUIRED, schema_file, offsetof(struct plan_certificate, certificate_path)},
    {"ca_file", SCHEMA_REQUIRED, schema_file, offsetof(struct plan_certificate, ca_path)},
};
static const struct schema certificate_schema = SCHEMA("a certificate", certificate_fields);

static bool read_certificate(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_certificate *c = into;
    c->line = value->line;
    if (!schema_bind(value, &certificate_schema, c, err)) return false;
    if (c->ca_key && !c->ca_expiry)
        return tree_error(value, err, "key 'ca_expiry' is missing: the TEST CA key gets it");
    return true;
}

/* The keys that a certificate names are RSA pairs of this plan. */
static bool check_pair(const struct tree_node *value, const struct plan *p, const char *name, struct err *err)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (strcmp(p->keys[i].name, name) == 0 && strcmp(p->keys[i].algorithm, "rsa") == 0) return true;
    }
    return tree_error(value, err, "'%s' is no RSA pair of this plan", name);
}

static bool read_certificates(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct plan_certificate), CERTIFICATES_MAX,
                                           read_certificate};
    struct plan *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->certificate_count, err);
    p->certificates = array;
    for (size_t i = 0; ok && i < p->certificate_count; i++) {
        const struct plan_certificate *c = &p->certificates[i];
        ok = check_pair(&value->items[i], p, c->issuer_key, err) &&
             (!c->ca_key || check_pair(&value->items[i], p, c->ca_key, err));
        if (ok && c->ca_key && !p->test)
            ok = tree_error(&value->items[i], err,
                            "a scheme CA of one's own is for plans with 'test: yes' only");
    }
    return ok;
}

/* People and tokens before keys, keys before what names them; `test` before all that it allows. */
static const struct schema_field fields[] = {
    {"plan", SCHEMA_REQUIRED, schema_text, offsetof(struct plan, name)},
    {"test", SCHEMA_OPTIONAL, schema_flag, offsetof(struct plan, test)},
    {"allow_clear_key_block", SCHEMA_OPTIONAL, schema_flag, offsetof(struct plan, allow_clear_key_block)},
    {"issuer", SCHEMA_REQUIRED, job_read_issuer, offsetof(struct plan, issuer)},
    {"dual_control", SCHEMA_OPTIONAL, schema_flag, offsetof(struct plan, dual_control)},
    {"audit_log", SCHEMA_OPTIONAL, schema_file, offsetof(struct plan, audit_log)},
    {"report", SCHEMA_OPTIONAL, schema_file, offsetof(struct plan, report_file)},
    {"people", SCHEMA_OPTIONAL, plan_read_people, 0},
    {"tokens", SCHEMA_REQUIRED, read_tokens, 0},
    {"keys", SCHEMA_REQUIRED, plan_read_keys, 0},
    {"trust", SCHEMA_OPTIONAL, plan_read_trusts, 0},
    {"certificates", SCHEMA_OPTIONAL, read_certificates, 0},
    {"keys_file", SCHEMA_OPTIONAL, schema_file, offsetof(struct plan, keys_file)},
    {"signer_file", SCHEMA_OPTIONAL, schema_file, offsetof(struct plan, signer_file)},
};
static const struct schema schema = SCHEMA("the plan", fields);

static bool from_document(struct plan **out, const char *name, const struct tree_document *d, struct err *err)
{
    struct plan *p = calloc(1, sizeof(*p));
    if (!p || !(p->path = strdup(name))) {
        free(p);
        return err_set_no_memory(err);
    }
    bool ok = schema_bind(tree_root(d), &schema, p, err) && plan_default_files(p, err);
    if (ok && p->keys_file && !p->test)
        ok = tree_error(tree_get(tree_root(d), "keys_file"), err,
                        "a file of keys in clear is for plans with 'test: yes' only");
    if (ok)
        *out = p;
    else
        plan_free(p);
    return ok;
}

bool plan_parse(struct plan **out, const char *name, const void *text, size_t len, struct err *err)
{
    struct tree_document *d = NULL;
    uint8_t hash[SHA256_LEN];
    bool ok = sha256(len ? text : "", len, hash, err) && tree_parse(&d, name, text, len, err) &&
              from_document(out, name, d, err);
    if (ok) memcpy((*out)->hash, hash, sizeof(hash));
    tree_free(d);
    return ok;
}

bool plan_load(struct plan **out, const char *path, struct err *err)
{
    struct buf text;
    buf_init(&text, TREE_FILE_MAX);
    bool ok =
        file_read_all(path, TREE_FILE_MAX, &text, err) && plan_parse(out, path, text.data, text.len, err);
    buf_release(&text);
    return ok;
}

static void certificate_release(struct plan_certificate *c)
{
    free(c->issuer_key);
    free(c->ca_key);
    free(c->rid);
    free(c->issuer_digits);
    free(c->expiry);
    free(c->ca_expiry);
    free(c->certificate_path);
    free(c->ca_path);
}

void plan_free(struct plan *p)
{
    if (!p) return;
    for (size_t i = 0; p->tokens && i < p->token_count; i++) {
        free(p->tokens[i].name);
        free(p->tokens[i].site);
        token_settings_release(&p->tokens[i].token);
        free(p->tokens[i].so_pin);
    }
    for (size_t i = 0; p->keys && i < p->key_count; i++)
        plan_key_release(&p->keys[i]);
    for (size_t i = 0; p->certificates && i < p->certificate_count; i++)
        certificate_release(&p->certificates[i]);
    plan_people_release(p);
    free(p->audit_log);
    free(p->report_file);
    free(p->tokens);
    free(p->keys);
    free(p->certificates);
    free(p->issuer);
    free(p->keys_file);
    free(p->signer_file);
    free(p->path);
    free(p->name);
    free(p);
}
