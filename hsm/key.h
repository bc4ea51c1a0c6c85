/* hsm/key.h - keys as handles: found by label and checked, made, destroyed. Key bytes never come here, save for
 * hsm_key_import, the ceremony's door for components and key blocks (named exceptions 2 and 3); published test keys of
 * blank cards, which are no secret, take it too (bureau/ring.c). */
#ifndef HSM_KEY_H
#define HSM_KEY_H

#include "base/buf.h"
#include "base/secret.h"
#include "hsm/role.h"
#include "hsm/token.h"

struct hsm_key {
    unsigned long handle; /* 0: none */
    enum hsm_algorithm algorithm;
};
#define HSM_KEY_NONE                                                                                         \
    {                                                                                                        \
        0, HSM_GENERIC                                                                                       \
    }

enum { HSM_KCV_MAX = 5, HSM_SPKI_MAX = 1024, HSM_MODULUS_MAX = 512 };

/* A key as configuration names it. */
struct hsm_key_ref {
    const char *name;  /* for messages: "KML" */
    const char *label; /* CKA_LABEL; or NULL when uri is given */
    const char *uri;   /* RFC 7512 object URI, or NULL */
    enum hsm_role role;
    enum hsm_algorithm algorithm;
    uint8_t kcv[HSM_KCV_MAX];
    size_t kcv_len; /* 3 or 5; 0: not checked here (pairs are checked by their public part) */
    /* CKA_DESTROYABLE=false, where the token honours it: made so, and checked to be so. Such a key leaves only with its
     * token; false asks for nothing and accepts either. For keys on the token. */
    bool keep;
};

/* Finds the one key, checks every attribute against its role and its check value. False (ERR_TOKEN): none, more than one,
 * another algorithm or size, an attribute wider than the role (`key 'KML' is extractable`), another check value. */
MUST_CHECK bool hsm_key_find(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_key *out,
                             struct err *err);
/* Compares attributes with the role only. Attributes that a token does not honour are skipped as its profile says. */
MUST_CHECK bool hsm_key_check_role(struct hsm_token *t, const struct hsm_key_ref *ref,
                                   const struct hsm_key *key, struct err *err);

/* Generates a secret key: on the token for roles that live there (label unique, else false), else in the session. */
MUST_CHECK bool hsm_key_generate(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_key *out,
                                 struct err *err);
/* Imports a combined key value under its role. DES values get odd parity. value stays the caller's. */
MUST_CHECK bool hsm_key_import(struct hsm_token *t, const struct hsm_key_ref *ref, const struct secret *value,
                               struct hsm_key *out, struct err *err);
/* Destroys a session or token object; harmless when none; on failure the token is marked broken, not reported. */
void hsm_key_destroy(struct hsm_token *t, struct hsm_key *key);
/* Is there an object with this label? */
MUST_CHECK bool hsm_key_exists(struct hsm_token *t, const char *label, bool *exists, struct err *err);

/* Key check values, computed by an operation, never read from CKA_CHECK_VALUE.
 * DES: 3 bytes of TDES(00×8). AES: 5 bytes of CMAC(00×16). Keys that may only derive: by the check-value derivation. */
MUST_CHECK bool hsm_kcv(struct hsm_token *t, const struct hsm_key *key, enum hsm_role role,
                        uint8_t out[HSM_KCV_MAX], size_t *len, struct err *err);
/* The modulus of a private key, which is public and what its check value is made of; without leading zeros. */
MUST_CHECK bool hsm_private_modulus(struct hsm_token *t, const struct hsm_key *key,
                                    uint8_t out[HSM_MODULUS_MAX], size_t *len, struct err *err);
/* GlobalPlatform's AES check value for cards: first 3 bytes of E(01×16). Card keys only. */
MUST_CHECK bool hsm_kcv_gp(struct hsm_token *t, const struct hsm_key *key, uint8_t out[3], struct err *err);

/* RSA pairs. e is 3 or 65537, bits 512–4096. */
struct hsm_pair {
    struct hsm_key private_key, public_key;
    uint8_t modulus[HSM_MODULUS_MAX];
    size_t modulus_len; /* without leading zeros */
    uint8_t exponent[4];
    size_t exponent_len;
};
/* A public key by its numbers, wherever its private part is. */
struct hsm_public {
    uint8_t modulus[HSM_MODULUS_MAX];
    size_t modulus_len; /* without leading zeros */
    uint8_t exponent[4];
    size_t exponent_len;
};
struct hsm_pair_ref {
    struct hsm_key_ref key;
    unsigned bits;
    unsigned long exponent;
};
MUST_CHECK bool hsm_pair_generate(struct hsm_token *t, const struct hsm_pair_ref *ref, struct hsm_pair *out,
                                  struct err *err);
/* Finds private and public part by label, checks the role, reads modulus and exponent. */
MUST_CHECK bool hsm_pair_find(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_pair *out,
                              struct err *err);
void hsm_pair_destroy(struct hsm_token *t, struct hsm_pair *pair);
/* DER SubjectPublicKeyInfo of the pair's public part (hsm/public.h for a public key alone). */
MUST_CHECK bool hsm_pair_spki(const struct hsm_pair *pair, struct buf *out, struct err *err);

#endif
