/* hsm/readable.h - card secrets as readable bytes: for named exception 1 alone (bureau/translate.h), where the token lacks a
 * step that keeps them inside. Each value is taken out by an object of role HSM_ROLE_READABLE, which is destroyed before the
 * call returns, and comes back in locked memory. Release it as soon as it is encrypted for the card. */
#ifndef HSM_READABLE_H
#define HSM_READABLE_H

#include "hsm/channel.h"

enum { HSM_READABLE_MAX = 4096 };

/* Unwraps RFC 5649 and reads. HSM_GENERIC: any bytes, behind which a token may have put up to seven zeros. *value holds
 * nothing before. False: as hsm_unwrap_kwp; longer than HSM_READABLE_MAX (ERR_TOKEN); memory (ERR_INTERNAL). */
MUST_CHECK bool hsm_read_wrapped(struct hsm_token *t, const struct hsm_key *kek,
                                 const struct hsm_span *wrapped, enum hsm_algorithm algorithm,
                                 struct secret *value, struct err *err);
/* Derives as hsm_derive does, and reads: for new keys of a card. */
MUST_CHECK bool hsm_read_derived(struct hsm_token *t, const struct hsm_key *master,
                                 const struct hsm_span *data, enum hsm_algorithm algorithm,
                                 struct secret *value, struct err *err);
/* A private key's numbers, big-endian, as long as the token gives them: d mod (p-1) is dp, q^-1 mod p is qinv. */
struct hsm_crt {
    struct secret p, q, dp, dq, qinv;
};
#define HSM_CRT_NONE                                                                                         \
    {                                                                                                        \
        SECRET_NONE, SECRET_NONE, SECRET_NONE, SECRET_NONE, SECRET_NONE                                      \
    }
/* *out is HSM_CRT_NONE before, and after a failure. */
MUST_CHECK bool hsm_read_wrapped_crt(struct hsm_token *t, const struct hsm_key *kek,
                                     const struct hsm_span *wrapped, struct hsm_crt *out, struct err *err);
void hsm_crt_release(struct hsm_crt *crt);

#endif
