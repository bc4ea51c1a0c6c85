/* hsm/examine/reference.h - the second opinion: what an operation must give, by libcrypto. Internal to hsm/examine/.
 * False (ERR_INTERNAL): libcrypto refuses. Values here are published ones, no secrets. */
#ifndef HSM_EXAMINE_REFERENCE_H
#define HSM_EXAMINE_REFERENCE_H

#include "hsm/examine/examiner.h"

/* ECB without IV, else CBC, without padding. */
MUST_CHECK bool reference_encrypt(enum hsm_algorithm a, const uint8_t *key, const uint8_t *iv,
                                  const uint8_t *data, size_t len, uint8_t *out, struct err *err);
MUST_CHECK bool reference_cmac(enum hsm_algorithm a, const uint8_t *key, const uint8_t *data, size_t len,
                               uint8_t out[16], struct err *err);
MUST_CHECK bool reference_hmac_sha256(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                                      uint8_t out[32], struct err *err);
/* ISO 9797-1 algorithm 3 over whole blocks: single DES under the left half, the last block under both. */
MUST_CHECK bool reference_retail_mac(const uint8_t key[16], const uint8_t icv[8], const uint8_t *data,
                                     size_t len, uint8_t out[8], struct err *err);
/* RFC 5649. Opening fails with ERR_TOKEN: what the token made is no such blob. */
MUST_CHECK bool reference_kwp(const uint8_t *kek, size_t kek_len, const uint8_t *data, size_t len,
                              struct blob *out, struct err *err);
MUST_CHECK bool reference_kwp_open(const uint8_t *kek, size_t kek_len, const struct blob *wrapped,
                                   struct blob *out, struct err *err);
/* Encrypts under the public key of modulus n and exponent e. */
MUST_CHECK bool reference_oaep(const struct blob *n, const struct blob *e, bool sha256, const uint8_t *data,
                               size_t len, struct blob *out, struct err *err);
/* signature^e mod n, as long as n. */
MUST_CHECK bool reference_rsa_public(const struct blob *n, const struct blob *e, const struct blob *in,
                                     struct blob *out, struct err *err);
/* Is it a PKCS #1 signature with SHA-256 over data? */
MUST_CHECK bool reference_rsa_verify(const struct blob *n, const struct blob *e, const uint8_t *data,
                                     size_t len, const struct blob *signature, struct err *err);
/* Is this PKCS#8 (zeros behind it are skipped) the private key of n and e, with all five CRT parts, and consistent?
 * False (ERR_TOKEN) says which part is wrong; *len is that of the DER alone. */
MUST_CHECK bool reference_check_pkcs8(const struct blob *pkcs8, const struct blob *n, const struct blob *e,
                                      size_t *len, struct err *err);
/* Odd parity on every byte. */
void reference_set_parity(uint8_t *key, size_t len);

#endif
