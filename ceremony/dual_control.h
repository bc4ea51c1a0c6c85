/* ceremony/dual_control.h - what one officer alone may not do. Two officers of the plan name themselves, one after another,
 * and the token was opened with a PIN of which each typed a half (`pin: halves`).
 *
 * A plan that is not TEST must have its PINs in halves for this. PKCS#11 has one user PIN for a token and no quorum: where a
 * device has one of its own, set it there as well. */
#ifndef CEREMONY_DUAL_CONTROL_H
#define CEREMONY_DUAL_CONTROL_H

#include "ceremony/ceremony.h"

struct officers {
    char first[64], second[64]; /* as the plan names them */
};
/* what: "destroy key KML/1 on token 'issuer'". Unattended (TEST) nobody is asked and both are "nobody (unattended)".
 * False: fewer than two officers in the plan, a PIN that is not in halves (ERR_CONFIG); the same officer twice, or none of
 * the plan (ERR_INPUT); left (ERR_INTERRUPTED). */
MUST_CHECK bool dual_control(const struct ceremony *c, const char *what, struct officers *two,
                             struct err *err);

#endif
