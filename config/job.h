/* config/job.h - a job: what one run prepares, as a YAML file (docs/FORMATS.md, "Jobs"). Paths in it are
 * relative to the job's folder. Parsing only: nothing here decides. */
#ifndef CONFIG_JOB_H
#define CONFIG_JOB_H

#include "config/certificate_file.h"
#include "config/profile.h"
#include "formats/mic.h"
#include "formats/table.h"

/* A token as configuration names it; texts are owned by the job. */
struct token_settings {
    char *module, *uri, *label, *serial, *parameters; /* NULL when absent */
    char *pin;                                        /* "prompt", "file:PATH", "fd:N", "credential:NAME" */
};

/* A key by reference with its expected check value. Never a value. */
struct key_settings {
    char *name; /* "KML" */
    uint16_t version;
    char *algorithm;   /* "des2", "aes128", … (hsm_algorithm_find reads it) */
    char *label, *uri; /* one of them */
    uint8_t kcv[5];
    size_t kcv_len;
    unsigned line;
};

struct issuer_key_settings {
    char *name, *label, *uri;
    char *certificate_path, *ca_path;
    struct certificate_file certificate; /* loaded and recovered with the CA key by job_load */
    struct ca_key_file ca;
};

enum input_format { INPUT_CSV, INPUT_FIXED, INPUT_MIC };
/* `fields`: name in the job → column of the input. Columns not named keep their own name. */
struct field_rename {
    char *field, *column;
};
struct input_settings {
    enum input_format format;
    char *path;
    struct csv_settings csv;
    char **columns; /* CSV without header */
    size_t column_count;
    struct fixed_column *fixed;
    size_t fixed_count;
    struct mic_framing framing;
    char *chip_mic;
    struct field_rename *renames;
    size_t rename_count;
    /* MIC input: fields cut out of other modules' groups, by position. */
    struct mic_field {
        char *field, *mic;
        size_t start, len;
        bool trim;
    } * mic_fields;
    size_t mic_field_count;
};
enum on_missing { ON_MISSING_ERROR, ON_MISSING_EMPTY };
enum on_unused { ON_UNUSED_REPORT, ON_UNUSED_ERROR, ON_UNUSED_IGNORE };
struct join_settings {
    char *name;
    struct input_settings input;
    char *key_column; /* in the joined input */
    char *key_field;  /* in the main record */
    enum on_missing missing;
    enum on_unused unused;
};

struct job_group_template {
    char *mic;
    struct template *text;
    char *file_field; /* or the content of a file named by a field; NULL */
};

enum protect { PROTECT_SEAL, PROTECT_NONE };
struct job_application {
    uint8_t aid[AID_MAX];
    size_t aid_len;
    char *name;              /* for messages; the profile's name unless the job gives one */
    char *profile_path;      /* as the job has it: a path, or the name of a profile (see job_load) */
    struct profile *profile; /* NULL: an open entry is sealed as it stands, its elements loose behind C1 */
    char *issuer_key_name;   /* NULL: none */
    int issuer_key;          /* index into issuer_keys, or -1 */
    bool optional, replace;
    enum protect protect;
    struct field_rename *fields; /* profile's field → job's field */
    size_t field_count;
    unsigned line;
};

enum on_bad_record { BAD_RECORD_STOP, BAD_RECORD_SET_ASIDE };
enum carry { CARRY_ALL, CARRY_LISTED, CARRY_NOT_LISTED };

struct job {
    char *path;
    char *name;
    char *issuer; /* 3–8 digits */
    char *chip_mic;
    struct token_settings master_token, card_key_token;
    bool separate_card_key_token;
    struct key_settings kek; /* version is the KEK's; algorithm aes256 … */
    struct key_settings *keys;
    size_t key_count;
    struct key_settings signing_key;
    struct issuer_key_settings *issuer_keys;
    size_t issuer_key_count;
    struct input_settings input;
    char *object_id_field; /* NULL: default identifiers */
    struct join_settings *joins;
    size_t join_count;
    struct job_group_template *groups;
    size_t group_count;
    enum carry carry;
    char **carry_mics;
    size_t carry_mic_count;
    struct job_application *applications;
    size_t application_count;
    char *counter_path;     /* NULL: the job has no counter */
    uint64_t counter_first; /* where a new counter file starts */
    char *audit_log;        /* NULL: the job has none */
    bool strict;
    enum on_bad_record on_bad_record;
    char *output_path, *set_aside_path;
    char **signer_paths; /* PEM public keys that may have sealed the input */
    size_t signer_count;
    unsigned workers;      /* 0: number of cores */
    unsigned retire_after; /* cards per worker process */
    unsigned card_timeout_s;
};

/* Reads the job, its profiles, certificates and CA keys. A profile that is named without '/' and '.yaml' is
 * looked for as NAME.yaml beside the job, in profiles/ beside it, and in the program's data folder. False
 * (ERR_CONFIG): `file:line:column: message`; ERR_FILE: a file cannot be read; ERR_INTEGRITY: a certificate
 * that its CA key does not recover. */
MUST_CHECK bool job_load(struct job **out, const char *path, struct err *err);
/* The job's own text alone, from memory: profiles, certificates and CA keys stay unread. */
MUST_CHECK bool job_parse(struct job **out, const char *name, const void *text, size_t len, struct err *err);
void job_free(struct job *j);
/* The settings of a loaded job in canonical form (config/canonical.h; defaults filled in, profiles,
 * certificates and CA keys included), and its SHA-256. What cannot change a record is left out: paths,
 * tokens, labels of keys with a check value, PINs, workers, time limits, trusted signers. */
MUST_CHECK bool job_canonical(const struct job *j, struct buf *out, struct err *err);
MUST_CHECK bool job_settings_hash(const struct job *j, uint8_t out[32], struct err *err);
/* As profile_lint, over a loaded job and its profiles: certificate expiry chain, N_CA/N_I/N_IC sizes, one
 * method per master version, masters that no key names, issuer digits, fields that no input gives. `columns`
 * are the names of all fields that a record has, after renaming: main input, joins, MIC fields; NULL while
 * the inputs' headers have not been read: then fields are checked only where the job itself says what every
 * input gives. */
size_t job_lint(const struct job *j, const char *const *columns, size_t column_count, struct buf *findings);
/* One warning for each of these fields that nothing of the job asks for: a misspelt column would otherwise leave
 * its element to a default in silence. Names as for job_lint. */
void job_unused_fields(const struct job *j, const char *const *fields, size_t count, struct buf *findings);
/* Key by name and version (0: newest). NULL: none. */
const struct key_settings *job_key(const struct job *j, const char *name, uint16_t version);

#endif
