/* ceremony/certificate_request.h - what the plan wants certified, and the request for it that goes to the scheme
 * (docs/formats/issuer-request.md). */
#ifndef CEREMONY_CERTIFICATE_REQUEST_H
#define CEREMONY_CERTIFICATE_REQUEST_H

#include "ceremony/request.h"
#include "ceremony/step.h"

struct certificate_request {
    const struct plan_certificate *entry; /* the plan's */
    struct hsm_token *token;              /* the ceremony's; holds the issuer pair */
    struct hsm_pair pair;
    struct request request;
};

/* From the plan's entry and the public key of its issuer pair. False: the pair is not on its token (ERR_TOKEN), or is too
 * long for EMV (ERR_CONFIG). */
MUST_CHECK bool certificate_request_make(struct ceremony *c, const struct plan_certificate *entry,
                                         struct certificate_request *out, struct err *err);
/* Writes CERTIFICATE.request.yaml and .csr beside the plan's certificate file; `result` is that of the first, with its path.
 * Signatures of this kind are the same each time, so a second call finds its own files.
 * False: as output_put; the token does not sign. */
MUST_CHECK bool certificate_request_write(const struct certificate_request *r, struct step_result *result,
                                          struct err *err);
/* Where that file is, or will be. False (ERR_CONFIG): its path is too long. */
enum { CERTIFICATE_PATH_MAX = 4096 };
MUST_CHECK bool certificate_request_path(const struct plan_certificate *entry,
                                         char path[CERTIFICATE_PATH_MAX], struct err *err);
/* If CERTIFICATE.request.yaml is there, is it the request that the plan makes now? False (ERR_INTEGRITY): it is another,
 * so that the scheme was asked for something else. */
MUST_CHECK bool certificate_request_is_as_sent(const struct certificate_request *r, struct err *err);
/* A pair's public key. False (ERR_CONFIG): over EMV's largest modulus. */
MUST_CHECK bool certificate_public_key(const struct hsm_pair *pair, struct emv_public_key *key,
                                       struct err *err);

#endif
