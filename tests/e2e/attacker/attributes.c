/* Reading what must not be read, and turning attributes. */
#include <string.h>

#include "attacker.h"

enum { VALUE_MAX = 1024, ATTRIBUTES_MAX = 4 };

/* ---- values ---- */

struct part {
    const char *name;
    CK_ATTRIBUTE_TYPE type;
    CK_OBJECT_CLASS class;
};
static const struct part parts[] = {
    {"VALUE", CKA_VALUE, CKO_SECRET_KEY},
    {"PRIVATE_EXPONENT", CKA_PRIVATE_EXPONENT, CKO_PRIVATE_KEY},
    {"PRIME_1", CKA_PRIME_1, CKO_PRIVATE_KEY},
    {"PRIME_2", CKA_PRIME_2, CKO_PRIVATE_KEY},
    {"EXPONENT_1", CKA_EXPONENT_1, CKO_PRIVATE_KEY},
    {"EXPONENT_2", CKA_EXPONENT_2, CKO_PRIVATE_KEY},
    {"COEFFICIENT", CKA_COEFFICIENT, CKO_PRIVATE_KEY},
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* Is any part of the object readable? */
static bool is_readable(const struct attacker *a, CK_OBJECT_HANDLE object, CK_OBJECT_CLASS class)
{
    uint8_t value[VALUE_MAX] = {0};
    for (size_t i = 0; i < PARTS; i++) {
        CK_ATTRIBUTE attr = {parts[i].type, value, sizeof(value)};
        if (parts[i].class == class && a->fn->C_GetAttributeValue(a->session, object, &attr, 1) == CKR_OK &&
            attr.ulValueLen > 0)
            return true;
    }
    return false;
}

void attack_values(struct attacker *a)
{
    uint8_t value[VALUE_MAX] = {0};
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally t = TALLY_NONE;
        for (size_t i = 0; i < PARTS; i++) {
            CK_ATTRIBUTE attr = {parts[i].type, value, sizeof(value)};
            if (parts[i].class != a->keys[k].class) continue;
            CK_RV rv = a->fn->C_GetAttributeValue(a->session, a->keys[k].handle, &attr, 1);
            if (rv == CKR_OK && attr.ulValueLen == 0)
                tally_without_effect(&t);
            else
                tally_add(&t, rv, "%s", parts[i].name);
        }
        tally_print(&t, "read the value", &a->keys[k]);
    }
}

/* ---- attributes ---- */

enum kind { YES, NO, BYTES, LIST, TEMPLATE };
enum { SECRET = 1, PRIVATE = 2, PUBLIC = 4, ANY = 7 };
struct turn {
    const char *name;
    CK_ATTRIBUTE_TYPE type;
    enum kind kind;
    unsigned classes;
};
static const struct turn turns[] = {
    {"SENSITIVE=no", CKA_SENSITIVE, NO, SECRET | PRIVATE},
    {"EXTRACTABLE=yes", CKA_EXTRACTABLE, YES, SECRET | PRIVATE},
    {"ENCRYPT=yes", CKA_ENCRYPT, YES, SECRET | PUBLIC},
    {"DECRYPT=yes", CKA_DECRYPT, YES, SECRET | PRIVATE},
    {"SIGN=yes", CKA_SIGN, YES, SECRET | PRIVATE},
    {"SIGN_RECOVER=yes", CKA_SIGN_RECOVER, YES, PRIVATE},
    {"VERIFY=yes", CKA_VERIFY, YES, SECRET | PUBLIC},
    {"WRAP=yes", CKA_WRAP, YES, SECRET | PUBLIC},
    {"UNWRAP=yes", CKA_UNWRAP, YES, SECRET | PRIVATE},
    {"DERIVE=yes", CKA_DERIVE, YES, ANY},
    {"MODIFIABLE=yes", CKA_MODIFIABLE, YES, ANY},
    {"COPYABLE=yes", CKA_COPYABLE, YES, ANY},
    {"DESTROYABLE=no", CKA_DESTROYABLE, NO, ANY},
    {"PRIVATE=no", CKA_PRIVATE, NO, ANY},
    {"TRUSTED=yes", CKA_TRUSTED, YES, SECRET | PUBLIC},
    {"WRAP_WITH_TRUSTED=yes", CKA_WRAP_WITH_TRUSTED, YES, SECRET | PRIVATE},
    {"LABEL", CKA_LABEL, BYTES, ANY},
    {"ID", CKA_ID, BYTES, ANY},
    {"ALLOWED_MECHANISMS", CKA_ALLOWED_MECHANISMS, LIST, SECRET | PRIVATE},
    {"WRAP_TEMPLATE", CKA_WRAP_TEMPLATE, TEMPLATE, SECRET | PUBLIC},
    {"UNWRAP_TEMPLATE", CKA_UNWRAP_TEMPLATE, TEMPLATE, SECRET | PRIVATE},
    {"VALUE", CKA_VALUE, BYTES, SECRET},
    {"MODULUS", CKA_MODULUS, BYTES, PRIVATE | PUBLIC},
};
enum { TURNS = sizeof(turns) / sizeof(turns[0]) };

static unsigned class_bit(CK_OBJECT_CLASS class)
{
    return class == CKO_SECRET_KEY ? SECRET : class == CKO_PRIVATE_KEY ? PRIVATE : PUBLIC;
}

/* What the attribute is to become. */
struct wish {
    CK_ATTRIBUTE attr;
    CK_BBOOL yes, no;
    CK_MECHANISM_TYPE list[3];
    CK_ATTRIBUTE inner[1];
    uint8_t bytes[16];
};
static void wish_set(struct wish *w, const struct turn *turn)
{
    *w = (struct wish){
        .yes = CK_TRUE, .list = {CKM_AES_CBC, CKM_AES_ECB, CKM_RSA_X_509}, .bytes = "attacker's own.."};
    w->inner[0] = (CK_ATTRIBUTE){CKA_SENSITIVE, &w->no, sizeof(w->no)};
    switch (turn->kind) {
    case YES:
        w->attr = (CK_ATTRIBUTE){turn->type, &w->yes, sizeof(w->yes)};
        break;
    case NO:
        w->attr = (CK_ATTRIBUTE){turn->type, &w->no, sizeof(w->no)};
        break;
    case BYTES:
        w->attr = (CK_ATTRIBUTE){turn->type, w->bytes, sizeof(w->bytes)};
        break;
    case LIST:
        w->attr = (CK_ATTRIBUTE){turn->type, w->list, sizeof(w->list)};
        break;
    case TEMPLATE:
        w->attr = (CK_ATTRIBUTE){turn->type, w->inner, sizeof(w->inner)};
        break;
    }
}

/* As it is, for a comparison: of templates the length alone. -1: cannot be read. */
struct state {
    uint8_t bytes[VALUE_MAX];
    CK_ULONG len;
};
static void state_read(const struct attacker *a, CK_OBJECT_HANDLE object, const struct turn *turn,
                       struct state *s)
{
    memset(s, 0, sizeof(*s));
    CK_ATTRIBUTE attr = {turn->type, turn->kind == TEMPLATE ? NULL : s->bytes, sizeof(s->bytes)};
    CK_RV rv = a->fn->C_GetAttributeValue(a->session, object, &attr, 1);
    s->len = rv == CKR_OK ? attr.ulValueLen : (CK_ULONG)-1;
}

static bool state_differs(const struct state *one, const struct state *other)
{
    if (one->len == (CK_ULONG)-1 && other->len == (CK_ULONG)-1) return true; /* who knows */
    return one->len != other->len || memcmp(one->bytes, other->bytes, sizeof(one->bytes)) != 0;
}

static void set_one(const struct attacker *a, const struct key *k, const struct turn *turn, struct tally *t)
{
    struct wish w;
    struct state before, after;
    wish_set(&w, turn);
    state_read(a, k->handle, turn, &before);
    CK_RV rv = a->fn->C_SetAttributeValue(a->session, k->handle, &w.attr, 1);
    state_read(a, k->handle, turn, &after);
    if (rv == CKR_OK && !state_differs(&before, &after)) {
        tally_without_effect(t);
        return;
    }
    tally_add(t, rv, "%s", turn->name);
    if (rv != CKR_OK || before.len == (CK_ULONG)-1 || turn->kind == TEMPLATE) return;
    CK_ATTRIBUTE back = {turn->type, before.bytes, before.len};
    a->fn->C_SetAttributeValue(a->session, k->handle, &back, 1);
}

static void copy_one(const struct attacker *a, const struct key *k, const struct turn *turn, struct tally *t)
{
    struct wish w;
    struct state before, after;
    CK_BBOOL no = CK_FALSE;
    CK_OBJECT_HANDLE copy = 0;
    wish_set(&w, turn);
    CK_ATTRIBUTE attr[] = {{CKA_TOKEN, &no, sizeof(no)}, w.attr};
    state_read(a, k->handle, turn, &before);
    CK_RV rv = a->fn->C_CopyObject(a->session, k->handle, attr, 2, &copy);
    if (rv != CKR_OK) {
        tally_add(t, rv, "%s", turn->name);
        return;
    }
    state_read(a, copy, turn, &after);
    if (!state_differs(&before, &after))
        tally_without_effect(t);
    else
        tally_add(t, CKR_OK, "%s%s", turn->name, is_readable(a, copy, k->class) ? " (value read)" : "");
    a->fn->C_DestroyObject(a->session, copy);
}

void attack_attributes(struct attacker *a)
{
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally set = TALLY_NONE, copy = TALLY_NONE;
        for (size_t i = 0; i < TURNS; i++) {
            if (!(turns[i].classes & class_bit(a->keys[k].class))) continue;
            copy_one(a, &a->keys[k], &turns[i], &copy);
            set_one(a, &a->keys[k], &turns[i], &set);
        }
        tally_print(&set, "set an attribute", &a->keys[k]);
        tally_print(&copy, "copy with another attribute", &a->keys[k]);
    }
}
