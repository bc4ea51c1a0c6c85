/* hsm/examine/rsa.c - RSA pairs and signatures. In a row `number` is the size in bits, `other` the public exponent. */
#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

enum { SEED_KEK = 0x53 };

static bool read_public(struct examiner *x, const struct pair *pair, struct blob *n, struct blob *e,
                        struct err *err)
{
    return examine_read(x, &pair->public_key, CKA_MODULUS, n->data, sizeof n->data, &n->len, err) &&
           examine_read(x, &pair->public_key, CKA_PUBLIC_EXPONENT, e->data, sizeof e->data, &e->len, err);
}

/* Exactly as many bits as asked for, and the exponent asked for. */
static bool generates(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct pair pair;
    struct blob n, e;
    if (!examine_pair(x, (unsigned)with->number, with->other, CKA_SIGN, &pair, err) ||
        !read_public(x, &pair, &n, &e, err))
        return false;
    struct cur c = cur_make(n.data, n.len, 0);
    while (cur_left(&c) > 0 && c.data[c.pos] == 0)
        c.pos++;
    if (cur_left(&c) != with->number / 8 || !(c.data[c.pos] & 0x80))
        return examine_unsafe(x, err, "a modulus of another length, %zu bytes", cur_left(&c));
    if (e.len > 8 || bytes_be(e.data, e.len) != with->other)
        return examine_unsafe(x, err, "another public exponent than asked for");
    return true;
}

static bool signs_raw(struct examiner *x, const struct pair *pair, const struct blob *n, const struct blob *e,
                      struct err *err)
{
    struct blob block = {{0, 1, 2, 3}, n->len}, signature, back;
    for (size_t i = 4; i < block.len; i++)
        block.data[i] = (uint8_t)i;
    if (!hsm_sign_once(x->t, CKM_RSA_X_509, pair->private_key.handle, block.data, block.len, signature.data,
                       sizeof signature.data, &signature.len, err) ||
        !reference_rsa_public(n, e, &signature, &back, err))
        return false;
    return bytes_equal(back.data, back.len, block.data, block.len) ||
           examine_unsafe(x, err, "the signature recovers to another block");
}

static bool raw(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct pair pair;
    struct blob n, e;
    return examine_pair(x, (unsigned)with->number, with->other, CKA_SIGN, &pair, err) &&
           read_public(x, &pair, &n, &e, err) && signs_raw(x, &pair, &n, &e, err);
}

static bool sha256_signature(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t text[] = "cardkeys doctor";
    struct pair pair;
    struct blob n, e, signature;
    return examine_pair(x, (unsigned)with->number, with->other, CKA_SIGN, &pair, err) &&
           read_public(x, &pair, &n, &e, err) &&
           hsm_sign_once(x->t, CKM_SHA256_RSA_PKCS, pair.private_key.handle, text, sizeof text,
                         signature.data, sizeof signature.data, &signature.len, err) &&
           reference_rsa_verify(&n, &e, text, sizeof text, &signature, err);
}

/* Leaves as PKCS#8 with all CRT parts; libcrypto's blob of it comes back as a key that signs. */
static bool travels(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_SIGN, CKA_SENSITIVE, CKA_EXTRACTABLE};
    struct pair pair, back;
    struct known kek;
    struct hsm_key opens;
    struct hsm_template tp;
    struct blob n, e, wrapped, plain;
    size_t der = 0;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err) ||
        !examine_known(x, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE, SEED_KEK, 0, &kek, err) ||
        !examine_again(x, &kek, PROBE_UNWRAP | PROBE_SENSITIVE, &opens, err))
        return false;
    if (!examine_pair(x, (unsigned)with->number, with->other, CKA_SIGN, &pair, err) ||
        !read_public(x, &pair, &n, &e, err) ||
        !examine_wrap(x, &m, &kek.key, &pair.private_key, &wrapped, err) ||
        !reference_kwp_open(kek.value, kek.len, &wrapped, &plain, err) ||
        !reference_check_pkcs8(&plain, &n, &e, &der, err))
        return false;
    size_t zeros = plain.len - der;
    if (zeros > 7 || !bytes_all(&plain.data[der], zeros, 0))
        return examine_unsafe(x, err, "%zu bytes behind the key", zeros);
    bool ok = reference_kwp(kek.value, kek.len, plain.data, der, &wrapped, err);
    wipe(plain.data, plain.len);
    hsm_template_init(&tp);
    hsm_template_number(&tp, CKA_CLASS, CKO_PRIVATE_KEY);
    hsm_template_number(&tp, CKA_KEY_TYPE, CKK_RSA);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        hsm_template_bool(&tp, yes[i], true);
    hsm_template_bool(&tp, CKA_TOKEN, false);
    hsm_template_bool(&tp, CKA_PRIVATE, false);
    back.public_key = pair.public_key;
    ok = ok && examine_unwrap(x, &m, &opens, &wrapped, &tp, HSM_RSA, &back.private_key, err) &&
         signs_raw(x, &back, &n, &e, err);
    return ok && (zeros == 0 || examine_remark(x, "leaves with up to 7 zeros behind it"));
}

#define P HSM_FOR_PREP
#define K HSM_FOR_CEREMONY
#define B HSM_FOR_BUREAU
#define GENERATE(bits, e, required, used, help)                                                              \
    {                                                                                                        \
        {"rsa-" #bits "-e" #e,                                                                               \
         "rsa",                                                                                              \
         required,                                                                                           \
         used,                                                                                               \
         (required) ? HSM_REQUIRED : HSM_OPTIONAL,                                                           \
         help,                                                                                               \
         "another size or exponent, or a card-key token of its own"},                                        \
            generates,                                                                                       \
        {                                                                                                    \
            0, HSM_RSA, HSM_RSA, bits, e                                                                     \
        }                                                                                                    \
    }
#define TRAVEL(bits)                                                                                         \
    {                                                                                                        \
        {"kwp-rsa-" #bits,                                                                                   \
         "rsa",                                                                                              \
         0,                                                                                                  \
         P | B,                                                                                              \
         HSM_OPTIONAL,                                                                                       \
         "RFC 5649, RSA private key, all CRT parts",                                                         \
         "no cards with key pairs of this size"},                                                            \
            travels,                                                                                         \
        {                                                                                                    \
            0, HSM_RSA, HSM_RSA, bits, 65537                                                                 \
        }                                                                                                    \
    }
/* clang-format off */
static const struct trial rows[] = {
    GENERATE(1024, 3, 0, P, "cards' key pairs"),
    GENERATE(1152, 3, 0, P, "cards' key pairs"),
    GENERATE(1408, 3, 0, P | K, "cards' and issuers' key pairs"),
    GENERATE(1984, 3, 0, P | K, "cards' and issuers' key pairs"),
    GENERATE(2048, 3, 0, K, "pairs of a TEST scheme"),
    GENERATE(1024, 65537, 0, P, "cards' key pairs"),
    GENERATE(1152, 65537, 0, P, "cards' key pairs"),
    GENERATE(1408, 65537, 0, P | K, "cards' and issuers' key pairs"),
    GENERATE(1984, 65537, 0, P | K, "cards' and issuers' key pairs"),
    GENERATE(2048, 65537, K, 0, "signing and key-exchange pairs"),
    {{"rsa-raw", "rsa", 0, P | K, HSM_OPTIONAL, "raw signatures: EMV certificates", "no EMV cards with certificates"}, raw, {0, HSM_RSA, HSM_RSA, 2048, 65537}},
    {{"rsa-sha256", "rsa", P | K, B, HSM_REQUIRED, "PKCS #1 with SHA-256: job signing, reports", "no way round: another token"}, sha256_signature, {0, HSM_RSA, HSM_RSA, 2048, 65537}},
    TRAVEL(1024),
    TRAVEL(1152),
    TRAVEL(1408),
    TRAVEL(1984),
    TRAVEL(2048),
};
/* clang-format on */

const struct trial *examine_rsa_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
