/* config/plan.h - a ceremony's plan: everything that officers enter, see and make comes from this one YAML
 * file (docs/FORMATS.md, "Ceremony plans"). */
#ifndef CONFIG_PLAN_H
#define CONFIG_PLAN_H

#include "base/digest.h"
#include "config/job.h"

enum key_origin {
    ORIGIN_GENERATE,
    ORIGIN_COMPONENTS,
    ORIGIN_KEY_BLOCK, /* comes from a partner, in a block of TR-31 (cardkeys key-block import) */
};
enum component_source {
    COMPONENT_PROMPT,
    COMPONENT_FILE /* 0600 */,
    COMPONENT_TEST /* published TEST value in the plan itself */,
    COMPONENT_LETTER /* made by the token's generator now, and printed to a letter for its custodian */
};

enum plan_duty { DUTY_OFFICER, DUTY_CUSTODIAN, DUTY_WITNESS, DUTY_COUNT };
/* "officer", "custodian", "witness" */
const char *plan_duty_name(enum plan_duty duty);
struct plan_person {
    char *name;
    enum plan_duty duty;
};

struct plan_component {
    char *custodian;
    enum component_source source;
    char *
        text; /* file's path, the TEST value in hex, or where the letter is printed ("printer:NAME", "fd:N") */
    uint8_t kcv[5];
    size_t kcv_len; /* 0: not given */
};
struct plan_token {
    char *name; /* "issuer", "bureau" */
    char *site; /* where it stands, and so who sits before it; default: its name */
    struct token_settings token;
    bool pin_halves, so_pin_halves; /* two officers type a half each; the token's `pin` is then "prompt" */
    bool initialise;                /* make the token if it is not there (soft tokens) */
    char *so_pin;                   /* pin source */
};
/* A copy for the token `to`, made in the sitting in which the key is made (docs/formats/plans.md). */
struct plan_hand_over {
    char *to;    /* a token of the key beside its first */
    char *under; /* name of a transport key, or of the receiver's key-exchange pair */
    char *path;  /* the hand-over file */
    unsigned line;
};
enum { PLAN_HAND_OVERS_MAX = 8 };
/* How much a master may encrypt: 8-byte blocks (TDES) or 16-byte blocks (AES). */
struct plan_limit {
    uint64_t blocks; /* 0: not given */
    bool stop;       /* beyond it a run is refused; else it warns and goes on */
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
    char *method;                 /* masters: the one derivation method, for the keys file and the lint */
    char *purpose;                /* one sentence for the people who make it, or NULL */
    char *not_before, *not_after; /* YYYY-MM-DD, or NULL */
    struct plan_limit limit;
    bool keep; /* may not be destroyed: leaves only with its token */
    struct plan_hand_over hand_overs[PLAN_HAND_OVERS_MAX];
    size_t hand_over_count;
    char *public_path;        /* pairs: PEM file of the public part; NULL: not written */
    unsigned line, last_line; /* of its text in the plan */
};
/* A signing pair whose public part another site takes as that of the files which it accepts. */
struct plan_trust {
    char *signer; /* name of a signing pair of the plan */
    char *at;     /* token */
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
    uint8_t hash[SHA256_LEN]; /* of the text as it was read */
    bool test;                /* everything in it is TEST */
    struct plan_token *tokens;
    size_t token_count;
    struct plan_key *keys;
    size_t key_count;
    struct plan_certificate *certificates;
    size_t certificate_count;
    struct plan_person *people;
    size_t person_count;
    struct plan_trust *trusts;
    size_t trust_count;
    char *issuer;      /* digits, for KEK identifiers */
    char *audit_log;   /* where what happens is written down; default: PLAN's name with .audit.jsonl */
    char *report_file; /* default: PLAN's name with .report.txt */
    bool dual_control; /* every PIN is typed in two halves */
    bool allow_clear_key_block; /* TR-31: a key's value may be in the program's memory (docs/THREATS.md) */
    char *keys_file;            /* TEST plans: write the keys file for independent readers; NULL: none */
    char *signer_file;          /* PEM public key of the signing pair; NULL: not written */
};
/* Reads a plan. False (ERR_CONFIG): `file:line:column: message`; roles are text here, hsm_role_find knows
 * them. */
MUST_CHECK bool plan_load(struct plan **out, const char *path, struct err *err);
/* The same from memory; `name` stands for the file in messages. */
MUST_CHECK bool plan_parse(struct plan **out, const char *name, const void *text, size_t len,
                           struct err *err);
void plan_free(struct plan *p);

#endif
