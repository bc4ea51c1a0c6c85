/* Keys of a ceremony plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/job_read.h"
#include "config/plan_read.h"

enum {
    KEYS_MAX = 256,
    COMPONENTS_MIN = 2,
    COMPONENTS_MAX = 3,
    KEY_LEN_MAX = 32,

    RSA_BITS_MAX = 4096
};

static const struct {
    const char *name;
    size_t len;
} algorithms[] = {
    {"des2", 16}, {"des3", 24}, {"aes128", 16}, {"aes192", 24}, {"aes256", 32}, {"rsa", 0},
};

static bool read_algorithm(const struct tree_node *value, void *into, struct err *err)
{
    const char *names[SCHEMA_COUNT(algorithms)];
    size_t index = 0;
    for (size_t i = 0; i < SCHEMA_COUNT(algorithms); i++)
        names[i] = algorithms[i].name;
    return schema_choice(value, names, SCHEMA_COUNT(names), &index, err) && schema_text(value, into, err);
}

static size_t key_len(const char *algorithm)
{
    for (size_t i = 0; i < SCHEMA_COUNT(algorithms); i++) {
        if (strcmp(algorithm, algorithms[i].name) == 0) return algorithms[i].len;
    }
    return 0;
}

static bool read_component_kcv(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_component *c = into;
    return job_read_kcv(value, c->kcv, &c->kcv_len, err);
}

static bool read_prompt(const struct tree_node *value, void *into, struct err *err)
{
    bool wanted = false;
    (void)into;
    return schema_flag(value, &wanted, err) &&
           (wanted || tree_error(value, err, "'prompt: no' says nothing; leave it out"));
}

static bool read_component_file(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_component *c = into;
    c->source = COMPONENT_FILE;
    return schema_file(value, &c->text, err);
}

static bool read_component_test(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_component *c = into;
    uint8_t published[KEY_LEN_MAX];
    c->source = COMPONENT_TEST;
    return schema_hex(value, published, 16, sizeof(published), NULL, err) &&
           schema_text(value, &c->text, err);
}

static bool read_component_letter(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_component *c = into;
    c->source = COMPONENT_LETTER;
    return schema_text(value, &c->text, err);
}

static const struct schema_field component_fields[] = {
    {"custodian", SCHEMA_REQUIRED, schema_text, offsetof(struct plan_component, custodian)},
    {"prompt", SCHEMA_OPTIONAL, read_prompt, 0},
    {"file", SCHEMA_OPTIONAL, read_component_file, 0},
    {"test", SCHEMA_OPTIONAL, read_component_test, 0},
    {"letter", SCHEMA_OPTIONAL, read_component_letter, 0},
    {"kcv", SCHEMA_OPTIONAL, read_component_kcv, 0},
};
static const struct schema component_schema = SCHEMA("a component", component_fields);

static bool read_component(const struct tree_node *value, void *into, struct err *err)
{
    if (!schema_bind(value, &component_schema, into, err)) return false;
    int given = 0;
    static const char *const sources[] = {"prompt", "file", "test", "letter"};
    for (size_t i = 0; i < SCHEMA_COUNT(sources); i++)
        given += tree_get(value, sources[i]) != NULL;
    return given == 1 ||
           tree_error(value, err, "a component comes from exactly one of prompt: yes, file, test and letter");
}

static bool read_components(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_key *k = into;
    if (value->kind != TREE_SEQUENCE || value->count < COMPONENTS_MIN || value->count > COMPONENTS_MAX)
        return tree_error(value, err, "a key has %d or %d components", COMPONENTS_MIN, COMPONENTS_MAX);
    k->origin = ORIGIN_COMPONENTS;
    for (size_t i = 0; i < value->count; i++) {
        k->component_count = i + 1;
        if (!read_component(&value->items[i], &k->components[i], err)) return false;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(k->components[i].custodian, k->components[j].custodian) == 0)
                return tree_error(&value->items[i], err, "no custodian holds two components of one key");
        }
    }
    return true;
}

/* `issuer`, or {bureau: kek-bureau} where the role differs on that token. */
static bool read_key_token(const struct tree_node *value, struct plan_key *k, struct err *err)
{
    size_t i = k->token_count++;
    if (value->kind != TREE_MAPPING) return schema_text(value, &k->tokens[i], err);
    if (value->count != 1) return tree_error(value, err, "a token is NAME or {NAME: role}");
    k->tokens[i] = strdup(value->items[0].key);
    return k->tokens[i] ? schema_text(&value->items[0], &k->token_roles[i], err) : err_set_no_memory(err);
}

static bool read_key_tokens(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_key *k = into;
    if (value->kind != TREE_SEQUENCE || !value->count)
        return tree_error(value, err, "'tokens' must be a list of at least one token");
    k->tokens = calloc(value->count, sizeof(*k->tokens));
    k->token_roles = calloc(value->count, sizeof(*k->token_roles));
    if (!k->tokens || !k->token_roles) return err_set_no_memory(err);
    for (size_t i = 0; i < value->count; i++) {
        if (!read_key_token(&value->items[i], k, err)) return false;
    }
    return true;
}

static bool read_generate(const struct tree_node *value, void *into, struct err *err)
{
    bool wanted = false;
    (void)into;
    return schema_flag(value, &wanted, err) &&
           (wanted || tree_error(value, err, "'generate: no' says nothing; leave it out"));
}

static bool read_key_block(const struct tree_node *value, void *into, struct err *err)
{
    bool wanted = false;
    if (!schema_flag(value, &wanted, err)) return false;
    if (!wanted) return tree_error(value, err, "'key_block: no' says nothing; leave it out");
    ((struct plan_key *)into)->origin = ORIGIN_KEY_BLOCK;
    return true;
}

static bool read_kcv(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_key *k = into;
    return job_read_kcv(value, k->kcv, &k->kcv_len, err);
}

static bool read_bits(const struct tree_node *value, void *into, struct err *err)
{
    return schema_rsa_bits(value, RSA_BITS_MAX, into, err);
}

static bool read_method(const struct tree_node *value, void *into, struct err *err)
{
    const char *names[DERIVATION_METHOD_COUNT];
    size_t index = 0;
    for (size_t i = 0; i < DERIVATION_METHOD_COUNT; i++)
        names[i] = derivation_row((enum derivation_method)i)->name;
    return schema_choice(value, names, DERIVATION_METHOD_COUNT, &index, err) && schema_text(value, into, err);
}

static const struct schema_field key_fields[] = {
    {"name", SCHEMA_REQUIRED, job_read_key_name, offsetof(struct plan_key, name)},
    {"version", SCHEMA_OPTIONAL, job_read_version, offsetof(struct plan_key, version)},
    {"role", SCHEMA_REQUIRED, schema_text, offsetof(struct plan_key, role)},
    {"algorithm", SCHEMA_REQUIRED, read_algorithm, offsetof(struct plan_key, algorithm)},
    {"label", SCHEMA_OPTIONAL, schema_text, offsetof(struct plan_key, label)},
    {"tokens", SCHEMA_REQUIRED, read_key_tokens, 0},
    {"generate", SCHEMA_OPTIONAL, read_generate, 0},
    {"components", SCHEMA_OPTIONAL, read_components, 0},
    {"key_block", SCHEMA_OPTIONAL, read_key_block, 0},
    {"kcv", SCHEMA_OPTIONAL, read_kcv, 0},
    {"bits", SCHEMA_OPTIONAL, read_bits, offsetof(struct plan_key, bits)},
    {"exponent", SCHEMA_OPTIONAL, schema_rsa_exponent, offsetof(struct plan_key, exponent)},
    {"method", SCHEMA_OPTIONAL, read_method, offsetof(struct plan_key, method)},
    {"purpose", SCHEMA_OPTIONAL, schema_text, offsetof(struct plan_key, purpose)},
    {"not_before", SCHEMA_OPTIONAL, plan_read_date, offsetof(struct plan_key, not_before)},
    {"not_after", SCHEMA_OPTIONAL, plan_read_date, offsetof(struct plan_key, not_after)},
    {"limit", SCHEMA_OPTIONAL, plan_read_limit, offsetof(struct plan_key, limit)},
    {"keep", SCHEMA_OPTIONAL, schema_flag, offsetof(struct plan_key, keep)},
    {"hand_over", SCHEMA_OPTIONAL, plan_read_hand_overs, 0},
    {"public_file", SCHEMA_OPTIONAL, schema_file, offsetof(struct plan_key, public_path)},
};
static const struct schema key_schema = SCHEMA("a key", key_fields);

/* What pairs have and secret keys have not, and the reverse. */
static bool check_shape(const struct tree_node *value, const struct plan_key *k, struct err *err)
{
    bool pair = key_len(k->algorithm) == 0;
    bool generated = tree_get(value, "generate") != NULL, block = k->origin == ORIGIN_KEY_BLOCK;
    if (generated + (k->component_count > 0) + block != 1)
        return tree_error(value, err, "a key has one of 'generate: yes', 'components' and 'key_block: yes'");
    if (block && (pair || !k->kcv_len || k->hand_over_count))
        return tree_error(
            value, err,
            "a key from a key block is a secret key, has the 'kcv' that its sender told, and is not "
            "handed over");
    if (pair && (!k->bits || !k->exponent))
        return tree_error(value, err, "an RSA pair needs 'bits' and 'exponent'");
    if (pair && (!generated || k->kcv_len || k->method))
        return tree_error(value, err,
                          "an RSA pair is generated and has neither 'components', 'kcv' nor 'method'");
    if (pair && k->limit.blocks) return tree_error(value, err, "'limit' is for secret keys");
    if (!pair && (k->bits || k->exponent || k->public_path))
        return tree_error(value, err, "'bits', 'exponent' and 'public_file' go with algorithm: rsa only");
    if (k->kcv_len && k->kcv_len != job_kcv_len(k->algorithm))
        return tree_error(value, err, "the check value of a key of %s has %zu bytes", k->algorithm,
                          job_kcv_len(k->algorithm));
    return true;
}

static bool check_components(const struct tree_node *value, const struct plan *p, const struct plan_key *k,
                             struct err *err)
{
    size_t len = key_len(k->algorithm);
    for (size_t i = 0; i < k->component_count; i++) {
        const struct plan_component *c = &k->components[i];
        if (c->kcv_len && c->kcv_len != job_kcv_len(k->algorithm))
            return tree_error(value, err, "the check value of %s's component has %zu bytes", c->custodian,
                              job_kcv_len(k->algorithm));
        if (c->source != COMPONENT_TEST) continue;
        if (!p->test)
            return tree_error(value, err,
                              "components in the plan itself are for plans with 'test: yes' only");
        if (strlen(c->text) != 2 * len)
            return tree_error(value, err, "%s's component has %zu digits where %s has %zu", c->custodian,
                              strlen(c->text), k->algorithm, 2 * len);
    }
    return true;
}

/* Token names are the plan's, labels are filled in, each token gets its role. */
static bool fill_in(const struct tree_node *value, const struct plan *p, struct plan_key *k, struct err *err)
{
    const char *names[16];
    char suggestion[96];
    size_t count = 0;
    for (; count < p->token_count && count < SCHEMA_COUNT(names); count++)
        names[count] = p->tokens[count].name;
    for (size_t i = 0; i < k->token_count; i++) {
        bool known = false;
        for (size_t t = 0; t < count; t++)
            known = known || strcmp(k->tokens[i], names[t]) == 0;
        schema_suggestion(k->tokens[i], names, count, suggestion, sizeof(suggestion));
        if (!known)
            return tree_error(value, err, "token '%s' is not among this plan's tokens%s", k->tokens[i],
                              suggestion);
        if (!k->token_roles[i] && !(k->token_roles[i] = strdup(k->role))) return err_set_no_memory(err);
    }
    if (k->label) return true;
    int n =
        k->version ? asprintf(&k->label, "%s-%u", k->name, k->version) : asprintf(&k->label, "%s", k->name);
    if (n >= 0) return true;
    k->label = NULL;
    return err_set_no_memory(err);
}

static bool on_one_token(const struct plan_key *a, const struct plan_key *b)
{
    for (size_t i = 0; i < a->token_count; i++) {
        for (size_t j = 0; j < b->token_count; j++) {
            if (strcmp(a->tokens[i], b->tokens[j]) == 0) return true;
        }
    }
    return false;
}

static bool check_unique(const struct tree_node *value, const struct plan *p, size_t index, struct err *err)
{
    const struct plan_key *k = &p->keys[index];
    for (size_t i = 0; i < index; i++) {
        const struct plan_key *other = &p->keys[i];
        if (strcmp(k->name, other->name) == 0 && k->version == other->version)
            return tree_error(value, err, "key %s version %u is named twice; first in line %u", k->name,
                              k->version, other->line);
        if (strcmp(k->label, other->label) == 0 && on_one_token(k, other))
            return tree_error(value, err, "label '%s' would stand twice on one token; first in line %u",
                              k->label, other->line);
    }
    return true;
}

static unsigned last_line(const struct tree_node *value)
{
    unsigned last = value->line;
    for (size_t i = 0; i < value->count; i++) {
        unsigned inner = last_line(&value->items[i]);
        if (inner > last) last = inner;
    }
    return last;
}

static bool read_key(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_key *k = into;
    k->line = value->line;
    k->last_line = last_line(value);
    return schema_bind(value, &key_schema, k, err) && check_shape(value, k, err);
}

bool plan_read_keys(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct plan_key), KEYS_MAX, read_key};
    struct plan *p = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &p->key_count, err);
    p->keys = array;
    for (size_t i = 0; ok && i < p->key_count; i++) {
        struct plan_key *k = &p->keys[i];
        ok = fill_in(&value->items[i], p, k, err) && check_components(&value->items[i], p, k, err) &&
             check_unique(&value->items[i], p, i, err) && plan_check_life(&value->items[i], p, k, err);
    }
    return ok;
}

void plan_key_release(struct plan_key *k)
{
    for (size_t i = 0; i < k->component_count; i++) {
        free(k->components[i].custodian);
        free(k->components[i].text);
    }
    schema_texts_free(k->tokens, k->token_count);
    schema_texts_free(k->token_roles, k->token_count);
    free(k->name);
    free(k->role);
    free(k->algorithm);
    free(k->label);
    free(k->method);
    free(k->purpose);
    free(k->not_before);
    free(k->not_after);
    free(k->public_path);
    plan_hand_overs_release(k);
}
