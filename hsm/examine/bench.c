/* hsm/examine/bench.c - keys for trials: made, remembered, wrapped, proved. */
#include <stdarg.h>
#include <stdio.h>

#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

__attribute__((format(printf, 4, 0))) static void decide(struct examiner *x, enum hsm_verdict verdict,
                                                         struct err *err, const char *format, va_list args)
{
    vsnprintf(x->out->cause, sizeof x->out->cause, format, args);
    x->out->verdict = verdict;
    x->decided = true;
    err_set_text(err, ERR_TOKEN, "%s", x->out->cause);
}

void examine_set_unsafe(struct examiner *x, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    decide(x, HSM_UNSAFE, err, format, args);
    va_end(args);
}

void examine_set_skipped(struct examiner *x, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    decide(x, HSM_NOT_TRIED, err, format, args);
    va_end(args);
}

bool examine_remark(struct examiner *x, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(x->out->cause, sizeof x->out->cause, format, args);
    va_end(args);
    return true;
}

/* Return values that are no refusal. */
static bool is_fault(CK_RV rv)
{
    static const CK_RV faults[] = {CKR_HOST_MEMORY,       CKR_DEVICE_MEMORY, CKR_SESSION_COUNT,
                                   CKR_FUNCTION_CANCELED, CKR_CANCEL,        CKR_SESSION_READ_ONLY};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (faults[i] == rv) return true;
    }
    return false;
}

bool examine_must_refuse(struct examiner *x, const char *function, CK_RV rv, const char *unsafe,
                         struct err *err)
{
    char text[24];
    if (rv == CKR_OK) return examine_unsafe(x, err, "%s", unsafe);
    struct err noted = ERR_INIT; /* a lost session is noticed */
    err_ignore(hsm_call(x->t, function, rv, &noted), "a refusal is what is hoped for");
    if (is_fault(rv)) return examine_skip(x, err, "%s: %s", function, hsm_ckr_name(rv, text));
    return examine_remark(x, "%s: %s", function, hsm_ckr_name(rv, text));
}

bool examine_in_own_session(struct examiner *x, const struct trial_case *with, trial_fn *fn, struct err *err)
{
    const CK_SESSION_HANDLE usual = x->t->session;
    CK_SESSION_HANDLE own = 0;
    CK_RV rv = x->t->fn->C_OpenSession(x->t->slot, CKF_SERIAL_SESSION, NULL, NULL, &own);
    if (!hsm_call(x->t, "C_OpenSession", rv, err)) return false;
    x->t->session = own;
    bool ok = fn(x, with, err);
    x->t->session = usual;
    x->count = 0;
    x->t->fn->C_CloseSession(own);
    return ok;
}

void examine_cause(const struct err *err, char out[HSM_CAUSE_MAX])
{
    snprintf(out, HSM_CAUSE_MAX, "%.*s", HSM_CAUSE_MAX - 1, err->text);
    char *name = strstr(out, "CKR_");
    char *advice = name ? strstr(name, " (") : NULL;
    if (advice) *advice = 0;
}

void examine_keep(struct examiner *x, CK_OBJECT_HANDLE handle)
{
    if (x->count < EXAMINE_MADE_MAX) x->made[x->count++] = handle;
}

void examine_template(struct hsm_template *tp, enum hsm_algorithm a, enum hsm_origin origin,
                      size_t generic_len, unsigned uses)
{
    hsm_template_init(tp);
    hsm_template_secret(tp, a, origin, generic_len);
    hsm_probe_uses(tp, uses);
}

/* Out of the C_ call's result: the handle, remembered. */
static bool take(struct examiner *x, const char *function, CK_RV rv, CK_OBJECT_HANDLE handle,
                 enum hsm_algorithm a, struct hsm_key *out, struct err *err)
{
    if (!hsm_call(x->t, function, rv, err)) return false;
    examine_keep(x, handle);
    *out = (struct hsm_key){handle, a};
    return true;
}

/* Where clear keys may not be created: encrypted for a pair of the token's own, and unwrapped. */
static bool enter(struct examiner *x, struct hsm_template *tp, enum hsm_algorithm a, const uint8_t *value,
                  size_t len, struct hsm_key *out, struct err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS parameter = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &parameter, sizeof parameter};
    struct blob n, e, wrapped;
    if (!x->door_private.handle) {
        struct pair pair;
        size_t kept = x->count;
        if (!examine_pair(x, 2048, 65537, CKA_UNWRAP, &pair, err)) return false;
        x->count = kept; /* lives as long as the examination */
        x->door_private = pair.private_key;
        x->door_public = pair.public_key;
    }
    return examine_read(x, &x->door_public, CKA_MODULUS, n.data, sizeof n.data, &n.len, err) &&
           examine_read(x, &x->door_public, CKA_PUBLIC_EXPONENT, e.data, sizeof e.data, &e.len, err) &&
           reference_oaep(&n, &e, false, value, len, &wrapped, err) &&
           examine_unwrap(x, &m, &x->door_private, &wrapped, tp, a, out, err);
}

bool examine_create(struct examiner *x, struct hsm_template *tp, enum hsm_algorithm a, const uint8_t *value,
                    size_t len, struct hsm_key *out, struct err *err)
{
    CK_OBJECT_HANDLE handle = 0;
    hsm_template_bytes(tp, CKA_VALUE, hsm_bytes(value), len);
    CK_RV rv = x->t->fn->C_CreateObject(x->t->session, tp->attr, tp->count, &handle);
    if (take(x, "C_CreateObject", rv, handle, a, out, err)) return true;
    if (x->t->broken) return false;
    char refusal[HSM_CAUSE_MAX];
    struct err other = ERR_INIT;
    examine_cause(err, refusal);
    tp->count--;
    if (enter(x, tp, a, value, len, out, &other)) return true;
    return examine_skip(x, err, "no known key to try with: %s", refusal);
}

bool examine_again(struct examiner *x, const struct known *known, unsigned uses, struct hsm_key *out,
                   struct err *err)
{
    struct hsm_template tp;
    examine_template(&tp, known->key.algorithm, HSM_CREATED, known->len, uses);
    return examine_create(x, &tp, known->key.algorithm, known->value, known->len, out, err);
}

bool examine_known(struct examiner *x, enum hsm_algorithm a, unsigned uses, uint8_t seed, size_t len,
                   struct known *out, struct err *err)
{
    out->len = a == HSM_GENERIC ? len : hsm_algorithm_len(a);
    out->key = (struct hsm_key){0, a};
    for (size_t i = 0; i < out->len; i++)
        out->value[i] = (uint8_t)(seed + 29 * i);
    if (hsm_algorithm_is_tdes(a)) reference_set_parity(out->value, out->len);
    return examine_again(x, out, uses, &out->key, err);
}

bool examine_generate(struct examiner *x, struct hsm_template *tp, enum hsm_algorithm a, struct hsm_key *out,
                      struct err *err)
{
    if (!hsm_probe_generate(x->t, tp, a, out, err)) return false;
    examine_keep(x, out->handle);
    return true;
}

bool examine_random_key(struct examiner *x, enum hsm_algorithm a, unsigned uses, struct hsm_key *out,
                        struct err *err)
{
    struct hsm_template tp;
    examine_template(&tp, a, HSM_GENERATED, PROBE_GENERIC_LEN, uses);
    return examine_generate(x, &tp, a, out, err);
}

bool examine_wrap(struct examiner *x, CK_MECHANISM *m, const struct hsm_key *by, const struct hsm_key *key,
                  struct blob *out, struct err *err)
{
    return hsm_probe_wrap(x->t, m, by, key, out->data, sizeof out->data, &out->len, err);
}

bool examine_unwrap(struct examiner *x, CK_MECHANISM *m, const struct hsm_key *by, const struct blob *wrapped,
                    struct hsm_template *tp, enum hsm_algorithm a, struct hsm_key *out, struct err *err)
{
    CK_OBJECT_HANDLE handle = 0;
    CK_RV rv = x->t->fn->C_UnwrapKey(x->t->session, m, by->handle, hsm_bytes(wrapped->data), wrapped->len,
                                     tp->attr, tp->count, &handle);
    return take(x, "C_UnwrapKey", rv, handle, a, out, err);
}

bool examine_derive(struct examiner *x, CK_MECHANISM *m, const struct hsm_key *base, struct hsm_template *tp,
                    enum hsm_algorithm a, struct hsm_key *out, struct err *err)
{
    CK_OBJECT_HANDLE handle = 0;
    CK_RV rv = x->t->fn->C_DeriveKey(x->t->session, m, base->handle, tp->attr, tp->count, &handle);
    return take(x, "C_DeriveKey", rv, handle, a, out, err);
}

bool examine_derive_data(struct examiner *x, const struct over *over, enum hsm_algorithm a, unsigned uses,
                         struct hsm_key *out, struct err *err)
{
    bool aes = hsm_algorithm_is_aes(over->master->key.algorithm);
    const uint8_t *iv = over->iv;
    struct hsm_template tp;
    CK_KEY_DERIVATION_STRING_DATA ecb = {hsm_bytes(over->data), over->len};
    CK_DES_CBC_ENCRYPT_DATA_PARAMS des_cbc = {{0}, hsm_bytes(over->data), over->len};
    CK_AES_CBC_ENCRYPT_DATA_PARAMS aes_cbc = {{0}, hsm_bytes(over->data), over->len};
    CK_MECHANISM m = {aes ? CKM_AES_ECB_ENCRYPT_DATA : CKM_DES3_ECB_ENCRYPT_DATA, &ecb, sizeof ecb};
    if (iv && aes) {
        memcpy(aes_cbc.iv, iv, sizeof aes_cbc.iv);
        m = (CK_MECHANISM){CKM_AES_CBC_ENCRYPT_DATA, &aes_cbc, sizeof aes_cbc};
    } else if (iv) {
        memcpy(des_cbc.iv, iv, sizeof des_cbc.iv);
        m = (CK_MECHANISM){CKM_DES3_CBC_ENCRYPT_DATA, &des_cbc, sizeof des_cbc};
    }
    examine_template(&tp, a, HSM_DERIVED, PROBE_GENERIC_LEN, uses);
    return examine_derive(x, &m, &over->master->key, &tp, a, out, err);
}

bool examine_encrypt(struct examiner *x, const struct hsm_key *key, const uint8_t *iv, const uint8_t *data,
                     size_t len, uint8_t *out, struct err *err)
{
    bool aes = hsm_algorithm_is_aes(key->algorithm);
    CK_MECHANISM m = hsm_mechanism(aes ? CKM_AES_ECB : CKM_DES3_ECB);
    CK_ULONG out_len = len;
    if (iv) m = (CK_MECHANISM){aes ? CKM_AES_CBC : CKM_DES3_CBC, hsm_bytes(iv), aes ? 16 : 8};
    CK_RV rv = x->t->fn->C_EncryptInit(x->t->session, &m, key->handle);
    if (!hsm_call(x->t, "C_EncryptInit", rv, err)) return false;
    rv = x->t->fn->C_Encrypt(x->t->session, hsm_bytes(data), len, out, &out_len);
    if (!hsm_call(x->t, "C_Encrypt", rv, err)) return false;
    return out_len == len || examine_unsafe(x, err, "C_Encrypt: %lu bytes for %zu", out_len, len);
}

bool examine_read(struct examiner *x, const struct hsm_key *key, CK_ATTRIBUTE_TYPE type, uint8_t *out,
                  size_t room, size_t *len, struct err *err)
{
    CK_ATTRIBUTE attr = {type, out, room};
    CK_RV rv = x->t->fn->C_GetAttributeValue(x->t->session, key->handle, &attr, 1);
    if (!hsm_call(x->t, "C_GetAttributeValue", rv, err)) return false;
    if (attr.ulValueLen > room) return err_set(err, ERR_TOKEN, "C_GetAttributeValue: no such attribute");
    *len = attr.ulValueLen;
    return true;
}

bool examine_is(struct examiner *x, const struct hsm_key *key, const uint8_t *value, size_t len,
                struct err *err)
{
    static const uint8_t text[16] = "cardkeys doctor";
    uint8_t is[EXAMINE_KEY_MAX + 16], due[16];
    size_t is_len = 0;
    bool same = false;
    if (key->algorithm == HSM_GENERIC) {
        if (!examine_read(x, key, CKA_VALUE, is, sizeof is, &is_len, err)) return false;
        same = bytes_equal(is, is_len, value, len);
    } else {
        if (!examine_encrypt(x, key, NULL, text, sizeof text, is, err) ||
            !reference_encrypt(key->algorithm, value, NULL, text, sizeof text, due, err))
            return false;
        same = bytes_equal(is, sizeof due, due, sizeof due);
    }
    return same || examine_unsafe(x, err, "another key comes out than should");
}

bool examine_kwp(struct examiner *x, CK_MECHANISM *out, struct err *err)
{
    const struct hsm_profile *p = &x->t->profile;
    if (!p->kwp_mechanism) return err_set(err, ERR_TOKEN, "no RFC 5649: %s", p->why[HSM_CAN_KWP]);
    *out = hsm_mechanism(p->kwp_mechanism);
    return true;
}

bool examine_pair(struct examiner *x, unsigned bits, unsigned long e, CK_ATTRIBUTE_TYPE use, struct pair *out,
                  struct err *err)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE};
    struct hsm_template pub, priv;
    CK_MECHANISM m = hsm_mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN);
    CK_OBJECT_HANDLE public_handle = 0, private_handle = 0;
    bool wraps = use == CKA_UNWRAP;
    hsm_template_init(&pub);
    hsm_template_init(&priv);
    for (size_t i = 0; i < 3; i++)
        pub.exponent[i] = (uint8_t)(e == 3 ? 3 : e >> (16 - 8 * i));
    hsm_template_number(&pub, CKA_MODULUS_BITS, bits);
    hsm_template_bytes(&pub, CKA_PUBLIC_EXPONENT, pub.exponent, e == 3 ? 1 : 3);
    hsm_template_bool(&pub, CKA_TOKEN, false);
    hsm_template_bool(&pub, CKA_PRIVATE, false);
    hsm_template_bool(&pub, CKA_VERIFY, !wraps);
    hsm_template_bool(&pub, CKA_WRAP, wraps);
    hsm_template_bool(&priv, CKA_TOKEN, false);
    hsm_template_bool(&priv, CKA_PRIVATE, false);
    hsm_template_bool(&priv, CKA_SENSITIVE, true);
    hsm_template_bool(&priv, CKA_EXTRACTABLE, true);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        hsm_template_bool(&priv, uses[i], uses[i] == use);
    CK_RV rv = x->t->fn->C_GenerateKeyPair(x->t->session, &m, pub.attr, pub.count, priv.attr, priv.count,
                                           &public_handle, &private_handle);
    return take(x, "C_GenerateKeyPair", rv, public_handle, HSM_RSA, &out->public_key, err) &&
           take(x, "C_GenerateKeyPair", rv, private_handle, HSM_RSA, &out->private_key, err);
}
