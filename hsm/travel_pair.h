/* hsm/travel_pair.h - RSA pairs that travel between tokens, in the way of secret keys (hsm/travel.h): the only way in which a
 * pair can be backed up (docs/KEYS.md, *Export once*).
 *
 *   sender:   hsm_travel_pair_generate, hsm_travel_wrap of the private part once for each partner, hsm_travel_pair_install
 *   receiver: hsm_travel_pair_receive
 *
 * A travelling pair is a pair of session objects, the private part SENSITIVE, EXTRACTABLE and of no use. Once installed it can
 * never leave again. Only RFC 5649 carries it: RSA-OAEP has no room for a private key.
 *
 * The wrapped form (PKCS#8) says nothing of the role: the caller binds it by a signed header, as with secret keys. The check
 * value in ref->key.kcv, the first bytes of SHA-256 of the modulus, is compared before anything is on the token. */
#ifndef HSM_TRAVEL_PAIR_H
#define HSM_TRAVEL_PAIR_H

#include "hsm/travel.h"

/* PKCS#8 of 4096 bits has at most 2,377 bytes; SoftHSM fills it up to a multiple of 8 with zeros; 8 more are RFC 5649's. */
enum { HSM_TRAVEL_PAIR_MAX = 2392 };

/* ref's role and label are those that it will be installed under.
 * False: no role of pairs on a token, other bits or exponent than there are (ERR_CONFIG); the token (ERR_TOKEN). */
MUST_CHECK bool hsm_travel_pair_generate(struct hsm_token *t, const struct hsm_pair_ref *ref,
                                         struct hsm_pair *out, struct err *err);

/* Appends a signature (RSASSA-PKCS1-v1_5 with SHA-256) by a travelling pair: a signing pair vouches for its own hand-over
 * before it is on its token. A copy that can do nothing else signs, in the session, and is destroyed.
 * False (ERR_TOKEN): the token refuses. */
MUST_CHECK bool hsm_travel_pair_sign(struct hsm_token *t, const struct hsm_pair *pair, const uint8_t *data,
                                     size_t len, struct buf *dst, struct err *err);

/* Puts the pair onto its own token under ref's role and label, both parts. What is there then has the same public part,
 * exactly the role's attributes, and a private part that belongs to it: a copy in the session has signed, and the public
 * part has verified. On success `pair` is destroyed.
 * False: the label is taken, the token refuses, or what would be installed is not as it must be (ERR_TOKEN); then nothing is
 * on the token, and `pair` is still the caller's. Should even removing fail, the message says so. */
MUST_CHECK bool hsm_travel_pair_install(struct hsm_token *t, struct hsm_pair *pair,
                                        const struct hsm_pair_ref *ref, struct hsm_pair *installed,
                                        struct err *err);

/* Unwraps straight onto the token, with the same checks as hsm_travel_pair_install, and those of size, exponent and (where ref
 * has one) check value.
 * False: no length of a wrapped pair (ERR_INPUT); not HSM_TRAVEL_KWP (ERR_CONFIG); the label is taken, the token refuses, it
 * is another pair (ERR_TOKEN). Then nothing is on the token; should even removing fail, the message says so. */
MUST_CHECK bool hsm_travel_pair_receive(struct hsm_token *t, const struct hsm_travel_blob *blob,
                                        const struct hsm_pair_ref *ref, struct hsm_pair *installed,
                                        struct err *err);

#endif
