/* ceremony/certificate.h - an issuer key's certificate: requested, and either issued by the plan's TEST scheme CA or
 * waited for and accepted (EMV Book 2, 5.3). */
#ifndef CEREMONY_CERTIFICATE_H
#define CEREMONY_CERTIFICATE_H

#include "ceremony/step.h"

size_t certificate_count(const struct plan *p);
void certificate_describe(const struct plan *p, size_t index, char *text, size_t size);
/* A certificate file that is there must recover with the CA key file to what the plan wants (certificate_accept.h); it may
 * have expired. */
MUST_CHECK bool certificate_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
/* Writes the request (certificate_request.h). With a TEST CA in the plan it also writes the CA's key file and the
 * certificate, recovers it and compares. Without, it waits for `cardkeys certificate import`.
 * False: sizes break N_I ≤ N_CA (ERR_CONFIG), the certificate outlives the CA key, or a file there is another key's. */
MUST_CHECK bool certificate_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
/* The CA key file of the plan's TEST CA, from its pair on the token. */
MUST_CHECK bool certificate_test_ca(struct ceremony *c, const struct plan_certificate *pc,
                                    struct ca_key_file *out, struct err *err);

#endif
