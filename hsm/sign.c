/* hsm/sign.c - RSA signatures. */
#include "hsm/internal.h"

static bool sign(struct hsm_token *t, CK_MECHANISM_TYPE m, const struct hsm_key *key, const uint8_t *data,
                 size_t len, struct buf *dst, struct err *err)
{
    uint8_t signature[HSM_MODULUS_MAX];
    size_t signature_len = 0;
    if (!hsm_sign_once(t, m, key->handle, data, len, signature, sizeof signature, &signature_len, err))
        return false;
    buf_put(dst, signature, signature_len);
    return buf_ok(dst, "signature", err);
}

bool hsm_sign_raw(struct hsm_token *t, const struct hsm_key *key, const uint8_t *block, size_t len,
                  struct buf *dst, struct err *err)
{
    return sign(t, CKM_RSA_X_509, key, block, len, dst, err);
}

bool hsm_sign_sha256(struct hsm_token *t, const struct hsm_key *key, const uint8_t *data, size_t len,
                     struct buf *dst, struct err *err)
{
    return sign(t, CKM_SHA256_RSA_PKCS, key, data, len, dst, err);
}
