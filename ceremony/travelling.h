/* ceremony/travelling.h - a key of the plan on its way to its token: a session key, or a session pair, that may still leave wrapped
 * (hsm/travel.h, hsm/travel_pair.h). The same for both kinds, so that whoever makes, hands over or takes in a key need not ask. */
#ifndef CEREMONY_TRAVELLING_H
#define CEREMONY_TRAVELLING_H

#include "ceremony/place.h"
#include "hsm/travel_pair.h"

struct travelling {
    bool is_pair;
    struct hsm_key key;   /* a secret key */
    struct hsm_pair pair; /* or a pair */
    struct check_value check;
};
#define TRAVELLING_NONE                                                                                      \
    {                                                                                                        \
        .key = HSM_KEY_NONE, .pair = {.private_key = HSM_KEY_NONE, .public_key = HSM_KEY_NONE }              \
    }

/* Generated at the place, or imported there where value holds one. False: as hsm_travel_generate, …_import and
 * hsm_travel_pair_generate; then there is nothing. */
MUST_CHECK bool travelling_make(const struct place *p, const struct secret *value, struct travelling *out,
                                struct err *err);
/* Appends it wrapped: under a transport key, or (no pair) under a receiver's public key. */
MUST_CHECK bool travelling_wrap(const struct place *p, const struct travelling *k,
                                const struct hsm_key *transport, struct buf *out, struct err *err);
MUST_CHECK bool travelling_wrap_oaep(const struct place *p, const struct travelling *k,
                                     const struct hsm_public *receiver, struct buf *out, struct err *err);
/* Onto its token, with all restrictions; what it was in the session is gone. False: as hsm_travel_install. */
MUST_CHECK bool travelling_install(const struct place *p, struct travelling *k, struct err *err);
/* What is left of it in the session; harmless after travelling_install. */
void travelling_destroy(const struct place *p, struct travelling *k);

/* Taken in at the place, with this check value. False: as hsm_travel_receive. */
MUST_CHECK bool travelling_receive(struct place *p, const struct hsm_travel_blob *blob,
                                   const struct check_value *check, struct err *err);

#endif
