/* hsm/travel.h - secret keys that travel between tokens: made, wrapped for each partner, and only then put onto their own
 * token with every restriction of their role (docs/KEYS.md, *Export once*).
 *
 *   sender:   hsm_travel_generate or _import, hsm_kcv (role HSM_ROLE_TRAVELLING), hsm_travel_wrap once for each partner,
 *             hsm_travel_install
 *   receiver: hsm_travel_receive
 *
 * A travelling key is a session object: SENSITIVE, EXTRACTABLE, with the one use that its check value takes. Once
 * installed it can never leave again, so all partners are served in the same sitting. Pairs: hsm/travel_pair.h.
 *
 * What a token cannot see is left to the caller. The wrapped form says nothing of what is in it: a KEK arrives as a
 * master, and an AES-128 key as a DES2 key, if the receiver asks for that. So the caller binds role, algorithm and
 * check value to the blob by a signed header, and gives the header's check value in ref->kcv: it is compared before
 * anything is on the token. Without it (kcv_len 0) the caller compares himself and calls hsm_key_remove. */
#ifndef HSM_TRAVEL_H
#define HSM_TRAVEL_H

#include "hsm/crypto.h"
#include "hsm/public.h"

/* A random session key of ref->algorithm; ref's role and label are those it will be installed under.
 * False: the role cannot have such a key, or is a pair's (ERR_CONFIG); the token (ERR_TOKEN). */
MUST_CHECK bool hsm_travel_generate(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_key *out,
                                    struct err *err);
/* The same from combined components (ceremony only). DES values get odd parity. value stays the caller's.
 * False: as above, and a value of another length or all zero (ERR_CONFIG). */
MUST_CHECK bool hsm_travel_import(struct hsm_token *t, const struct hsm_key_ref *ref,
                                  const struct secret *value, struct hsm_key *out, struct err *err);

/* Appends the key wrapped by RFC 5649 under a key of role zcmk-sender (or kek-issuer): 8 bytes more than the key has. Of a
 * travelling pair this takes the private part, as PKCS#8: at most HSM_TRAVEL_PAIR_MAX bytes.
 * False (ERR_TOKEN, dst unchanged): the token refuses, by name; (ERR_INPUT): dst is full. */
MUST_CHECK bool hsm_travel_wrap(struct hsm_token *t, const struct hsm_key *transport,
                                const struct hsm_key *key, struct buf *dst, struct err *err);
/* Appends the key wrapped by RSAES-OAEP (RFC 8017 7.1; SHA-1, MGF1 with SHA-1, no label: what every token has) under the
 * receiver's key-exchange key: as many bytes as the modulus. The public key is a session object for that moment.
 * False: as above; the modulus is too short for the key (ERR_TOKEN). */
MUST_CHECK bool hsm_travel_wrap_oaep(struct hsm_token *t, const struct hsm_public *receiver,
                                     const struct hsm_key *key, struct buf *dst, struct err *err);

/* Puts the key onto its own token under ref's role and label. What is there then has the check value of `key` (and
 * ref->kcv, if given), and exactly the role's attributes. On success `key` is destroyed and is HSM_KEY_NONE.
 * False: the label is taken, the token refuses, or what would be installed is not as it must be (ERR_TOKEN); then
 * nothing is on the token, and `key` is still the caller's. Should even removing fail, the message says so. */
MUST_CHECK bool hsm_travel_install(struct hsm_token *t, struct hsm_key *key, const struct hsm_key_ref *ref,
                                   struct hsm_key *installed, struct err *err);

enum hsm_travel_method {
    HSM_TRAVEL_KWP,  /* transport is a key of role zcmk-receiver (or kek-bureau) */
    HSM_TRAVEL_OAEP, /* transport is a key-exchange pair's private key */
};
struct hsm_travel_blob {
    enum hsm_travel_method method;
    const struct hsm_key *transport;
    const uint8_t *data;
    size_t len;
};
/* Unwraps straight onto the token under ref's role and label with all restrictions; tried out as a session object of the
 * same role first, so that nothing that is refused was ever on the token. Checked: the check value where ref has one, the
 * role's attributes, and the length: by wrapping that session object once under a key made for this; but where the token takes
 * templates, a receiving key lets out nothing that could be wrapped. There it is the blob's length by RFC 5649, and by
 * RSA-OAEP the check value alone, which must then be given.
 * False: the blob has not the length of such a key (ERR_INPUT); RSA-OAEP without a check value where it is needed (ERR_CONFIG);
 * the label is taken, the token refuses, the key has another length or check value (ERR_TOKEN). Then nothing is on the token;
 * should even removing fail, the message says so. */
MUST_CHECK bool hsm_travel_receive(struct hsm_token *t, const struct hsm_travel_blob *blob,
                                   const struct hsm_key_ref *ref, struct hsm_key *installed, struct err *err);

#endif
