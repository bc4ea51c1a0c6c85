/* config/plan.h - a ceremony's plan: everything that officers enter, see and make comes from this one YAML
 * file (docs/FORMATS.md, "Ceremony plans"). */
#ifndef CONFIG_PLAN_H
#define CONFIG_PLAN_H

#include "config/job.h"

enum key_origin { ORIGIN_GENERATE, ORIGIN_COMPONENTS };
enum component_source {
    COMPONENT_PROMPT,
    COMPONENT_FILE /* 0600 */,
    COMPONENT_TEST /* published TEST value in the plan itself */
};

struct plan_component {
    char *custodian;
    enum component_source source;
    char *text; /* file's path, or the TEST value in hex */
    uint8_t kcv[5];
    size_t kcv_len; /* 0: not given */
};
struct plan_token {
    char *name; /* "issuer", "bureau" */
    struct token_settings token;
    bool initialise; /* make the token if it is not there (soft tokens) */
    char *so_pin;    /* pin source */
};
struct plan_key {
    char *name;         /* "KML" */
    uint16_t version;   /* 0: none (pairs) */
    char *role;         /* hsm_role_find reads it */
    char *algorithm;    /* hsm_algorithm_find; "rsa" for pairs */
    char *label;        /* default: name-version; a key without version: name */
    char **tokens;      /* names of the tokens on which it is made or imported; KEK: role differs per token */
    char **token_roles; /* one per token; equals role unless given */
    size_t token_count;
    enum key_origin origin;
    struct plan_component components[3];
    size_t component_count;
    uint8_t kcv[5];
    size_t kcv_len; /* expected; 0: not given */
    unsigned bits;  /* pairs */
    unsigned long exponent;
    char *method; /* masters: the one derivation method, for the keys file and the lint */
    unsigned line;
};
struct plan_certificate {
    char *issuer_key; /* name of an issuer pair in the plan */
    char *ca_key;     /* name of a TEST scheme CA pair in the plan, or NULL */
    char *rid;        /* 5 bytes hex */
    uint8_t ca_index;
    char *issuer_digits;
    char *expiry, *ca_expiry; /* MMYY */
    uint8_t serial[3];
    char *certificate_path, *ca_path; /* written */
    unsigned line;
};
struct plan {
    char *path, *name;
    bool test;                  /* everything in it is TEST */
    bool allow_clear_key_block; /* key blocks of TR-31: keys pass through the process in clear */
    struct plan_token *tokens;
    size_t token_count;
    struct plan_key *keys;
    size_t key_count;
    struct plan_certificate *certificates;
    size_t certificate_count;
    char *issuer;      /* digits, for KEK identifiers */
    char *keys_file;   /* TEST plans: write the keys file for independent readers; NULL: none */
    char *signer_file; /* PEM public key of the signing pair; NULL: not written */
};
/* Reads a plan. False (ERR_CONFIG): `file:line:column: message`; roles are text here, hsm_role_find knows
 * them. */
MUST_CHECK bool plan_load(struct plan **out, const char *path, struct err *err);
/* The same from memory; `name` stands for the file in messages. */
MUST_CHECK bool plan_parse(struct plan **out, const char *name, const void *text, size_t len,
                           struct err *err);
void plan_free(struct plan *p);

#endif
