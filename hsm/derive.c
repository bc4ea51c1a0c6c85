/* hsm/derive.c - keys from master keys, inside the token. */
#include "hsm/internal.h"

enum { DATA_MAX = 32, BLOCK = 16 };

static bool derive(struct hsm_token *t, const struct hsm_key *master, const uint8_t *data, size_t len,
                   struct hsm_template *tp, CK_OBJECT_HANDLE *out, struct err *err)
{
    uint8_t copy[DATA_MAX];
    memcpy(copy, data, len);
    CK_KEY_DERIVATION_STRING_DATA parameter = {copy, len};
    CK_MECHANISM mechanism = {hsm_algorithm_is_aes(master->algorithm) ? CKM_AES_ECB_ENCRYPT_DATA
                                                                      : CKM_DES3_ECB_ENCRYPT_DATA,
                              &parameter, sizeof parameter};
    CK_RV rv = t->fn->C_DeriveKey(t->session, &mechanism, master->handle, tp->attr, tp->count, out);
    return hsm_call(t, "C_DeriveKey", rv, err);
}

bool hsm_derive(struct hsm_token *t, const struct hsm_key *master, const uint8_t *data, size_t len,
                const struct hsm_key_ref *result, struct hsm_key *out, struct err *err)
{
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    if (len == 0 || len > DATA_MAX || len % (hsm_algorithm_is_aes(master->algorithm) ? 16 : 8) != 0)
        return err_set(err, ERR_INTERNAL, "derivation data of %zu bytes", len);
    if (len < hsm_algorithm_len(result->algorithm))
        return err_set(err, ERR_INTERNAL, "derivation data of %zu bytes for a key of %zu", len,
                       hsm_algorithm_len(result->algorithm));
    if (bytes_all(data, len, 0)) /* its ciphertext is what check values are made of */
        return err_set(err, ERR_INPUT, "derivation data is all zero");
    hsm_template_init(&tp);
    hsm_template_secret(&tp, result->algorithm, HSM_DERIVED, 0);
    if (!hsm_template_role(t, &tp, result, HSM_PART_SECRET, err)) return false;
    if (!derive(t, master, data, len, &tp, &handle, err)) return false;
    *out = (struct hsm_key){handle, result->algorithm};
    return true;
}

/* The result is a GENERIC key that may do nothing but be read, and is destroyed at once. */
bool hsm_derive_check(struct hsm_token *t, const struct hsm_key *master, const uint8_t block[16],
                      uint8_t *out, size_t len, struct err *err)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,   CKA_VERIFY,
                                             CKA_WRAP,    CKA_UNWRAP,  CKA_DERIVE, CKA_SENSITIVE};
    struct hsm_template tp;
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t value[BLOCK];
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value};
    bool ok = false;

    hsm_template_init(&tp);
    hsm_template_secret(&tp, HSM_GENERIC, HSM_DERIVED, len);
    hsm_template_bool(&tp, CKA_TOKEN, false);
    hsm_template_bool(&tp, CKA_PRIVATE, false);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        hsm_template_bool(&tp, uses[i], false);
    hsm_template_bool(&tp, CKA_EXTRACTABLE, true);
    if (!derive(t, master, block, BLOCK, &tp, &key.handle, err)) goto out;
    if (!hsm_call(t, "C_GetAttributeValue", t->fn->C_GetAttributeValue(t->session, key.handle, &read, 1),
                  err))
        goto out;
    if (read.ulValueLen != len) {
        err_set(err, ERR_TOKEN, "C_DeriveKey: %lu bytes of a check value, not %zu", read.ulValueLen, len);
        goto out;
    }
    memcpy(out, value, len);
    ok = true;
out:
    hsm_key_destroy(t, &key);
    wipe(value, sizeof value);
    return ok;
}

bool hsm_derive_cmac_l(struct hsm_token *t, const struct hsm_key *master, uint8_t out[16], struct err *err)
{
    static const uint8_t zeros[BLOCK];
    if (!hsm_algorithm_is_aes(master->algorithm))
        return err_set(err, ERR_INTERNAL, "CMAC subkey of a master that is no AES key");
    return hsm_derive_check(t, master, zeros, out, BLOCK, err);
}
