/* hsm/probe_internal.h - what probe.c, doctor.c and the trials of hsm/examine/ share. */
#ifndef HSM_PROBE_INTERNAL_H
#define HSM_PROBE_INTERNAL_H

#include "hsm/internal.h"

/* Uses of a probe key, in the order of hsm_probe_template's table. */
enum {
    PROBE_ENCRYPT = 1 << 0,
    PROBE_DECRYPT = 1 << 1,
    PROBE_SIGN = 1 << 2,
    PROBE_VERIFY = 1 << 3,
    PROBE_WRAP = 1 << 4,
    PROBE_UNWRAP = 1 << 5,
    PROBE_DERIVE = 1 << 6,
    PROBE_SENSITIVE = 1 << 7,
    PROBE_EXTRACTABLE = 1 << 8,
};
/* Attributes that not every token takes. */
enum { PROBE_COPYABLE = 1, PROBE_ALLOWED = 2, PROBE_TEMPLATES = 4, PROBE_DESTROYABLE = 8 };
enum { PROBE_GENERIC_LEN = 20 /* no multiple of 8, so that padding shows */ };

void hsm_probe_template(struct hsm_template *tp, enum hsm_algorithm a, unsigned uses);
/* Appends: session object, not private, and each of the uses true or false. */
void hsm_probe_uses(struct hsm_template *tp, unsigned uses);
MUST_CHECK bool hsm_probe_generate(struct hsm_token *t, struct hsm_template *tp, enum hsm_algorithm a,
                                   struct hsm_key *out, struct err *err);
MUST_CHECK bool hsm_probe_key(struct hsm_token *t, enum hsm_algorithm a, unsigned uses, struct hsm_key *out,
                              struct err *err);
MUST_CHECK bool hsm_probe_wrap(struct hsm_token *t, CK_MECHANISM *m, const struct hsm_key *by,
                               const struct hsm_key *key, uint8_t *out, size_t room, size_t *len,
                               struct err *err);
MUST_CHECK bool hsm_probe_unwrap(struct hsm_token *t, CK_MECHANISM *m, const struct hsm_key *by,
                                 const uint8_t *wrapped, size_t len, enum hsm_algorithm a, unsigned uses,
                                 struct hsm_key *out, struct err *err);
/* Return values that tell what a token cannot do. Any other failure is a fault, from which nothing may be concluded:
 * taken for an answer, it would loosen the checks that follow. */
bool hsm_probe_is_answer(CK_RV rv);
/* Every ability of the table, into the token's profile (doctor.c). False (ERR_TOKEN): the session broke. */
MUST_CHECK bool hsm_probe_all(struct hsm_token *t, struct err *err);

#endif
