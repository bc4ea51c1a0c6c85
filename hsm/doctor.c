/* hsm/doctor.c - the full probe: one small trial per ability, each leaving nothing behind. A trial that fails says why in
 * the words of the call that failed. */
#include <stdio.h>

#include "hsm/probe_internal.h"

enum { PROBE_BITS = 1024, BLOB_MAX = 2048 };

static bool try_cmac(struct hsm_token *t, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t block[16] = {0}, mac[16];
    bool ok = hsm_probe_key(t, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE, &key, err) &&
              hsm_cmac(t, &key, block, sizeof block, mac, err);
    hsm_key_destroy(t, &key);
    return ok;
}

/* Derives from a master of this algorithm, and looks at what the token does beside. */
static bool try_derive(struct hsm_token *t, enum hsm_algorithm a, enum hsm_algorithm result, struct err *err)
{
    uint8_t data[16] = {1};
    struct hsm_key master = HSM_KEY_NONE, key = HSM_KEY_NONE;
    struct hsm_key_ref ref = {.name = "probe", .role = HSM_ROLE_CARD_KEY, .algorithm = result};
    bool ok = hsm_probe_key(t, a, PROBE_DERIVE | PROBE_SENSITIVE, &master, err) &&
              hsm_derive(t, &master, data, sizeof data, &ref, &key, err);
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &master);
    return ok;
}

static bool try_derive_tdes(struct hsm_token *t, struct err *err)
{
    return try_derive(t, HSM_DES3, HSM_DES2, err);
}

static bool try_derive_aes(struct hsm_token *t, struct err *err)
{
    return try_derive(t, HSM_AES256, HSM_AES128, err);
}

/* A session pair of which the private part may do `use`. */
static bool probe_pair(struct hsm_token *t, unsigned long e, CK_ATTRIBUTE_TYPE use, struct hsm_pair *out,
                       struct err *err)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE};
    struct hsm_template pub, priv;
    CK_MECHANISM m = hsm_mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN);
    struct hsm_pair pair = {.private_key = {0, HSM_RSA}, .public_key = {0, HSM_RSA}};

    hsm_template_init(&pub);
    hsm_template_init(&priv);
    pub.exponent[0] = 1;
    pub.exponent[2] = 1;
    if (e == 3) pub.exponent[0] = 3;
    hsm_template_number(&pub, CKA_MODULUS_BITS, PROBE_BITS);
    hsm_template_bytes(&pub, CKA_PUBLIC_EXPONENT, pub.exponent, e == 3 ? 1 : 3);
    hsm_template_bool(&pub, CKA_TOKEN, false);
    hsm_template_bool(&pub, CKA_PRIVATE, false);
    hsm_template_bool(&pub, CKA_VERIFY, use != CKA_UNWRAP);
    hsm_template_bool(&pub, CKA_WRAP, use == CKA_UNWRAP);
    hsm_template_bool(&priv, CKA_TOKEN, false);
    hsm_template_bool(&priv, CKA_PRIVATE, false);
    hsm_template_bool(&priv, CKA_SENSITIVE, true);
    hsm_template_bool(&priv, CKA_EXTRACTABLE, true);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        hsm_template_bool(&priv, uses[i], uses[i] == use);
    CK_RV rv = t->fn->C_GenerateKeyPair(t->session, &m, pub.attr, pub.count, priv.attr, priv.count,
                                        &pair.public_key.handle, &pair.private_key.handle);
    if (!hsm_call(t, "C_GenerateKeyPair", rv, err)) return false;
    *out = pair;
    return true;
}

static bool try_exponent(struct hsm_token *t, unsigned long e, struct err *err)
{
    struct hsm_pair pair;
    if (!probe_pair(t, e, CKA_SIGN, &pair, err)) return false;
    hsm_pair_destroy(t, &pair);
    return true;
}

static bool try_e3(struct hsm_token *t, struct err *err)
{
    return try_exponent(t, 3, err);
}

static bool try_e65537(struct hsm_token *t, struct err *err)
{
    return try_exponent(t, 65537, err);
}

static bool try_signature(struct hsm_token *t, CK_MECHANISM_TYPE m, struct err *err)
{
    struct hsm_pair pair;
    uint8_t block[PROBE_BITS / 8] = {0, 1, 2}, signature[PROBE_BITS / 8];
    size_t len = 0;
    if (!probe_pair(t, 65537, CKA_SIGN, &pair, err)) return false;
    bool ok = hsm_sign_once(t, m, pair.private_key.handle, block, sizeof block, signature, sizeof signature,
                            &len, err);
    hsm_pair_destroy(t, &pair);
    return ok;
}

static bool try_rsa_raw(struct hsm_token *t, struct err *err)
{
    return try_signature(t, CKM_RSA_X_509, err);
}

static bool try_rsa_sha256(struct hsm_token *t, struct err *err)
{
    return try_signature(t, CKM_SHA256_RSA_PKCS, err);
}

static bool try_kwp_rsa(struct hsm_token *t, struct err *err)
{
    struct hsm_pair pair = {.private_key = HSM_KEY_NONE, .public_key = HSM_KEY_NONE};
    struct hsm_key kek = HSM_KEY_NONE, back = HSM_KEY_NONE;
    struct hsm_key_ref ref = {.name = "probe", .role = HSM_ROLE_CARD_PAIR, .algorithm = HSM_RSA};
    struct buf wrapped;
    bool ok = false;

    buf_init(&wrapped, BLOB_MAX);
    if (!probe_pair(t, 65537, CKA_SIGN, &pair, err)) goto out;
    if (!hsm_probe_key(t, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE, &kek, err)) goto out;
    if (!hsm_wrap_kwp(t, &kek, &pair.private_key, &wrapped, err)) goto out;
    ok = hsm_unwrap_kwp(t, &kek, wrapped.data, wrapped.len, &ref, &back, err);
out:
    hsm_key_destroy(t, &back);
    hsm_key_destroy(t, &kek);
    hsm_pair_destroy(t, &pair);
    buf_release(&wrapped);
    return ok;
}

/* Wraps a 16-byte key without padding, and expects 16 bytes. */
static bool try_unpadded(struct hsm_token *t, CK_MECHANISM *m, enum hsm_algorithm by, enum hsm_algorithm a,
                         struct err *err)
{
    struct hsm_key kek = HSM_KEY_NONE, key = HSM_KEY_NONE;
    uint8_t wrapped[64];
    size_t len = 0;
    bool ok = hsm_probe_key(t, by, PROBE_WRAP | PROBE_SENSITIVE, &kek, err) &&
              hsm_probe_key(t, a, PROBE_ENCRYPT | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err) &&
              hsm_probe_wrap(t, m, &kek, &key, wrapped, sizeof wrapped, &len, err);
    if (ok && len != 16) ok = err_set(err, ERR_TOKEN, "C_WrapKey: %zu bytes, not 16", len);
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &kek);
    return ok;
}

static bool try_wrap_tdes_ecb(struct hsm_token *t, struct err *err)
{
    CK_MECHANISM m = hsm_mechanism(CKM_DES3_ECB);
    return try_unpadded(t, &m, HSM_DES3, HSM_DES2, err);
}

static bool try_wrap_aes_cbc(struct hsm_token *t, struct err *err)
{
    uint8_t iv[16] = {0};
    CK_MECHANISM m = {CKM_AES_CBC, iv, sizeof iv};
    return try_unpadded(t, &m, HSM_AES128, HSM_AES128, err);
}

static bool try_oaep(struct hsm_token *t, struct err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS parameter = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &parameter, sizeof parameter};
    struct hsm_pair pair = {.private_key = HSM_KEY_NONE, .public_key = HSM_KEY_NONE};
    struct hsm_key key = HSM_KEY_NONE, back = HSM_KEY_NONE;
    uint8_t wrapped[PROBE_BITS / 8];
    size_t len = 0;
    bool ok = probe_pair(t, 65537, CKA_UNWRAP, &pair, err) &&
              hsm_probe_key(t, HSM_AES256, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err) &&
              hsm_probe_wrap(t, &m, &pair.public_key, &key, wrapped, sizeof wrapped, &len, err) &&
              hsm_probe_unwrap(t, &m, &pair.private_key, wrapped, len, HSM_AES256,
                               PROBE_SIGN | PROBE_SENSITIVE, &back, err);
    hsm_key_destroy(t, &back);
    hsm_key_destroy(t, &key);
    hsm_pair_destroy(t, &pair);
    return ok;
}

/* Wraps `key` under a new KEK whose template has `tp`'s attributes: honoured if that is refused. */
static bool refuses_wrap(struct hsm_token *t, struct hsm_template *kek_template,
                         struct hsm_template *key_template, struct err *err)
{
    CK_MECHANISM m = hsm_mechanism(t->profile.kwp_mechanism);
    struct hsm_key kek = HSM_KEY_NONE, key = HSM_KEY_NONE;
    struct err refused = ERR_INIT;
    uint8_t wrapped[64];
    size_t len = 0;
    bool ok = t->profile.kwp_mechanism != 0;
    if (!ok) return err_set(err, ERR_TOKEN, "not tried without RFC 5649");
    ok = hsm_probe_generate(t, kek_template, HSM_AES256, &kek, err) &&
         hsm_probe_generate(t, key_template, HSM_AES128, &key, err);
    if (ok && hsm_probe_wrap(t, &m, &kek, &key, wrapped, sizeof wrapped, &len, &refused))
        ok = err_set(err, ERR_TOKEN, "stored and ignored");
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &kek);
    return ok;
}

static bool try_wrap_template(struct hsm_token *t, struct err *err)
{
    struct hsm_template kek, key;
    hsm_probe_template(&kek, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE);
    hsm_probe_template(&key, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE);
    kek.inner[0] = (CK_ATTRIBUTE){CKA_SIGN, &kek.no, sizeof kek.no};
    hsm_template_bytes(&kek, CKA_WRAP_TEMPLATE, kek.inner, sizeof kek.inner[0]);
    return refuses_wrap(t, &kek, &key, err);
}

static bool try_wrap_with_trusted(struct hsm_token *t, struct err *err)
{
    struct hsm_template kek, key;
    hsm_probe_template(&kek, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE);
    hsm_probe_template(&key, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE);
    hsm_template_bool(&key, CKA_WRAP_WITH_TRUSTED, true);
    return refuses_wrap(t, &kek, &key, err);
}

static bool try_extractable(struct hsm_token *t, struct err *err)
{
    struct hsm_template kek, key;
    hsm_probe_template(&kek, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE);
    hsm_probe_template(&key, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE);
    return refuses_wrap(t, &kek, &key, err);
}

static bool try_unwrap_template(struct hsm_token *t, struct err *err)
{
    CK_MECHANISM m = hsm_mechanism(t->profile.kwp_mechanism);
    struct hsm_template tp;
    struct hsm_key kek = HSM_KEY_NONE, key = HSM_KEY_NONE, back = HSM_KEY_NONE;
    struct err refused = ERR_INIT;
    uint8_t wrapped[64];
    size_t len = 0;
    bool ok = t->profile.kwp_mechanism != 0;
    if (!ok) return err_set(err, ERR_TOKEN, "not tried without RFC 5649");
    hsm_probe_template(&tp, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE);
    tp.inner[0] = (CK_ATTRIBUTE){CKA_SIGN, &tp.no, sizeof tp.no};
    hsm_template_bytes(&tp, CKA_UNWRAP_TEMPLATE, tp.inner, sizeof tp.inner[0]);
    ok = hsm_probe_generate(t, &tp, HSM_AES256, &kek, err) &&
         hsm_probe_key(t, HSM_AES128, PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err) &&
         hsm_probe_wrap(t, &m, &kek, &key, wrapped, sizeof wrapped, &len, err);
    if (ok && hsm_probe_unwrap(t, &m, &kek, wrapped, len, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE, &back,
                               &refused))
        ok = err_set(err, ERR_TOKEN, "stored and ignored");
    hsm_key_destroy(t, &back);
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &kek);
    return ok;
}

typedef bool trial_fn(struct hsm_token *t, struct err *err);
/* What the short probe has found already has no trial here. */
static trial_fn *const trials[HSM_ABILITY_COUNT] = {
    [HSM_CAN_KWP_RSA] = try_kwp_rsa,
    [HSM_CAN_DERIVE_TDES] = try_derive_tdes,
    [HSM_CAN_DERIVE_AES] = try_derive_aes,
    [HSM_CAN_CMAC] = try_cmac,
    [HSM_CAN_RSA_RAW] = try_rsa_raw,
    [HSM_CAN_RSA_SHA256] = try_rsa_sha256,
    [HSM_CAN_RSA_E3] = try_e3,
    [HSM_CAN_RSA_E65537] = try_e65537,
    [HSM_CAN_WRAP_TDES_ECB] = try_wrap_tdes_ecb,
    [HSM_CAN_WRAP_AES_CBC] = try_wrap_aes_cbc,
    [HSM_CAN_XOR] = hsm_combine_try,
    [HSM_CAN_OAEP] = try_oaep,
    [HSM_HONOURS_WRAP_TEMPLATE] = try_wrap_template,
    [HSM_HONOURS_UNWRAP_TEMPLATE] = try_unwrap_template,
    [HSM_HONOURS_WRAP_WITH_TRUSTED] = try_wrap_with_trusted,
    [HSM_HONOURS_EXTRACTABLE] = try_extractable,
};

/* Does a key whose length is no multiple of 8 come back longer? */
static bool pads_to_8(struct hsm_token *t)
{
    CK_MECHANISM m = hsm_mechanism(t->profile.kwp_mechanism);
    struct hsm_key kek = HSM_KEY_NONE, key = HSM_KEY_NONE, back = HSM_KEY_NONE;
    struct err ignored = ERR_INIT;
    uint8_t wrapped[64];
    size_t len = 0;
    CK_ULONG value_len = PROBE_GENERIC_LEN;
    CK_ATTRIBUTE attr = {CKA_VALUE_LEN, &value_len, sizeof value_len};
    bool ok = hsm_probe_key(t, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE, &kek, &ignored) &&
              hsm_probe_key(t, HSM_GENERIC, PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, &ignored) &&
              hsm_probe_wrap(t, &m, &kek, &key, wrapped, sizeof wrapped, &len, &ignored) &&
              hsm_probe_unwrap(t, &m, &kek, wrapped, len, HSM_GENERIC, PROBE_SENSITIVE, &back, &ignored) &&
              t->fn->C_GetAttributeValue(t->session, back.handle, &attr, 1) == CKR_OK;
    hsm_key_destroy(t, &back);
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &kek);
    return ok && value_len != PROBE_GENERIC_LEN;
}

static bool has_odd_parity(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (__builtin_parity(bytes[i]) == 0) return false;
    }
    return true;
}

/* Derives a readable DES2 key from a random master that is thrown away: its parity, and whether CKA_CHECK_VALUE is right. */
static void look_at_derived(struct hsm_token *t)
{
    uint8_t data[16] = {7}, value[16] = {0}, shown[8] = {0}, block[8] = {0}, kcv[8];
    CK_KEY_DERIVATION_STRING_DATA parameter = {data, sizeof data};
    CK_MECHANISM m = {CKM_DES3_ECB_ENCRYPT_DATA, &parameter, sizeof parameter};
    struct hsm_template tp;
    struct hsm_key master = HSM_KEY_NONE, key = HSM_KEY_NONE;
    struct err ignored = ERR_INIT;
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value}, check = {CKA_CHECK_VALUE, shown, sizeof shown};
    if (!hsm_probe_key(t, HSM_DES3, PROBE_DERIVE | PROBE_SENSITIVE, &master, &ignored)) return;
    hsm_probe_template(&tp, HSM_DES2, PROBE_ENCRYPT | PROBE_EXTRACTABLE);
    if (t->fn->C_DeriveKey(t->session, &m, master.handle, tp.attr, tp.count, &key.handle) != CKR_OK) goto out;
    if (t->fn->C_GetAttributeValue(t->session, key.handle, &read, 1) == CKR_OK &&
        read.ulValueLen == sizeof value)
        t->profile.forces_des_parity = has_odd_parity(value, sizeof value);
    if (t->fn->C_GetAttributeValue(t->session, key.handle, &check, 1) == CKR_OK && check.ulValueLen == 3 &&
        hsm_encrypt_once(t, CKM_DES3_ECB, key.handle, block, sizeof block, kcv, &ignored))
        t->profile.check_value_after_derive = bytes_equal(shown, 3, kcv, 3);
out:
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &master);
}

void hsm_probe_all(struct hsm_token *t)
{
    for (size_t i = 0; i < HSM_ABILITY_COUNT && !t->broken; i++) {
        struct err why = ERR_INIT;
        if (!trials[i]) continue;
        t->profile.can[i] = trials[i](t, &why);
        if (!t->profile.can[i]) hsm_probe_why(t, (enum hsm_ability)i, &why);
    }
    if (t->profile.kwp_mechanism) t->profile.kwp_pads_to_8 = pads_to_8(t);
    look_at_derived(t);
}
