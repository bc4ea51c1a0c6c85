/* hsm/kcv.c - check values by an operation. CKA_CHECK_VALUE is never read: soft tokens leave it empty after an unwrap
 * and wrong after a derivation.
 *
 * Keys that may only derive are checked by the check-value derivation (hsm_derive_check): the first bytes of
 * ECB(master)[zeros] for DES; for AES the CMAC of one zero block, which is ECB(master)[K1] with K1 = dbl(ECB(master)[zeros]).
 * RFC 4493 2.3 and 2.4. */
#include "hsm/internal.h"

enum { TDES_KCV = 3, AES_KCV = 5 };

static const uint8_t zeros[16];

void hsm_cmac_double(const uint8_t *in, uint8_t *out, size_t len)
{
    uint8_t carry = in[0] >> 7, polynomial = len == 8 ? 0x1B : 0x87;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)((in[i] << 1) | (i + 1 < len ? in[i + 1] >> 7 : 0));
    out[len - 1] = (uint8_t)(out[len - 1] ^ (carry ? polynomial : 0));
}

static bool master_kcv(struct hsm_token *t, const struct hsm_key *key, uint8_t *out, size_t len,
                       struct err *err)
{
    uint8_t l[16], k1[16];
    if (len == TDES_KCV) return hsm_derive_check(t, key, zeros, out, len, err);
    if (!hsm_derive_cmac_l(t, key, l, err)) return false;
    hsm_cmac_double(l, k1, sizeof l);
    bool ok = hsm_derive_check(t, key, k1, out, len, err);
    wipe(l, sizeof l);
    wipe(k1, sizeof k1);
    return ok;
}

bool hsm_kcv(struct hsm_token *t, const struct hsm_key *key, enum hsm_role role, uint8_t out[HSM_KCV_MAX],
             size_t *len, struct err *err)
{
    bool is_des = hsm_algorithm_is_tdes(key->algorithm);
    size_t kcv_len = is_des ? TDES_KCV : AES_KCV;
    uint8_t block[16];
    if (key->algorithm == HSM_RSA || key->algorithm == HSM_GENERIC || role == HSM_ROLE_CARD_STATIC)
        return err_set(err, ERR_INTERNAL, "a key of role %s has no check value", hsm_role_name(role));
    if (role == HSM_ROLE_MASTER || role == HSM_ROLE_KBPK) {
        if (!master_kcv(t, key, block, kcv_len, err)) return false;
    } else if (is_des) {
        if (!hsm_encrypt_once(t, CKM_DES3_ECB, key->handle, zeros, 8, block, err)) return false;
    } else if (!hsm_cmac(t, key, zeros, sizeof zeros, block, err)) {
        return false;
    }
    memcpy(out, block, kcv_len);
    *len = kcv_len;
    return true;
}

bool hsm_kcv_gp(struct hsm_token *t, const struct hsm_key *key, uint8_t out[3], struct err *err)
{
    static const uint8_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    uint8_t block[16];
    if (!hsm_encrypt_once(t, CKM_AES_ECB, key->handle, ones, sizeof ones, block, err)) return false;
    memcpy(out, block, 3);
    return true;
}
