/* hsm/trust.c - public keys of others, kept where only a login can put them. */
#include "hsm/trust.h"

#include "hsm/internal.h"

static bool check_ref(const struct hsm_key_ref *ref, struct err *err)
{
    if (ref->role == HSM_ROLE_TRUSTED_SIGNER) return true;
    return err_set(err, ERR_CONFIG, "role %s is not %s", hsm_role_name(ref->role),
                   hsm_role_name(HSM_ROLE_TRUSTED_SIGNER));
}

static bool read(struct hsm_token *t, const struct hsm_key_ref *ref, CK_OBJECT_HANDLE object,
                 struct hsm_public *out, struct err *err)
{
    struct hsm_pair pair = {.public_key = {object, HSM_RSA}};
    if (!hsm_key_check_algorithm(t, ref, object, err)) return false;
    if (!hsm_template_check(t, ref, HSM_PART_PUBLIC, object, err)) return false;
    if (!hsm_pair_read_public(t, &pair, err)) return false;
    hsm_public_of_pair(&pair, out);
    return true;
}

static bool import(struct hsm_token *t, const struct hsm_key_ref *ref, const struct hsm_public *key,
                   struct err *err)
{
    struct hsm_key made = HSM_KEY_NONE;
    struct hsm_public back;
    if (!check_ref(ref, err) || !hsm_key_label_free(t, ref, err)) return false;
    if (!hsm_pair_create_public(t, ref, key, &made, err)) return false;
    bool ok = read(t, ref, made.handle, &back, err);
    if (ok && (!bytes_equal(back.modulus, back.modulus_len, key->modulus, key->modulus_len) ||
               !bytes_equal(back.exponent, back.exponent_len, key->exponent, key->exponent_len)))
        ok = err_set(err, ERR_TOKEN, "the token keeps another key than it was given");
    if (ok) return true;
    hsm_key_destroy(t, &made);
    return false;
}

bool hsm_trust_import(struct hsm_token *t, const struct hsm_key_ref *ref, const struct hsm_public *key,
                      struct err *err)
{
    if (import(t, ref, key, err)) return true;
    err_prefix(err, "import signer's key '%s'", ref->name);
    return false;
}

bool hsm_trust_find(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_public *out,
                    struct err *err)
{
    CK_OBJECT_HANDLE object = 0;
    if (check_ref(ref, err) && hsm_key_locate(t, ref, HSM_PART_PUBLIC, &object, err) &&
        read(t, ref, object, out, err))
        return true;
    err_prefix(err, "signer's key '%s'", ref->name);
    return false;
}
