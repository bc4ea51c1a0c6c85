/* formats/public_key.h - public keys as files carry them: DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), and the same in PEM
 * (RFC 7468, 13). A file may explain itself in lines before and behind the PEM block. */
#ifndef FORMATS_PUBLIC_KEY_H
#define FORMATS_PUBLIC_KEY_H

#include "base/buf.h"

/* DER SubjectPublicKeyInfo, borrowed. */
struct public_key {
    const uint8_t *spki;
    size_t len;
};

enum {
    PUBLIC_KEY_PEM_MAX = 64 * 1024,
    PUBLIC_KEY_SPKI_MAX = 1024,
    RSA_MODULUS_MIN = 64,
    RSA_MODULUS_MAX = 512
};

/* Appends the DER of the one PUBLIC KEY block of a PEM text; blocks of other kinds are skipped. False (ERR_CONFIG, nothing
 * appended): no such block, more than one, a damaged block, bytes that are not the one DER form of a key; out is full
 * (ERR_INPUT). */
MUST_CHECK bool public_key_read_pem(const void *text, size_t len, struct buf *out, struct err *err);
/* Appends the PEM block. The caller may have put lines of explanation in front. */
void public_key_put_pem(const struct public_key *key, struct buf *out);

/* Both numbers big-endian, without leading zeros. */
struct public_key_rsa {
    uint8_t modulus[RSA_MODULUS_MAX];
    size_t modulus_len;
    uint8_t exponent[4];
    size_t exponent_len;
};
/* False (ERR_INTEGRITY): no DER SubjectPublicKeyInfo; no RSA key (RSASSA-PSS keys are none); a modulus of other than 64 to 512
 * bytes; an exponent that is even, 1, or longer than 4 bytes. */
MUST_CHECK bool public_key_read_rsa(const struct public_key *key, struct public_key_rsa *out,
                                    struct err *err);

#endif
