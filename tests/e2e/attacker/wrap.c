/* Getting keys out, and twisting those that wrap. */
#include <string.h>

#include "attacker.h"

enum { OUT_MAX = 4096 };

/* Keys that the attacker puts onto the token, all with WRAP, UNWRAP, ENCRYPT and DECRYPT at once. */
enum { AES, DES3, DES2, DES, PAIR, OWN_COUNT };
struct own {
    const char *name;
    CK_OBJECT_HANDLE handle, open; /* `open` unwraps what `handle` wrapped */
};

static const uint8_t known[] = "A key value that the attacker knows..";

static void make_own(const struct attacker *a, struct own own[OWN_COUNT])
{
    own[AES] = (struct own){"AES", own_secret(a, CKK_AES, known, 32, OWN_READABLE), 0};
    own[DES3] = (struct own){"DES3", own_secret(a, CKK_DES3, known, 24, OWN_READABLE), 0};
    own[DES2] = (struct own){"DES2", own_secret(a, CKK_DES2, known, 16, OWN_READABLE), 0};
    own[DES] = (struct own){"DES", own_secret(a, CKK_DES, known, 8, OWN_READABLE), 0};
    for (size_t i = 0; i < PAIR; i++)
        own[i].open = own[i].handle;
    own[PAIR] = (struct own){"RSA", 0, 0};
    if (!own_pair(a, &own[PAIR].handle, &own[PAIR].open)) own[PAIR] = (struct own){"RSA", 0, 0};
}

static bool fits(CK_MECHANISM_TYPE m, size_t own)
{
    const struct mechanism_row *row = mechanism_named(m);
    static const char *const prefix[OWN_COUNT] = {"AES_", "DES3_", "DES3_", "DES_", "RSA_"};
    return strncmp(row->name, prefix[own], strlen(prefix[own])) == 0;
}

/* Wraps, and opens what came out by decryption. */
static void wrap_out(const struct attacker *a, const struct key *k, const struct own *own,
                     const struct mechanism_row *row, struct tally *t)
{
    struct mechanism m;
    uint8_t out[OUT_MAX], clear[OUT_MAX];
    CK_ULONG len = sizeof(out), clear_len = sizeof(clear);
    mechanism_set(&m, row, 0, 0);
    CK_RV rv = a->fn->C_WrapKey(a->session, &m.m, own->handle, k->handle, out, &len);
    if (rv != CKR_OK) {
        tally_add(t, rv, "%s", row->name);
        return;
    }
    bool open = a->fn->C_DecryptInit(a->session, &m.m, own->open) == CKR_OK &&
                a->fn->C_Decrypt(a->session, out, len, clear, &clear_len) == CKR_OK;
    tally_add(t, CKR_OK, "%s by %s%s", own->name, row->name, open ? " and decrypted" : "");
}

/* The rest of the token's keys as wrapping keys. */
static void wrap_within(const struct attacker *a, const struct key *k, struct tally *t)
{
    uint8_t out[OUT_MAX];
    for (size_t w = 0; w < a->key_count; w++) {
        if (a->keys[w].class == CKO_PRIVATE_KEY) continue;
        for (size_t i = 0; i < mechanism_count; i++) {
            struct mechanism m;
            CK_ULONG len = sizeof(out);
            if (!(mechanisms[i].uses & FOR_WRAP)) continue;
            mechanism_set(&m, &mechanisms[i], 0, 0);
            CK_RV rv = a->fn->C_WrapKey(a->session, &m.m, a->keys[w].handle, k->handle, out, &len);
            tally_add(t, rv, "%s by %s", a->keys[w].name, mechanisms[i].name);
        }
    }
}

void attack_wrapping(struct attacker *a)
{
    struct own own[OWN_COUNT];
    make_own(a, own);
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally strong = TALLY_NONE, weak = TALLY_NONE, within = TALLY_NONE;
        if (a->keys[k].class == CKO_PUBLIC_KEY) continue;
        for (size_t o = 0; o < OWN_COUNT; o++) {
            for (size_t i = 0; i < mechanism_count; i++) {
                if (!(mechanisms[i].uses & FOR_WRAP) || !fits(mechanisms[i].type, o) || !own[o].handle)
                    continue;
                wrap_out(a, &a->keys[k], &own[o], &mechanisms[i], o == DES2 || o == DES ? &weak : &strong);
            }
        }
        wrap_within(a, &a->keys[k], &within);
        tally_print(&strong, "wrap it under a key of one's own that also decrypts", &a->keys[k]);
        tally_print(&weak, "wrap it under a weak key of one's own", &a->keys[k]);
        tally_print(&within, "wrap it under another key of the token", &a->keys[k]);
    }
}

/* ---- keys that wrap ---- */

static CK_RV unwrap_generic(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE by, uint8_t *blob,
                            CK_ULONG len)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE attr[] = {{CKA_CLASS, &class, sizeof(class)},
                           {CKA_KEY_TYPE, &type, sizeof(type)},
                           {CKA_TOKEN, &no, sizeof(no)},
                           {CKA_SENSITIVE, &no, sizeof(no)},
                           {CKA_EXTRACTABLE, &yes, sizeof(yes)}};
    CK_OBJECT_HANDLE back = 0;
    uint8_t value[64];
    CK_ULONG value_len = sizeof(value);
    CK_RV rv = a->fn->C_UnwrapKey(a->session, m, by, blob, len, attr, 5, &back);
    return rv == CKR_OK ? own_read(a, back, value, &value_len) : rv;
}

static CK_RV decrypt(const struct attacker *a, CK_MECHANISM *m, CK_OBJECT_HANDLE by, uint8_t *blob,
                     CK_ULONG len)
{
    uint8_t out[OUT_MAX];
    CK_ULONG out_len = sizeof(out);
    CK_RV rv = a->fn->C_DecryptInit(a->session, m, by);
    return rv == CKR_OK ? a->fn->C_Decrypt(a->session, blob, len, out, &out_len) : rv;
}

/* Who wraps under this key must not be able to open under it. */
static void twist(const struct attacker *a, const struct key *k, CK_OBJECT_HANDLE own[2])
{
    struct tally wrap = TALLY_NONE, open = TALLY_NONE;
    for (size_t i = 0; i < mechanism_count; i++) {
        for (int sensitive = 0; sensitive < 2; sensitive++) {
            struct mechanism m;
            uint8_t out[OUT_MAX];
            CK_ULONG len = sizeof(out);
            if (!(mechanisms[i].uses & FOR_WRAP)) continue;
            mechanism_set(&m, &mechanisms[i], 0, 0);
            CK_RV rv = a->fn->C_WrapKey(a->session, &m.m, k->handle, own[sensitive], out, &len);
            tally_add(&wrap, rv, "a %s key by %s", sensitive ? "sensitive" : "readable", mechanisms[i].name);
            if (rv != CKR_OK) continue;
            tally_add(&open, unwrap_generic(a, &m.m, k->handle, out, len), "unwrapped by %s",
                      mechanisms[i].name);
            tally_add(&open, decrypt(a, &m.m, k->handle, out, len), "decrypted by %s", mechanisms[i].name);
        }
    }
    tally_print(&wrap, "wrap a key of one's own under it", k);
    tally_print(&open, "open under it what it wrapped", k);
}

void attack_twisting(struct attacker *a)
{
    CK_OBJECT_HANDLE own[2] = {own_secret(a, CKK_AES, known, 16, OWN_READABLE),
                               own_secret(a, CKK_AES, known, 16, OWN_SENSITIVE)};
    for (size_t k = 0; k < a->key_count; k++) {
        if (a->keys[k].class != CKO_PRIVATE_KEY) twist(a, &a->keys[k], own);
    }
}
