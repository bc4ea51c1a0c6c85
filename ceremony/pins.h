/* ceremony/pins.h - the PINs of a plan's tokens: from where the plan says, or typed, whole or in two halves by two officers
 * who do not see each other's. */
#ifndef CEREMONY_PINS_H
#define CEREMONY_PINS_H

#include "ceremony/ceremony.h"

enum pin_holder { PIN_USER, PIN_SECURITY_OFFICER };
enum pin_age {
    PIN_OLD, /* the token has it: asked for once */
    PIN_NEW, /* the token gets it: typed twice */
};
/* The PIN in a new secret, which the caller releases. False: as hsm_pin_get; the two entries of a new PIN differ three times
 * (ERR_INPUT); a half is empty. */
MUST_CHECK bool pins_get(const struct ceremony *c, size_t token, enum pin_holder holder, enum pin_age age,
                         struct secret *pin, struct err *err);
/* Is the token's user PIN typed, whole or in halves? */
bool pins_user_is_typed(const struct plan_token *t);
/* "each PIN twice, hidden", as a step's story says it; written to text. */
void pins_tell(const struct plan_token *t, enum pin_age age, char *text, size_t size);

#endif
