/* hsm/crypto.h - what is done with keys: derive, wrap, MAC, sign. Each is one or two Cryptoki calls, in derive.c,
 * wrap.c, mac.c and sign.c. */
#ifndef HSM_CRYPTO_H
#define HSM_CRYPTO_H

#include "hsm/key.h"

enum hsm_cipher { HSM_TDES, HSM_AES };

/* Derives a session key: the leading bytes of ECB(master)[data] as a key of `algorithm` in `role` (CARD_KEY, CARD_STATIC).
 * data is 16, 24 or 32 bytes. DES results get odd parity from the token. */
MUST_CHECK bool hsm_derive(struct hsm_token *t, const struct hsm_key *master, const uint8_t *data, size_t len,
                           const struct hsm_key_ref *result, struct hsm_key *out, struct err *err);
/* L = E(master)[00×16] of an AES master, for CMAC subkeys: a constant of the check-value derivation (SOFT TOKENS: the
 * only non-sensitive derive of the program), kept by callers beside the master. */
MUST_CHECK bool hsm_derive_cmac_l(struct hsm_token *t, const struct hsm_key *master, uint8_t out[16],
                                  struct err *err);

/* Appends `key` wrapped under `kek` by RFC 5649 (whichever mechanism gives it on this token, docs/KEYS.md). RSA private
 * keys go as PKCS#8. False (ERR_TOKEN, dst unchanged): refused by the token, or dst is full. */
MUST_CHECK bool hsm_wrap_kwp(struct hsm_token *t, const struct hsm_key *kek, const struct hsm_key *key,
                             struct buf *dst, struct err *err);
/* Second embodiment: the key under the card's own key, no padding: TDES-ECB, or AES-CBC with this IV. */
MUST_CHECK bool hsm_wrap_tdes_ecb(struct hsm_token *t, const struct hsm_key *card_key,
                                  const struct hsm_key *key, struct buf *dst, struct err *err);
MUST_CHECK bool hsm_wrap_aes_cbc(struct hsm_token *t, const struct hsm_key *card_key, const uint8_t iv[16],
                                 const struct hsm_key *key, struct buf *dst, struct err *err);
/* Unwraps RFC 5649 into the session with this role (bureau side; here for tests and ceremonies). */
MUST_CHECK bool hsm_unwrap_kwp(struct hsm_token *t, const struct hsm_key *kek, const uint8_t *wrapped,
                               size_t len, const struct hsm_key_ref *result, struct hsm_key *out,
                               struct err *err);

/* After hsm_unwrap_kwp was false: whether the token took offence at the wrapped bytes (damaged, or under another key; a soft
 * token says CKR_GENERAL_ERROR of them) and not at anything else. */
bool hsm_unwrap_was_damaged(const struct hsm_token *t);

/* AES-CMAC of data, 16 bytes. */
MUST_CHECK bool hsm_cmac(struct hsm_token *t, const struct hsm_key *key, const uint8_t *data, size_t len,
                         uint8_t out[16], struct err *err);
/* Raw RSA private operation on a block of the modulus' length (CKM_RSA_X_509); appends modulus_len bytes. */
MUST_CHECK bool hsm_sign_raw(struct hsm_token *t, const struct hsm_key *key, const uint8_t *block, size_t len,
                             struct buf *dst, struct err *err);
/* RSASSA-PKCS1-v1_5 with SHA-256 over data; appends the signature. */
MUST_CHECK bool hsm_sign_sha256(struct hsm_token *t, const struct hsm_key *key, const uint8_t *data,
                                size_t len, struct buf *dst, struct err *err);

#endif
