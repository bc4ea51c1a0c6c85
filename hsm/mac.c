/* hsm/mac.c - MACs, and the one-shot signature and encryption calls that check values use as well. */
#include "hsm/internal.h"

bool hsm_sign_once(struct hsm_token *t, CK_MECHANISM_TYPE m, CK_OBJECT_HANDLE key, const uint8_t *data,
                   size_t data_len, uint8_t *out, size_t room, size_t *len, struct err *err)
{
    CK_MECHANISM mechanism = hsm_mechanism(m);
    CK_ULONG out_len = room;
    if (!hsm_call(t, "C_SignInit", t->fn->C_SignInit(t->session, &mechanism, key), err)) return false;
    CK_RV rv = t->fn->C_Sign(t->session, hsm_bytes(data), data_len, out, &out_len);
    if (!hsm_call(t, "C_Sign", rv, err)) return false;
    *len = out_len;
    return true;
}

bool hsm_encrypt_once(struct hsm_token *t, CK_MECHANISM_TYPE m, CK_OBJECT_HANDLE key, const uint8_t *data,
                      size_t len, uint8_t *out, struct err *err)
{
    CK_MECHANISM mechanism = hsm_mechanism(m);
    CK_ULONG out_len = len;
    if (!hsm_call(t, "C_EncryptInit", t->fn->C_EncryptInit(t->session, &mechanism, key), err)) return false;
    CK_RV rv = t->fn->C_Encrypt(t->session, hsm_bytes(data), len, out, &out_len);
    if (!hsm_call(t, "C_Encrypt", rv, err)) return false;
    if (out_len != len)
        return err_set(err, ERR_TOKEN, "C_Encrypt: %lu bytes came back for %zu without padding", out_len,
                       len);
    return true;
}

bool hsm_cmac(struct hsm_token *t, const struct hsm_key *key, const uint8_t *data, size_t len,
              uint8_t out[16], struct err *err)
{
    uint8_t mac[16];
    size_t mac_len = 0;
    if (!hsm_sign_once(t, CKM_AES_CMAC, key->handle, data, len, mac, sizeof mac, &mac_len, err)) return false;
    if (mac_len != sizeof mac) return err_set(err, ERR_TOKEN, "C_Sign: a CMAC of %zu bytes, not 16", mac_len);
    memcpy(out, mac, sizeof mac);
    return true;
}
