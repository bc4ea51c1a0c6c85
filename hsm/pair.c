/* hsm/pair.c - RSA pairs. */
#include "hsm/internal.h"
#include "hsm/public.h"

/* Big-endian bytes without leading zeros; a few bytes of room more, because tokens may put zeros in front. */
static bool read_integer(struct hsm_token *t, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, uint8_t *out,
                         size_t room, size_t *len, struct err *err)
{
    uint8_t bytes[HSM_MODULUS_MAX + 8];
    CK_ATTRIBUTE attr = {type, bytes, sizeof bytes};
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, key, &attr, 1);
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    struct cur c = cur_make(bytes, attr.ulValueLen > sizeof bytes ? 0 : attr.ulValueLen, 0);
    size_t zeros = 0;
    while (zeros < c.len && bytes[zeros] == 0)
        zeros++;
    size_t n = c.len - zeros;
    if (n == 0 || n > room)
        return err_set(err, ERR_TOKEN, "C_GetAttributeValue: a number of %zu bytes in the public key", n);
    memcpy(out, &bytes[zeros], n);
    *len = n;
    return true;
}

bool hsm_pair_read_public(struct hsm_token *t, struct hsm_pair *pair, struct err *err)
{
    return read_integer(t, pair->public_key.handle, CKA_MODULUS, pair->modulus, sizeof pair->modulus,
                        &pair->modulus_len, err) &&
           read_integer(t, pair->public_key.handle, CKA_PUBLIC_EXPONENT, pair->exponent,
                        sizeof pair->exponent, &pair->exponent_len, err);
}

static void exponent_bytes(unsigned long e, uint8_t *out, size_t *len)
{
    *len = e < 0x100 ? 1 : 3;
    for (size_t i = 0; i < *len; i++)
        out[i] = (uint8_t)(e >> (8 * (*len - 1 - i)));
}

static bool check_request(const struct hsm_pair_ref *ref, struct err *err)
{
    if (ref->exponent != 3 && ref->exponent != 65537)
        return err_set(err, ERR_CONFIG, "public exponent %lu: 3 or 65537 are possible", ref->exponent);
    if (ref->bits < 512 || ref->bits > 8 * HSM_MODULUS_MAX || ref->bits % 8 != 0)
        return err_set(err, ERR_CONFIG, "%u bits: 512 to %d in steps of 8 are possible", ref->bits,
                       8 * HSM_MODULUS_MAX);
    return true;
}

static bool pair_templates(struct hsm_token *t, const struct hsm_pair_ref *ref, struct hsm_template *pub,
                           struct hsm_template *priv, struct err *err)
{
    size_t len = 0;
    hsm_template_init(pub);
    hsm_template_init(priv);
    exponent_bytes(ref->exponent, pub->exponent, &len);
    hsm_template_number(pub, CKA_MODULUS_BITS, ref->bits);
    hsm_template_bytes(pub, CKA_PUBLIC_EXPONENT, pub->exponent, len);
    return hsm_template_role(t, pub, &ref->key, HSM_PART_PUBLIC, err) &&
           hsm_template_role(t, priv, &ref->key, HSM_PART_PRIVATE, err);
}

static bool pair_generate(struct hsm_token *t, const struct hsm_pair_ref *ref, struct hsm_pair *out,
                          struct err *err)
{
    struct hsm_template pub, priv;
    struct hsm_pair pair = {.private_key = {0, HSM_RSA}, .public_key = {0, HSM_RSA}};
    CK_MECHANISM mechanism = hsm_mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN);
    if (!check_request(ref, err)) return false;
    if (!hsm_key_label_free(t, &ref->key, err)) return false;
    if (!pair_templates(t, ref, &pub, &priv, err)) return false;
    CK_RV rv = t->fn->C_GenerateKeyPair(t->session, &mechanism, pub.attr, pub.count, priv.attr, priv.count,
                                        &pair.public_key.handle, &pair.private_key.handle);
    if (!hsm_call(t, "C_GenerateKeyPair", rv, err)) return false;
    exponent_bytes(ref->exponent, pair.exponent, &pair.exponent_len);
    bool ok = read_integer(t, pair.public_key.handle, CKA_MODULUS, pair.modulus, sizeof pair.modulus,
                           &pair.modulus_len, err);
    if (ok && pair.modulus_len != ref->bits / 8)
        ok = err_set(err, ERR_TOKEN, "C_GenerateKeyPair: a modulus of %zu bits, not %u", 8 * pair.modulus_len,
                     ref->bits);
    if (!ok) {
        hsm_pair_destroy(t, &pair);
        return false;
    }
    *out = pair;
    return true;
}

bool hsm_pair_generate(struct hsm_token *t, const struct hsm_pair_ref *ref, struct hsm_pair *out,
                       struct err *err)
{
    if (pair_generate(t, ref, out, err)) return true;
    err_prefix(err, "generate key pair '%s'", ref->key.name);
    return false;
}

/* The private part's own modulus: a public object of the same label proves nothing. */
static bool check_parts(struct hsm_token *t, const struct hsm_pair *pair, struct err *err)
{
    uint8_t modulus[HSM_MODULUS_MAX];
    size_t len = 0;
    if (!read_integer(t, pair->private_key.handle, CKA_MODULUS, modulus, sizeof modulus, &len, err))
        return false;
    if (!bytes_equal(modulus, len, pair->modulus, pair->modulus_len))
        return err_set(err, ERR_TOKEN, "its public and private parts do not belong together");
    return true;
}

bool hsm_pair_find(struct hsm_token *t, const struct hsm_key_ref *ref, struct hsm_pair *out, struct err *err)
{
    struct hsm_pair pair = {.private_key = {0, HSM_RSA}, .public_key = {0, HSM_RSA}};
    bool ok = hsm_key_locate(t, ref, HSM_PART_PRIVATE, &pair.private_key.handle, err) &&
              hsm_key_locate(t, ref, HSM_PART_PUBLIC, &pair.public_key.handle, err) &&
              hsm_pair_read_public(t, &pair, err) && check_parts(t, &pair, err);
    if (!ok) {
        err_prefix(err, "key '%s'", ref->name);
        return false;
    }
    if (!hsm_template_check(t, ref, HSM_PART_PRIVATE, pair.private_key.handle, err))
        return false; /* names the key */
    *out = pair;
    return true;
}

bool hsm_pair_create_public(struct hsm_token *t, const struct hsm_key_ref *ref, const struct hsm_public *key,
                            struct hsm_key *out, struct err *err)
{
    struct hsm_public copy = *key;
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_PUBLIC_KEY);
    hsm_template_number(&tp, CKA_KEY_TYPE, hsm_algorithm_key_type(HSM_RSA));
    hsm_template_bytes(&tp, CKA_MODULUS, copy.modulus, copy.modulus_len);
    hsm_template_bytes(&tp, CKA_PUBLIC_EXPONENT, copy.exponent, copy.exponent_len);
    if (!hsm_template_role(t, &tp, ref, HSM_PART_PUBLIC, err)) return false;
    CK_RV rv = t->fn->C_CreateObject(t->session, tp.attr, tp.count, &handle);
    if (!hsm_call(t, "C_CreateObject", rv, err)) return false;
    *out = (struct hsm_key){handle, HSM_RSA};
    return true;
}

void hsm_pair_destroy(struct hsm_token *t, struct hsm_pair *pair)
{
    hsm_key_destroy(t, &pair->private_key);
    hsm_key_destroy(t, &pair->public_key);
}

bool hsm_pair_spki(const struct hsm_pair *pair, struct buf *out, struct err *err)
{
    struct hsm_public key;
    hsm_public_of_pair(pair, &key);
    return hsm_public_spki(&key, out, err);
}
