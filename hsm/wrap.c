/* hsm/wrap.c - keys leave the token here, and only wrapped. No length is asked for first: that would double the calls,
 * and some tokens answer it wrongly. */
#include "hsm/internal.h"

enum { WRAPPED_MAX = 4096 /* a PKCS#8 key of 4096 bits takes 2,400 */ };

bool hsm_wrap_by(struct hsm_token *t, CK_MECHANISM *mechanism, const struct hsm_key *by,
                 const struct hsm_key *key, struct buf *dst, struct err *err)
{
    uint8_t wrapped[WRAPPED_MAX];
    CK_ULONG len = sizeof wrapped;
    CK_RV rv = t->fn->C_WrapKey(t->session, mechanism, by->handle, key->handle, wrapped, &len);
    if (!hsm_call(t, "C_WrapKey", rv, err)) return false;
    buf_put(dst, wrapped, len);
    return buf_ok(dst, "wrapped key", err);
}

bool hsm_wrap_kwp_mechanism(const struct hsm_token *t, CK_MECHANISM *out, struct err *err)
{
    if (!t->profile.kwp_mechanism)
        return err_set(err, ERR_TOKEN, "the token has no mechanism for RFC 5649 (%s)",
                       t->profile.why[HSM_CAN_KWP]);
    *out = hsm_mechanism(t->profile.kwp_mechanism);
    return true;
}

bool hsm_wrap_kwp(struct hsm_token *t, const struct hsm_key *kek, const struct hsm_key *key, struct buf *dst,
                  struct err *err)
{
    CK_MECHANISM mechanism;
    return hsm_wrap_kwp_mechanism(t, &mechanism, err) && hsm_wrap_by(t, &mechanism, kek, key, dst, err);
}

bool hsm_wrap_tdes_ecb(struct hsm_token *t, const struct hsm_key *card_key, const struct hsm_key *key,
                       struct buf *dst, struct err *err)
{
    CK_MECHANISM mechanism = hsm_mechanism(CKM_DES3_ECB);
    return hsm_wrap_by(t, &mechanism, card_key, key, dst, err);
}

bool hsm_wrap_aes_cbc(struct hsm_token *t, const struct hsm_key *card_key, const uint8_t iv[16],
                      const struct hsm_key *key, struct buf *dst, struct err *err)
{
    uint8_t copy[16];
    memcpy(copy, iv, sizeof copy);
    CK_MECHANISM mechanism = {CKM_AES_CBC, copy, sizeof copy};
    if (hsm_algorithm_len(key->algorithm) % 16 != 0) /* soft tokens fail on these or pad in silence */
        return err_set(err, ERR_TOKEN, "a key of %zu bytes cannot be wrapped by AES-CBC without padding",
                       hsm_algorithm_len(key->algorithm));
    return hsm_wrap_by(t, &mechanism, card_key, key, dst, err);
}

bool hsm_unwrap_kwp(struct hsm_token *t, const struct hsm_key *kek, const uint8_t *wrapped, size_t len,
                    const struct hsm_key_ref *result, struct hsm_key *out, struct err *err)
{
    struct hsm_template tp;
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE handle = 0;
    enum hsm_part part = hsm_part_of(result);

    if (!hsm_wrap_kwp_mechanism(t, &mechanism, err)) return false;
    hsm_template_init(&tp);
    if (part == HSM_PART_SECRET) {
        hsm_template_secret(&tp, result->algorithm, HSM_UNWRAPPED, 0);
    } else {
        hsm_template_number(&tp, CKA_CLASS, CKO_PRIVATE_KEY);
        hsm_template_number(&tp, CKA_KEY_TYPE, CKK_RSA);
    }
    if (!hsm_template_role(t, &tp, result, part, err)) return false;
    CK_RV rv = t->fn->C_UnwrapKey(t->session, &mechanism, kek->handle, hsm_bytes(wrapped), len, tp.attr,
                                  tp.count, &handle);
    if (!hsm_call(t, "C_UnwrapKey", rv, err)) return false;
    *out = (struct hsm_key){handle, result->algorithm};
    return true;
}

bool hsm_unwrap_was_damaged(const struct hsm_token *t)
{
    static const CK_RV damaged[] = {CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE,
                                    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
                                    CKR_GENERAL_ERROR};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        if (!t->broken && t->last == damaged[i]) return true;
    }
    return false;
}
