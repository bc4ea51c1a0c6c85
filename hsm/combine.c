/* hsm/combine.c - XOR of components inside the token.
 *
 * Parity of DES keys: some tokens set it on what they derive, others leave it. So the first component gets odd parity and
 * each further one even parity before it goes in: odd XOR even is odd, whatever the token does. */
#include "hsm/combine.h"

#include "hsm/probe_internal.h"

static const struct hsm_key_ref *combining(enum hsm_algorithm a, struct hsm_key_ref *ref)
{
    *ref = (struct hsm_key_ref){.name = "component", .role = HSM_ROLE_COMBINING, .algorithm = a};
    return ref;
}

static bool derive(struct hsm_token *t, const struct hsm_key *base, uint8_t *data, size_t len,
                   struct hsm_key *out, struct err *err)
{
    CK_KEY_DERIVATION_STRING_DATA parameter = {data, len};
    CK_MECHANISM mechanism = {CKM_XOR_BASE_AND_DATA, &parameter, sizeof parameter};
    struct hsm_key_ref ref;
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    hsm_template_init(&tp);
    hsm_template_secret(&tp, base->algorithm, HSM_DERIVED, 0);
    if (!hsm_template_role(t, &tp, combining(base->algorithm, &ref), HSM_PART_SECRET, err)) return false;
    CK_RV rv = t->fn->C_DeriveKey(t->session, &mechanism, base->handle, tp.attr, tp.count, &handle);
    if (!hsm_call(t, "C_DeriveKey", rv, err)) return false;
    *out = (struct hsm_key){handle, base->algorithm};
    return true;
}

/* One trial. False: also if the token has no such operation. */
static bool try_combining(struct hsm_token *t, struct err *err)
{
    uint8_t data[16] = {1};
    struct hsm_key_ref ref;
    struct hsm_key base = HSM_KEY_NONE, key = HSM_KEY_NONE;
    bool ok = hsm_key_generate(t, combining(HSM_AES128, &ref), &base, err) &&
              derive(t, &base, data, sizeof data, &key, err);
    hsm_key_destroy(t, &key);
    hsm_key_destroy(t, &base);
    return ok;
}

bool hsm_combine_can(struct hsm_token *t, bool *can, struct err *err)
{
    struct err why = ERR_INIT;
    bool works = try_combining(t, &why);
    if (!works && !hsm_probe_is_answer(t->last)) {
        *err = why;
        return false;
    }
    if (t->broken) return err_set(err, ERR_TOKEN, "%s", t->cause);
    *can = works;
    return true;
}

static bool check_component(enum hsm_algorithm a, const struct secret *component, struct err *err)
{
    uint8_t bits = 0;
    if (hsm_algorithm_len(a) == 0 || component->len != hsm_algorithm_len(a))
        return err_set(err, ERR_CONFIG, "a component of %zu bytes for a %s key", component->len,
                       hsm_algorithm_name(a));
    for (size_t i = 0; i < component->len; i++)
        bits |= (uint8_t)(component->data[i] & (hsm_algorithm_is_tdes(a) ? 0xFE : 0xFF));
    return bits != 0 || err_set(err, ERR_CONFIG, "a component that is all zero adds nothing");
}

bool hsm_combine_first(struct hsm_token *t, enum hsm_algorithm algorithm, const struct secret *component,
                       struct hsm_key *out, struct err *err)
{
    struct hsm_key_ref ref;
    return check_component(algorithm, component, err) &&
           hsm_key_import(t, combining(algorithm, &ref), component, out, err);
}

/* What the key of zero bytes gives over one zero block: TDES (with odd parity, 01…01), or AES-CMAC. */
struct zero_row {
    enum hsm_algorithm algorithm;
    uint8_t block[16];
};
static const struct zero_row zero_rows[] = {
    {HSM_DES2, {0x8C, 0xA6, 0x4D, 0xE9, 0xC1, 0xB1, 0x23, 0xA7}},
    {HSM_DES3, {0x8C, 0xA6, 0x4D, 0xE9, 0xC1, 0xB1, 0x23, 0xA7}},
    {HSM_AES128,
     {0x76, 0x3C, 0xBC, 0xDE, 0x81, 0xDF, 0x91, 0x31, 0xBF, 0x89, 0x77, 0x12, 0xC0, 0x88, 0xED, 0xAD}},
    {HSM_AES192,
     {0x0B, 0x50, 0xE6, 0x05, 0xFA, 0x89, 0x9F, 0xAA, 0x74, 0xF4, 0xA9, 0xB8, 0x3C, 0x54, 0xEE, 0x7B}},
    {HSM_AES256,
     {0x92, 0x11, 0x05, 0x3C, 0x55, 0x8A, 0xE9, 0x0E, 0xC0, 0xAF, 0x40, 0x57, 0x75, 0x8C, 0x3C, 0xEC}},
};

static bool check_not_zero(struct hsm_token *t, const struct hsm_key *key, struct err *err)
{
    static const uint8_t zeros[16];
    uint8_t block[16] = {0};
    const size_t len = hsm_algorithm_is_tdes(key->algorithm) ? 8 : 16;
    if (hsm_algorithm_is_tdes(key->algorithm)) {
        if (!hsm_encrypt_once(t, CKM_DES3_ECB, key->handle, zeros, len, block, err)) return false;
    } else if (!hsm_cmac(t, key, zeros, len, block, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof zero_rows / sizeof zero_rows[0]; i++) {
        if (zero_rows[i].algorithm == key->algorithm && bytes_equal(zero_rows[i].block, len, block, len))
            return err_set(err, ERR_CONFIG, "the components cancel out: the key would be all zero");
    }
    return true;
}

bool hsm_combine_next(struct hsm_token *t, struct hsm_key *key, const struct secret *component,
                      struct err *err)
{
    struct secret data = SECRET_NONE;
    struct hsm_key sum = HSM_KEY_NONE;
    bool ok = false;

    if (!check_component(key->algorithm, component, err)) goto out;
    if (!secret_copy(&data, component->data, component->len, err)) goto out;
    for (size_t i = 0; i < data.len && hsm_algorithm_is_tdes(key->algorithm); i++)
        data.data[i] = (uint8_t)(data.data[i] ^ __builtin_parity(data.data[i]));
    if (!derive(t, key, data.data, data.len, &sum, err)) goto out;
    if (!check_not_zero(t, &sum, err)) goto out;
    hsm_key_destroy(t, key);
    *key = sum;
    sum.handle = 0;
    ok = true;
out:
    hsm_key_destroy(t, &sum);
    secret_release(&data);
    return ok;
}
