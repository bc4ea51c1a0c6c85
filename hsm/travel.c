/* hsm/travel.c - keys made to leave, and keys that arrive.
 *
 * How a key gets its last restrictions. On SoftHSM C_CopyObject cannot add COPYABLE=false, and C_SetAttributeValue not
 * even MODIFIABLE=false. So the key is wrapped once more, under a *ferry*: a random AES-256 session key that may wrap and
 * unwrap, never leaves, and lives for this one crossing. What is unwrapped from it is a token object with the role's
 * whole template. Measured: SoftHSM's C_UnwrapKey takes all of it and honours it afterwards (COPYABLE, DESTROYABLE,
 * MODIFIABLE, ALLOWED_MECHANISMS, WRAP_TEMPLATE and UNWRAP_TEMPLATE), as long as MODIFIABLE=false stands last; NSS takes
 * what it is given (its profile leaves out what it ignores). A travelling key is SENSITIVE and no token object, which is
 * what the WRAP_TEMPLATE of a ZCMK or KEK asks for, so it passes; the installed key is a token object and does not.
 *
 * How long is a key? SoftHSM says CKA_VALUE_LEN=0 of an unwrapped AES key, refuses the attribute in the template, and
 * unwraps 16 bytes as DES2, DES3 or AES alike. So what is installed is weighed first: it is wrapped under the ferry, and 8
 * bytes more than the key must come out. For that alone the session object of the rehearsal is EXTRACTABLE.
 *
 * What a partner sent is not weighed on a token that takes templates: there nothing EXTRACTABLE comes out of a receiving key
 * (inner.c), which is worth more. By RFC 5649 the blob's length is the key's, save that up to 7 bytes may be missing; such a
 * key fails when its check value is computed. By RSA-OAEP the blob says nothing, so a check value is asked for. It depends on
 * every byte of the key, as SoftHSM uses what came at its own length: another key is refused. What passes is a key
 * whose length the signer himself gave wrongly, with the check value of the true one (arrival_test.c). */
#include "hsm/travel.h"

#include "base/hex.h"
#include "hsm/internal.h"

enum { BLOB_MAX = 64 /* of a secret key by RFC 5649 */, KWP_OVERHEAD = 8 };

/* Is it a secret key that this role can have? The role's template knows; it is thrown away. */
static bool check_ref(struct hsm_token *t, const struct hsm_key_ref *ref, struct err *err)
{
    struct hsm_template tp;
    hsm_template_init(&tp);
    if (hsm_part_of(ref) != HSM_PART_SECRET || !hsm_role_is_token_object(ref->role))
        return err_set(err, ERR_CONFIG, "a key of role %s does not travel", hsm_role_name(ref->role));
    return hsm_template_role(t, &tp, ref, HSM_PART_SECRET, err);
}

static struct hsm_key_ref travelling(const struct hsm_key_ref *ref)
{
    struct hsm_key_ref session = *ref;
    session.role = HSM_ROLE_TRAVELLING;
    session.keep = false;
    return session;
}

bool hsm_travel_generate(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_key *out,
                         struct err *err)
{
    const struct hsm_key_ref session = travelling(ref);
    if (check_ref(t, ref, err)) return hsm_key_generate(t, &session, out, err);
    err_prefix(err, "generate key '%s'", ref->name);
    return false;
}

/* In a DES key the lowest bit of each byte is parity. */
static bool is_zero(const struct hsm_key_ref *ref, const struct secret *value)
{
    const bool des = hsm_algorithm_is_tdes(ref->algorithm);
    uint8_t bits = 0;
    for (size_t i = 0; i < value->len; i++)
        bits |= (uint8_t)(value->data[i] & (des ? 0xFE : 0xFF));
    return bits == 0;
}

bool hsm_travel_import(struct hsm_token *t, const struct hsm_key_ref *ref, const struct secret *value,
                       struct hsm_key *out, struct err *err)
{
    const struct hsm_key_ref session = travelling(ref);
    if (check_ref(t, ref, err)) {
        if (!is_zero(ref, value)) return hsm_key_import(t, &session, value, out, err);
        err_set(err, ERR_CONFIG, "the value is all zero: two components are the same, or none was entered");
    }
    err_prefix(err, "import key '%s'", ref->name);
    return false;
}

bool hsm_travel_wrap(struct hsm_token *t, const struct hsm_key *transport, const struct hsm_key *key,
                     struct buf *dst, struct err *err)
{
    return hsm_wrap_kwp(t, transport, key, dst, err);
}

static bool import_receiver(struct hsm_token *t, const struct hsm_public *receiver, struct hsm_key *out,
                            struct err *err)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_TOKEN, CKA_PRIVATE, CKA_ENCRYPT, CKA_VERIFY,
                                           CKA_VERIFY_RECOVER};
    struct hsm_public copy = *receiver;
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_PUBLIC_KEY);
    hsm_template_number(&tp, CKA_KEY_TYPE, CKK_RSA);
    hsm_template_bytes(&tp, CKA_MODULUS, copy.modulus, copy.modulus_len);
    hsm_template_bytes(&tp, CKA_PUBLIC_EXPONENT, copy.exponent, copy.exponent_len);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        hsm_template_bool(&tp, no[i], false);
    hsm_template_bool(&tp, CKA_WRAP, true);
    hsm_template_bool(&tp, CKA_MODIFIABLE, false);
    CK_RV rv = t->fn->C_CreateObject(t->session, tp.attr, tp.count, &handle);
    if (!hsm_call(t, "C_CreateObject", rv, err)) return false;
    *out = (struct hsm_key){handle, HSM_RSA};
    return true;
}

static CK_RSA_PKCS_OAEP_PARAMS oaep(void)
{
    return (CK_RSA_PKCS_OAEP_PARAMS){CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
}

bool hsm_travel_wrap_oaep(struct hsm_token *t, const struct hsm_public *receiver, const struct hsm_key *key,
                          struct buf *dst, struct err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS parameter = oaep();
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameter, sizeof parameter};
    struct hsm_key public = HSM_KEY_NONE;
    if (!import_receiver(t, receiver, &public, err)) {
        err_prefix(err, "receiver's public key");
        return false;
    }
    bool ok = hsm_wrap_by(t, &mechanism, &public, key, dst, err);
    hsm_key_destroy(t, &public);
    return ok;
}

/* A wrapped key as C_UnwrapKey wants it. */
struct arrival {
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    CK_MECHANISM mechanism;
    const struct hsm_key *by;
    const uint8_t *data;
    size_t len;
    bool weighed; /* `by` lets extractable keys come out of it */
    struct hsm_key ferry;
};

/* On the token, or in the session with the same uses. */
static bool unwrap(struct hsm_token *t, struct arrival *a, const struct hsm_key_ref *ref, bool on_token,
                   struct hsm_key *out, struct err *err)
{
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    struct hsm_key_ref free_to_go = *ref;
    if (!on_token) free_to_go.keep = false;
    hsm_template_init(&tp);
    hsm_template_secret(&tp, ref->algorithm, HSM_UNWRAPPED, 0);
    if (!hsm_template_role(t, &tp, &free_to_go, HSM_PART_SECRET, err)) return false;
    for (CK_ULONG i = 0; i < tp.count && !on_token; i++) {
        if (tp.attr[i].type == CKA_TOKEN) tp.attr[i].pValue = &tp.no;
        if (tp.attr[i].type == CKA_EXTRACTABLE && a->weighed) tp.attr[i].pValue = &tp.yes;
    }
    CK_RV rv = t->fn->C_UnwrapKey(t->session, &a->mechanism, a->by->handle, hsm_bytes(a->data), a->len,
                                  tp.attr, tp.count, &handle);
    if (!hsm_call(t, "C_UnwrapKey", rv, err)) {
        if (rv != CKR_GENERAL_ERROR) return false;
        return err_set(
            err, ERR_TOKEN,
            "C_UnwrapKey: CKR_GENERAL_ERROR (a soft token says so of a wrapped key that is damaged, "
            "or was wrapped under another key)");
    }
    *out = (struct hsm_key){handle, ref->algorithm};
    return true;
}

/* Check values of two steps on the way of one key. */
struct value {
    uint8_t kcv[HSM_KCV_MAX];
    size_t len; /* 0: not known yet */
};

static bool compare(const struct value *is, const uint8_t *due, size_t due_len, struct err *err)
{
    char text[2 * HSM_KCV_MAX + 1], due_text[2 * HSM_KCV_MAX + 1];
    if (due_len <= is->len && bytes_equal(is->kcv, due_len, due, due_len)) return true;
    hex_write(text, sizeof text, is->kcv, is->len, false);
    hex_write(due_text, sizeof due_text, due, due_len, false);
    return err_set(err, ERR_TOKEN, "its check value is %s, it should be %s: it is another key", text,
                   due_text);
}

/* Kind and check value of what came out; the first time, the check value is noted. */
static bool check(struct hsm_token *t, const struct hsm_key_ref *ref, const struct hsm_key *key,
                  struct value *known, struct err *err)
{
    struct value v;
    if (!hsm_key_check_algorithm(t, ref, key->handle, err)) return false;
    if (!hsm_kcv(t, key, ref->role, v.kcv, &v.len, err)) return false;
    if (known->len > 0) return compare(&v, known->kcv, known->len, err);
    *known = v;
    return compare(&v, ref->kcv, ref->kcv_len, err);
}

static bool weigh(struct hsm_token *t, const struct hsm_key *ferry, const struct hsm_key *key,
                  struct err *err)
{
    struct buf blob;
    buf_init(&blob, BLOB_MAX);
    bool ok = hsm_wrap_kwp(t, ferry, key, &blob, err);
    if (ok && blob.len != hsm_algorithm_len(key->algorithm) + KWP_OVERHEAD)
        ok = err_set(err, ERR_TOKEN, "it is a key of %zu bytes, not %s", blob.len - KWP_OVERHEAD,
                     hsm_algorithm_name(key->algorithm));
    buf_release(&blob);
    return ok;
}

/* The key as a session object of its role: whatever is wrong with it shows here. */
static bool rehearse(struct hsm_token *t, struct arrival *a, const struct hsm_key_ref *ref,
                     struct value *known, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    bool ok = unwrap(t, a, ref, false, &key, err) && (!a->weighed || weigh(t, &a->ferry, &key, err)) &&
              check(t, ref, &key, known, err);
    hsm_key_destroy(t, &key);
    if (ok && t->broken) ok = err_set(err, ERR_TOKEN, "%s", t->cause);
    return ok;
}

static bool arrive(struct hsm_token *t, struct arrival *a, const struct hsm_key_ref *ref, struct value *known,
                   struct hsm_key *out, struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    if (!hsm_key_label_free(t, ref, err)) return false;
    if (!rehearse(t, a, ref, known, err)) return false;
    if (!unwrap(t, a, ref, true, &key, err)) return false;
    if (check(t, ref, &key, known, err) && hsm_key_check_role(t, ref, &key, err)) {
        *out = key;
        return true;
    }
    const bool was_broken = t->broken;
    hsm_key_destroy(t, &key);
    if (t->broken) {
        err_prefix(err, "it is on token '%s' now, under '%s', and cannot be removed%s", t->label, ref->label,
                   was_broken ? " by a session that is lost" : "");
    }
    return false;
}

bool hsm_travel_make_ferry(struct hsm_token *t, struct hsm_key *out, struct err *err)
{
    static const struct hsm_key_ref ref = {.name = "ferry", .role = HSM_ROLE_FERRY, .algorithm = HSM_AES256};
    return hsm_key_generate(t, &ref, out, err);
}

static bool install(struct hsm_token *t, const struct hsm_key *key, const struct hsm_key_ref *ref,
                    struct hsm_key *installed, struct err *err)
{
    const struct hsm_key_ref session = travelling(ref);
    struct value known = {.len = 0};
    struct arrival a = {.ferry = HSM_KEY_NONE, .weighed = true};
    struct buf blob;
    bool ok = false;

    buf_init(&blob, BLOB_MAX);
    if (!hsm_wrap_kwp_mechanism(t, &a.mechanism, err)) goto out;
    if (!check(t, &session, key, &known, err)) goto out;
    if (!hsm_travel_make_ferry(t, &a.ferry, err)) goto out;
    if (!hsm_wrap_kwp(t, &a.ferry, key, &blob, err)) goto out;
    a.by = &a.ferry;
    a.data = blob.data;
    a.len = blob.len;
    ok = arrive(t, &a, ref, &known, installed, err);
out:
    hsm_key_destroy(t, &a.ferry);
    buf_release(&blob);
    return ok;
}

bool hsm_travel_install(struct hsm_token *t, struct hsm_key *key, const struct hsm_key_ref *ref,
                        struct hsm_key *installed, struct err *err)
{
    bool ok = check_ref(t, ref, err);
    if (ok && key->algorithm != ref->algorithm)
        ok = err_set(err, ERR_INTERNAL, "it is %s, not %s", hsm_algorithm_name(key->algorithm),
                     hsm_algorithm_name(ref->algorithm));
    if (!ok || !install(t, key, ref, installed, err)) {
        err_prefix(err, "install key '%s'", ref->name);
        return false;
    }
    hsm_key_destroy(t, key);
    return true;
}

static bool receive(struct hsm_token *t, const struct hsm_travel_blob *blob, const struct hsm_key_ref *ref,
                    struct hsm_key *installed, struct err *err)
{
    struct arrival a = {.oaep = oaep(),
                        .by = blob->transport,
                        .data = blob->data,
                        .len = blob->len,
                        .weighed = !t->profile.takes_templates};
    struct value known = {.len = 0};
    if (!check_ref(t, ref, err)) return false;
    if (blob->method == HSM_TRAVEL_OAEP) {
        if (!a.weighed && ref->kcv_len == 0)
            return err_set(err, ERR_CONFIG,
                           "by RSA-OAEP without a check value, which alone tells what it is");
        a.mechanism = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &a.oaep, sizeof a.oaep};
    } else {
        if (!hsm_wrap_kwp_mechanism(t, &a.mechanism, err)) return false;
        if (blob->len != hsm_algorithm_len(ref->algorithm) + KWP_OVERHEAD)
            return err_set(err, ERR_INPUT, "%zu bytes are no wrapped %s key", blob->len,
                           hsm_algorithm_name(ref->algorithm));
    }
    bool ok =
        (!a.weighed || hsm_travel_make_ferry(t, &a.ferry, err)) && arrive(t, &a, ref, &known, installed, err);
    hsm_key_destroy(t, &a.ferry);
    return ok;
}

bool hsm_travel_receive(struct hsm_token *t, const struct hsm_travel_blob *blob,
                        const struct hsm_key_ref *ref, struct hsm_key *installed, struct err *err)
{
    if (receive(t, blob, ref, installed, err)) return true;
    err_prefix(err, "receive key '%s'", ref->name);
    return false;
}
