/* tests/e2e/attacker/ - somebody who holds a token and its user PIN (or no PIN), and makes raw Cryptoki calls against the keys
 * that a ceremony made. Nothing of the product is used but names of return values and hex digits: this is a foreign program.
 *
 *   attacker MODULE PARAMETERS|- TOKEN PIN-FILE|- SET [ARGUMENT…]
 *
 * A set of attacks (main.c) is tried on every key of the token. Each attack on a key gives one line of four columns with
 * tabs between: attack, key, "refused" or "through: what, what", and the return values of what was refused. */
#ifndef E2E_ATTACKER_H
#define E2E_ATTACKER_H

#include <stdbool.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

enum { KEYS_MAX = 64, NAME_MAX_LEN = 96, BLOBS_MAX = 8, BLOB_MAX = 1024, TEXT_MAX = 4096 };

struct key {
    CK_OBJECT_HANDLE handle;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    char label[NAME_MAX_LEN];
    char name[NAME_MAX_LEN + 16]; /* the label; "(public)" behind that of a public key */
};
/* A wrapped key that the attacker found on its way. */
struct blob {
    const char *name;
    uint8_t bytes[BLOB_MAX];
    CK_ULONG len;
};
struct attacker {
    CK_FUNCTION_LIST *fn;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    struct key keys[KEYS_MAX];
    size_t key_count;
    struct blob blobs[BLOBS_MAX];
    size_t blob_count;
};

/* token.c. Each says on stderr what is wrong. */
bool attacker_start(struct attacker *a, char **argv); /* module, parameters, token, PIN file */
void attacker_end(struct attacker *a);
bool attacker_look(struct attacker *a); /* fills keys with the token objects that can be seen */
/* The key of this name; NULL, said on stderr. */
const struct key *attacker_key(const struct attacker *a, const char *name);
CK_BBOOL attacker_bool(const struct attacker *a, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

/* own.c: session keys of the attacker's, which may do everything. */
enum own_kind { OWN_READABLE, OWN_SENSITIVE };
/* 0: refused. */
CK_OBJECT_HANDLE own_secret(const struct attacker *a, CK_KEY_TYPE type, const uint8_t *value, CK_ULONG len,
                            enum own_kind kind);
bool own_pair(const struct attacker *a, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private);
/* CKA_VALUE; *len is room before, length after. */
CK_RV own_read(const struct attacker *a, CK_OBJECT_HANDLE key, uint8_t *out, CK_ULONG *len);

/* mechanism.c: mechanisms with parameters that fit. */
enum { FOR_CIPHER = 1, FOR_SIGN = 2, FOR_WRAP = 4, FOR_DERIVE = 8 };
struct mechanism_row {
    const char *name;
    CK_MECHANISM_TYPE type;
    unsigned uses;
    int parameter;
};
extern const struct mechanism_row mechanisms[];
extern const size_t mechanism_count;
/* Valid while p is. `other` is a second key for mechanisms that join two; `bit` where extraction begins. */
struct mechanism {
    CK_MECHANISM m;
    uint8_t data[32];
    union {
        uint8_t iv[16];
        CK_ULONG bit;
        CK_OBJECT_HANDLE other;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        CK_RSA_PKCS_PSS_PARAMS pss;
        CK_AES_CTR_PARAMS ctr;
        CK_KEY_DERIVATION_STRING_DATA string;
        CK_DES_CBC_ENCRYPT_DATA_PARAMS des_cbc;
        CK_AES_CBC_ENCRYPT_DATA_PARAMS aes_cbc;
    } p;
};
void mechanism_set(struct mechanism *m, const struct mechanism_row *row, CK_OBJECT_HANDLE other,
                   CK_ULONG bit);
const struct mechanism_row *mechanism_named(CK_MECHANISM_TYPE type);

/* tally.c: what an attack's tries on one key gave. */
struct tally {
    char through[TEXT_MAX];
    struct {
        CK_RV rv;
        unsigned count;
    } refused[24];
    size_t refused_count;
    unsigned tries;
};
#define TALLY_NONE                                                                                           \
    {                                                                                                        \
        .through = ""                                                                                        \
    }
/* What worked is listed by the name, made as by printf. */
void tally_add(struct tally *t, CK_RV rv, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Granted, and without any effect. */
void tally_without_effect(struct tally *t);
/* The line; nothing if nothing was tried. */
void tally_print(const struct tally *t, const char *attack, const struct key *k);

/* The sets: each tries its attacks on every key. */
void attack_values(struct attacker *a);     /* attributes.c */
void attack_attributes(struct attacker *a); /* changes what lets itself be changed */
void attack_uses(struct attacker *a);       /* use.c */
void attack_oracles(struct attacker *a);
void attack_wrapping(struct attacker *a); /* wrap.c */
void attack_twisting(struct attacker *a);
void attack_unwrapping(struct attacker *a); /* unwrap.c: the blobs */
void attack_deriving(struct attacker *a);   /* derive.c */
void attack_sight(struct attacker *a);      /* replace.c: what is seen, and what can be destroyed */
/* One deed, for others to notice. False, said on stderr: refused. */
bool deed_card_key(struct attacker *a,
                   char **arguments); /* MASTER KEK: prints a derived key wrapped under the KEK */
bool deed_replace(struct attacker *a,
                  char **arguments); /* KEY: in its place one of its kind, attribute by attribute */
bool deed_twin(struct attacker *a, char **arguments);   /* KEY: beside it another of its label */
bool deed_secret(struct attacker *a, char **arguments); /* LABEL: a secret key of this label */
bool deed_public(struct attacker *a, char **arguments); /* LABEL: a public key of this label */
bool deed_data(struct attacker *a, char **arguments);   /* LABEL HEX yes|no: a data object, private or not */

#endif
