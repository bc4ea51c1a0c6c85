/* hsm/doctor.c - the full probe: abilities by the trials of hsm/examine/, so that each operation is tried in one place. */
#include <stdio.h>

#include "hsm/examine.h"
#include "hsm/probe_internal.h"

/* What the short probe has found already has no trial here. */
static const char *const trials[HSM_ABILITY_COUNT] = {
    [HSM_CAN_KWP_RSA] = "kwp-rsa-1024",
    [HSM_CAN_DERIVE_TDES] = "derive-tdes-ecb-des2",
    [HSM_CAN_DERIVE_AES] = "derive-aes-ecb-aes128",
    [HSM_CAN_CMAC] = "cmac-aes256",
    [HSM_CAN_RSA_RAW] = "rsa-raw",
    [HSM_CAN_RSA_SHA256] = "rsa-sha256",
    [HSM_CAN_RSA_E3] = "rsa-1024-e3",
    [HSM_CAN_RSA_E65537] = "rsa-1024-e65537",
    [HSM_CAN_WRAP_TDES_ECB] = "wrap-tdes-ecb-des2",
    [HSM_CAN_WRAP_AES_CBC] = "wrap-aes-cbc-aes128",
    [HSM_CAN_XOR] = "components-xor",
    [HSM_CAN_OAEP] = "oaep-sha1",
    [HSM_HONOURS_WRAP_TEMPLATE] = "wrap-template",
    [HSM_HONOURS_UNWRAP_TEMPLATE] = "unwrap-template",
    [HSM_HONOURS_WRAP_WITH_TRUSTED] = "wrap-with-trusted",
    [HSM_HONOURS_EXTRACTABLE] = "extractable",
};

bool hsm_probe_all(struct hsm_token *t, struct err *err)
{
    for (size_t i = 0; i < HSM_ABILITY_COUNT; i++) {
        struct hsm_outcome outcome;
        if (!trials[i]) continue;
        if (!hsm_examine_one(t, trials[i], &outcome, err)) return false;
        t->profile.can[i] = outcome.verdict == HSM_WORKS;
        t->profile.why[i][0] = 0;
        if (!t->profile.can[i]) snprintf(t->profile.why[i], sizeof t->profile.why[0], "%.63s", outcome.cause);
    }
    return true;
}
