/* Wrapped keys that lie in files, opened otherwise than as the key that they are. */
#include <string.h>

#include "attacker.h"

/* What the attacker would like to have of it. */
struct form {
    const char *name;
    CK_KEY_TYPE type;
    CK_BBOOL sensitive, extractable;
    CK_MECHANISM_TYPE
    cipher; /* of a key that stays and has all restrictions that roles have in common: it is tried; else 0 */
};
static const struct form forms[] = {
    {"in clear", CKK_GENERIC_SECRET, CK_FALSE, CK_TRUE, 0},
    {"as a readable AES key", CKK_AES, CK_FALSE, CK_TRUE, 0},
    {"as a DES2 key", CKK_DES2, CK_TRUE, CK_FALSE, 0},
    {"as an AES key that may leave", CKK_AES, CK_TRUE, CK_TRUE, 0},
    {"as an AES key that decrypts and stays", CKK_AES, CK_TRUE, CK_FALSE, 0},
    {"as a restricted AES key for other uses", CKK_AES, CK_TRUE, CK_FALSE, CKM_AES_ECB},
    {"as a restricted DES2 key", CKK_DES2, CK_TRUE, CK_FALSE, CKM_DES3_ECB},
};
/* Half of a key, to be searched; the whole of it, to compare. */
static const struct form des = {"as a restricted single DES key", CKK_DES, CK_TRUE, CK_FALSE, CKM_DES_ECB};
static const struct form des2 = {"", CKK_DES2, CK_TRUE, CK_FALSE, CKM_DES3_ECB};
static const struct form *const in_clear = &forms[0];

static CK_RV unwrap_as(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE by, const struct blob *b,
                       const struct form *form, CK_OBJECT_HANDLE *out)
{
    struct blob copy = *b;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = form->type;
    CK_BBOOL sensitive = form->sensitive, extractable = form->extractable, yes = CK_TRUE, no = CK_FALSE;
    CK_BBOOL decrypt = form->cipher == 0;
    CK_ATTRIBUTE attr[] = {{CKA_CLASS, &class, sizeof(class)},
                           {CKA_KEY_TYPE, &type, sizeof(type)},
                           {CKA_TOKEN, &no, sizeof(no)},
                           {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
                           {CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
                           {CKA_DECRYPT, &decrypt, sizeof(decrypt)},
                           {CKA_UNWRAP, &yes, sizeof(yes)},
                           {CKA_ENCRYPT, &yes, sizeof(yes)},
                           {CKA_PRIVATE, &yes, sizeof(yes)},
                           {CKA_COPYABLE, &no, sizeof(no)},
                           {CKA_MODIFIABLE, &no, sizeof(no)}};
    return a->fn->C_UnwrapKey(a->session, m, by, copy.bytes, copy.len, attr, form->cipher ? 11 : 7, out);
}

/* Whether what was opened can be used. */
static CK_RV encrypt_block(const struct attacker *a, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE cipher,
                           uint8_t out[16])
{
    CK_MECHANISM m = {cipher, NULL, 0};
    uint8_t block[16] = {0};
    CK_ULONG len = sizeof(block);
    CK_RV rv = a->fn->C_EncryptInit(a->session, &m, key);
    return rv != CKR_OK ? rv : a->fn->C_Encrypt(a->session, block, sizeof(block), out, &len);
}

/* What it gives: its value, or a block encrypted. */
static CK_RV open_as(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE by, const struct blob *b,
                     const struct form *form, uint8_t given[64])
{
    CK_OBJECT_HANDLE out = 0;
    CK_ULONG len = 64;
    CK_RV rv = unwrap_as(a, m, by, b, form, &out);
    if (rv != CKR_OK) return rv;
    if (!form->sensitive) rv = own_read(a, out, given, &len);
    if (form->cipher) rv = encrypt_block(a, out, form->cipher, given);
    a->fn->C_DestroyObject(a->session, out);
    return rv;
}

/* Some tokens say that it is a single DES key, and use all of it all the same. */
static void open_half(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE by, const struct blob *b,
                      struct tally *t)
{
    uint8_t half[64], whole[64];
    CK_RV rv = open_as(a, m, by, b, &des, half);
    if (rv == CKR_OK && open_as(a, m, by, b, &des2, whole) == CKR_OK && memcmp(half, whole, 16) == 0)
        tally_without_effect(t);
    else
        tally_add(t, rv, "%s %s", b->name, des.name);
}

/* b opened as a transport key of the attacker's own making, and what it wrapped under that. */
static void open_by_way_of(const struct attacker *a, CK_MECHANISM *m, const struct key *by,
                           const struct blob *b, struct tally *t)
{
    static const struct form transport = {"", CKK_AES, CK_TRUE, CK_FALSE, CKM_AES_ECB};
    uint8_t value[64];
    CK_OBJECT_HANDLE mine = 0;
    CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    if (unwrap_as(a, m, by->handle, b, &transport, &mine) != CKR_OK) return;
    for (size_t i = 0; i < a->blob_count; i++)
        tally_add(t, open_as(a, &kwp, mine, &a->blobs[i], in_clear, value), "%s by way of %s",
                  a->blobs[i].name, b->name);
    a->fn->C_DestroyObject(a->session, mine);
}

static void open_each(const struct attacker *a, CK_MECHANISM *m, const struct key *by, struct tally *t,
                      struct tally *chain)
{
    uint8_t given[64];
    for (size_t b = 0; b < a->blob_count; b++) {
        const struct blob *blob = &a->blobs[b];
        for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
            tally_add(t, open_as(a, m, by->handle, blob, &forms[f], given), "%s %s", blob->name,
                      forms[f].name);
        open_half(a, m, by->handle, blob, t);
        open_by_way_of(a, m, by, blob, chain);
    }
}

void attack_unwrapping(struct attacker *a)
{
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally t = TALLY_NONE, chain = TALLY_NONE;
        if (a->keys[k].class == CKO_PUBLIC_KEY) continue;
        for (size_t i = 0; i < mechanism_count; i++) {
            struct mechanism m;
            if (!(mechanisms[i].uses & FOR_WRAP)) continue;
            mechanism_set(&m, &mechanisms[i], 0, 0);
            open_each(a, &m.m, &a->keys[k], &t, &chain);
        }
        tally_print(&t, "unwrap under it what lies in files", &a->keys[k]);
        tally_print(&chain, "open as a transport key, and under that in clear", &a->keys[k]);
    }
}
