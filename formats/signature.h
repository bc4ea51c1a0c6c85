/* formats/signature.h - signatures of files, checked with a public key: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2) and
 * ECDSA on P-256 with SHA-256 as r ‖ s (FIPS 186-5). Signing is the token's. */
#ifndef FORMATS_SIGNATURE_H
#define FORMATS_SIGNATURE_H

#include "formats/public_key.h"

enum { SIGNATURE_MAX = 512 };

enum signature_algorithm { SIGNATURE_RSA_SHA256 = 1, SIGNATURE_ECDSA_P256_SHA256 = 2 };

/* Verifies a signature over data. False (ERR_INTEGRITY): it does not verify; the key's type does not fit the algorithm; the
 * key is no DER SubjectPublicKeyInfo. */
MUST_CHECK bool signature_verify(const struct public_key *signer, enum signature_algorithm algorithm,
                                 const uint8_t *data, size_t len, const uint8_t *signature,
                                 size_t signature_len, struct err *err);

#endif
