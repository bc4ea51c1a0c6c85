/* hsm/examine/examiner.h - what the trials share. Internal to hsm/examine/.
 *
 * A trial is a function that returns true if the operation works, and false with err set if not: what a call refused is
 * the error of that call. It makes its keys with the functions below, which remember them; the examiner destroys them
 * behind each trial, so that no trial cleans up. examine_unsafe and examine_skip return false with another verdict. */
#ifndef HSM_EXAMINE_EXAMINER_H
#define HSM_EXAMINE_EXAMINER_H

#include "hsm/examine.h"
#include "hsm/internal.h"
#include "hsm/probe_internal.h"

enum { EXAMINE_MADE_MAX = 32, EXAMINE_BLOB_MAX = 2048, EXAMINE_KEY_MAX = 32 };

struct examiner {
    struct hsm_token *t;
    CK_OBJECT_HANDLE made[EXAMINE_MADE_MAX];
    size_t count;
    struct hsm_outcome *out;
    bool decided; /* the verdict is in *out, and not the error's */
    struct hsm_key door_private,
        door_public; /* RSA pair by which known keys come in where C_CreateObject is refused */
};

/* What a row's function works on; each file says which of these it uses. */
struct trial_case {
    CK_MECHANISM_TYPE mechanism;
    enum hsm_algorithm by, key;
    unsigned long number, other;
};
typedef bool trial_fn(struct examiner *x, const struct trial_case *with, struct err *err);
struct trial {
    struct hsm_trial shown;
    trial_fn *run; /* NULL: filled by hsm_examine_processes */
    struct trial_case with;
};
/* The rows of each file. */
const struct trial *examine_derive_rows(size_t *count);
const struct trial *examine_wrap_rows(size_t *count);
const struct trial *examine_rsa_rows(size_t *count);
const struct trial *examine_mac_rows(size_t *count);
const struct trial *examine_channel_rows(size_t *count);
const struct trial *examine_attributes_rows(size_t *count);
const struct trial *examine_attacks_rows(size_t *count);
const struct trial *examine_processes_rows(size_t *count);

/* Verdicts other than works and refused: examine_unsafe(x, err, format, ...) and the like. Are false; macros as err_set
 * is, and for its reason. */
#define examine_unsafe(...)                                                                                  \
    (__extension__({                                                                                         \
        examine_set_unsafe(__VA_ARGS__);                                                                     \
        false;                                                                                               \
    }))
#define examine_skip(...)                                                                                    \
    (__extension__({                                                                                         \
        examine_set_skipped(__VA_ARGS__);                                                                    \
        false;                                                                                               \
    }))
void examine_set_unsafe(struct examiner *x, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
void examine_set_skipped(struct examiner *x, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
/* A remark for a trial that works. Is true. */
bool examine_remark(struct examiner *x, const char *format, ...) PRINTF_LIKE(2, 3);
/* The call that an attack or a protection comes down to: refused means works, with the return value as remark;
 * CKR_OK means unsafe, with this text; a fault that proves nothing means not tried. */
bool examine_must_refuse(struct examiner *x, const char *function, CK_RV rv, const char *unsafe,
                         struct err *err);

/* Runs fn in a session of its own, which takes along what cannot be destroyed. */
MUST_CHECK bool examine_in_own_session(struct examiner *x, const struct trial_case *with, trial_fn *fn,
                                       struct err *err);

/* Names without the advice behind them: "C_WrapKey: CKR_MECHANISM_INVALID". */
void examine_cause(const struct err *err, char out[HSM_CAUSE_MAX]);
void examine_keep(struct examiner *x, CK_OBJECT_HANDLE handle);

/* Class, type, length (where the origin wants one), session object, not private, uses (PROBE_…). */
void examine_template(struct hsm_template *tp, enum hsm_algorithm a, enum hsm_origin origin,
                      size_t generic_len, unsigned uses);

/* A key whose value we know. */
struct known {
    struct hsm_key key;
    uint8_t value[EXAMINE_KEY_MAX];
    size_t len;
};
/* The value is made of `seed` (DES with odd parity). GENERIC keys get `len` bytes, others their own length. */
MUST_CHECK bool examine_known(struct examiner *x, enum hsm_algorithm a, unsigned uses, uint8_t seed,
                              size_t len, struct known *out, struct err *err);
/* The same value again, as another object with other uses. */
MUST_CHECK bool examine_again(struct examiner *x, const struct known *known, unsigned uses,
                              struct hsm_key *out, struct err *err);
/* From a template that was begun with examine_template(HSM_CREATED). */
MUST_CHECK bool examine_create(struct examiner *x, struct hsm_template *tp, enum hsm_algorithm a,
                               const uint8_t *value, size_t len, struct hsm_key *out, struct err *err);
MUST_CHECK bool examine_generate(struct examiner *x, struct hsm_template *tp, enum hsm_algorithm a,
                                 struct hsm_key *out, struct err *err);
MUST_CHECK bool examine_random_key(struct examiner *x, enum hsm_algorithm a, unsigned uses,
                                   struct hsm_key *out, struct err *err);

struct blob {
    uint8_t data[EXAMINE_BLOB_MAX];
    size_t len;
};
MUST_CHECK bool examine_wrap(struct examiner *x, CK_MECHANISM *m, const struct hsm_key *by,
                             const struct hsm_key *key, struct blob *out, struct err *err);
/* tp begun with examine_template(HSM_UNWRAPPED). */
MUST_CHECK bool examine_unwrap(struct examiner *x, CK_MECHANISM *m, const struct hsm_key *by,
                               const struct blob *wrapped, struct hsm_template *tp, enum hsm_algorithm a,
                               struct hsm_key *out, struct err *err);
/* tp begun with examine_template(HSM_DERIVED). */
MUST_CHECK bool examine_derive(struct examiner *x, CK_MECHANISM *m, const struct hsm_key *base,
                               struct hsm_template *tp, enum hsm_algorithm a, struct hsm_key *out,
                               struct err *err);
/* What a key is derived over: ECB (no IV) or CBC by the master's cipher. */
struct over {
    const struct known *master;
    const uint8_t *iv, *data;
    size_t len;
};
/* As a key of `a`, with these uses. */
MUST_CHECK bool examine_derive_data(struct examiner *x, const struct over *over, enum hsm_algorithm a,
                                    unsigned uses, struct hsm_key *out, struct err *err);
/* ECB without IV, else CBC, by the key's cipher; no padding. */
MUST_CHECK bool examine_encrypt(struct examiner *x, const struct hsm_key *key, const uint8_t *iv,
                                const uint8_t *data, size_t len, uint8_t *out, struct err *err);
MUST_CHECK bool examine_read(struct examiner *x, const struct hsm_key *key, CK_ATTRIBUTE_TYPE type,
                             uint8_t *out, size_t room, size_t *len, struct err *err);
/* Has the key this value? By encrypting a block (the key may ENCRYPT), GENERIC by reading it (not SENSITIVE). False
 * with verdict unsafe if not. */
MUST_CHECK bool examine_is(struct examiner *x, const struct hsm_key *key, const uint8_t *value, size_t len,
                           struct err *err);
/* What gives RFC 5649 here; false: nothing does. */
MUST_CHECK bool examine_kwp(struct examiner *x, CK_MECHANISM *out, struct err *err);

/* Parts of a pair, each CKA_… of which the private part may do `use`; extractable or not. */
struct pair {
    struct hsm_key private_key, public_key;
};
MUST_CHECK bool examine_pair(struct examiner *x, unsigned bits, unsigned long e, CK_ATTRIBUTE_TYPE use,
                             struct pair *out, struct err *err);

#define EXAMINE_ROWS(rows, count)                                                                            \
    *(count) = sizeof(rows) / sizeof((rows)[0]);                                                             \
    return rows

#endif
