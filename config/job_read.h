/* config/job_read.h - inside config/: readers that jobs and ceremony plans share, and the parts of a job's
 * reading. */
#ifndef CONFIG_JOB_READ_H
#define CONFIG_JOB_READ_H

#include "config/job.h"
#include "config/schema.h"

struct canonical;

/* schema_read_fn of whole mappings. */
schema_read_fn job_read_token;        /* struct token_settings */
schema_read_fn job_read_input;        /* struct input_settings */
schema_read_fn job_read_joins;        /* struct job */
schema_read_fn job_read_keys;         /* struct job */
schema_read_fn job_read_issuer_keys;  /* struct job */
schema_read_fn job_read_kek;          /* struct key_settings */
schema_read_fn job_read_signing_key;  /* struct key_settings */
schema_read_fn job_read_applications; /* struct job */
schema_read_fn job_read_groups;       /* struct job */
schema_read_fn job_read_carry;        /* struct job */
/* And of single values. */
schema_read_fn job_read_issuer;    /* char *, 3–8 digits */
schema_read_fn job_read_algorithm; /* char *, one of des2 des3 aes128 aes192 aes256 */
schema_read_fn job_read_pin;       /* char *, a PIN source, its path resolved */
schema_read_fn
    job_read_module;         /* char *, a path resolved; a name without '/' is left to the dynamic linker */
schema_read_fn job_read_uri; /* char *, pkcs11: without a PIN in it */
schema_read_fn job_read_key_name; /* char *, as tags C3 and CD hold it */
schema_read_fn job_read_version;  /* uint16_t from 1 */
schema_read_fn job_read_key_kcv;  /* the check value of a struct key_settings */
/* Either a label or a URI. */
MUST_CHECK bool job_check_reference(const struct tree_node *value, const char *label, const char *uri,
                                    struct err *err);
/* Has the check value the length that goes with the algorithm? */
MUST_CHECK bool job_check_kcv(const struct tree_node *value, const struct key_settings *k, struct err *err);
/* Is this a complete choice of a token? Fills in `pin: prompt`. */
MUST_CHECK bool job_check_token(const struct tree_node *value, struct token_settings *t, struct err *err);
/* A check value of 3 or 5 bytes. */
MUST_CHECK bool job_read_kcv(const struct tree_node *value, uint8_t kcv[5], size_t *len, struct err *err);

/* A mapping of free names: name → text. */
MUST_CHECK bool job_read_renames(const struct tree_node *value, struct field_rename **out, size_t *count,
                                 struct err *err);

/* Bytes of the check value that goes with an algorithm: 3 or 5. */
size_t job_kcv_len(const char *algorithm);
/* Loads what a bound job names: profiles, certificates, CA keys. */
MUST_CHECK bool job_resolve(struct job *j, struct err *err);

void token_settings_release(struct token_settings *t);
void key_settings_release(struct key_settings *k);
void input_settings_release(struct input_settings *in);
void renames_free(struct field_rename *renames, size_t count);
void job_applications_free(struct job_application *applications, size_t count);

#endif
