/* hsm/public.h - RSA public keys outside a token: from and to a SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 8017 A.1). */
#ifndef HSM_PUBLIC_H
#define HSM_PUBLIC_H

#include "hsm/key.h"

/* The numbers of a pair's public part. */
void hsm_public_of_pair(const struct hsm_pair *pair, struct hsm_public *out);
/* Appends the DER SubjectPublicKeyInfo. False (ERR_INPUT): out is full; (ERR_INTERNAL): it cannot be encoded. */
MUST_CHECK bool hsm_public_spki(const struct hsm_public *key, struct buf *out, struct err *err);
/* Reads one, of exactly len bytes. False (ERR_INPUT): no SubjectPublicKeyInfo, not of an RSA key, bytes behind it, a
 * modulus of other than 512 to 4096 bits, or an exponent that is even, 1, or longer than struct hsm_public holds. */
MUST_CHECK bool hsm_public_read_spki(const uint8_t *der, size_t len, struct hsm_public *out, struct err *err);

#endif
