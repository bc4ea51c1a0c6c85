/* hsm/travel_pair.c - pairs made to leave, and pairs that arrive.
 *
 * As with secret keys, a ferry carries the private part onto its own token (travel.c says why). The wrapped form holds the whole
 * private key with its numbers n and e, so the public part is made from what arrives. A check value of the modulus alone would
 * not show a private part that does not belong to it: so what arrives signs once, as a session object that can do nothing
 * else, and its public part verifies. The public part goes onto the token first: when the private part is there, all is. */
#include "hsm/travel_pair.h"

#include "base/digest.h"
#include "base/hex.h"
#include "hsm/internal.h"

static const struct hsm_pair no_pair = {.private_key = {0, HSM_RSA}, .public_key = {0, HSM_RSA}};

/* A wrapped pair, and what unwraps it. */
struct arrival {
    const struct hsm_key *by;
    const uint8_t *data;
    size_t len;
};

static bool check_ref(struct hsm_token *t, const struct hsm_key_ref *ref, struct err *err)
{
    struct hsm_template tp;
    hsm_template_init(&tp);
    if (!hsm_role_is_pair(ref->role) || !hsm_role_is_token_object(ref->role))
        return err_set(err, ERR_CONFIG, "a pair of role %s does not travel", hsm_role_name(ref->role));
    return hsm_template_role(t, &tp, ref, HSM_PART_PRIVATE, err);
}

bool hsm_travel_pair_generate(struct hsm_token *t, const struct hsm_pair_ref *ref, struct hsm_pair *out,
                              struct err *err)
{
    struct hsm_pair_ref session = *ref;
    session.key.role = HSM_ROLE_TRAVELLING_PAIR;
    session.key.keep = false;
    if (check_ref(t, &ref->key, err)) return hsm_pair_generate(t, &session, out, err);
    err_prefix(err, "generate key pair '%s'", ref->key.name);
    return false;
}

/* The pair under a ferry that the caller destroys. */
static bool board(struct hsm_token *t, const struct hsm_pair *pair, struct hsm_key *ferry, struct buf *blob,
                  struct err *err)
{
    return hsm_travel_make_ferry(t, ferry, err) && hsm_wrap_kwp(t, ferry, &pair->private_key, blob, err);
}

static const struct hsm_key_ref proving = {
    .name = "pair on its way", .role = HSM_ROLE_PROVING_PAIR, .algorithm = HSM_RSA};

bool hsm_travel_pair_sign(struct hsm_token *t, const struct hsm_pair *pair, const uint8_t *data, size_t len,
                          struct buf *dst, struct err *err)
{
    struct hsm_key ferry = HSM_KEY_NONE, copy = HSM_KEY_NONE;
    struct buf blob;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    bool ok = board(t, pair, &ferry, &blob, err) &&
              hsm_unwrap_kwp(t, &ferry, blob.data, blob.len, &proving, &copy, err) &&
              hsm_sign_sha256(t, &copy, data, len, dst, err);
    hsm_key_destroy(t, &copy);
    hsm_key_destroy(t, &ferry);
    buf_release(&blob);
    return ok;
}

/* n and e, as this part of a pair has them. */
static bool read_numbers(struct hsm_token *t, const struct hsm_key *part, struct hsm_public *out,
                         struct err *err)
{
    struct hsm_pair pair = {.public_key = *part};
    if (!hsm_pair_read_public(t, &pair, err)) return false;
    hsm_public_of_pair(&pair, out);
    return true;
}

static bool check_kcv(const struct hsm_key_ref *ref, const struct hsm_public *is, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    char text[2 * HSM_KCV_MAX + 1], due[2 * HSM_KCV_MAX + 1];
    if (ref->kcv_len == 0) return true;
    if (!sha256(is->modulus, is->modulus_len, hash, err)) return false;
    if (ref->kcv_len <= HSM_KCV_MAX && bytes_equal(hash, ref->kcv_len, ref->kcv, ref->kcv_len)) return true;
    hex_write(text, sizeof text, hash, HSM_KCV_MAX, false);
    hex_write(due, sizeof due, ref->kcv, ref->kcv_len < HSM_KCV_MAX ? ref->kcv_len : HSM_KCV_MAX, false);
    return err_set(err, ERR_TOKEN, "its check value is %s, not %s: it is another pair", text, due);
}

static bool is_expected(const struct hsm_pair_ref *ref, const struct hsm_public *is, struct err *err)
{
    if (is->modulus_len != ref->bits / 8 || !(is->modulus[0] & 0x80))
        return err_set(err, ERR_TOKEN, "it is a pair of at most %zu bits, not of %u", 8 * is->modulus_len,
                       ref->bits);
    if (bytes_be(is->exponent, is->exponent_len) != ref->exponent)
        return err_set(err, ERR_TOKEN, "it is a pair with another exponent than %lu", ref->exponent);
    return check_kcv(&ref->key, is, err);
}

static bool is_same(const struct hsm_public *is, const struct hsm_public *due, struct err *err)
{
    if (bytes_equal(is->modulus, is->modulus_len, due->modulus, due->modulus_len) &&
        bytes_equal(is->exponent, is->exponent_len, due->exponent, due->exponent_len))
        return true;
    return err_set(err, ERR_TOKEN, "another pair came out than went in");
}

static bool part_is(struct hsm_token *t, const struct hsm_key *part, const struct hsm_public *due,
                    struct err *err)
{
    struct hsm_public is;
    return read_numbers(t, part, &is, err) && is_same(&is, due, err);
}

/* One part signs, the other verifies. */
static bool belong_together(struct hsm_token *t, const struct hsm_pair *pair, struct err *err)
{
    static const uint8_t text[] = "cardprep: trial of a pair that travels";
    CK_MECHANISM mechanism = hsm_mechanism(CKM_SHA256_RSA_PKCS);
    struct buf signature;
    buf_init(&signature, HSM_MODULUS_MAX);
    bool ok = hsm_sign_sha256(t, &pair->private_key, text, sizeof text, &signature, err) &&
              hsm_call(t, "C_VerifyInit",
                       t->fn->C_VerifyInit(t->session, &mechanism, pair->public_key.handle), err);
    if (ok &&
        t->fn->C_Verify(t->session, hsm_bytes(text), sizeof text, signature.data, signature.len) != CKR_OK)
        ok = err_set(err, ERR_TOKEN, "C_Verify: its private part does not belong to its public part");
    buf_release(&signature);
    return ok;
}

/* What arrives, in the session: whatever is wrong with it shows here. */
static bool prove(struct hsm_token *t, const struct arrival *a, const struct hsm_pair_ref *ref,
                  struct hsm_public *numbers, struct err *err)
{
    struct hsm_pair pair = no_pair;
    bool ok = hsm_unwrap_kwp(t, a->by, a->data, a->len, &proving, &pair.private_key, err) &&
              read_numbers(t, &pair.private_key, numbers, err) && is_expected(ref, numbers, err) &&
              hsm_pair_create_public(t, &proving, numbers, &pair.public_key, err) &&
              belong_together(t, &pair, err);
    hsm_pair_destroy(t, &pair);
    if (ok && t->broken) ok = err_set(err, ERR_TOKEN, "%s", t->cause);
    return ok;
}

static bool put_on_token(struct hsm_token *t, const struct arrival *a, const struct hsm_key_ref *ref,
                         const struct hsm_public *due, struct hsm_pair *pair, struct err *err)
{
    return hsm_pair_create_public(t, ref, due, &pair->public_key, err) &&
           part_is(t, &pair->public_key, due, err) &&
           hsm_template_check(t, ref, HSM_PART_PUBLIC, pair->public_key.handle, err) &&
           hsm_unwrap_kwp(t, a->by, a->data, a->len, ref, &pair->private_key, err) &&
           part_is(t, &pair->private_key, due, err) &&
           hsm_template_check(t, ref, HSM_PART_PRIVATE, pair->private_key.handle, err) &&
           hsm_pair_read_public(t, pair, err);
}

/* `sent`: what went in, or NULL where that is not known. */
static bool arrive(struct hsm_token *t, const struct arrival *a, const struct hsm_pair_ref *ref,
                   const struct hsm_public *sent, struct hsm_pair *out, struct err *err)
{
    struct hsm_pair pair = no_pair;
    struct hsm_public numbers;
    if (!hsm_key_label_free(t, &ref->key, err)) return false;
    if (!prove(t, a, ref, &numbers, err) || (sent && !is_same(&numbers, sent, err))) return false;
    if (put_on_token(t, a, &ref->key, &numbers, &pair, err)) {
        *out = pair;
        return true;
    }
    const bool was_broken = t->broken;
    hsm_pair_destroy(t, &pair);
    if (t->broken) {
        err_prefix(err, "part of it is on token '%s' now, under '%s', and cannot be removed%s", t->label,
                   ref->key.label, was_broken ? " by a session that is lost" : "");
    }
    return false;
}

bool hsm_travel_pair_install(struct hsm_token *t, struct hsm_pair *pair, const struct hsm_pair_ref *ref,
                             struct hsm_pair *installed, struct err *err)
{
    struct hsm_key ferry = HSM_KEY_NONE;
    struct hsm_public sent;
    struct buf blob;
    bool ok = false;
    buf_init(&blob, HSM_TRAVEL_PAIR_MAX);
    hsm_public_of_pair(pair, &sent);
    if (!check_ref(t, &ref->key, err) || !board(t, pair, &ferry, &blob, err)) goto out;
    const struct arrival a = {&ferry, blob.data, blob.len};
    ok = arrive(t, &a, ref, &sent, installed, err);
out:
    hsm_key_destroy(t, &ferry);
    buf_release(&blob);
    if (ok)
        hsm_pair_destroy(t, pair);
    else
        err_prefix(err, "install key pair '%s'", ref->key.name);
    return ok;
}

static bool receive(struct hsm_token *t, const struct hsm_travel_blob *blob, const struct hsm_pair_ref *ref,
                    struct hsm_pair *installed, struct err *err)
{
    const struct arrival a = {blob->transport, blob->data, blob->len};
    if (!check_ref(t, &ref->key, err)) return false;
    if (blob->method != HSM_TRAVEL_KWP)
        return err_set(err, ERR_CONFIG, "a pair travels under a transport key alone");
    if (blob->len % 8 != 0 || blob->len <= ref->bits / 8 || blob->len > HSM_TRAVEL_PAIR_MAX)
        return err_set(err, ERR_INPUT, "%zu bytes are no wrapped pair of %u bits", blob->len, ref->bits);
    return arrive(t, &a, ref, NULL, installed, err);
}

bool hsm_travel_pair_receive(struct hsm_token *t, const struct hsm_travel_blob *blob,
                             const struct hsm_pair_ref *ref, struct hsm_pair *installed, struct err *err)
{
    if (receive(t, blob, ref, installed, err)) return true;
    err_prefix(err, "receive key pair '%s'", ref->key.name);
    return false;
}
