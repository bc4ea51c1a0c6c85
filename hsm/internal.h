/* hsm/internal.h - what the files of hsm/ share and nobody else sees: Cryptoki's types, the token object, templates.
 * Types come from p11-kit's header; only module.c sees pkcs11-helper's, which declares the same names. */
#ifndef HSM_INTERNAL_H
#define HSM_INTERNAL_H

#include <string.h>

#include <p11-kit/pkcs11.h>

#include "hsm/ckr.h"
#include "hsm/crypto.h"
#include "hsm/key.h"
#include "hsm/module.h"
#include "hsm/probe.h"
#include "hsm/role.h"
#include "hsm/token.h"

/* PKCS #11 v3.0 numbers that the v2.40 header lacks. */
#define HSM_CKM_AES_KEY_WRAP_KWP 0x210BUL

struct hsm_token {
    struct hsm_module *module;
    CK_FUNCTION_LIST *fn;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session; /* the control session: objects of this process live and die with it */
    CK_TOKEN_INFO info;
    char label[33], serial[17], model[96];
    bool broken;    /* the session was lost, or something could not be cleaned up */
    char cause[96]; /* of that */
    CK_RV last;     /* what the last failed call returned */
    struct hsm_profile profile;
};

/* True for CKR_OK; else sets err as hsm_ckr_error does, and marks the token broken if the session is lost. */
MUST_CHECK bool hsm_call(struct hsm_token *t, const char *function, CK_RV rv, struct err *err);
/* "CKM_AES_CMAC", or "CKM_0x…" written to text. */
const char *hsm_mechanism_name(CK_MECHANISM_TYPE m, char text[32]);

/* A template that owns its values, filled in the order of application. */
enum { HSM_TEMPLATE_MAX = 32, HSM_ALLOWED_MAX = 4, HSM_LABEL_MAX = 64, HSM_INNER_MAX = 6 };
struct hsm_template {
    CK_ATTRIBUTE attr[HSM_TEMPLATE_MAX];
    CK_ULONG count;
    CK_BBOOL yes, no;
    CK_ULONG numbers[8];
    size_t number_count;
    CK_MECHANISM_TYPE allowed[HSM_ALLOWED_MAX];
    CK_ATTRIBUTE inner[HSM_INNER_MAX]; /* of the templates within (inner.c) */
    char label[HSM_LABEL_MAX];
    uint8_t exponent[4];
};
void hsm_template_init(struct hsm_template *tp);
void hsm_template_bool(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type, bool value);
void hsm_template_number(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void hsm_template_bytes(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type, void *data, size_t len);
/* CKA_LABEL. False: longer than HSM_LABEL_MAX or empty. */
MUST_CHECK bool hsm_template_label(struct hsm_template *tp, const char *label, struct err *err);

/* Which part of a role is meant. */
enum hsm_part { HSM_PART_SECRET, HSM_PART_PRIVATE, HSM_PART_PUBLIC };
enum hsm_part hsm_part_of(const struct hsm_key_ref *ref);
/* How a secret key comes into being: decides which attributes its template may carry. */
enum hsm_origin { HSM_GENERATED, HSM_DERIVED, HSM_UNWRAPPED, HSM_CREATED };
/* Everything that the role's row says about this part, for a key of `algorithm`; label only for token objects.
 * False (ERR_CONFIG): the role has no row for this part or algorithm. */
MUST_CHECK bool hsm_template_role(struct hsm_token *t, struct hsm_template *tp, const struct hsm_key_ref *ref,
                                  enum hsm_part part, struct err *err);
/* Appends the class, type and length of a secret key. */
void hsm_template_secret(struct hsm_template *tp, enum hsm_algorithm a, enum hsm_origin origin,
                         size_t generic_len);
CK_KEY_TYPE hsm_algorithm_key_type(enum hsm_algorithm a);
/* Does this object carry more, or less, than its role? */
MUST_CHECK bool hsm_template_check(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_part part,
                                   CK_OBJECT_HANDLE object, struct err *err);

/* The templates within a key's template (inner.c): what may be wrapped and unwrapped under it. */
enum hsm_inner {
    HSM_INNER_NONE,
    HSM_INNER_LEAVING,  /* keys leave under it */
    HSM_INNER_ARRIVING, /* keys arrive under it that are to stay */
};
/* Appends them, where the token takes templates. */
void hsm_inner_put(const struct hsm_token *t, struct hsm_template *tp, enum hsm_inner kind);
/* Where the token takes templates: does this object have those, and no other? False (ERR_TOKEN): no. */
MUST_CHECK bool hsm_inner_check(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_inner kind,
                                CK_OBJECT_HANDLE object, struct err *err);

/* CK_MECHANISM without a parameter. */
static inline CK_MECHANISM hsm_mechanism(CK_MECHANISM_TYPE type)
{
    return (CK_MECHANISM){type, NULL, 0};
}

/* Cryptoki takes input bytes through pointers that are not const; it does not write there. */
static inline unsigned char *hsm_bytes(const uint8_t *data)
{
    union {
        const uint8_t *in;
        unsigned char *out;
    } u = {data};
    return u.out;
}

/* One-shot operations into a fixed room; *len is what came out. */
MUST_CHECK bool hsm_sign_once(struct hsm_token *t, CK_MECHANISM_TYPE m, CK_OBJECT_HANDLE key,
                              const uint8_t *data, size_t data_len, uint8_t *out, size_t room, size_t *len,
                              struct err *err);
MUST_CHECK bool hsm_encrypt_once(struct hsm_token *t, CK_MECHANISM_TYPE m, CK_OBJECT_HANDLE key,
                                 const uint8_t *data, size_t len, uint8_t *out, struct err *err);
/* The leading `len` bytes (at most 16) of ECB(master)[zeros] or, for an AES master, of ECB(master)[block]: the only
 * non-sensitive derivation of the program (derive.c). */
MUST_CHECK bool hsm_derive_check(struct hsm_token *t, const struct hsm_key *master, const uint8_t block[16],
                                 uint8_t *out, size_t len, struct err *err);
/* dbl() of RFC 4493 2.3, and of SP 800-38B 5.3 for blocks of 8 bytes; len is 8 or 16. */
void hsm_cmac_double(const uint8_t *in, uint8_t *out, size_t len);

/* Appends `key` wrapped under `by`, by this mechanism. */
MUST_CHECK bool hsm_wrap_by(struct hsm_token *t, CK_MECHANISM *mechanism, const struct hsm_key *by,
                            const struct hsm_key *key, struct buf *dst, struct err *err);
/* What gives RFC 5649 here. False (ERR_TOKEN): nothing does. */
MUST_CHECK bool hsm_wrap_kwp_mechanism(const struct hsm_token *t, CK_MECHANISM *out, struct err *err);

/* Up to `room` objects that fit; *count = room: there may be more. */
MUST_CHECK bool hsm_objects_find(struct hsm_token *t, struct hsm_template *tp, CK_OBJECT_HANDLE *out,
                                 size_t room, size_t *count, struct err *err);

/* A random key that may wrap and unwrap by RFC 5649, never leaves, and lives in the session (travel.c). */
MUST_CHECK bool hsm_travel_make_ferry(struct hsm_token *t, struct hsm_key *out, struct err *err);
/* A public key as an object of this role: on the token under ref's label, or in the session. */
MUST_CHECK bool hsm_pair_create_public(struct hsm_token *t, const struct hsm_key_ref *ref,
                                       const struct hsm_public *key, struct hsm_key *out, struct err *err);

/* The public part's numbers. False also if they are longer than struct hsm_pair holds. */
MUST_CHECK bool hsm_pair_read_public(struct hsm_token *t, struct hsm_pair *pair, struct err *err);
/* The object's type, and for AES its length, are those of the reference. */
MUST_CHECK bool hsm_key_check_algorithm(struct hsm_token *t, const struct hsm_key_ref *ref,
                                        CK_OBJECT_HANDLE object, struct err *err);
/* For token objects: false if the label is taken, which would make both keys unusable. */
MUST_CHECK bool hsm_key_label_free(struct hsm_token *t, const struct hsm_key_ref *ref, struct err *err);
/* The one object of this reference and part on this token. */
MUST_CHECK bool hsm_key_locate(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_part part,
                               CK_OBJECT_HANDLE *out, struct err *err);

#endif
