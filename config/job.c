#include "config/job.h"

#include <stdlib.h>
#include <string.h>

#include "config/job_read.h"

enum { RETIRE_AFTER_DEFAULT = 20000, CARD_TIMEOUT_DEFAULT_S = 120, WORKERS_MAX = 256, TIMEOUT_MAX_S = 86400 };

static bool read_name(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    bool ok = strlen(text) <= JOB_NAME_MAX;
    for (size_t i = 0; ok && text[i]; i++)
        ok = text[i] >= 0x20 && text[i] < 0x7F;
    if (!ok) return tree_error(value, err, "a job's name has 1 to %d ASCII characters", JOB_NAME_MAX);
    return schema_text(value, into, err);
}

static bool read_card_key_token(const struct tree_node *value, void *into, struct err *err)
{
    struct job *j = into;
    j->separate_card_key_token = true;
    return job_read_token(value, &j->card_key_token, err);
}

static const struct schema_field token_fields[] = {
    {"master", SCHEMA_REQUIRED, job_read_token, offsetof(struct job, master_token)},
    {"card_keys", SCHEMA_OPTIONAL, read_card_key_token, 0},
};
static const struct schema token_schema = SCHEMA("the tokens", token_fields);

static bool read_tokens(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &token_schema, into, err);
}

static const struct schema_field counter_fields[] = {
    {"file", SCHEMA_REQUIRED, schema_file, offsetof(struct job, counter_path)},
    {"first", SCHEMA_OPTIONAL, schema_u64, offsetof(struct job, counter_first)},
};
static const struct schema counter_schema = SCHEMA("the counter", counter_fields);

static bool read_counter(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &counter_schema, into, err);
}

static bool read_on_bad_record(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"stop", "set-aside"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum on_bad_record *)into = index ? BAD_RECORD_SET_ASIDE : BAD_RECORD_STOP;
    return true;
}

static const struct schema_field output_fields[] = {
    {"file", SCHEMA_REQUIRED, schema_file, offsetof(struct job, output_path)},
    {"set_aside", SCHEMA_OPTIONAL, schema_file, offsetof(struct job, set_aside_path)},
};
static const struct schema output_schema = SCHEMA("the output", output_fields);

static bool read_output(const struct tree_node *value, void *into, struct err *err)
{
    struct job *j = into;
    if (!schema_bind(value, &output_schema, j, err)) return false;
    if (j->on_bad_record == BAD_RECORD_SET_ASIDE && !j->set_aside_path)
        return tree_error(value, err,
                          "'on_bad_record: set-aside' needs 'set_aside', a file for the refused records");
    return true;
}

static bool read_signers(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(char *), 64, schema_file};
    struct job *j = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &j->signer_count, err);
    j->signer_paths = array;
    return ok;
}

static bool read_workers(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, WORKERS_MAX, &number, err)) return false;
    *(unsigned *)into = (unsigned)number;
    return true;
}

static bool read_retire_after(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, INT32_MAX, &number, err)) return false;
    *(unsigned *)into = (unsigned)number;
    return true;
}

static bool read_timeout(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 1, TIMEOUT_MAX_S, &number, err)) return false;
    *(unsigned *)into = (unsigned)number;
    return true;
}

/* What others name comes first: issuer keys before applications, the chip's MIC before groups. */
static const struct schema_field fields[] = {
    {"job", SCHEMA_REQUIRED, read_name, offsetof(struct job, name)},
    {"issuer", SCHEMA_REQUIRED, job_read_issuer, offsetof(struct job, issuer)},
    {"chip_mic", SCHEMA_OPTIONAL, schema_mic, offsetof(struct job, chip_mic)},
    {"tokens", SCHEMA_REQUIRED, read_tokens, 0},
    {"kek", SCHEMA_REQUIRED, job_read_kek, offsetof(struct job, kek)},
    {"keys", SCHEMA_OPTIONAL, job_read_keys, 0},
    {"signing_key", SCHEMA_REQUIRED, job_read_signing_key, offsetof(struct job, signing_key)},
    {"issuer_keys", SCHEMA_OPTIONAL, job_read_issuer_keys, 0},
    {"input", SCHEMA_REQUIRED, job_read_input, offsetof(struct job, input)},
    {"object_id", SCHEMA_OPTIONAL, schema_text, offsetof(struct job, object_id_field)},
    {"join", SCHEMA_OPTIONAL, job_read_joins, 0},
    {"groups", SCHEMA_OPTIONAL, job_read_groups, 0},
    {"carry", SCHEMA_OPTIONAL, job_read_carry, 0},
    {"applications", SCHEMA_REQUIRED, job_read_applications, 0},
    {"counter", SCHEMA_OPTIONAL, read_counter, 0},
    {"audit_log", SCHEMA_OPTIONAL, schema_file, offsetof(struct job, audit_log)},
    {"strict", SCHEMA_OPTIONAL, schema_flag, offsetof(struct job, strict)},
    {"on_bad_record", SCHEMA_OPTIONAL, read_on_bad_record, offsetof(struct job, on_bad_record)},
    {"output", SCHEMA_REQUIRED, read_output, 0},
    {"signers", SCHEMA_OPTIONAL, read_signers, 0},
    {"workers", SCHEMA_OPTIONAL, read_workers, offsetof(struct job, workers)},
    {"retire_after", SCHEMA_OPTIONAL, read_retire_after, offsetof(struct job, retire_after)},
    {"card_timeout", SCHEMA_OPTIONAL, read_timeout, offsetof(struct job, card_timeout_s)},
};
static const struct schema schema = SCHEMA("the job", fields);

/* The chip's MIC is that of the output unless an input says otherwise. */
static bool fill_in(struct job *j, struct err *err)
{
    if (!j->chip_mic && !(j->chip_mic = strdup(MIC_CHIP_DEFAULT))) return err_set_no_memory(err);
    struct input_settings *input = &j->input;
    for (size_t i = 0; i <= j->join_count; i++) {
        if (!input->chip_mic && !(input->chip_mic = strdup(j->chip_mic))) return err_set_no_memory(err);
        if (i < j->join_count) input = &j->joins[i].input;
    }
    return true;
}

static bool from_document(struct job **out, const char *name, const struct tree_document *d, struct err *err)
{
    struct job *j = calloc(1, sizeof(*j));
    if (!j || !(j->path = strdup(name))) {
        free(j);
        return err_set_no_memory(err);
    }
    j->counter_first = 1;
    j->retire_after = RETIRE_AFTER_DEFAULT;
    j->card_timeout_s = CARD_TIMEOUT_DEFAULT_S;
    bool ok = schema_bind(tree_root(d), &schema, j, err) && fill_in(j, err);
    if (ok)
        *out = j;
    else
        job_free(j);
    return ok;
}

bool job_parse(struct job **out, const char *name, const void *text, size_t len, struct err *err)
{
    struct tree_document *d = NULL;
    bool ok = tree_parse(&d, name, text, len, err) && from_document(out, name, d, err);
    tree_free(d);
    return ok;
}

bool job_load(struct job **out, const char *path, struct err *err)
{
    struct tree_document *d = NULL;
    struct job *j = NULL;
    bool ok = tree_load(&d, path, err) && from_document(&j, path, d, err) && job_resolve(j, err);
    tree_free(d);
    if (ok)
        *out = j;
    else
        job_free(j);
    return ok;
}

static void release_lists(struct job *j)
{
    for (size_t i = 0; j->keys && i < j->key_count; i++)
        key_settings_release(&j->keys[i]);
    for (size_t i = 0; j->issuer_keys && i < j->issuer_key_count; i++) {
        struct issuer_key_settings *k = &j->issuer_keys[i];
        free(k->name);
        free(k->label);
        free(k->uri);
        free(k->certificate_path);
        free(k->ca_path);
    }
    for (size_t i = 0; j->joins && i < j->join_count; i++) {
        free(j->joins[i].name);
        input_settings_release(&j->joins[i].input);
        free(j->joins[i].key_column);
        free(j->joins[i].key_field);
    }
    for (size_t i = 0; j->groups && i < j->group_count; i++) {
        free(j->groups[i].mic);
        template_free(j->groups[i].text);
        free(j->groups[i].file_field);
    }
    free(j->keys);
    free(j->issuer_keys);
    free(j->joins);
    free(j->groups);
    schema_texts_free(j->carry_mics, j->carry_mic_count);
    schema_texts_free(j->signer_paths, j->signer_count);
    job_applications_free(j->applications, j->application_count);
}

void job_free(struct job *j)
{
    if (!j) return;
    release_lists(j);
    token_settings_release(&j->master_token);
    token_settings_release(&j->card_key_token);
    key_settings_release(&j->kek);
    key_settings_release(&j->signing_key);
    input_settings_release(&j->input);
    free(j->path);
    free(j->name);
    free(j->issuer);
    free(j->chip_mic);
    free(j->object_id_field);
    free(j->counter_path);
    free(j->audit_log);
    free(j->output_path);
    free(j->set_aside_path);
    free(j);
}

const struct key_settings *job_key(const struct job *j, const char *name, uint16_t version)
{
    const struct key_settings *found = NULL;
    for (size_t i = 0; i < j->key_count; i++) {
        const struct key_settings *k = &j->keys[i];
        bool wanted = strcmp(k->name, name) == 0 &&
                      (version ? k->version == version : !found || k->version > found->version);
        if (wanted) found = k;
    }
    return found;
}
