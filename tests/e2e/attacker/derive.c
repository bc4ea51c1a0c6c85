/* Derived keys in clear, and values found byte by byte. */
#include <stdio.h>
#include <string.h>

#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "attacker.h"

enum { VALUE_LEN = 16, HASH = 32 };

static CK_RV derive(const struct attacker *a, const struct key *k, struct mechanism *m, CK_ULONG len,
                    bool sensitive, CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE attr[] = {{CKA_CLASS, &class, sizeof(class)},
                           {CKA_KEY_TYPE, &type, sizeof(type)},
                           {CKA_VALUE_LEN, &len, sizeof(len)},
                           {CKA_TOKEN, &no, sizeof(no)},
                           {CKA_SENSITIVE, sensitive ? &yes : &no, sizeof(yes)},
                           {CKA_EXTRACTABLE, sensitive ? &no : &yes, sizeof(yes)},
                           {CKA_SIGN, &yes, sizeof(yes)},
                           {CKA_DERIVE, &yes, sizeof(yes)}};
    return a->fn->C_DeriveKey(a->session, &m->m, k->handle, attr, 8, out);
}

/* ---- a sensitive key of which all bytes but the last are known: the last is found by trying ---- */

static CK_RV mac_of(const struct attacker *a, CK_OBJECT_HANDLE k, uint8_t out[HASH])
{
    CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG len = HASH;
    uint8_t text[] = "text";
    CK_RV rv = a->fn->C_SignInit(a->session, &m, k);
    return rv == CKR_OK ? a->fn->C_Sign(a->session, text, 4, out, &len) : rv;
}

static CK_RV digest_of(const struct attacker *a, CK_OBJECT_HANDLE k, uint8_t out[HASH])
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_ULONG len = HASH;
    CK_RV rv = a->fn->C_DigestInit(a->session, &m);
    if (rv == CKR_OK) rv = a->fn->C_DigestKey(a->session, k);
    CK_RV end = a->fn->C_DigestFinal(a->session, out, &len);
    return rv == CKR_OK ? end : rv;
}

static CK_RV search(const struct attacker *a, CK_OBJECT_HANDLE k, uint8_t *value, size_t len)
{
    uint8_t is[HASH], tried[HASH];
    bool by_mac = mac_of(a, k, is) == CKR_OK;
    CK_RV rv = by_mac ? CKR_OK : digest_of(a, k, is);
    if (rv != CKR_OK) return rv;
    for (unsigned guess = 0; guess < 256; guess++) {
        value[len - 1] = (uint8_t)guess;
        if (by_mac)
            HMAC(EVP_sha256(), value, (int)len, (const uint8_t *)"text", 4, tried, NULL);
        else
            SHA256(value, len, tried);
        if (memcmp(is, tried, HASH) == 0) return CKR_OK;
    }
    return CKR_FUNCTION_FAILED;
}

/* Longer and longer beginnings of one derived key. */
static CK_RV find_derived(const struct attacker *a, const struct key *k, const struct mechanism_row *row,
                          uint8_t value[VALUE_LEN])
{
    for (size_t len = 1; len <= VALUE_LEN; len++) {
        struct mechanism m;
        CK_OBJECT_HANDLE part = 0;
        mechanism_set(&m, row, 0, 0);
        CK_RV rv = derive(a, k, &m, len, true, &part);
        if (rv == CKR_OK) rv = search(a, part, value, len);
        if (part) a->fn->C_DestroyObject(a->session, part);
        if (rv != CKR_OK) return rv;
    }
    return CKR_OK;
}

/* The key's own bytes, cut out one by one. */
static CK_RV find_own(const struct attacker *a, const struct key *k, uint8_t value[VALUE_LEN])
{
    for (size_t i = 0; i < VALUE_LEN; i++) {
        struct mechanism m;
        CK_OBJECT_HANDLE part = 0;
        mechanism_set(&m, mechanism_named(CKM_EXTRACT_KEY_FROM_KEY), 0, 8 * i);
        CK_RV rv = derive(a, k, &m, 1, true, &part);
        if (rv == CKR_OK) rv = search(a, part, &value[i], 1);
        if (part) a->fn->C_DestroyObject(a->session, part);
        if (rv != CKR_OK) return rv;
    }
    return CKR_OK;
}

static CK_RV derive_clear(const struct attacker *a, const struct key *k, const struct mechanism_row *row,
                          CK_OBJECT_HANDLE other, uint8_t value[VALUE_LEN])
{
    struct mechanism m;
    CK_OBJECT_HANDLE out = 0;
    CK_ULONG len = VALUE_LEN;
    mechanism_set(&m, row, other, 0);
    CK_RV rv = derive(a, k, &m, VALUE_LEN, false, &out);
    if (rv == CKR_OK) rv = own_read(a, out, value, &len);
    if (out) a->fn->C_DestroyObject(a->session, out);
    return rv;
}

static CK_RV derive_sensitive(const struct attacker *a, const struct key *k, const struct mechanism_row *row,
                              CK_OBJECT_HANDLE other)
{
    struct mechanism m;
    CK_OBJECT_HANDLE out = 0;
    mechanism_set(&m, row, other, 0);
    CK_RV rv = derive(a, k, &m, VALUE_LEN, true, &out);
    if (rv == CKR_OK) a->fn->C_DestroyObject(a->session, out);
    return rv;
}

static void derive_from(const struct attacker *a, const struct key *k, CK_OBJECT_HANDLE other)
{
    struct tally clear = TALLY_NONE, sensitive = TALLY_NONE, bytes = TALLY_NONE, own = TALLY_NONE;
    for (size_t i = 0; i < mechanism_count; i++) {
        uint8_t is[VALUE_LEN] = {0}, found[VALUE_LEN] = {0};
        if (!(mechanisms[i].uses & FOR_DERIVE)) continue;
        CK_RV rv = derive_clear(a, k, &mechanisms[i], other, is);
        tally_add(&clear, rv, "%s", mechanisms[i].name);
        tally_add(&sensitive, derive_sensitive(a, k, &mechanisms[i], other), "%s", mechanisms[i].name);
        CK_RV search = find_derived(a, k, &mechanisms[i], found);
        if (search == CKR_OK && rv == CKR_OK && memcmp(is, found, VALUE_LEN) != 0)
            search = CKR_FUNCTION_FAILED;
        tally_add(&bytes, search, "%s", mechanisms[i].name);
    }
    uint8_t value[VALUE_LEN];
    tally_add(&own, find_own(a, k, value), "16 bytes of its own value");
    tally_print(&clear, "derive a key in clear", k);
    tally_print(&sensitive, "derive a sensitive key", k);
    tally_print(&bytes, "derive beginnings of 1, 2, 3 bytes and search", k);
    tally_print(&own, "cut it into bytes and search", k);
}

void attack_deriving(struct attacker *a)
{
    static const uint8_t zeros[16] = {0};
    CK_OBJECT_HANDLE other = own_secret(a, CKK_GENERIC_SECRET, zeros, sizeof(zeros), OWN_READABLE);
    for (size_t k = 0; k < a->key_count; k++) {
        if (a->keys[k].class == CKO_SECRET_KEY) derive_from(a, &a->keys[k], other);
    }
}

/* ---- as a run does it ---- */

bool deed_card_key(struct attacker *a, char **arguments)
{
    const struct key *master = attacker_key(a, arguments[0]), *kek = attacker_key(a, arguments[1]);
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_DES2;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE attr[] = {{CKA_CLASS, &class, sizeof(class)},
                           {CKA_KEY_TYPE, &type, sizeof(type)},
                           {CKA_TOKEN, &no, sizeof(no)},
                           {CKA_SENSITIVE, &yes, sizeof(yes)},
                           {CKA_EXTRACTABLE, &yes, sizeof(yes)}};
    struct mechanism m;
    CK_OBJECT_HANDLE card = 0;
    uint8_t out[64];
    CK_ULONG len = sizeof(out);
    if (!master || !kek) return false;
    mechanism_set(
        &m, mechanism_named(master->type == CKK_AES ? CKM_AES_ECB_ENCRYPT_DATA : CKM_DES3_ECB_ENCRYPT_DATA),
        0, 0);
    m.p.string.ulLen = 16;
    CK_RV rv = a->fn->C_DeriveKey(a->session, &m.m, master->handle, attr, 5, &card);
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    if (rv == CKR_OK) rv = a->fn->C_WrapKey(a->session, &wrap, kek->handle, card, out, &len);
    if (rv != CKR_OK) {
        fprintf(stderr, "attacker: 0x%lX\n", rv);
        return false;
    }
    for (CK_ULONG i = 0; i < len; i++)
        printf("%02X", out[i]);
    printf("\n");
    return true;
}
