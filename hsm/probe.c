/* hsm/probe.c - what this token really does: the short form that every start makes, and the names of abilities. The
 * full form is in doctor.c, its trials in hsm/examine/.
 *
 * Probe keys are random, session-only and destroyed at once. RFC 5649 is recognised by what comes out: a 16-byte key
 * gives 24 bytes that differ from RFC 3394's and unwrap to a key with the same CMAC. NSS gives 32 bytes for the
 * mechanism number that is RFC 5649 on SoftHSM, and both claim it in C_GetMechanismInfo. */
#include <stdio.h>

#include "hsm/probe_internal.h"

static const struct hsm_ability_row rows[HSM_ABILITY_COUNT] = {
    {HSM_CAN_KWP, "kwp", "wraps and unwraps secret keys by RFC 5649: every transport"},
    {HSM_CAN_KWP_RSA, "kwp-rsa", "the same for RSA private keys: cards with a key pair"},
    {HSM_CAN_DERIVE_TDES, "derive-tdes", "derives card keys from TDES masters"},
    {HSM_CAN_DERIVE_AES, "derive-aes", "derives card keys from AES masters"},
    {HSM_CAN_CMAC, "cmac", "AES-CMAC: record MACs and AES check values"},
    {HSM_CAN_RSA_RAW, "rsa-raw", "raw RSA signatures: EMV certificates"},
    {HSM_CAN_RSA_SHA256, "rsa-sha256", "PKCS #1 signatures with SHA-256: job signing"},
    {HSM_CAN_RSA_E3, "rsa-e3", "generates RSA pairs with exponent 3"},
    {HSM_CAN_RSA_E65537, "rsa-e65537", "generates RSA pairs with exponent 65537"},
    {HSM_CAN_WRAP_TDES_ECB, "wrap-tdes-ecb",
     "wraps under a card's own TDES key: second embodiment, method 11"},
    {HSM_CAN_WRAP_AES_CBC, "wrap-aes-cbc", "wraps under a card's own AES key: second embodiment, method 12"},
    {HSM_CAN_XOR, "xor", "combines key components inside the token"},
    {HSM_CAN_OAEP, "oaep", "key exchange by RSA-OAEP"},
    {HSM_HONOURS_ALLOWED_MECHANISMS, "honours-allowed-mechanisms",
     "refuses a mechanism that a key does not list"},
    {HSM_HONOURS_WRAP_TEMPLATE, "honours-wrap-template",
     "refuses to wrap a key that the KEK's template excludes"},
    {HSM_HONOURS_UNWRAP_TEMPLATE, "honours-unwrap-template", "unwraps only as the KEK's template says"},
    {HSM_HONOURS_WRAP_WITH_TRUSTED, "honours-wrap-with-trusted",
     "refuses to wrap such a key under an untrusted one"},
    {HSM_HONOURS_EXTRACTABLE, "honours-extractable", "refuses to wrap a key that is not extractable"},
};

const struct hsm_ability_row *hsm_ability_row(enum hsm_ability ability)
{
    return &rows[ability];
}

/* Keeps the cause as the reason why there is no RFC 5649, without the advice behind it. */
static void keep_why(struct hsm_profile *p, const struct err *err)
{
    char *why = p->why[HSM_CAN_KWP];
    snprintf(why, sizeof p->why[0], "%.63s", err->text);
    char *advice = strstr(why, " (the ");
    if (advice) *advice = 0;
}

const struct hsm_profile *hsm_token_profile(const struct hsm_token *t)
{
    return &t->profile;
}

void hsm_probe_template(struct hsm_template *tp, enum hsm_algorithm a, unsigned uses)
{
    hsm_template_init(tp);
    hsm_template_secret(tp, a, HSM_GENERATED, PROBE_GENERIC_LEN);
    hsm_probe_uses(tp, uses);
}

void hsm_probe_uses(struct hsm_template *tp, unsigned uses)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_ENCRYPT, CKA_DECRYPT,   CKA_SIGN,
                                              CKA_VERIFY,  CKA_WRAP,      CKA_UNWRAP,
                                              CKA_DERIVE,  CKA_SENSITIVE, CKA_EXTRACTABLE};
    hsm_template_bool(tp, CKA_TOKEN, false);
    hsm_template_bool(tp, CKA_PRIVATE, false);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        hsm_template_bool(tp, types[i], (uses >> i) & 1);
}

bool hsm_probe_generate(struct hsm_token *t, struct hsm_template *tp, enum hsm_algorithm a,
                        struct hsm_key *out, struct err *err)
{
    static const CK_MECHANISM_TYPE generators[] = {
        [HSM_DES2] = CKM_DES2_KEY_GEN,  [HSM_DES3] = CKM_DES3_KEY_GEN,
        [HSM_AES128] = CKM_AES_KEY_GEN, [HSM_AES192] = CKM_AES_KEY_GEN,
        [HSM_AES256] = CKM_AES_KEY_GEN, [HSM_GENERIC] = CKM_GENERIC_SECRET_KEY_GEN};
    CK_MECHANISM mechanism = hsm_mechanism(generators[a]);
    CK_OBJECT_HANDLE handle = 0;
    CK_RV rv = t->fn->C_GenerateKey(t->session, &mechanism, tp->attr, tp->count, &handle);
    if (!hsm_call(t, "C_GenerateKey", rv, err)) return false;
    *out = (struct hsm_key){handle, a};
    return true;
}

bool hsm_probe_key(struct hsm_token *t, enum hsm_algorithm a, unsigned uses, struct hsm_key *out,
                   struct err *err)
{
    struct hsm_template tp;
    hsm_probe_template(&tp, a, uses);
    return hsm_probe_generate(t, &tp, a, out, err);
}

static void put_extras(struct hsm_template *tp, unsigned extras)
{
    if (extras & PROBE_COPYABLE) hsm_template_bool(tp, CKA_COPYABLE, false);
    if (extras & PROBE_DESTROYABLE) hsm_template_bool(tp, CKA_DESTROYABLE, false);
    if (extras & PROBE_ALLOWED) {
        tp->allowed[0] = CKM_AES_CMAC;
        hsm_template_bytes(tp, CKA_ALLOWED_MECHANISMS, tp->allowed, sizeof tp->allowed[0]);
    }
    if (extras & PROBE_TEMPLATES) {
        tp->inner[0] = (CK_ATTRIBUTE){CKA_SENSITIVE, &tp->yes, sizeof tp->yes};
        hsm_template_bytes(tp, CKA_WRAP_TEMPLATE, tp->inner, sizeof tp->inner[0]);
        hsm_template_bytes(tp, CKA_UNWRAP_TEMPLATE, tp->inner, sizeof tp->inner[0]);
    }
}

bool hsm_probe_is_answer(CK_RV rv)
{
    static const CK_RV answers[] = {CKR_ACTION_PROHIBITED,
                                    CKR_ARGUMENTS_BAD,
                                    CKR_ATTRIBUTE_READ_ONLY,
                                    CKR_ATTRIBUTE_TYPE_INVALID,
                                    CKR_ATTRIBUTE_VALUE_INVALID,
                                    CKR_FUNCTION_NOT_SUPPORTED,
                                    CKR_KEY_SIZE_RANGE,
                                    CKR_KEY_TYPE_INCONSISTENT,
                                    CKR_KEY_FUNCTION_NOT_PERMITTED,
                                    CKR_KEY_NOT_WRAPPABLE,
                                    CKR_KEY_UNEXTRACTABLE,
                                    CKR_MECHANISM_INVALID,
                                    CKR_MECHANISM_PARAM_INVALID,
                                    CKR_TEMPLATE_INCOMPLETE,
                                    CKR_TEMPLATE_INCONSISTENT,
                                    CKR_WRAPPED_KEY_INVALID,
                                    CKR_WRAPPED_KEY_LEN_RANGE,
                                    CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                                    CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i] == rv) return true;
    }
    return false;
}

/* *taken: whether a key can be generated that carries these attributes; it is then in *out. */
static bool try_taking(struct hsm_token *t, unsigned extras, bool *taken, struct hsm_key *out,
                       struct err *err)
{
    struct hsm_template tp;
    hsm_probe_template(&tp, HSM_AES128, PROBE_SIGN | PROBE_ENCRYPT | PROBE_SENSITIVE);
    put_extras(&tp, extras);
    *taken = hsm_probe_generate(t, &tp, HSM_AES128, out, err);
    return *taken || hsm_probe_is_answer(t->last);
}

/* *honoured: whether a key that lists CMAC alone refuses to encrypt. */
static bool try_allowed(struct hsm_token *t, bool *honoured, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t block[16] = {0}, out[16];
    bool taken = false;
    if (!try_taking(t, PROBE_ALLOWED, &taken, &key, err) || !taken) return false;
    *honoured = !hsm_encrypt_once(t, CKM_AES_ECB, key.handle, block, sizeof block, out, err);
    bool ok = !*honoured || hsm_probe_is_answer(t->last);
    hsm_key_destroy(t, &key);
    return ok;
}

/* *honoured: whether a key with COPYABLE=false refuses to be copied. */
static bool try_copyable(struct hsm_token *t, bool *honoured, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE, copy = HSM_KEY_NONE;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE session_object = {CKA_TOKEN, &no, sizeof no};
    bool taken = false;
    if (!try_taking(t, PROBE_COPYABLE, &taken, &key, err) || !taken) return false;
    CK_RV rv = t->fn->C_CopyObject(t->session, key.handle, &session_object, 1, &copy.handle);
    *honoured = !hsm_call(t, "C_CopyObject", rv, err);
    hsm_key_destroy(t, &copy);
    hsm_key_destroy(t, &key);
    return !*honoured || hsm_probe_is_answer(rv);
}

/* *honoured: whether a key with DESTROYABLE=false refuses to be destroyed. It is made in a session of its own, with which
 * it ends either way. */
static bool try_destroyable(struct hsm_token *t, bool *honoured, struct err *err)
{
    const CK_SESSION_HANDLE control = t->session;
    struct hsm_key key = HSM_KEY_NONE;
    bool taken = false;
    CK_RV rv = t->fn->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
    if (!hsm_call(t, "C_OpenSession", rv, err)) {
        t->session = control;
        return false;
    }
    bool ok = try_taking(t, PROBE_DESTROYABLE, &taken, &key, err);
    if (taken) {
        rv = t->fn->C_DestroyObject(t->session, key.handle);
        *honoured = !hsm_call(t, "C_DestroyObject", rv, err);
        ok = !*honoured || hsm_probe_is_answer(rv);
    }
    rv = t->fn->C_CloseSession(t->session);
    t->session = control;
    if (rv != CKR_OK && !t->broken) { /* its key is still there */
        t->broken = true;
        snprintf(t->cause, sizeof t->cause, "a session could not be closed");
    }
    return ok && hsm_call(t, "C_CloseSession", rv, err);
}

/* Attributes that are not honoured are not given either: NSS takes any on a session object, but fails to store those
 * that its database has no column for, and stores templates as the caller's addresses. */
static bool try_attributes(struct hsm_token *t, struct err *err)
{
    static const unsigned single[] = {PROBE_COPYABLE, PROBE_ALLOWED, PROBE_TEMPLATES};
    enum { ALL = PROBE_COPYABLE | PROBE_ALLOWED | PROBE_TEMPLATES };
    struct hsm_profile *p = &t->profile;
    struct hsm_key key = HSM_KEY_NONE;
    bool taken = false, allowed = false, copyable = false;
    unsigned set = 0;

    if (!try_taking(t, ALL, &taken, &key, err)) return false;
    hsm_key_destroy(t, &key);
    if (taken) set = ALL;
    for (size_t i = 0; i < sizeof single / sizeof single[0] && set != ALL; i++) {
        if (!try_taking(t, single[i], &taken, &key, err)) return false;
        hsm_key_destroy(t, &key);
        if (taken) set |= single[i];
    }
    if ((set & PROBE_ALLOWED) && !try_allowed(t, &allowed, err)) return false;
    if ((set & PROBE_COPYABLE) && !try_copyable(t, &copyable, err)) return false;
    p->can[HSM_HONOURS_ALLOWED_MECHANISMS] = allowed;
    p->takes_copyable = copyable;
    p->takes_templates = (set & PROBE_TEMPLATES) && allowed;
    if (!allowed)
        snprintf(p->why[HSM_HONOURS_ALLOWED_MECHANISMS], sizeof p->why[0], "%s",
                 (set & PROBE_ALLOWED) ? "stored and ignored" : "attribute not taken");
    return true;
}

bool hsm_probe_wrap(struct hsm_token *t, CK_MECHANISM *m, const struct hsm_key *by, const struct hsm_key *key,
                    uint8_t *out, size_t room, size_t *len, struct err *err)
{
    CK_ULONG out_len = room;
    CK_RV rv = t->fn->C_WrapKey(t->session, m, by->handle, key->handle, out, &out_len);
    if (!hsm_call(t, "C_WrapKey", rv, err)) return false;
    *len = out_len;
    return true;
}

bool hsm_probe_unwrap(struct hsm_token *t, CK_MECHANISM *m, const struct hsm_key *by, const uint8_t *wrapped,
                      size_t len, enum hsm_algorithm a, unsigned uses, struct hsm_key *out, struct err *err)
{
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    hsm_probe_template(&tp, a, uses);
    for (CK_ULONG i = 0; i < tp.count; i++) { /* the length is the blob's */
        if (tp.attr[i].type == CKA_VALUE_LEN) tp.attr[i] = tp.attr[--tp.count];
    }
    CK_RV rv =
        t->fn->C_UnwrapKey(t->session, m, by->handle, hsm_bytes(wrapped), len, tp.attr, tp.count, &handle);
    if (!hsm_call(t, "C_UnwrapKey", rv, err)) return false;
    *out = (struct hsm_key){handle, a};
    return true;
}

/* Is it RFC 5649 that this mechanism gives here? */
static bool try_kwp(struct hsm_token *t, CK_MECHANISM_TYPE type, const struct hsm_key *kek,
                    const struct hsm_key *key, struct err *err)
{
    static const uint8_t text[16] = "cardprep probe";
    uint8_t wrapped[64], plain[64], mac[16], mac_back[16];
    size_t len = 0, plain_len = 0;
    CK_MECHANISM m = hsm_mechanism(type), rfc3394 = hsm_mechanism(CKM_AES_KEY_WRAP);
    struct hsm_key back = HSM_KEY_NONE;
    bool ok = false;

    if (!hsm_probe_wrap(t, &m, kek, key, wrapped, sizeof wrapped, &len, err)) goto out;
    if (len != 24) {
        err_set(err, ERR_TOKEN, "another form than RFC 5649 (%zu bytes)", len);
        goto out;
    }
    bool other = hsm_probe_wrap(t, &rfc3394, kek, key, plain, sizeof plain, &plain_len, err);
    if (!other && !hsm_probe_is_answer(t->last)) goto out;
    if (other && bytes_equal(wrapped, len, plain, plain_len)) {
        err_set(err, ERR_TOKEN, "RFC 3394 instead of RFC 5649");
        goto out;
    }
    if (!hsm_probe_unwrap(t, &m, kek, wrapped, len, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE, &back, err))
        goto out;
    if (!hsm_cmac(t, key, text, sizeof text, mac, err) ||
        !hsm_cmac(t, &back, text, sizeof text, mac_back, err))
        goto out;
    ok = bytes_equal(mac, sizeof mac, mac_back, sizeof mac_back);
    if (!ok) err_set(err, ERR_TOKEN, "another key comes back");
out:
    hsm_key_destroy(t, &back);
    return ok;
}

static bool choose_kwp(struct hsm_token *t, struct err *err)
{
    static const CK_MECHANISM_TYPE candidates[] = {HSM_CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD};
    struct hsm_profile *p = &t->profile;
    struct hsm_key kek = HSM_KEY_NONE, key = HSM_KEY_NONE;
    struct err why = ERR_INIT;
    bool ok = false;

    if (!hsm_probe_key(t, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE, &kek, err)) goto out;
    if (!hsm_probe_key(t, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err)) goto out;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0] && !p->kwp_mechanism; i++) {
        t->last = CKR_OK;
        if (try_kwp(t, candidates[i], &kek, &key, &why)) {
            p->kwp_mechanism = candidates[i];
        } else if (t->last != CKR_OK && !hsm_probe_is_answer(t->last)) {
            *err = why;
            goto out;
        }
    }
    p->can[HSM_CAN_KWP] = p->kwp_mechanism != 0;
    if (!p->kwp_mechanism) keep_why(p, &why);
    ok = true;
out:
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &kek);
    return ok;
}

bool hsm_probe_destroyable(struct hsm_token *t, struct err *err)
{
    struct err why = ERR_INIT;
    bool honoured = false;
    if (t->profile.tried_destroyable) return true;
    if (!try_destroyable(t, &honoured, &why)) {
        *err = why;
        err_prefix(err, "trying whether the token keeps keys");
        return false;
    }
    t->profile.tried_destroyable = true;
    t->profile.takes_destroyable = honoured;
    return true;
}

bool hsm_probe(struct hsm_token *t, bool full, struct err *err)
{
    struct err why = ERR_INIT; /* a refusal that is an answer leaves its text here */
    t->profile = (struct hsm_profile){.kwp_mechanism = 0};
    if (!try_attributes(t, &why) || !choose_kwp(t, &why)) {
        *err = why;
        err_prefix(err, "trying what the token can do");
        return false;
    }
    if (full && !hsm_probe_destroyable(t, err)) return false;
    if (full && !hsm_probe_all(t, err)) return false;
    if (t->broken)
        return err_set(err, ERR_TOKEN, "the session broke while trying what the token can do: %s", t->cause);
    return true;
}
