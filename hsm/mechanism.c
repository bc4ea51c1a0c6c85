/* hsm/mechanism.c - mechanisms by name, those that keys here may meet. */
#include <stdio.h>

#include "hsm/internal.h"

struct mechanism_row {
    CK_MECHANISM_TYPE type;
    const char *name;
};
#define ROW(name)                                                                                            \
    {                                                                                                        \
        name, #name                                                                                          \
    }
static const struct mechanism_row rows[] = {
    ROW(CKM_RSA_PKCS_KEY_PAIR_GEN),
    ROW(CKM_RSA_PKCS),
    ROW(CKM_RSA_X_509),
    ROW(CKM_RSA_PKCS_OAEP),
    ROW(CKM_RSA_PKCS_PSS),
    ROW(CKM_SHA1_RSA_PKCS),
    ROW(CKM_SHA256_RSA_PKCS),
    ROW(CKM_DES2_KEY_GEN),
    ROW(CKM_DES3_KEY_GEN),
    ROW(CKM_DES3_ECB),
    ROW(CKM_DES3_CBC),
    ROW(CKM_DES3_CBC_PAD),
    ROW(CKM_DES3_MAC),
    ROW(CKM_DES3_CMAC),
    ROW(CKM_GENERIC_SECRET_KEY_GEN),
    ROW(CKM_CONCATENATE_BASE_AND_KEY),
    ROW(CKM_XOR_BASE_AND_DATA),
    ROW(CKM_EXTRACT_KEY_FROM_KEY),
    ROW(CKM_AES_KEY_GEN),
    ROW(CKM_AES_ECB),
    ROW(CKM_AES_CBC),
    ROW(CKM_AES_CBC_PAD),
    ROW(CKM_AES_MAC),
    ROW(CKM_AES_CMAC),
    ROW(CKM_DES3_ECB_ENCRYPT_DATA),
    ROW(CKM_DES3_CBC_ENCRYPT_DATA),
    ROW(CKM_AES_ECB_ENCRYPT_DATA),
    ROW(CKM_AES_CBC_ENCRYPT_DATA),
    ROW(CKM_AES_KEY_WRAP),
    ROW(CKM_AES_KEY_WRAP_PAD),
    {HSM_CKM_AES_KEY_WRAP_KWP, "CKM_AES_KEY_WRAP_KWP"},
};

const char *hsm_mechanism_name(CK_MECHANISM_TYPE m, char text[32])
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].type == m) return rows[i].name;
    }
    snprintf(text, 32, "CKM_0x%08lX", m);
    return text;
}
