/* Every operation with every mechanism, and what the permitted ones can be bent to. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "attacker.h"

enum { OUT_MAX = 1024, BLOCK = 16, MODULUS_MAX = 512 };

static CK_ULONG modulus_of(const struct attacker *a, CK_OBJECT_HANDLE object, uint8_t out[MODULUS_MAX])
{
    CK_ATTRIBUTE attr = {CKA_MODULUS, out, MODULUS_MAX};
    return a->fn->C_GetAttributeValue(a->session, object, &attr, 1) == CKR_OK ? attr.ulValueLen : 0;
}

/* Begun is used: the rest is run only to end the operation. */
struct operation {
    const char *name;
    unsigned uses; /* of mechanisms */
    CK_RV (*begin)(const struct attacker *, CK_MECHANISM *, CK_OBJECT_HANDLE);
    void (*end)(const struct attacker *, uint8_t *data, CK_ULONG len);
};

static CK_RV begin_encrypt(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE k)
{
    return a->fn->C_EncryptInit(a->session, m, k);
}

static void end_encrypt(const struct attacker *a, uint8_t *data, CK_ULONG len)
{
    uint8_t out[OUT_MAX];
    CK_ULONG out_len = sizeof(out);
    a->fn->C_Encrypt(a->session, data, len, out, &out_len);
}

static CK_RV begin_decrypt(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE k)
{
    return a->fn->C_DecryptInit(a->session, m, k);
}

static void end_decrypt(const struct attacker *a, uint8_t *data, CK_ULONG len)
{
    uint8_t out[OUT_MAX];
    CK_ULONG out_len = sizeof(out);
    a->fn->C_Decrypt(a->session, data, len, out, &out_len);
}

static CK_RV begin_sign(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE k)
{
    return a->fn->C_SignInit(a->session, m, k);
}

static void end_sign(const struct attacker *a, uint8_t *data, CK_ULONG len)
{
    uint8_t out[OUT_MAX];
    CK_ULONG out_len = sizeof(out);
    a->fn->C_Sign(a->session, data, len, out, &out_len);
}

static CK_RV begin_recover(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE k)
{
    return a->fn->C_SignRecoverInit(a->session, m, k);
}

static void end_recover(const struct attacker *a, uint8_t *data, CK_ULONG len)
{
    uint8_t out[OUT_MAX];
    CK_ULONG out_len = sizeof(out);
    a->fn->C_SignRecover(a->session, data, len, out, &out_len);
}

static CK_RV begin_verify(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE k)
{
    return a->fn->C_VerifyInit(a->session, m, k);
}

static void end_verify(const struct attacker *a, uint8_t *data, CK_ULONG len)
{
    uint8_t signature[OUT_MAX] = {0};
    a->fn->C_Verify(a->session, data, len, signature, len);
}

static const struct operation operations[] = {
    {"encrypt", FOR_CIPHER, begin_encrypt, end_encrypt},
    {"decrypt", FOR_CIPHER, begin_decrypt, end_decrypt},
    {"sign", FOR_SIGN, begin_sign, end_sign},
    {"sign-recover", FOR_SIGN, begin_recover, end_recover},
    {"verify", FOR_SIGN, begin_verify, end_verify},
};

/* A MAC with an RSA key ends the process in C_SignInit of NSS 3.87, so no module is asked for that. */
static bool may_crash(const struct key *k, const struct mechanism_row *row)
{
    return k->class != CKO_SECRET_KEY && strstr(row->name, "MAC");
}

static void try_operation(const struct attacker *a, const struct key *k, const struct operation *o,
                          struct tally *t)
{
    uint8_t data[MODULUS_MAX] = {0};
    CK_ULONG modulus = k->class == CKO_SECRET_KEY ? 0 : modulus_of(a, k->handle, data);
    memset(data, 0, sizeof(data));
    for (size_t i = 0; i < mechanism_count; i++) {
        struct mechanism m;
        if (!(mechanisms[i].uses & o->uses) || may_crash(k, &mechanisms[i])) continue;
        mechanism_set(&m, &mechanisms[i], 0, 0);
        CK_RV rv = o->begin(a, &m.m, k->handle);
        if (rv == CKR_OK) o->end(a, data, modulus ? modulus : BLOCK);
        tally_add(t, rv, "%s by %s", o->name, mechanisms[i].name);
    }
}

static void try_digest(const struct attacker *a, const struct key *k, struct tally *t)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    uint8_t out[64];
    CK_ULONG len = sizeof(out);
    if (a->fn->C_DigestInit(a->session, &m) != CKR_OK) return;
    tally_add(t, a->fn->C_DigestKey(a->session, k->handle), "digest of its value");
    a->fn->C_DigestFinal(a->session, out, &len);
}

void attack_uses(struct attacker *a)
{
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally t = TALLY_NONE;
        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
            try_operation(a, &a->keys[k], &operations[i], &t);
        if (a->keys[k].class == CKO_SECRET_KEY) try_digest(a, &a->keys[k], &t);
        tally_print(&t, "use it for encryption, signatures, digests", &a->keys[k]);
    }
}

/* ---- oracles of private keys ---- */

static CK_RV private_operation(const struct attacker *a, const struct key *k, CK_MECHANISM_TYPE type,
                               uint8_t *in, CK_ULONG len, uint8_t *out)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_ULONG out_len = MODULUS_MAX;
    CK_RV rv = a->fn->C_SignInit(a->session, &m, k->handle);
    if (rv != CKR_OK) return rv;
    return a->fn->C_Sign(a->session, in, len, out, &out_len);
}

/* out = in^e mod n, by OpenSSL; both of n's length. */
static bool public_operation(const uint8_t *n, CK_ULONG len, const uint8_t *in, uint8_t *out)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *modulus = BN_bin2bn(n, (int)len, NULL), *x = BN_bin2bn(in, (int)len, NULL), *e = BN_new();
    bool ok = ctx && modulus && x && e && BN_set_word(e, 65537) && BN_mod_exp(x, x, e, modulus, ctx) &&
              BN_bn2binpad(x, out, (int)len) == (int)len;
    BN_free(e);
    BN_free(x);
    BN_free(modulus);
    BN_CTX_free(ctx);
    return ok;
}

/* Something encrypted to the public key, opened by raw "signing". */
static void try_decrypting(const struct attacker *a, const struct key *k, struct tally *t)
{
    uint8_t n[MODULUS_MAX], secret[MODULUS_MAX] = {0}, closed[MODULUS_MAX], open[MODULUS_MAX] = {0};
    CK_ULONG len = modulus_of(a, k->handle, n);
    if (len == 0) return;
    memset(secret + 1, 0x5A, len - 1);
    secret[1] = 1;
    if (!public_operation(n, len, secret, closed)) return;
    CK_RV rv = private_operation(a, k, CKM_RSA_X_509, closed, len, open);
    if (rv == CKR_OK && memcmp(open, secret, len) != 0) rv = CKR_DATA_INVALID;
    tally_add(t, rv, "raw RSA opens what was encrypted to it");
}

/* A PKCS #1 signature over the attacker's text, by the mechanism or by raw RSA over a padding of one's own. */
static void try_signing(const struct attacker *a, const struct key *k, struct tally *t)
{
    static const uint8_t prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t n[MODULUS_MAX], text[] = "text of the attacker's", block[MODULUS_MAX] = {0},
                            signature[MODULUS_MAX], back[MODULUS_MAX];
    CK_ULONG len = modulus_of(a, k->handle, n);
    if (len == 0) return;
    memset(block, 0xFF, len);
    block[0] = 0;
    block[1] = 1;
    block[len - 32 - sizeof(prefix) - 1] = 0;
    memcpy(block + len - 32 - sizeof(prefix), prefix, sizeof(prefix));
    SHA256(text, sizeof(text), block + len - 32);
    for (int raw = 0; raw < 2; raw++) {
        CK_RV rv = raw ? private_operation(a, k, CKM_RSA_X_509, block, len, signature)
                       : private_operation(a, k, CKM_SHA256_RSA_PKCS, text, sizeof(text), signature);
        bool right =
            rv == CKR_OK && public_operation(n, len, signature, back) && memcmp(back, block, len) == 0;
        if (rv == CKR_OK && !right) rv = CKR_SIGNATURE_INVALID;
        tally_add(t, rv, "PKCS #1 signature %s",
                  raw ? "by raw RSA and a padding of one's own" : "over any text");
    }
}

void attack_oracles(struct attacker *a)
{
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally t = TALLY_NONE;
        if (a->keys[k].class != CKO_PRIVATE_KEY) continue;
        try_decrypting(a, &a->keys[k], &t);
        try_signing(a, &a->keys[k], &t);
        tally_print(&t, "sign and decrypt what one likes", &a->keys[k]);
    }
}
