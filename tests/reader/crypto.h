/* crypto.h - what the reader asks of OpenSSL. Keys are TEST keys and stand in clear memory.
 * A failure of OpenSSL itself is "no", like a value that does not verify. */
#ifndef READER_CRYPTO_H
#define READER_CRYPTO_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "bytes.h"

struct rsa_private {
    BIGNUM *n, *e, *d, *p, *q, *dp, *dq, *qinv;
};

MUST_CHECK bool crypto_sha256(struct span data, uint8_t out[32]);
MUST_CHECK bool crypto_sha1(const struct span *parts, size_t count, uint8_t out[20]);
/* AES-CMAC (RFC 4493) under a key of 16, 24 or 32 bytes. */
MUST_CHECK bool crypto_cmac(struct span key, struct span data, uint8_t mac[16]);
/* Whole blocks, no padding. TDES keys of 16 or 24 bytes, AES keys of 16, 24 or 32. */
MUST_CHECK bool crypto_tdes_ecb(struct span key, bool encrypt, struct span in, uint8_t *out);
MUST_CHECK bool crypto_aes_ecb(struct span key, struct span in, uint8_t *out);
MUST_CHECK bool crypto_aes_cbc_decrypt(struct span key, const uint8_t iv[16], struct span in, uint8_t *out);
/* RFC 5649. `out` holds in.len bytes at least; *len is the length that the wrapped text states. */
MUST_CHECK bool crypto_kwp_unwrap(struct span kek, struct span in, uint8_t *out, size_t *len);
/* out = in^e mod n, as many bytes as n; false also when in is not that long or not below n. */
MUST_CHECK bool crypto_rsa_public(const BIGNUM *n, const BIGNUM *e, struct span in, uint8_t *out);
/* algorithm 1: RSASSA-PKCS1-v1_5, 2: ECDSA P-256 r‖s; both with SHA-256. */
MUST_CHECK bool crypto_verify(EVP_PKEY *key, int algorithm, struct span text, struct span signature);

/* PKCS#8 DER with an RSA key at the front of `data`; *used is the DER's own length. False, with *why:
 * not such a key. The caller releases. */
MUST_CHECK bool rsa_private_parse(struct span data, struct rsa_private *key, size_t *used, const char **why);
/* n = pq, d and its CRT parts, q⁻¹, and a Fermat test of p and q. False, with *why: which one fails. */
MUST_CHECK bool rsa_private_check(const struct rsa_private *key, const char **why);
void rsa_private_release(struct rsa_private *key);

#endif
