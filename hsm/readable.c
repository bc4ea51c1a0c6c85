#include "hsm/readable.h"

#include <string.h>

#include "hsm/internal.h"

/* Reads one attribute straight into locked memory, which then has the value's length. */
static bool read_into(struct hsm_token *t, const struct hsm_key *key, CK_ATTRIBUTE_TYPE type,
                      struct secret *out, struct err *err)
{
    struct secret value = SECRET_NONE;
    if (!secret_init(&value, HSM_READABLE_MAX, err)) return false;
    CK_ATTRIBUTE attr = {type, value.data, value.room};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, key->handle, &attr, 1);
    bool ok = hsm_call(t, "C_GetAttributeValue", rv, err);
    if (ok && (attr.ulValueLen == 0 || attr.ulValueLen > value.room))
        ok = err_set(err, ERR_TOKEN, "C_GetAttributeValue: the token does not give the value");
    if (!ok) {
        secret_release(&value);
        return false;
    }
    value.len = attr.ulValueLen;
    *out = value;
    return true;
}

static bool read_and_destroy(struct hsm_token *t, struct hsm_key *key, struct secret *value, struct err *err)
{
    struct secret read = SECRET_NONE;
    bool ok = read_into(t, key, CKA_VALUE, &read, err);
    hsm_key_destroy(t, key);
    if (ok && hsm_token_is_broken(t)) ok = err_set(err, ERR_TOKEN, "%s", t->cause);
    if (!ok) {
        secret_release(&read);
        return false;
    }
    *value = read;
    return true;
}

bool hsm_read_wrapped(struct hsm_token *t, const struct hsm_key *kek, const struct hsm_span *wrapped,
                      enum hsm_algorithm algorithm, struct secret *value, struct err *err)
{
    const struct hsm_key_ref ref = {
        .name = "secret of a card", .role = HSM_ROLE_READABLE, .algorithm = algorithm};
    struct hsm_key key = HSM_KEY_NONE;
    return hsm_unwrap_kwp(t, kek, wrapped->data, wrapped->len, &ref, &key, err) &&
           read_and_destroy(t, &key, value, err);
}

bool hsm_read_derived(struct hsm_token *t, const struct hsm_key *master, const struct hsm_span *data,
                      enum hsm_algorithm algorithm, struct secret *value, struct err *err)
{
    const struct hsm_key_ref ref = {
        .name = "new key of a card", .role = HSM_ROLE_READABLE, .algorithm = algorithm};
    struct hsm_key key = HSM_KEY_NONE;
    return hsm_derive(t, master, data->data, data->len, &ref, &key, err) &&
           read_and_destroy(t, &key, value, err);
}

bool hsm_read_wrapped_crt(struct hsm_token *t, const struct hsm_key *kek, const struct hsm_span *wrapped,
                          struct hsm_crt *out, struct err *err)
{
    const struct hsm_key_ref ref = {
        .name = "private key of a card", .role = HSM_ROLE_READABLE, .algorithm = HSM_RSA};
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_crt crt = HSM_CRT_NONE;
    if (!hsm_unwrap_kwp(t, kek, wrapped->data, wrapped->len, &ref, &key, err)) return false;
    bool ok = read_into(t, &key, CKA_PRIME_1, &crt.p, err) && read_into(t, &key, CKA_PRIME_2, &crt.q, err) &&
              read_into(t, &key, CKA_EXPONENT_1, &crt.dp, err) &&
              read_into(t, &key, CKA_EXPONENT_2, &crt.dq, err) &&
              read_into(t, &key, CKA_COEFFICIENT, &crt.qinv, err);
    hsm_key_destroy(t, &key);
    if (ok && hsm_token_is_broken(t)) ok = err_set(err, ERR_TOKEN, "%s", t->cause);
    if (!ok) {
        hsm_crt_release(&crt);
        return false;
    }
    *out = crt;
    return true;
}

void hsm_crt_release(struct hsm_crt *crt)
{
    struct secret *parts[] = {&crt->p, &crt->q, &crt->dp, &crt->dq, &crt->qinv};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        secret_release(parts[i]);
}
