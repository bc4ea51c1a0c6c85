/* ceremony/request.h - what an issuer sends to a scheme to have its key certified: our own documented form beside a
 * PKCS #10 request (RFC 2986), since schemes' own forms are licensed (docs/FORMATS.md, "Issuer key requests").
 *
 *   # TEST (only in TEST plans)
 *   issuer_request: {issuer: "476173", rid: A000000003, ca_index: "92", expiry: "1230", serial: "000001",
 *                    modulus: …, exponent: …, signature: …, test: yes}
 *
 * `signature` is RSASSA-PKCS1-v1_5 with SHA-256 under the key itself over the ASCII text `cardprep-issuer-request-1`, 00, then
 * issuer (4, BCD padded with F) ‖ RID (5) ‖ index (1) ‖ expiry (2) ‖ serial (3) ‖ modulus ‖ exponent: it shows that the
 * sender holds the private key. The issuer pair may only do the raw operation, so the padding is made here. */
#ifndef CEREMONY_REQUEST_H
#define CEREMONY_REQUEST_H

#include "base/digest.h"
#include "formats/emv_cert.h"
#include "hsm/crypto.h"

struct request {
    const char *name; /* of the plan, for PKCS #10's subject */
    uint8_t rid[5];
    uint8_t ca_index;
    struct emv_certificate subject; /* issuer, expiry, serial, public key */
    bool test;
};

/* Appends the YAML text; the pair signs. */
MUST_CHECK bool request_put(const struct request *r, struct hsm_token *t, const struct hsm_pair *pair,
                            struct buf *out, struct err *err);
/* SHA-256 of the bytes that `signature` covers: what sender and scheme read to each other, and what anybody computes from the
 * file's fields. False: as digests fail. */
MUST_CHECK bool request_fingerprint(const struct request *r, uint8_t out[static SHA256_LEN], struct err *err);
/* Appends the PKCS #10 request as PEM. */
MUST_CHECK bool request_put_pkcs10(const struct request *r, struct hsm_token *t, const struct hsm_pair *pair,
                                   struct buf *out, struct err *err);

#endif
