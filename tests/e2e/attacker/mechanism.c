#include <string.h>

#include "attacker.h"

enum { NONE, IV8, IV16, CTR, OAEP, PSS, STRING, DES_CBC_DATA, AES_CBC_DATA, OTHER, BIT };

#define KWP 0x210BUL /* CKM_AES_KEY_WRAP_KWP of PKCS #11 v3.0 */
const struct mechanism_row mechanisms[] = {
    {"DES_ECB", CKM_DES_ECB, FOR_CIPHER | FOR_WRAP, NONE},
    {"DES_CBC", CKM_DES_CBC, FOR_CIPHER | FOR_WRAP, IV8},
    {"DES3_ECB", CKM_DES3_ECB, FOR_CIPHER | FOR_WRAP, NONE},
    {"DES3_CBC", CKM_DES3_CBC, FOR_CIPHER | FOR_WRAP, IV8},
    {"DES3_CBC_PAD", CKM_DES3_CBC_PAD, FOR_CIPHER | FOR_WRAP, IV8},
    {"AES_ECB", CKM_AES_ECB, FOR_CIPHER | FOR_WRAP, NONE},
    {"AES_CBC", CKM_AES_CBC, FOR_CIPHER | FOR_WRAP, IV16},
    {"AES_CBC_PAD", CKM_AES_CBC_PAD, FOR_CIPHER | FOR_WRAP, IV16},
    {"AES_CTR", CKM_AES_CTR, FOR_CIPHER | FOR_WRAP, CTR},
    {"AES_KEY_WRAP", CKM_AES_KEY_WRAP, FOR_CIPHER | FOR_WRAP, NONE},
    {"AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD, FOR_CIPHER | FOR_WRAP, NONE},
    {"AES_KEY_WRAP_KWP", KWP, FOR_CIPHER | FOR_WRAP, NONE},
    {"RSA_PKCS", CKM_RSA_PKCS, FOR_CIPHER | FOR_SIGN | FOR_WRAP, NONE},
    {"RSA_X_509", CKM_RSA_X_509, FOR_CIPHER | FOR_SIGN | FOR_WRAP, NONE},
    {"RSA_PKCS_OAEP", CKM_RSA_PKCS_OAEP, FOR_CIPHER | FOR_WRAP, OAEP},
    {"SHA1_RSA_PKCS", CKM_SHA1_RSA_PKCS, FOR_SIGN, NONE},
    {"SHA256_RSA_PKCS", CKM_SHA256_RSA_PKCS, FOR_SIGN, NONE},
    {"RSA_PKCS_PSS", CKM_RSA_PKCS_PSS, FOR_SIGN, PSS},
    {"SHA256_RSA_PKCS_PSS", CKM_SHA256_RSA_PKCS_PSS, FOR_SIGN, PSS},
    {"DES3_MAC", CKM_DES3_MAC, FOR_SIGN, NONE},
    {"DES3_CMAC", CKM_DES3_CMAC, FOR_SIGN, NONE},
    {"AES_MAC", CKM_AES_MAC, FOR_SIGN, NONE},
    {"AES_CMAC", CKM_AES_CMAC, FOR_SIGN, NONE},
    {"SHA_1_HMAC", CKM_SHA_1_HMAC, FOR_SIGN, NONE},
    {"SHA256_HMAC", CKM_SHA256_HMAC, FOR_SIGN, NONE},
    {"DES_ECB_ENCRYPT_DATA", CKM_DES_ECB_ENCRYPT_DATA, FOR_DERIVE, STRING},
    {"DES_CBC_ENCRYPT_DATA", CKM_DES_CBC_ENCRYPT_DATA, FOR_DERIVE, DES_CBC_DATA},
    {"DES3_ECB_ENCRYPT_DATA", CKM_DES3_ECB_ENCRYPT_DATA, FOR_DERIVE, STRING},
    {"DES3_CBC_ENCRYPT_DATA", CKM_DES3_CBC_ENCRYPT_DATA, FOR_DERIVE, DES_CBC_DATA},
    {"AES_ECB_ENCRYPT_DATA", CKM_AES_ECB_ENCRYPT_DATA, FOR_DERIVE, STRING},
    {"AES_CBC_ENCRYPT_DATA", CKM_AES_CBC_ENCRYPT_DATA, FOR_DERIVE, AES_CBC_DATA},
    {"XOR_BASE_AND_DATA", CKM_XOR_BASE_AND_DATA, FOR_DERIVE, STRING},
    {"CONCATENATE_BASE_AND_DATA", CKM_CONCATENATE_BASE_AND_DATA, FOR_DERIVE, STRING},
    {"CONCATENATE_DATA_AND_BASE", CKM_CONCATENATE_DATA_AND_BASE, FOR_DERIVE, STRING},
    {"CONCATENATE_BASE_AND_KEY", CKM_CONCATENATE_BASE_AND_KEY, FOR_DERIVE, OTHER},
    {"EXTRACT_KEY_FROM_KEY", CKM_EXTRACT_KEY_FROM_KEY, FOR_DERIVE, BIT},
    {"SHA1_KEY_DERIVATION", CKM_SHA1_KEY_DERIVATION, FOR_DERIVE, NONE},
    {"SHA256_KEY_DERIVATION", CKM_SHA256_KEY_DERIVATION, FOR_DERIVE, NONE},
};
const size_t mechanism_count = sizeof(mechanisms) / sizeof(mechanisms[0]);

const struct mechanism_row *mechanism_named(CK_MECHANISM_TYPE type)
{
    size_t i = 0;
    while (mechanisms[i].type != type)
        i++;
    return &mechanisms[i];
}

static CK_ULONG fill(struct mechanism *m, int parameter, CK_OBJECT_HANDLE other, CK_ULONG bit)
{
    switch (parameter) {
    case IV8:
        return 8;
    case IV16:
        return 16;
    case CTR:
        m->p.ctr.counter_bits = 128;
        return sizeof(m->p.ctr);
    case OAEP:
        m->p.oaep = (CK_RSA_PKCS_OAEP_PARAMS){CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
        return sizeof(m->p.oaep);
    case PSS:
        m->p.pss = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, 32};
        return sizeof(m->p.pss);
    case STRING:
        m->p.string = (CK_KEY_DERIVATION_STRING_DATA){m->data, sizeof(m->data)};
        return sizeof(m->p.string);
    case DES_CBC_DATA:
        m->p.des_cbc = (CK_DES_CBC_ENCRYPT_DATA_PARAMS){{0}, m->data, sizeof(m->data)};
        return sizeof(m->p.des_cbc);
    case AES_CBC_DATA:
        m->p.aes_cbc = (CK_AES_CBC_ENCRYPT_DATA_PARAMS){{0}, m->data, sizeof(m->data)};
        return sizeof(m->p.aes_cbc);
    case OTHER:
        m->p.other = other;
        return sizeof(m->p.other);
    case BIT:
        m->p.bit = bit;
        return sizeof(m->p.bit);
    default:
        return 0;
    }
}

void mechanism_set(struct mechanism *m, const struct mechanism_row *row, CK_OBJECT_HANDLE other, CK_ULONG bit)
{
    memset(m, 0, sizeof(*m));
    for (size_t i = 0; i < sizeof(m->data); i++)
        m->data[i] = (uint8_t)(i + 1);
    CK_ULONG len = fill(m, row->parameter, other, bit);
    m->m = (CK_MECHANISM){row->type, len ? &m->p : NULL, len};
}
