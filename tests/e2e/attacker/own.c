#include <string.h>

#include "attacker.h"

CK_OBJECT_HANDLE own_secret(const struct attacker *a, CK_KEY_TYPE type, const uint8_t *value, CK_ULONG len,
                            enum own_kind kind)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,   CKA_VERIFY,
                                             CKA_WRAP,    CKA_UNWRAP,  CKA_DERIVE, CKA_EXTRACTABLE};
    enum { USES = sizeof(uses) / sizeof(uses[0]) };
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    uint8_t copy[64];
    CK_OBJECT_HANDLE handle = 0;
    if (len > sizeof(copy)) return 0;
    memcpy(copy, value, len);
    CK_ATTRIBUTE attr[5 + USES] = {{CKA_CLASS, &class, sizeof(class)},
                                   {CKA_KEY_TYPE, &type, sizeof(type)},
                                   {CKA_VALUE, copy, len},
                                   {CKA_TOKEN, &no, sizeof(no)},
                                   {CKA_SENSITIVE, kind == OWN_SENSITIVE ? &yes : &no, sizeof(yes)}};
    for (size_t i = 0; i < USES; i++)
        attr[5 + i] = (CK_ATTRIBUTE){uses[i], &yes, sizeof(yes)};
    return a->fn->C_CreateObject(a->session, attr, 5 + USES, &handle) == CKR_OK ? handle : 0;
}

bool own_pair(const struct attacker *a, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    unsigned char e[] = {1, 0, 1};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE pub[] = {{CKA_MODULUS_BITS, &bits, sizeof(bits)},
                          {CKA_PUBLIC_EXPONENT, e, sizeof(e)},
                          {CKA_TOKEN, &no, sizeof(no)},
                          {CKA_WRAP, &yes, sizeof(yes)},
                          {CKA_ENCRYPT, &yes, sizeof(yes)},
                          {CKA_VERIFY, &yes, sizeof(yes)}};
    CK_ATTRIBUTE priv[] = {{CKA_TOKEN, &no, sizeof(no)},         {CKA_SENSITIVE, &no, sizeof(no)},
                           {CKA_EXTRACTABLE, &yes, sizeof(yes)}, {CKA_DECRYPT, &yes, sizeof(yes)},
                           {CKA_UNWRAP, &yes, sizeof(yes)},      {CKA_SIGN, &yes, sizeof(yes)}};
    return a->fn->C_GenerateKeyPair(a->session, &m, pub, 6, priv, 6, public, private) == CKR_OK;
}

CK_RV own_read(const struct attacker *a, CK_OBJECT_HANDLE key, uint8_t *out, CK_ULONG *len)
{
    CK_ATTRIBUTE attr = {CKA_VALUE, out, *len};
    CK_RV rv = a->fn->C_GetAttributeValue(a->session, key, &attr, 1);
    *len = rv == CKR_OK ? attr.ulValueLen : 0;
    return rv;
}
