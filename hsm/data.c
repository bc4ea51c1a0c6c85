/* hsm/data.c - data objects: the new one is made before the old one goes. */
#include "hsm/data.h"

#include "hsm/internal.h"

enum { SAME_LABEL_MAX = 16 };

struct found {
    CK_OBJECT_HANDLE object[SAME_LABEL_MAX + 1];
    size_t count;
};

static bool find(struct hsm_token *t, const char *label, struct found *f, struct err *err)
{
    struct hsm_template tp;
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_DATA);
    hsm_template_bool(&tp, CKA_TOKEN, true);
    hsm_template_bool(&tp, CKA_PRIVATE, true); /* anybody can put a public one beside it, without a login */
    if (!hsm_template_label(&tp, label, err)) return false;
    if (!hsm_objects_find(t, &tp, f->object, SAME_LABEL_MAX + 1, &f->count, err)) return false;
    if (f->count <= SAME_LABEL_MAX) return true;
    return err_set(err, ERR_TOKEN, "token '%s' has more than %d of them", t->label, SAME_LABEL_MAX);
}

static bool create(struct hsm_token *t, const char *label, const uint8_t *data, size_t len, bool on_token,
                   CK_OBJECT_HANDLE *out, struct err *err)
{
    static const char application[] = "cardprep";
    struct hsm_template tp;
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_DATA);
    hsm_template_bool(&tp, CKA_TOKEN, on_token);
    hsm_template_bool(&tp, CKA_PRIVATE, true);
    if (!hsm_template_label(&tp, label, err)) return false;
    hsm_template_bytes(&tp, CKA_APPLICATION, hsm_bytes((const uint8_t *)application), sizeof application - 1);
    hsm_template_bytes(&tp, CKA_VALUE, hsm_bytes(data), len);
    hsm_template_bool(&tp, CKA_MODIFIABLE, false);
    return hsm_call(t, "C_CreateObject", t->fn->C_CreateObject(t->session, tp.attr, tp.count, out), err);
}

static bool destroy(struct hsm_token *t, const struct found *f, struct err *err)
{
    for (size_t i = 0; i < f->count; i++) {
        CK_RV rv = t->fn->C_DestroyObject(t->session, f->object[i]);
        if (!hsm_call(t, "C_DestroyObject", rv, err)) return false;
    }
    return true;
}

bool hsm_data_possible(struct hsm_token *t, bool *possible, struct err *err)
{
    static const uint8_t byte[] = {1};
    CK_OBJECT_HANDLE trial = 0;
    struct err why = ERR_INIT;
    *possible = create(t, "cardprep-trial", byte, sizeof byte, false, &trial, &why);
    if (*possible) return hsm_call(t, "C_DestroyObject", t->fn->C_DestroyObject(t->session, trial), err);
    if (!t->broken) return true;
    *err = why;
    err_prefix(err, "trying data objects");
    return false;
}

bool hsm_data_put(struct hsm_token *t, const char *label, const uint8_t *data, size_t len, struct err *err)
{
    struct found old;
    CK_OBJECT_HANDLE handle = 0;
    bool ok = len > 0 && len <= HSM_DATA_MAX;
    if (!ok) err_set(err, ERR_INTERNAL, "%zu bytes", len);
    ok = ok && find(t, label, &old, err) && create(t, label, data, len, true, &handle, err) &&
         destroy(t, &old, err);
    if (!ok) err_prefix(err, "put data '%s'", label ? label : "");
    return ok;
}

static bool read(struct hsm_token *t, CK_OBJECT_HANDLE object, uint8_t out[HSM_DATA_MAX], size_t *len,
                 struct err *err)
{
    CK_ATTRIBUTE attr = {CKA_VALUE, out, HSM_DATA_MAX};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &attr, 1);
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    *len = attr.ulValueLen;
    return true;
}

static bool get(struct hsm_token *t, const struct found *f, hsm_data_newer_fn *newer, struct buf *out,
                struct err *err)
{
    uint8_t best[HSM_DATA_MAX], other[HSM_DATA_MAX];
    size_t best_len = 0, other_len = 0;
    if (f->count > 1 && !newer)
        return err_set(err, ERR_TOKEN, "token '%s' has %zu of them, not one", t->label, f->count);
    if (!read(t, f->object[0], best, &best_len, err)) return false;
    for (size_t i = 1; i < f->count; i++) {
        if (!read(t, f->object[i], other, &other_len, err)) return false;
        if (!newer(other, other_len, best, best_len)) continue;
        memcpy(best, other, other_len);
        best_len = other_len;
    }
    buf_put(out, best, best_len);
    return buf_ok(out, "data object", err);
}

bool hsm_data_get(struct hsm_token *t, const char *label, hsm_data_newer_fn *newer, struct buf *out,
                  bool *found, struct err *err)
{
    struct found f;
    if (find(t, label, &f, err) && (f.count == 0 || get(t, &f, newer, out, err))) {
        *found = f.count > 0;
        return true;
    }
    err_prefix(err, "get data '%s'", label ? label : "");
    return false;
}

bool hsm_data_remove(struct hsm_token *t, const char *label, struct err *err)
{
    struct found f;
    if (find(t, label, &f, err) && destroy(t, &f, err)) return true;
    err_prefix(err, "remove data '%s'", label ? label : "");
    return false;
}
