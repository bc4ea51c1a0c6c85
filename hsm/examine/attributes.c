/* hsm/examine/attributes.c - does the token keep what a key's attributes promise? A trial works when the token refuses.
 * In a row `mechanism` is the attribute tried, where several rows share a function; `number` its harmful value. */
#include "hsm/examine/examiner.h"

/* A KEK and a key from their templates; then the wrap that must be refused. */
static bool wrap_refused(struct examiner *x, struct hsm_template *kek_tp, struct hsm_template *key_tp,
                         const char *unsafe, struct err *err)
{
    struct hsm_key kek, key;
    struct blob out;
    CK_MECHANISM m;
    CK_ULONG len = sizeof out.data;
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    if (!examine_generate(x, kek_tp, HSM_AES256, &kek, err) ||
        !examine_generate(x, key_tp, HSM_AES128, &key, err))
        return false;
    CK_RV rv = x->t->fn->C_WrapKey(x->t->session, &m, kek.handle, key.handle, out.data, &len);
    return examine_must_refuse(x, "C_WrapKey", rv, unsafe, err);
}

static void kek_and_key(struct hsm_template *kek, struct hsm_template *key, unsigned key_uses)
{
    examine_template(kek, HSM_AES256, HSM_GENERATED, 0, PROBE_WRAP | PROBE_SENSITIVE);
    examine_template(key, HSM_AES128, HSM_GENERATED, 0, PROBE_SIGN | PROBE_SENSITIVE | key_uses);
}

static bool extractable(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template kek, key;
    (void)with;
    kek_and_key(&kek, &key, 0);
    return wrap_refused(x, &kek, &key, "a key that is not extractable was wrapped", err);
}

static bool wrap_template(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template kek, key;
    (void)with;
    kek_and_key(&kek, &key, PROBE_EXTRACTABLE);
    kek.inner[0] = (CK_ATTRIBUTE){CKA_SIGN, &kek.no, sizeof kek.no};
    hsm_template_bytes(&kek, CKA_WRAP_TEMPLATE, kek.inner, sizeof kek.inner[0]);
    return wrap_refused(x, &kek, &key, "stored and ignored", err);
}

static bool wrap_with_trusted(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template kek, key;
    (void)with;
    kek_and_key(&kek, &key, PROBE_EXTRACTABLE);
    hsm_template_bool(&key, CKA_WRAP_WITH_TRUSTED, true);
    return wrap_refused(x, &kek, &key, "stored and ignored", err);
}

static bool unwrap_template(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template kek_tp, tp;
    struct hsm_key kek, key;
    struct blob wrapped;
    CK_MECHANISM m;
    CK_OBJECT_HANDLE handle = 0;
    (void)with;
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    examine_template(&kek_tp, HSM_AES256, HSM_GENERATED, 0, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE);
    kek_tp.inner[0] = (CK_ATTRIBUTE){CKA_SIGN, &kek_tp.no, sizeof kek_tp.no};
    hsm_template_bytes(&kek_tp, CKA_UNWRAP_TEMPLATE, kek_tp.inner, sizeof kek_tp.inner[0]);
    if (!examine_generate(x, &kek_tp, HSM_AES256, &kek, err) ||
        !examine_random_key(x, HSM_AES128, PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err) ||
        !examine_wrap(x, &m, &kek, &key, &wrapped, err))
        return false;
    examine_template(&tp, HSM_AES128, HSM_UNWRAPPED, 0, PROBE_SIGN | PROBE_SENSITIVE);
    CK_RV rv = x->t->fn->C_UnwrapKey(x->t->session, &m, kek.handle, wrapped.data, wrapped.len, tp.attr,
                                     tp.count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return examine_must_refuse(x, "C_UnwrapKey", rv, "stored and ignored", err);
}

/* C_DeriveKey over a constant block from this base with this result. */
static CK_RV derive_raw(struct examiner *x, CK_OBJECT_HANDLE base, struct hsm_template *tp)
{
    uint8_t data[16] = {1};
    CK_KEY_DERIVATION_STRING_DATA parameter = {data, sizeof data};
    CK_MECHANISM m = {CKM_AES_ECB_ENCRYPT_DATA, &parameter, sizeof parameter};
    CK_OBJECT_HANDLE handle = 0;
    CK_RV rv = x->t->fn->C_DeriveKey(x->t->session, &m, base, tp->attr, tp->count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return rv;
}

static bool derive_template_inside(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template base_tp, tp;
    struct hsm_key base;
    (void)with;
    examine_template(&base_tp, HSM_AES128, HSM_GENERATED, 0, PROBE_DERIVE | PROBE_SENSITIVE);
    base_tp.inner[0] = (CK_ATTRIBUTE){CKA_SENSITIVE, &base_tp.yes, sizeof base_tp.yes};
    hsm_template_bytes(&base_tp, CKA_DERIVE_TEMPLATE, base_tp.inner, sizeof base_tp.inner[0]);
    if (!examine_generate(x, &base_tp, HSM_AES128, &base, err)) return false;
    examine_template(&tp, HSM_AES128, HSM_DERIVED, 0, PROBE_ENCRYPT | PROBE_EXTRACTABLE);
    return examine_must_refuse(x, "C_DeriveKey", derive_raw(x, base.handle, &tp), "stored and ignored", err);
}

/* A token may refuse the template and leave the key behind all the same (SoftHSM does). */
static bool derive_template(struct examiner *x, const struct trial_case *with, struct err *err)
{
    return examine_in_own_session(x, with, derive_template_inside, err);
}

static bool derive_flag(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key base;
    (void)with;
    if (!examine_random_key(x, HSM_AES128, PROBE_ENCRYPT | PROBE_SENSITIVE, &base, err)) return false;
    examine_template(&tp, HSM_AES128, HSM_DERIVED, 0, PROBE_ENCRYPT | PROBE_SENSITIVE);
    return examine_must_refuse(x, "C_DeriveKey", derive_raw(x, base.handle, &tp),
                               "a key that may not derive derives", err);
}

/* C_EncryptInit alone decides; an operation that was begun is ended. */
static bool encrypt_refused(struct examiner *x, const struct hsm_key *key, const char *unsafe,
                            struct err *err)
{
    uint8_t block[16] = {0}, out[16];
    CK_ULONG len = sizeof out;
    CK_MECHANISM m = hsm_mechanism(CKM_AES_ECB);
    CK_RV rv = x->t->fn->C_EncryptInit(x->t->session, &m, key->handle);
    if (rv != CKR_OK) return examine_must_refuse(x, "C_EncryptInit", rv, unsafe, err);
    rv = x->t->fn->C_Encrypt(x->t->session, block, sizeof block, out, &len);
    return examine_must_refuse(x, "C_Encrypt", rv, unsafe, err);
}

static bool usage_flag(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_key key;
    (void)with;
    return examine_random_key(x, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE, &key, err) &&
           encrypt_refused(x, &key, "a key that may not encrypt encrypts", err);
}

static bool allowed_mechanisms(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key key;
    (void)with;
    examine_template(&tp, HSM_AES128, HSM_GENERATED, 0, PROBE_SIGN | PROBE_ENCRYPT | PROBE_SENSITIVE);
    tp.allowed[0] = CKM_AES_CMAC;
    hsm_template_bytes(&tp, CKA_ALLOWED_MECHANISMS, tp.allowed, sizeof tp.allowed[0]);
    return examine_generate(x, &tp, HSM_AES128, &key, err) &&
           encrypt_refused(x, &key, "stored and ignored", err);
}

static bool sensitive(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_key key;
    uint8_t value[32];
    CK_ATTRIBUTE attr = {CKA_VALUE, value, sizeof value};
    (void)with;
    if (!examine_random_key(x, HSM_AES128, PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err)) return false;
    CK_RV rv = x->t->fn->C_GetAttributeValue(x->t->session, key.handle, &attr, 1);
    wipe(value, sizeof value);
    if (rv == CKR_OK && attr.ulValueLen != 16) return true; /* no value, said otherwise */
    return examine_must_refuse(x, "C_GetAttributeValue", rv, "the value of a sensitive key can be read", err);
}

static bool copyable(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key key;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE session_object = {CKA_TOKEN, &no, sizeof no};
    CK_OBJECT_HANDLE copy = 0;
    (void)with;
    examine_template(&tp, HSM_AES128, HSM_GENERATED, 0, PROBE_SIGN | PROBE_SENSITIVE);
    hsm_template_bool(&tp, CKA_COPYABLE, false);
    if (!examine_generate(x, &tp, HSM_AES128, &key, err)) return false;
    CK_RV rv = x->t->fn->C_CopyObject(x->t->session, key.handle, &session_object, 1, &copy);
    if (rv == CKR_OK) examine_keep(x, copy);
    return examine_must_refuse(x, "C_CopyObject", rv, "stored and ignored", err);
}

/* One attribute of a key that is not modifiable is set to a wider value. */
static bool modifiable(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const CK_ATTRIBUTE_TYPE wider[] = {CKA_DECRYPT, CKA_UNWRAP, CKA_SIGN, CKA_DERIVE};
    struct hsm_template tp;
    struct hsm_key key;
    CK_RV rv = CKR_ACTION_PROHIBITED;
    (void)with;
    examine_template(&tp, HSM_AES128, HSM_GENERATED, 0, PROBE_WRAP | PROBE_SENSITIVE);
    hsm_template_bool(&tp, CKA_MODIFIABLE, false);
    if (!examine_generate(x, &tp, HSM_AES128, &key, err)) return false;
    for (size_t i = 0; i < sizeof wider / sizeof wider[0]; i++) {
        CK_ATTRIBUTE attr = {wider[i], &tp.yes, sizeof tp.yes};
        rv = x->t->fn->C_SetAttributeValue(x->t->session, key.handle, &attr, 1);
        if (rv == CKR_OK) break;
    }
    return examine_must_refuse(x, "C_SetAttributeValue", rv, "stored and ignored", err);
}

static bool destroyable_inside(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key key;
    (void)with;
    examine_template(&tp, HSM_AES128, HSM_GENERATED, 0, PROBE_SIGN | PROBE_SENSITIVE);
    hsm_template_bool(&tp, CKA_DESTROYABLE, false);
    if (!examine_generate(x, &tp, HSM_AES128, &key, err)) return false;
    CK_RV rv = x->t->fn->C_DestroyObject(x->t->session, key.handle);
    return examine_must_refuse(x, "C_DestroyObject", rv, "stored and ignored", err);
}

static bool destroyable(struct examiner *x, const struct trial_case *with, struct err *err)
{
    return examine_in_own_session(x, with, destroyable_inside, err);
}

/* A key that came in from outside must not say that it was always inside. */
static bool history(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } claims[] = {{CKA_ALWAYS_SENSITIVE, "ALWAYS_SENSITIVE"},
                  {CKA_NEVER_EXTRACTABLE, "NEVER_EXTRACTABLE"},
                  {CKA_LOCAL, "LOCAL"}};
    struct known key;
    (void)with;
    if (!examine_known(x, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE, 0x21, 0, &key, err)) return false;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        CK_BBOOL value = CK_FALSE;
        CK_ATTRIBUTE attr = {claims[i].type, &value, sizeof value};
        CK_RV rv = x->t->fn->C_GetAttributeValue(x->t->session, key.key.handle, &attr, 1);
        if (!hsm_call(x->t, "C_GetAttributeValue", rv, err)) return false;
        if (value) return examine_unsafe(x, err, "an imported key claims %s", claims[i].name);
    }
    return true;
}

/* Whether the attribute could be believed; it is never read by this software. */
static bool check_value(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t data[16] = {7};
    uint8_t shown[16], block[8] = {0}, due[8];
    size_t len = 0;
    struct known master;
    struct hsm_key key;
    if (!examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, 0x11, 0, &master, err) ||
        !examine_derive_data(x, &(struct over){&master, NULL, data, sizeof data}, with->key,
                             PROBE_ENCRYPT | PROBE_SENSITIVE, &key, err) ||
        !examine_encrypt(x, &key, NULL, block, sizeof block, due, err) ||
        !examine_read(x, &key, CKA_CHECK_VALUE, shown, sizeof shown, &len, err))
        return false;
    if (len == 0) return examine_unsafe(x, err, "is empty");
    return bytes_equal(shown, len, due, 3) ||
           examine_unsafe(x, err, "is another value than the definition's");
}

/* What the token says; that is all that can be known without a wrong PIN. */
static bool pin_lock(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const struct {
        CK_FLAGS flag;
        const char *text;
    } rows[] = {{CKF_USER_PIN_LOCKED, "the user PIN is locked"},
                {CKF_USER_PIN_FINAL_TRY, "one try is left"},
                {CKF_USER_PIN_COUNT_LOW, "a wrong PIN was tried since the last login"}};
    CK_TOKEN_INFO info;
    (void)with;
    CK_RV rv = x->t->fn->C_GetTokenInfo(x->t->slot, &info);
    if (!hsm_call(x->t, "C_GetTokenInfo", rv, err)) return false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (info.flags & rows[i].flag) return examine_unsafe(x, err, "%s", rows[i].text);
    }
    return examine_skip(x, err, "no wrong PIN is ever tried; the token reports none");
}

#define ALL   HSM_FOR_ALL
#define ROLES "roles are promises of this software here, not of the token"
#define ROW(name, fn, help, advice)                                                                          \
    {                                                                                                        \
        {name, "attributes", 0, ALL, HSM_SAFETY, help, advice}, fn,                                          \
        {                                                                                                    \
            0, HSM_AES128, HSM_AES128, 0, 0                                                                  \
        }                                                                                                    \
    }
/* clang-format off */
static const struct trial rows[] = {
    ROW("sensitive", sensitive, "a sensitive key's value cannot be read", "do not use this token"),
    ROW("extractable", extractable, "a key that is not extractable is not wrapped", ROLES),
    ROW("usage-flags", usage_flag, "a key without ENCRYPT does not encrypt", ROLES),
    ROW("derive-flag", derive_flag, "a key without DERIVE does not derive", ROLES),
    ROW("allowed-mechanisms", allowed_mechanisms, "CKA_ALLOWED_MECHANISMS is obeyed", "not set on keys here; " ROLES),
    ROW("wrap-template", wrap_template, "CKA_WRAP_TEMPLATE is obeyed", "not set on KEKs here"),
    ROW("unwrap-template", unwrap_template, "CKA_UNWRAP_TEMPLATE is obeyed", "not set on KEKs and receiving keys here"),
    ROW("derive-template", derive_template, "CKA_DERIVE_TEMPLATE is obeyed", "who holds the PIN can derive card keys in clear (docs/THREATS.md)"),
    ROW("wrap-with-trusted", wrap_with_trusted, "CKA_WRAP_WITH_TRUSTED is obeyed", "not asked for (docs/KEYS.md)"),
    ROW("modifiable", modifiable, "MODIFIABLE=false: no use is added later", ROLES),
    ROW("copyable", copyable, "COPYABLE=false: no copy", "not set on keys here; " ROLES),
    ROW("destroyable", destroyable, "DESTROYABLE=false: not destroyed", "guard the token's PIN against sabotage too"),
    ROW("history", history, "an imported key does not claim to be local", "do not prove a key's origin by attributes"),
    ROW("pin-lock", pin_lock, "wrong PINs are counted", "ask the vendor; soft tokens never lock"),
    {{"check-value-attribute", "attributes", 0, 0, HSM_OPTIONAL, "CKA_CHECK_VALUE after a derivation (never read here)", NULL}, check_value, {0, HSM_DES2, HSM_DES2, 0, 0}},
};
/* clang-format on */

const struct trial *examine_attributes_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
