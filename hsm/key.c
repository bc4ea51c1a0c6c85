/* hsm/key.c - secret keys: found and checked, generated, imported, destroyed. */
#include <stdio.h>

#include "hsm/internal.h"

#include "base/hex.h"
#include "hsm/uri.h"

struct search {
    struct hsm_template tp;
    P11KitUri *uri; /* or NULL; holds the values of its attributes */
};

static bool search_from_uri(struct search *s, struct hsm_token *t, const char *text, struct err *err)
{
    CK_ULONG count = 0;
    if (!hsm_uri_parse(text, true, &s->uri, err)) return false;
    if (!p11_kit_uri_match_token_info(s->uri, &t->info))
        return err_set(err, ERR_TOKEN, "'%s' names another token than this one ('%s')", text, t->label);
    CK_ATTRIBUTE *attributes = p11_kit_uri_get_attributes(s->uri, &count);
    for (CK_ULONG i = 0; i < count && i < 4; i++) {
        if (attributes[i].type != CKA_CLASS) /* the role says which class */
            hsm_template_bytes(&s->tp, attributes[i].type, attributes[i].pValue, attributes[i].ulValueLen);
    }
    return true;
}

static const CK_OBJECT_CLASS classes[] = {[HSM_PART_SECRET] = CKO_SECRET_KEY,
                                          [HSM_PART_PRIVATE] = CKO_PRIVATE_KEY,
                                          [HSM_PART_PUBLIC] = CKO_PUBLIC_KEY};

bool hsm_key_locate(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_part part,
                    CK_OBJECT_HANDLE *out, struct err *err)
{
    struct search s = {.uri = NULL};
    CK_OBJECT_HANDLE found[2];
    size_t count = 0;
    const char *what = ref->uri ? ref->uri : ref->label;
    bool ok = false;

    hsm_template_init(&s.tp);
    hsm_template_number(&s.tp, CKA_CLASS, classes[part]);
    hsm_template_bool(&s.tp, CKA_TOKEN, hsm_role_is_token_object(ref->role));
    /* the label alone: keys made elsewhere carry another CKA_ID */
    if (!(ref->uri ? search_from_uri(&s, t, ref->uri, err) : hsm_template_label(&s.tp, ref->label, err)))
        goto out;
    if (!hsm_objects_find(t, &s.tp, found, 2, &count, err)) goto out;
    if (count == 0) {
        err_set(err, ERR_TOKEN,
                "token '%s' has no %s key '%s': check label and token, or make it by a ceremony", t->label,
                part == HSM_PART_SECRET    ? "secret"
                : part == HSM_PART_PRIVATE ? "private"
                                           : "public",
                what);
    } else if (count > 1) {
        err_set(err, ERR_TOKEN,
                "token '%s' has more than one key '%s': remove what is not wanted, or name it by id",
                t->label, what);
    } else {
        *out = found[0];
        ok = true;
    }
out:
    if (s.uri) p11_kit_uri_free(s.uri);
    return ok;
}

bool hsm_key_exists(struct hsm_token *t, const char *label, bool *exists, struct err *err)
{
    struct hsm_template tp;
    CK_OBJECT_HANDLE found[2];
    size_t count = 0;
    hsm_template_init(&tp);
    if (!hsm_template_label(&tp, label, err)) return false;
    if (!hsm_objects_find(t, &tp, found, 2, &count, err)) return false;
    *exists = count > 0;
    return true;
}

bool hsm_key_check_algorithm(struct hsm_token *t, const struct hsm_key_ref *ref, CK_OBJECT_HANDLE object,
                             struct err *err)
{
    CK_KEY_TYPE type = 0;
    CK_ULONG len = 0;
    CK_ATTRIBUTE type_attr = {CKA_KEY_TYPE, &type, sizeof type}, len_attr = {CKA_VALUE_LEN, &len, sizeof len};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &type_attr, 1);
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    if (type != hsm_algorithm_key_type(ref->algorithm))
        return err_set(err, ERR_TOKEN, "it is no %s key", hsm_algorithm_name(ref->algorithm));
    if (type != CKK_AES) return true;
    rv = t->fn->C_GetAttributeValue(t->session, object, &len_attr, 1);
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    if (len == 0) return true; /* SoftHSM does not say of unwrapped keys; the check value has the last word */
    if (len != hsm_algorithm_len(ref->algorithm))
        return err_set(err, ERR_TOKEN, "it is an AES key of %lu bits, not %s", len * 8,
                       hsm_algorithm_name(ref->algorithm));
    return true;
}

static bool check_kcv(struct hsm_token *t, const struct hsm_key_ref *ref, const struct hsm_key *key,
                      struct err *err)
{
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    char is[2 * HSM_KCV_MAX + 1], due[2 * HSM_KCV_MAX + 1];
    if (ref->kcv_len == 0) return true;
    if (!hsm_kcv(t, key, ref->role, kcv, &len, err)) return false;
    if (ref->kcv_len <= len && bytes_equal(kcv, ref->kcv_len, ref->kcv, ref->kcv_len)) return true;
    hex_write(is, sizeof is, kcv, len, false);
    hex_write(due, sizeof due, ref->kcv, ref->kcv_len, false);
    return err_set(err, ERR_TOKEN,
                   "its check value is %s, the configuration says %s: another key has this label", is, due);
}

bool hsm_key_check_role(struct hsm_token *t, const struct hsm_key_ref *ref, const struct hsm_key *key,
                        struct err *err)
{
    return hsm_template_check(t, ref, hsm_part_of(ref), key->handle, err);
}

bool hsm_key_find(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_key *out, struct err *err)
{
    struct hsm_key key = {0, ref->algorithm};
    if (!hsm_key_locate(t, ref, hsm_part_of(ref), &key.handle, err) ||
        !hsm_key_check_algorithm(t, ref, key.handle, err)) {
        err_prefix(err, "key '%s'", ref->name);
        return false;
    }
    if (!hsm_key_check_role(t, ref, &key, err)) return false; /* names the key itself */
    if (!check_kcv(t, ref, &key, err)) {
        err_prefix(err, "key '%s'", ref->name);
        return false;
    }
    *out = key;
    return true;
}

bool hsm_key_label_free(struct hsm_token *t, const struct hsm_key_ref *ref, struct err *err)
{
    bool exists = false;
    if (!hsm_role_is_token_object(ref->role)) return true;
    if (!hsm_key_exists(t, ref->label, &exists, err)) return false;
    if (exists) return err_set(err, ERR_TOKEN, "token '%s' has an object '%s' already", t->label, ref->label);
    return true;
}

static const CK_MECHANISM_TYPE generators[] = {
    [HSM_DES2] = CKM_DES2_KEY_GEN,  [HSM_DES3] = CKM_DES3_KEY_GEN,  [HSM_AES128] = CKM_AES_KEY_GEN,
    [HSM_AES192] = CKM_AES_KEY_GEN, [HSM_AES256] = CKM_AES_KEY_GEN,
};

static bool generate(struct hsm_token *t, const struct hsm_key_ref *ref, CK_OBJECT_HANDLE *out,
                     struct err *err)
{
    struct hsm_template tp;
    if (hsm_algorithm_len(ref->algorithm) == 0)
        return err_set(err, ERR_CONFIG, "a %s key is not generated this way",
                       hsm_algorithm_name(ref->algorithm));
    CK_MECHANISM mechanism = hsm_mechanism(generators[ref->algorithm]);
    if (!hsm_key_label_free(t, ref, err)) return false;
    hsm_template_init(&tp);
    hsm_template_secret(&tp, ref->algorithm, HSM_GENERATED, 0);
    if (!hsm_template_role(t, &tp, ref, HSM_PART_SECRET, err)) return false;
    CK_RV rv = t->fn->C_GenerateKey(t->session, &mechanism, tp.attr, tp.count, out);
    return hsm_call(t, "C_GenerateKey", rv, err);
}

bool hsm_key_generate(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_key *out,
                      struct err *err)
{
    CK_OBJECT_HANDLE handle = 0;
    if (!generate(t, ref, &handle, err)) {
        err_prefix(err, "generate key '%s'", ref->name);
        return false;
    }
    *out = (struct hsm_key){handle, ref->algorithm};
    return true;
}

static uint8_t odd_parity(uint8_t byte)
{
    uint8_t ones = byte;
    ones ^= (uint8_t)(ones >> 4);
    ones ^= (uint8_t)(ones >> 2);
    ones ^= (uint8_t)(ones >> 1);
    return (uint8_t)(byte ^ ((ones & 1) ^ 1));
}

static bool import(struct hsm_token *t, const struct hsm_key_ref *ref, struct secret *value,
                   CK_OBJECT_HANDLE *out, struct err *err)
{
    struct hsm_template tp;
    if (value->len == 0 || value->len != hsm_algorithm_len(ref->algorithm))
        return err_set(err, ERR_CONFIG, "%zu bytes are no %s key", value->len,
                       hsm_algorithm_name(ref->algorithm));
    if (!hsm_key_label_free(t, ref, err)) return false;
    if (hsm_algorithm_is_tdes(ref->algorithm)) {
        for (size_t i = 0; i < value->len; i++)
            value->data[i] = odd_parity(value->data[i]);
    }
    hsm_template_init(&tp);
    hsm_template_secret(&tp, ref->algorithm, HSM_CREATED, 0);
    hsm_template_bytes(&tp, CKA_VALUE, value->data, value->len);
    if (!hsm_template_role(t, &tp, ref, HSM_PART_SECRET, err)) return false;
    return hsm_call(t, "C_CreateObject", t->fn->C_CreateObject(t->session, tp.attr, tp.count, out), err);
}

bool hsm_key_import(struct hsm_token *t, const struct hsm_key_ref *ref, const struct secret *value,
                    struct hsm_key *out, struct err *err)
{
    struct secret copy = SECRET_NONE;
    CK_OBJECT_HANDLE handle = 0;
    bool ok = secret_copy(&copy, value->data, value->len, err) && import(t, ref, &copy, &handle, err);
    secret_release(&copy);
    if (!ok) {
        err_prefix(err, "import key '%s'", ref->name);
        return false;
    }
    *out = (struct hsm_key){handle, ref->algorithm};
    return true;
}

void hsm_key_destroy(struct hsm_token *t, struct hsm_key *key)
{
    if (key->handle == 0) return;
    CK_RV rv = t->fn->C_DestroyObject(t->session, key->handle);
    struct err unused = ERR_INIT;
    key->handle = 0;
    if (hsm_call(t, "C_DestroyObject", rv, &unused) || t->broken) return;
    t->broken = true;
    snprintf(t->cause, sizeof t->cause, "%.95s", unused.text);
}
