/* Destroying keys, and putting others in their place. */
#include <stdio.h>
#include <string.h>

#include "attacker.h"
#include "base/hex.h"

enum { ATTRIBUTES_MAX = 40, LIST_MAX = 8, INNER_MAX = 6, MODULUS = 256 };

void attack_sight(struct attacker *a)
{
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally see = TALLY_NONE, destroy = TALLY_NONE;
        tally_add(&see, CKR_OK, "seen");
        tally_add(&destroy, a->fn->C_DestroyObject(a->session, a->keys[k].handle), "destroyed");
        tally_print(&see, "see it", &a->keys[k]);
        tally_print(&destroy, "destroy it", &a->keys[k]);
    }
}

/* ---- a key's double: everything that an attribute says ---- */

static const CK_ATTRIBUTE_TYPE bools[] = {
    CKA_TOKEN,  CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_ENCRYPT,  CKA_DECRYPT,     CKA_SIGN,
    CKA_VERIFY, CKA_WRAP,    CKA_UNWRAP,    CKA_DERIVE,      CKA_COPYABLE, CKA_DESTROYABLE, CKA_MODIFIABLE};
enum { BOOLS = sizeof(bools) / sizeof(bools[0]) };

struct inner {
    CK_ATTRIBUTE attr[INNER_MAX];
    CK_BBOOL value[INNER_MAX];
    CK_ULONG size;
};
struct double_of {
    CK_ATTRIBUTE attr[ATTRIBUTES_MAX];
    CK_ULONG count;
    CK_BBOOL value[BOOLS];
    CK_MECHANISM_TYPE list[LIST_MAX];
    struct inner wrap, unwrap;
    char label[NAME_MAX_LEN], id[NAME_MAX_LEN];
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
};

static void add(struct double_of *d, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG len)
{
    d->attr[d->count++] = (CK_ATTRIBUTE){type, value, len};
}

static void take(const struct attacker *a, const struct key *k, struct double_of *d, CK_ATTRIBUTE_TYPE type,
                 void *value, CK_ULONG room)
{
    CK_ATTRIBUTE attr = {type, value, room};
    CK_RV rv = a->fn->C_GetAttributeValue(a->session, k->handle, &attr, 1);
    if (rv == CKR_OK && attr.ulValueLen > 0 && attr.ulValueLen <= room) add(d, type, value, attr.ulValueLen);
}

/* SoftHSM wants to know what to expect in it: the restrictions of keys that arrive, or those of a KEK's own template. */
static void take_template(const struct attacker *a, const struct key *k, struct double_of *d,
                          CK_ATTRIBUTE_TYPE type, struct inner *in)
{
    static const CK_ATTRIBUTE_TYPE unwrap[INNER_MAX] = {CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_PRIVATE,
                                                        CKA_DECRYPT,   CKA_COPYABLE,    CKA_MODIFIABLE};
    static const CK_ATTRIBUTE_TYPE wrap[INNER_MAX] = {CKA_SENSITIVE, CKA_TOKEN};
    CK_ATTRIBUTE attr = {type, NULL, 0};
    CK_RV rv = a->fn->C_GetAttributeValue(a->session, k->handle, &attr, 1);
    if (rv != CKR_OK || attr.ulValueLen == 0 || attr.ulValueLen > sizeof(in->attr)) return;
    for (size_t i = 0; i < INNER_MAX; i++)
        in->attr[i] = (CK_ATTRIBUTE){type == CKA_WRAP_TEMPLATE ? wrap[i] : unwrap[i], &in->value[i],
                                     sizeof(in->value[i])};
    take(a, k, d, type, in->attr, attr.ulValueLen);
}

static void look_like(const struct attacker *a, const struct key *k, struct double_of *d)
{
    memset(d, 0, sizeof(*d));
    take(a, k, d, CKA_LABEL, d->label, sizeof(d->label));
    take(a, k, d, CKA_ID, d->id, sizeof(d->id));
    take(a, k, d, CKA_ALLOWED_MECHANISMS, d->list, sizeof(d->list));
    take_template(a, k, d, CKA_WRAP_TEMPLATE, &d->wrap);
    take_template(a, k, d, CKA_UNWRAP_TEMPLATE, &d->unwrap);
    for (size_t i = 0; i < BOOLS; i++)
        take(a, k, d, bools[i], &d->value[i], sizeof(d->value[i]));
}

/* In front, because MODIFIABLE=false stands last. */
static void add_first(struct double_of *d, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG len)
{
    memmove(&d->attr[1], &d->attr[0], d->count * sizeof(d->attr[0]));
    d->attr[0] = (CK_ATTRIBUTE){type, value, len};
    d->count++;
}

static CK_RV put_secret(const struct attacker *a, const struct key *k, struct double_of *d)
{
    uint8_t value[32];
    CK_OBJECT_HANDLE out = 0;
    CK_ULONG len = k->type == CKK_DES2 ? 16 : k->type == CKK_DES3 ? 24 : 0, is = 0;
    CK_ATTRIBUTE attr = {CKA_VALUE_LEN, &is, sizeof(is)};
    a->fn->C_GetAttributeValue(a->session, k->handle, &attr, 1);
    if (len == 0) len = is > 0 && is <= sizeof(value) ? is : 32;
    memset(value, 0x5B, sizeof(value));
    d->class = k->class;
    d->type = k->type;
    add_first(d, CKA_VALUE, value, len);
    add_first(d, CKA_KEY_TYPE, &d->type, sizeof(d->type));
    add_first(d, CKA_CLASS, &d->class, sizeof(d->class));
    return a->fn->C_CreateObject(a->session, d->attr, d->count, &out);
}

static CK_RV put_pair(const struct attacker *a, const struct key *public, struct double_of *private)
{
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 0;
    uint8_t modulus[512], exponent[8];
    CK_ATTRIBUTE n = {CKA_MODULUS, modulus, sizeof(modulus)},
                 e = {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)};
    CK_OBJECT_HANDLE one = 0, two = 0;
    struct double_of pub;
    look_like(a, public, &pub);
    CK_RV rv = a->fn->C_GetAttributeValue(a->session, public->handle, &n, 1);
    if (rv == CKR_OK) rv = a->fn->C_GetAttributeValue(a->session, public->handle, &e, 1);
    if (rv != CKR_OK) return rv;
    bits = n.ulValueLen * 8;
    add_first(&pub, CKA_PUBLIC_EXPONENT, exponent, e.ulValueLen);
    add_first(&pub, CKA_MODULUS_BITS, &bits, sizeof(bits));
    return a->fn->C_GenerateKeyPair(a->session, &m, pub.attr, pub.count, private->attr, private->count, &one,
                                    &two);
}

static CK_RV put_public(const struct attacker *a, struct double_of *d)
{
    uint8_t modulus[MODULUS], exponent[] = {1, 0, 1};
    CK_OBJECT_HANDLE out = 0;
    memset(modulus, 0xC5, sizeof(modulus));
    d->class = CKO_PUBLIC_KEY;
    d->type = CKK_RSA;
    add_first(d, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
    add_first(d, CKA_MODULUS, modulus, sizeof(modulus));
    add_first(d, CKA_KEY_TYPE, &d->type, sizeof(d->type));
    add_first(d, CKA_CLASS, &d->class, sizeof(d->class));
    return a->fn->C_CreateObject(a->session, d->attr, d->count, &out);
}

static bool put(struct attacker *a, const char *name, bool destroy)
{
    const struct key *k = attacker_key(a, name), *public = NULL;
    struct double_of d;
    char text[NAME_MAX_LEN + 16];
    if (!k) return false;
    look_like(a, k, &d);
    if (k->class == CKO_PRIVATE_KEY) {
        snprintf(text, sizeof(text), "%s(public)", k->label);
        public = attacker_key(a, text);
        if (!public) return false;
    }
    CK_RV rv = public                       ? put_pair(a, public, &d)
               : k->class == CKO_PUBLIC_KEY ? put_public(a, &d)
                                            : put_secret(a, k, &d);
    if (rv == CKR_OK && destroy) rv = a->fn->C_DestroyObject(a->session, k->handle);
    if (rv == CKR_OK && destroy && public) rv = a->fn->C_DestroyObject(a->session, public->handle);
    if (rv != CKR_OK) fprintf(stderr, "attacker: %s: 0x%lX\n", name, rv);
    return rv == CKR_OK;
}

bool deed_replace(struct attacker *a, char **arguments)
{
    return put(a, arguments[0], true);
}

bool deed_twin(struct attacker *a, char **arguments)
{
    return put(a, arguments[0], false);
}

/* ---- new objects ---- */

static void named(struct double_of *d, const char *label)
{
    memset(d, 0, sizeof(*d));
    snprintf(d->label, sizeof(d->label), "%s", label);
    d->value[0] = CK_TRUE;
    add(d, CKA_TOKEN, &d->value[0], sizeof(d->value[0]));
    add(d, CKA_PRIVATE, &d->value[1], sizeof(d->value[1]));
    add(d, CKA_LABEL, d->label, strlen(d->label));
}

static bool report(CK_RV rv)
{
    if (rv != CKR_OK) fprintf(stderr, "attacker: 0x%lX\n", rv);
    return rv == CKR_OK;
}

bool deed_secret(struct attacker *a, char **arguments)
{
    struct double_of d;
    const struct key like = {.class = CKO_SECRET_KEY, .type = CKK_AES};
    named(&d, arguments[0]);
    return report(put_secret(a, &like, &d));
}

bool deed_public(struct attacker *a, char **arguments)
{
    struct double_of d;
    named(&d, arguments[0]);
    return report(put_public(a, &d));
}

bool deed_data(struct attacker *a, char **arguments)
{
    struct double_of d;
    uint8_t bytes[64];
    CK_OBJECT_HANDLE out = 0;
    struct err err = ERR_INIT;
    size_t len = strlen(arguments[1]) / 2;
    if (len > sizeof(bytes) || !hex_read_exact(arguments[1], 2 * len, bytes, len, &err)) return false;
    named(&d, arguments[0]);
    d.value[1] = strcmp(arguments[2], "yes") == 0;
    d.class = CKO_DATA;
    add(&d, CKA_CLASS, &d.class, sizeof(d.class));
    add(&d, CKA_VALUE, bytes, len);
    return report(a->fn->C_CreateObject(a->session, d.attr, d.count, &out));
}
