/* hsm/probe.h - the token profile: what this token really does, found by trying it at start with session keys, never by
 * C_GetMechanismInfo. Code above hsm/ asks for an operation; the profile says which mechanism gives it. */
#ifndef HSM_PROBE_H
#define HSM_PROBE_H

#include "hsm/token.h"

enum hsm_ability {
    HSM_CAN_KWP,     /* wrap and unwrap by RFC 5649 */
    HSM_CAN_KWP_RSA, /* the same for an RSA private key */
    HSM_CAN_DERIVE_TDES,
    HSM_CAN_DERIVE_AES,
    HSM_CAN_CMAC,
    HSM_CAN_RSA_RAW,
    HSM_CAN_RSA_SHA256,
    HSM_CAN_RSA_E3, /* generates pairs with e = 3 */
    HSM_CAN_RSA_E65537,
    HSM_CAN_WRAP_TDES_ECB, /* second embodiment, method 11 */
    HSM_CAN_WRAP_AES_CBC,  /* second embodiment, method 12 */
    HSM_CAN_XOR,           /* components can be combined inside */
    HSM_CAN_OAEP,
    HSM_HONOURS_ALLOWED_MECHANISMS,
    HSM_HONOURS_WRAP_TEMPLATE,
    HSM_HONOURS_UNWRAP_TEMPLATE,
    HSM_HONOURS_WRAP_WITH_TRUSTED,
    HSM_HONOURS_EXTRACTABLE, /* refuses to wrap a key that is not extractable */
    HSM_ABILITY_COUNT
};
struct hsm_ability_row {
    enum hsm_ability ability;
    const char *name;
    const char *help;
};
const struct hsm_ability_row *hsm_ability_row(enum hsm_ability ability);

struct hsm_profile {
    bool can[HSM_ABILITY_COUNT];
    unsigned long kwp_mechanism; /* what gives RFC 5649 here */
    bool takes_copyable,
        takes_templates; /* COPYABLE=false, WRAP_TEMPLATE and UNWRAP_TEMPLATE on a new key, and honours them */
    bool tried_destroyable, takes_destroyable; /* DESTROYABLE=false, and honours it (hsm_probe_destroyable) */
    char why[HSM_ABILITY_COUNT][64];           /* for what it cannot: "C_WrapKey: CKR_MECHANISM_INVALID" */
};
/* Tries every ability (full: also RSA generation, 100 ms or so; by trials of hsm/examine.h) or only what a worker needs to choose mechanisms. Leaves no object.
 * The token keeps the result; hsm_token_open calls the short form. */
MUST_CHECK bool hsm_probe(struct hsm_token *t, bool full, struct err *err);
/* Whether DESTROYABLE=false is honoured, into the profile: once, when a key is first to be kept, and in the full form. Not at
 * every start, because the trial's key cannot be destroyed: it ends with a session of its own. */
MUST_CHECK bool hsm_probe_destroyable(struct hsm_token *t, struct err *err);
const struct hsm_profile *hsm_token_profile(const struct hsm_token *t);

#endif
