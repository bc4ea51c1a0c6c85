/* hsm/ckr.h - return values of Cryptoki by name, with what to do about the common ones (PKCS #11 v2.40). */
#ifndef HSM_CKR_H
#define HSM_CKR_H

#include "base/err.h"

/* "CKR_PIN_INCORRECT"; "CKR_0x80000001" style text for a value without a row (out of `text`). */
const char *hsm_ckr_name(unsigned long rv, char text[24]);
/* One sentence for the operator ("the PIN is wrong: check …"), or NULL. */
const char *hsm_ckr_advice(unsigned long rv);
/* Sets `C_Name: CKR_… (advice)`, kind ERR_TOKEN. Is false; a macro as err_set is, and for its reason. */
#define hsm_ckr_error(...)                                                                                   \
    (__extension__({                                                                                         \
        hsm_ckr_set(__VA_ARGS__);                                                                            \
        false;                                                                                               \
    }))
void hsm_ckr_set(struct err *err, const char *function, unsigned long rv);

#endif
