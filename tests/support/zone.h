/* tests/support/zone.h - two parties and the transport key between them: what tests of travelling keys start from. */
#ifndef TESTS_SUPPORT_ZONE_H
#define TESTS_SUPPORT_ZONE_H

#include "hsm/travel.h"
#include "softtoken.h"

/* The tokens "issuer" and "bureau" of one module; on NSS, which has one, the same twice. */
struct zone_tokens {
    struct hsm_token *issuer, *bureau;
};
/* Adds them. False: printed on stderr. */
bool zone_add(struct softtoken *soft);
/* Opens both; false counts as a failed assertion. */
bool zone_open(const struct softtoken *soft, struct zone_tokens *s);
/* Asserts that neither is broken and no session object is left. */
void zone_close(struct zone_tokens *s);

struct hsm_key_ref zone_ref(const char *label, enum hsm_role role, enum hsm_algorithm a);
size_t zone_session_objects(struct hsm_token *t);
size_t zone_kept_objects(struct hsm_token *t);

/* A key of two ends, on its way by RFC 5649, or by OAEP where `public` is given. */
struct zone_journey {
    struct hsm_key_ref at_issuer, at_bureau;
    const struct hsm_key *sender, *receiver;
    const struct hsm_public *public; /* then its private part is the receiver */
};
/* Appends the session key, wrapped as the journey says. */
void zone_wrap(struct hsm_token *t, const struct zone_journey *j, const struct hsm_key *key,
               struct buf *blob);
/* Generated, wrapped, installed at the issuer, received at the bureau; asserts the same check value on both sides, and
 * exactly the roles' attributes. */
void zone_travel(struct zone_tokens *s, const struct zone_journey *j, struct hsm_key *issuer,
                 struct hsm_key *bureau);

/* A key-exchange pair at the bureau, and a ZCMK that came by it. */
struct zone {
    struct hsm_pair exchange;
    struct hsm_public public;
    struct hsm_key sender, receiver;
};
void zone_make(struct zone_tokens *s, struct zone *z);
void zone_end(struct zone_tokens *s, struct zone *z);

#endif
