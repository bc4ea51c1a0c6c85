/* hsm/inner.c - CKA_WRAP_TEMPLATE and CKA_UNWRAP_TEMPLATE: what a key asks of the keys that it wraps and unwraps, whoever
 * makes the call. As in template.c, making and checking read the same rows.
 *
 * A key under which others leave wraps sensitive session keys alone; and should it ever be made to unwrap, which its
 * attributes exclude, then only into what stays inside.
 *
 * A key under which others arrive unwraps only into what has the restrictions that all roles have which may arrive: readable,
 * extractable or decrypting keys do not come out of it, nor any that could be made such. More cannot be asked: masters
 * derive, KEKs unwrap, pairs sign, and a private key has no ENCRYPT and no WRAP to be false (SoftHSM compares, attribute by
 * attribute, with what the caller states). TOKEN is left open: what arrives is tried out in the session first, and a token object
 * can be destroyed after use as well as a session object. A KEK at the bureau has no such template: cards' keys are opened
 * under it. */
#include "hsm/internal.h"

struct inner_row {
    enum hsm_inner kind;
    CK_ATTRIBUTE_TYPE template, type;
    bool value;
};
static const struct inner_row rows[] = {
    {HSM_INNER_LEAVING, CKA_WRAP_TEMPLATE, CKA_SENSITIVE, true},
    {HSM_INNER_LEAVING, CKA_WRAP_TEMPLATE, CKA_TOKEN, false},
    {HSM_INNER_LEAVING, CKA_UNWRAP_TEMPLATE, CKA_SENSITIVE, true},
    {HSM_INNER_LEAVING, CKA_UNWRAP_TEMPLATE, CKA_EXTRACTABLE, false},
    {HSM_INNER_ARRIVING, CKA_UNWRAP_TEMPLATE, CKA_PRIVATE, true},
    {HSM_INNER_ARRIVING, CKA_UNWRAP_TEMPLATE, CKA_SENSITIVE, true},
    {HSM_INNER_ARRIVING, CKA_UNWRAP_TEMPLATE, CKA_EXTRACTABLE, false},
    {HSM_INNER_ARRIVING, CKA_UNWRAP_TEMPLATE, CKA_DECRYPT, false},
    {HSM_INNER_ARRIVING, CKA_UNWRAP_TEMPLATE, CKA_COPYABLE, false},
    {HSM_INNER_ARRIVING, CKA_UNWRAP_TEMPLATE, CKA_MODIFIABLE, false},
};

struct template_name {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
};
static const struct template_name templates[] = {
    {CKA_WRAP_TEMPLATE, "CKA_WRAP_TEMPLATE"},
    {CKA_UNWRAP_TEMPLATE, "CKA_UNWRAP_TEMPLATE"},
};
enum { TEMPLATE_COUNT = sizeof templates / sizeof templates[0] };

/* The rows of one template here; out has room for HSM_INNER_MAX. */
static size_t rows_of(const struct hsm_token *t, enum hsm_inner kind, CK_ATTRIBUTE_TYPE template,
                      const struct inner_row **out)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].kind != kind || rows[i].template != template) continue;
        if (rows[i].type == CKA_COPYABLE && !t->profile.takes_copyable) continue;
        out[count++] = &rows[i];
    }
    return count;
}

void hsm_inner_put(const struct hsm_token *t, struct hsm_template *tp, enum hsm_inner kind)
{
    const struct inner_row *row[HSM_INNER_MAX];
    CK_ATTRIBUTE *next = tp->inner;
    for (size_t i = 0; i < TEMPLATE_COUNT && t->profile.takes_templates; i++) {
        CK_ATTRIBUTE *first = next;
        size_t count = rows_of(t, kind, templates[i].type, row);
        for (size_t k = 0; k < count; k++)
            *next++ = (CK_ATTRIBUTE){row[k]->type, row[k]->value ? &tp->yes : &tp->no, sizeof tp->yes};
        if (count > 0) hsm_template_bytes(tp, templates[i].type, first, count * sizeof *first);
    }
}

/* Whether the attributes read from the token hold this row. */
static bool holds(const CK_ATTRIBUTE *inner, size_t count, const struct inner_row *row)
{
    for (size_t i = 0; i < count; i++) {
        const CK_BBOOL *value = inner[i].pValue;
        if (inner[i].type == row->type)
            return inner[i].ulValueLen == sizeof *value && (*value != CK_FALSE) == row->value;
    }
    return false;
}

/* One template, as it is on the token: it must hold every row, and may hold no more. */
static bool check_one(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_inner kind,
                      CK_OBJECT_HANDLE object, const struct template_name *which, struct err *err)
{
    const struct inner_row *row[HSM_INNER_MAX];
    CK_BBOOL value[HSM_INNER_MAX] = {CK_FALSE};
    CK_ATTRIBUTE inner[HSM_INNER_MAX];
    size_t due = rows_of(t, kind, which->type, row), held = 0;
    for (size_t i = 0; i < due; i++)
        inner[i] = (CK_ATTRIBUTE){row[i]->type, &value[i], sizeof value[i]};
    if (due == 0) return true;
    CK_ATTRIBUTE attr = {which->type, inner, due * sizeof inner[0]};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &attr, 1);
    if (rv != CKR_BUFFER_TOO_SMALL && rv != CKR_ATTRIBUTE_TYPE_INVALID &&
        !hsm_call(t, "C_GetAttributeValue", rv, err))
        return false;
    for (size_t i = 0; i < due && rv == CKR_OK && attr.ulValueLen == due * sizeof inner[0]; i++)
        held += holds(inner, due, row[i]);
    if (held == due) return true;
    return err_set(err, ERR_TOKEN, "key '%s' has no or another %s: role %s needs its own", ref->name,
                   which->name, hsm_role_name(ref->role));
}

bool hsm_inner_check(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_inner kind,
                     CK_OBJECT_HANDLE object, struct err *err)
{
    for (size_t i = 0; i < TEMPLATE_COUNT && t->profile.takes_templates; i++) {
        if (!check_one(t, ref, kind, object, &templates[i], err)) return false;
    }
    return true;
}
