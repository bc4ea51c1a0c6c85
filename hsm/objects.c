/* hsm/objects.c - walking the token's keys. */
#include "hsm/objects.h"

#include <stdio.h>

#include "hsm/internal.h"

enum { OBJECTS_MAX = 1024, SAME_LABEL_MAX = 16, TYPE_MAX = 32 };

struct class_row {
    enum hsm_object_class class;
    CK_OBJECT_CLASS number;
    const char *name;
};
static const struct class_row classes[] = {
    {HSM_OBJECT_SECRET, CKO_SECRET_KEY, "secret key"},
    {HSM_OBJECT_PRIVATE, CKO_PRIVATE_KEY, "private key"},
    {HSM_OBJECT_PUBLIC, CKO_PUBLIC_KEY, "public key"},
};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

const char *hsm_object_class_name(enum hsm_object_class class)
{
    return classes[class].name;
}

bool hsm_objects_find(struct hsm_token *t, struct hsm_template *tp, CK_OBJECT_HANDLE *out, size_t room,
                      size_t *count, struct err *err)
{
    size_t have = 0;
    CK_ULONG more = 1;
    CK_RV rv = t->fn->C_FindObjectsInit(t->session, tp->attr, tp->count);
    if (!hsm_call(t, "C_FindObjectsInit", rv, err)) return false;
    while (rv == CKR_OK && more > 0 && have < room) {
        rv = t->fn->C_FindObjects(t->session, &out[have], room - have, &more);
        if (rv == CKR_OK) have += more;
    }
    CK_RV end = t->fn->C_FindObjectsFinal(t->session);
    if (!hsm_call(t, "C_FindObjects", rv, err) || !hsm_call(t, "C_FindObjectsFinal", end, err)) return false;
    *count = have;
    return true;
}

static bool read_label(struct hsm_token *t, CK_OBJECT_HANDLE object, char label[HSM_LABEL_MAX + 1],
                       struct err *err)
{
    char bytes[1024];
    CK_ATTRIBUTE attr = {CKA_LABEL, bytes, sizeof bytes};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &attr, 1);
    label[0] = 0;
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID) return true;
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    size_t len = attr.ulValueLen < HSM_LABEL_MAX ? attr.ulValueLen : HSM_LABEL_MAX;
    for (size_t i = 0; i < len; i++)
        label[i] = (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7F ? '?' : bytes[i];
    label[len] = 0;
    return true;
}

/* Bits of an RSA key or bytes of a secret one; 0: the token does not say. */
static bool read_size(struct hsm_token *t, CK_OBJECT_HANDLE object, CK_KEY_TYPE type, CK_ULONG *size,
                      struct err *err)
{
    uint8_t modulus[HSM_MODULUS_MAX + 8];
    CK_ULONG len = 0;
    CK_ATTRIBUTE attr = type == CKK_RSA ? (CK_ATTRIBUTE){CKA_MODULUS, modulus, sizeof modulus}
                                        : (CK_ATTRIBUTE){CKA_VALUE_LEN, &len, sizeof len};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &attr, 1);
    *size = 0;
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL) return true;
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    if (type == CKK_RSA) {
        size_t zeros = 0;
        while (zeros < attr.ulValueLen && modulus[zeros] == 0)
            zeros++;
        *size = 8 * (attr.ulValueLen - zeros);
    } else {
        *size = len;
    }
    return true;
}

static bool read_type(struct hsm_token *t, CK_OBJECT_HANDLE object, char text[TYPE_MAX], struct err *err)
{
    CK_KEY_TYPE type = 0;
    CK_ULONG size = 0;
    CK_ATTRIBUTE attr = {CKA_KEY_TYPE, &type, sizeof type};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &attr, 1);
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    if ((type == CKK_RSA || type == CKK_AES) && !read_size(t, object, type, &size, err)) return false;
    if (type == CKK_RSA) {
        snprintf(text, TYPE_MAX, "RSA-%lu", size);
        return true;
    }
    if (type == CKK_AES && size == 0) { /* SoftHSM does not say of unwrapped keys */
        snprintf(text, TYPE_MAX, "AES");
        return true;
    }
    for (enum hsm_algorithm a = HSM_DES2; a <= HSM_GENERIC; a++) {
        if (hsm_algorithm_key_type(a) != type || (type == CKK_AES && size != hsm_algorithm_len(a))) continue;
        snprintf(text, TYPE_MAX, "%s", hsm_algorithm_name(a));
        return true;
    }
    snprintf(text, TYPE_MAX, "type 0x%lX", type);
    return true;
}

static bool each_of_class(struct hsm_token *t, const struct class_row *class, hsm_object_fn *fn,
                          void *context, struct err *err)
{
    CK_OBJECT_HANDLE found[OBJECTS_MAX + 1];
    size_t count = 0;
    struct hsm_template tp;
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, class->number);
    hsm_template_bool(&tp, CKA_TOKEN, true);
    if (!hsm_objects_find(t, &tp, found, OBJECTS_MAX + 1, &count, err)) return false;
    if (count > OBJECTS_MAX)
        return err_set(err, ERR_TOKEN, "token '%s' has more than %d of class %s", t->label, OBJECTS_MAX,
                       class->name);
    for (size_t i = 0; i < count; i++) {
        char label[HSM_LABEL_MAX + 1], type[TYPE_MAX];
        const struct hsm_object_seen seen = {label, class->class, type};
        if (!read_label(t, found[i], label, err) || !read_type(t, found[i], type, err)) return false;
        if (!fn(context, &seen, err)) return false;
    }
    return true;
}

bool hsm_objects_each(struct hsm_token *t, hsm_object_fn *fn, void *context, struct err *err)
{
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (!each_of_class(t, &classes[i], fn, context, err)) return false;
    }
    return true;
}

static bool remove_of_class(struct hsm_token *t, const struct class_row *class, const char *label,
                            size_t *removed, struct err *err)
{
    CK_OBJECT_HANDLE found[SAME_LABEL_MAX];
    size_t count = 0;
    struct hsm_template tp;
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, class->number);
    hsm_template_bool(&tp, CKA_TOKEN, true);
    if (!hsm_template_label(&tp, label, err)) return false;
    if (!hsm_objects_find(t, &tp, found, SAME_LABEL_MAX, &count, err)) return false;
    for (size_t i = 0; i < count; i++) {
        CK_RV rv = t->fn->C_DestroyObject(t->session, found[i]);
        if (rv == CKR_ACTION_PROHIBITED)
            return err_set(err, ERR_TOKEN,
                           "C_DestroyObject: CKR_ACTION_PROHIBITED: the %s may not be destroyed: it leaves "
                           "only with its token",
                           class->name);
        if (!hsm_call(t, "C_DestroyObject", rv, err)) return false;
    }
    *removed += count;
    return true;
}

bool hsm_key_remove(struct hsm_token *t, const char *label, struct err *err)
{
    size_t removed = 0;
    bool ok = true;
    for (size_t i = 0; i < CLASS_COUNT && ok; i++)
        ok = remove_of_class(t, &classes[i], label, &removed, err);
    if (ok && removed == 0) ok = err_set(err, ERR_TOKEN, "token '%s' has no such key", t->label);
    if (!ok) err_prefix(err, "remove key '%s'", label ? label : "");
    return ok;
}
