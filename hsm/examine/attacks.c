/* hsm/examine/attacks.c - what somebody with the user PIN and any PKCS#11 tool might try: the published attacks on the
 * API. A trial works when the token refuses. In a row `mechanism` is the attribute or mechanism, `by` and `key` the keys,
 * `number` a value or a set of uses, `other` whether a copy is tried instead of a change. */
#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

enum { SEED_KEY = 0x39, SEED_OWN = 0x5B, WEAK_BITS = 1024 };

/* A key with conflicting uses (`number`) may not be made at all. */
static bool conflict_generated(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    CK_MECHANISM m = hsm_mechanism(CKM_AES_KEY_GEN);
    CK_OBJECT_HANDLE handle = 0;
    examine_template(&tp, HSM_AES256, HSM_GENERATED, 0, (unsigned)with->number | PROBE_SENSITIVE);
    CK_RV rv = x->t->fn->C_GenerateKey(x->t->session, &m, tp.attr, tp.count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return examine_must_refuse(x, "C_GenerateKey", rv, "such a key can be made", err);
}

/* Unwraps a blob that libcrypto or the token made, with these uses. */
static bool unwrap_refused(struct examiner *x, const struct hsm_key *kek, const struct blob *wrapped,
                           struct hsm_template *tp, const char *unsafe, struct err *err)
{
    CK_MECHANISM m;
    CK_OBJECT_HANDLE handle = 0;
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    CK_RV rv = x->t->fn->C_UnwrapKey(x->t->session, &m, kek->handle, hsm_bytes(wrapped->data), wrapped->len,
                                     tp->attr, tp->count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return examine_must_refuse(x, "C_UnwrapKey", rv, unsafe, err);
}

/* A KEK, a key of kind `key` wrapped under it by the token. */
static bool wrapped_key(struct examiner *x, enum hsm_algorithm a, struct hsm_key *kek, struct blob *out,
                        struct err *err)
{
    struct hsm_key key;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    return examine_random_key(x, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE, kek, err) &&
           examine_random_key(x, a, PROBE_ENCRYPT | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err) &&
           examine_wrap(x, &m, kek, &key, out, err);
}

static bool conflict_unwrapped(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key kek;
    struct blob wrapped;
    if (!wrapped_key(x, HSM_AES256, &kek, &wrapped, err)) return false;
    examine_template(&tp, HSM_AES256, HSM_UNWRAPPED, 0, (unsigned)with->number | PROBE_SENSITIVE);
    return unwrap_refused(x, &kek, &wrapped, &tp, "such a key can be unwrapped", err);
}

/* The first of all: a KEK that wraps and decrypts gives away what it wraps. */
static bool wrap_then_decrypt(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t iv[16] = {0}, plain[32];
    CK_MECHANISM m = {CKM_AES_CBC, iv, sizeof iv};
    CK_ULONG len = sizeof plain;
    struct hsm_key kek;
    struct known key;
    struct blob wrapped;
    (void)with;
    struct err refused = ERR_INIT;
    char cause[HSM_CAUSE_MAX];
    if (!examine_random_key(x, HSM_AES256, PROBE_WRAP | PROBE_DECRYPT | PROBE_SENSITIVE, &kek, &refused)) {
        examine_cause(&refused, cause);
        return examine_remark(x, "%s", cause);
    }
    if (!examine_known(x, HSM_AES128, PROBE_SENSITIVE | PROBE_EXTRACTABLE, SEED_KEY, 0, &key, err))
        return false;
    if (!examine_wrap(x, &m, &kek, &key.key, &wrapped, &refused)) {
        examine_cause(&refused, cause);
        return examine_remark(x, "%s", cause);
    }
    CK_RV rv = x->t->fn->C_DecryptInit(x->t->session, &m, kek.handle);
    if (rv == CKR_OK) rv = x->t->fn->C_Decrypt(x->t->session, wrapped.data, wrapped.len, plain, &len);
    if (rv == CKR_OK && !bytes_equal(plain, len, key.value, key.len)) return true;
    return examine_must_refuse(x, "C_Decrypt", rv, "gives a sensitive key in clear", err);
}

/* An attribute (`mechanism`) of a key that may be modified or copied is given its wider value (`number`). */
static bool widened(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key key;
    CK_BBOOL no = CK_FALSE;
    CK_OBJECT_HANDLE copy = 0;
    CK_RV rv = CKR_OK;
    bool extractable = with->mechanism == CKA_SENSITIVE;
    examine_template(&tp, HSM_AES256, HSM_GENERATED, 0,
                     PROBE_WRAP | PROBE_SENSITIVE | (extractable ? PROBE_EXTRACTABLE : 0));
    if (!examine_generate(x, &tp, HSM_AES256, &key, err)) return false;
    CK_ATTRIBUTE attr[] = {{CKA_TOKEN, &no, sizeof no},
                           {with->mechanism, with->number ? &tp.yes : &tp.no, sizeof tp.yes}};
    if (with->other)
        rv = x->t->fn->C_CopyObject(x->t->session, key.handle, attr, 2, &copy);
    else
        rv = x->t->fn->C_SetAttributeValue(x->t->session, key.handle, &attr[1], 1);
    if (rv == CKR_OK && with->other) examine_keep(x, copy);
    return examine_must_refuse(x, with->other ? "C_CopyObject" : "C_SetAttributeValue", rv,
                               "the token lets it through", err);
}

/* AES-256 under something weaker. */
static bool weaker_wrap(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t iv[16] = {0};
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {with->mechanism, iv, 8};
    struct hsm_key by, key;
    struct pair pair;
    struct blob out;
    CK_ULONG len = sizeof out.data;
    if (with->mechanism == CKM_RSA_PKCS_OAEP) m = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    if (with->mechanism == CKM_AES_KEY_WRAP_PAD && !examine_kwp(x, &m, err))
        return examine_skip(x, err, "without RFC 5649");
    bool ok = with->by == HSM_RSA ? examine_pair(x, WEAK_BITS, 65537, CKA_UNWRAP, &pair, err)
                                  : examine_random_key(x, with->by, PROBE_WRAP | PROBE_SENSITIVE, &by, err);
    if (ok && with->by == HSM_RSA) by = pair.public_key;
    if (!ok ||
        !examine_random_key(x, HSM_AES256, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err))
        return false;
    CK_RV rv = x->t->fn->C_WrapKey(x->t->session, &m, by.handle, key.handle, out.data, &len);
    return examine_must_refuse(x, "C_WrapKey", rv, "a stronger key was wrapped", err);
}

/* What left as a key of one use comes back with another. */
static bool other_use(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key kek;
    struct blob wrapped;
    if (!wrapped_key(x, with->by, &kek, &wrapped, err)) return false;
    examine_template(&tp, with->key, HSM_UNWRAPPED, 0, (unsigned)with->number);
    return unwrap_refused(x, &kek, &wrapped, &tp, "it comes back", err);
}

/* The PKCS#8 of a private key comes back as bytes to be read. */
static bool rsa_as_secret(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key kek;
    struct pair pair;
    struct blob wrapped;
    CK_MECHANISM m;
    (void)with;
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    if (!examine_random_key(x, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE, &kek, err) ||
        !examine_pair(x, WEAK_BITS, 65537, CKA_SIGN, &pair, err) ||
        !examine_wrap(x, &m, &kek, &pair.private_key, &wrapped, err))
        return false;
    examine_template(&tp, HSM_GENERIC, HSM_UNWRAPPED, 0, PROBE_EXTRACTABLE);
    return unwrap_refused(x, &kek, &wrapped, &tp, "a private key comes back as bytes to read", err);
}

/* From a sensitive base by this mechanism, as a readable key or (`number` bytes) as one short enough to guess. */
static bool related(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t data[16] = {1};
    CK_KEY_DERIVATION_STRING_DATA string = {data, sizeof data};
    CK_ULONG bit = 0;
    CK_OBJECT_HANDLE base_handle = 0, handle = 0;
    CK_MECHANISM m = {with->mechanism, &string, sizeof string};
    struct hsm_template tp;
    struct hsm_key base, second;
    bool short_one = with->number != 0;
    if (!examine_random_key(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, &base, err) ||
        !examine_random_key(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, &second, err))
        return false;
    base_handle = second.handle;
    if (with->mechanism == CKM_EXTRACT_KEY_FROM_KEY) m = (CK_MECHANISM){with->mechanism, &bit, sizeof bit};
    if (with->mechanism == CKM_CONCATENATE_BASE_AND_KEY)
        m = (CK_MECHANISM){with->mechanism, &base_handle, sizeof base_handle};
    examine_template(&tp, HSM_GENERIC, HSM_DERIVED, short_one ? with->number : 16,
                     short_one ? PROBE_SENSITIVE | PROBE_SIGN : PROBE_EXTRACTABLE);
    CK_RV rv = x->t->fn->C_DeriveKey(x->t->session, &m, base.handle, tp.attr, tp.count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return examine_must_refuse(x, "C_DeriveKey", rv,
                               short_one ? "one byte of a key becomes a key, to be guessed"
                                         : "a readable key comes of a sensitive one",
                               err);
}

/* Any public key with WRAP takes an extractable key out; with e = 1 without even a private key. `number` is e. */
static bool own_public_key(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key key;
    struct blob out;
    uint8_t modulus[WEAK_BITS / 8], exponent[1] = {(uint8_t)with->number};
    CK_MECHANISM m = hsm_mechanism(CKM_RSA_PKCS);
    CK_OBJECT_HANDLE handle = 0;
    CK_ULONG len = sizeof out.data;
    memset(modulus, 0xC5, sizeof modulus); /* any odd number will do */
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_PUBLIC_KEY);
    hsm_template_number(&tp, CKA_KEY_TYPE, CKK_RSA);
    hsm_template_bool(&tp, CKA_TOKEN, false);
    hsm_template_bool(&tp, CKA_PRIVATE, false);
    hsm_template_bool(&tp, CKA_WRAP, true);
    hsm_template_bytes(&tp, CKA_MODULUS, modulus, sizeof modulus);
    hsm_template_bytes(&tp, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
    if (!examine_random_key(x, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err))
        return false;
    CK_RV rv = x->t->fn->C_CreateObject(x->t->session, tp.attr, tp.count, &handle);
    if (rv != CKR_OK) return examine_must_refuse(x, "C_CreateObject", rv, "", err);
    examine_keep(x, handle);
    rv = x->t->fn->C_WrapKey(x->t->session, &m, handle, key.handle, out.data, &len);
    return examine_must_refuse(x, "C_WrapKey", rv,
                               with->number == 1 ? "an extractable key leaves as good as in clear"
                                                 : "an extractable key leaves under anybody's public key",
                               err);
}

/* The same with a secret key that was brought along. */
static bool own_wrapping_key(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known own;
    struct hsm_key key;
    struct blob out;
    CK_MECHANISM m;
    CK_ULONG len = sizeof out.data;
    (void)with;
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    if (!examine_known(x, HSM_AES256, PROBE_WRAP, SEED_OWN, 0, &own, err) ||
        !examine_random_key(x, HSM_AES128, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err))
        return false;
    CK_RV rv = x->t->fn->C_WrapKey(x->t->session, &m, own.key.handle, key.handle, out.data, &len);
    return examine_must_refuse(x, "C_WrapKey", rv, "an extractable key leaves under a key of known value",
                               err);
}

static bool derive_clear(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t data[16] = {1};
    CK_KEY_DERIVATION_STRING_DATA parameter = {data, sizeof data};
    CK_MECHANISM m = {with->mechanism, &parameter, sizeof parameter};
    CK_OBJECT_HANDLE handle = 0;
    struct hsm_template tp;
    struct hsm_key master;
    if (!examine_random_key(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, &master, err)) return false;
    examine_template(&tp, with->key, HSM_DERIVED, 0, PROBE_ENCRYPT | PROBE_EXTRACTABLE);
    CK_RV rv = x->t->fn->C_DeriveKey(x->t->session, &m, master.handle, tp.attr, tp.count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return examine_must_refuse(x, "C_DeriveKey", rv, "card keys can be derived in clear", err);
}

#define ALL    HSM_FOR_ALL
#define PIN    "guard the PIN (docs/THREATS.md)"
#define ROLES  "the roles' keys are made without this; guard the PIN"
#define LOCKED "keys are made MODIFIABLE=false and COPYABLE=false"
#define ROW(name, fn, mechanism, by, key, number, other, help, advice)                                       \
    {                                                                                                        \
        {name, "attacks", 0, ALL, HSM_SAFETY, help, advice}, fn,                                             \
        {                                                                                                    \
            mechanism, by, key, number, other                                                                \
        }                                                                                                    \
    }
/* clang-format off */
static const struct trial rows[] = {
    ROW("wrap-then-decrypt", wrap_then_decrypt, 0, HSM_AES256, HSM_AES128, 0, 0, "wrap a key, decrypt the result", ROLES),
    ROW("wrap-and-decrypt-made", conflict_generated, 0, HSM_AES256, HSM_AES256, PROBE_WRAP | PROBE_DECRYPT, 0, "make a key with WRAP and DECRYPT", ROLES),
    ROW("wrap-and-unwrap-made", conflict_generated, 0, HSM_AES256, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP, 0, "make a key with WRAP and UNWRAP", ROLES),
    ROW("unwrap-and-encrypt-made", conflict_generated, 0, HSM_AES256, HSM_AES256, PROBE_UNWRAP | PROBE_ENCRYPT, 0, "make a key with UNWRAP and ENCRYPT", ROLES),
    ROW("derive-and-encrypt-made", conflict_generated, 0, HSM_AES256, HSM_AES256, PROBE_DERIVE | PROBE_ENCRYPT, 0, "make a master that also encrypts", ROLES),
    ROW("unwrap-wrap-and-decrypt", conflict_unwrapped, 0, HSM_AES256, HSM_AES256, PROBE_WRAP | PROBE_DECRYPT, 0, "unwrap a key as WRAP and DECRYPT", PIN),
    ROW("set-decrypt", widened, CKA_DECRYPT, HSM_AES256, HSM_AES256, 1, 0, "add DECRYPT later", LOCKED),
    ROW("set-unwrap", widened, CKA_UNWRAP, HSM_AES256, HSM_AES256, 1, 0, "add UNWRAP later", LOCKED),
    ROW("set-extractable", widened, CKA_EXTRACTABLE, HSM_AES256, HSM_AES256, 1, 0, "set EXTRACTABLE later", LOCKED),
    ROW("set-sensitive", widened, CKA_SENSITIVE, HSM_AES256, HSM_AES256, 0, 0, "take SENSITIVE away later", LOCKED),
    ROW("copy-decrypt", widened, CKA_DECRYPT, HSM_AES256, HSM_AES256, 1, 1, "copy with DECRYPT added", LOCKED),
    ROW("copy-unwrap", widened, CKA_UNWRAP, HSM_AES256, HSM_AES256, 1, 1, "copy with UNWRAP added", LOCKED),
    ROW("copy-extractable", widened, CKA_EXTRACTABLE, HSM_AES256, HSM_AES256, 1, 1, "copy as EXTRACTABLE", LOCKED),
    ROW("copy-sensitive", widened, CKA_SENSITIVE, HSM_AES256, HSM_AES256, 0, 1, "copy as not SENSITIVE", LOCKED),
    ROW("weaker-des2", weaker_wrap, CKM_DES3_CBC, HSM_DES2, HSM_AES256, 0, 0, "wrap AES-256 under DES2", PIN),
    ROW("weaker-aes128", weaker_wrap, CKM_AES_KEY_WRAP_PAD, HSM_AES128, HSM_AES256, 0, 0, "wrap AES-256 under AES-128", PIN),
    ROW("weaker-rsa", weaker_wrap, CKM_RSA_PKCS_OAEP, HSM_RSA, HSM_AES256, 0, 0, "wrap AES-256 under RSA-1024", PIN),
    ROW("return-as-decrypt", other_use, 0, HSM_AES128, HSM_AES128, PROBE_DECRYPT | PROBE_SENSITIVE, 0, "unwrap a wrapped key with DECRYPT", "the KEK at the issuer may not unwrap"),
    ROW("return-readable", other_use, 0, HSM_AES128, HSM_AES128, PROBE_ENCRYPT | PROBE_EXTRACTABLE, 0, "unwrap a wrapped key as readable", "the KEK at the issuer may not unwrap"),
    ROW("return-as-des", other_use, 0, HSM_AES128, HSM_DES2, PROBE_ENCRYPT | PROBE_SENSITIVE, 0, "unwrap an AES key as a DES key", "the KEK at the issuer may not unwrap"),
    ROW("return-rsa-as-secret", rsa_as_secret, 0, HSM_RSA, HSM_GENERIC, 0, 0, "unwrap an RSA key as readable bytes", "the KEK at the issuer may not unwrap"),
    ROW("derive-clear-tdes", derive_clear, CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES2, HSM_DES2, 0, 0, "derive readable keys from a TDES master", PIN),
    ROW("derive-clear-aes", derive_clear, CKM_AES_ECB_ENCRYPT_DATA, HSM_AES128, HSM_AES128, 0, 0, "derive readable keys from an AES master", PIN),
    ROW("related-xor", related, CKM_XOR_BASE_AND_DATA, HSM_GENERIC, HSM_GENERIC, 0, 0, "XOR_BASE_AND_DATA to a readable key", PIN),
    ROW("related-concatenate", related, CKM_CONCATENATE_BASE_AND_KEY, HSM_GENERIC, HSM_GENERIC, 0, 0, "CONCATENATE_BASE_AND_KEY, readable", PIN),
    ROW("related-extract", related, CKM_EXTRACT_KEY_FROM_KEY, HSM_GENERIC, HSM_GENERIC, 0, 0, "EXTRACT_KEY_FROM_KEY to a readable key", PIN),
    ROW("related-extract-byte", related, CKM_EXTRACT_KEY_FROM_KEY, HSM_GENERIC, HSM_GENERIC, 1, 0, "EXTRACT_KEY_FROM_KEY of one byte", PIN),
    ROW("own-wrapping-key", own_wrapping_key, 0, HSM_AES256, HSM_AES128, 0, 0, "wrap under a secret key brought along", PIN),
    ROW("own-public-key", own_public_key, 0, HSM_RSA, HSM_AES128, 3, 0, "wrap under a public key brought along", PIN),
    ROW("exponent-one", own_public_key, 0, HSM_RSA, HSM_AES128, 1, 0, "wrap under a public key with e = 1", PIN),
};
/* clang-format on */

const struct trial *examine_attacks_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
