/* hsm/examine/wrap.c - secret keys in and out. In a row `key` is the key that travels, `by` the key that it travels
 * under, `number` the bytes of a GENERIC key. */
#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

enum { SEED_KEK = 0x53, SEED_KEY = 0x29 };

/* A wrapping key of known value, once to wrap and once to unwrap: few tokens like both on one key. */
struct kek {
    struct known wraps;
    struct hsm_key unwraps;
};

static bool make_kek(struct examiner *x, enum hsm_algorithm a, struct kek *kek, struct err *err)
{
    return examine_known(x, a, PROBE_WRAP | PROBE_SENSITIVE, SEED_KEK, 0, &kek->wraps, err) &&
           examine_again(x, &kek->wraps, PROBE_UNWRAP | PROBE_SENSITIVE, &kek->unwraps, err);
}

static unsigned passing(enum hsm_algorithm a)
{
    return PROBE_SENSITIVE | PROBE_EXTRACTABLE | (a == HSM_GENERIC ? 0 : PROBE_ENCRYPT);
}

/* Unwraps `wrapped` and proves the value. */
static bool comes_back(struct examiner *x, CK_MECHANISM *m, const struct kek *kek, const struct blob *wrapped,
                       const struct known *due, struct err *err)
{
    struct hsm_template tp;
    struct hsm_key key;
    enum hsm_algorithm a = due->key.algorithm;
    examine_template(&tp, a, HSM_UNWRAPPED, 0,
                     a == HSM_GENERIC ? PROBE_EXTRACTABLE
                                      : PROBE_ENCRYPT | PROBE_SENSITIVE | PROBE_EXTRACTABLE);
    return examine_unwrap(x, m, &kek->unwraps, wrapped, &tp, a, &key, err) &&
           examine_is(x, &key, due->value, due->len, err);
}

static bool kwp(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct kek kek;
    struct known key;
    struct blob is, due;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err) || !make_kek(x, with->by, &kek, err) ||
        !examine_known(x, with->key, passing(with->key), SEED_KEY, 0, &key, err))
        return false;
    if (!examine_wrap(x, &m, &kek.wraps.key, &key.key, &is, err) ||
        !reference_kwp(kek.wraps.value, kek.wraps.len, key.value, key.len, &due, err))
        return false;
    if (!bytes_equal(is.data, is.len, due.data, due.len))
        return examine_unsafe(x, err, "other bytes than RFC 5649 gives (%zu)", is.len);
    return comes_back(x, &m, &kek, &due, &key, err);
}

/* A key whose length is no multiple of 8: soft tokens put zeros behind it first. */
static bool kwp_odd(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct kek kek;
    struct known key;
    struct blob is, plain, due;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err) || !make_kek(x, with->by, &kek, err) ||
        !examine_known(x, HSM_GENERIC, passing(HSM_GENERIC), SEED_KEY, with->number, &key, err))
        return false;
    if (!examine_wrap(x, &m, &kek.wraps.key, &key.key, &is, err) ||
        !reference_kwp_open(kek.wraps.value, kek.wraps.len, &is, &plain, err) ||
        !reference_kwp(kek.wraps.value, kek.wraps.len, key.value, key.len, &due, err) ||
        !comes_back(x, &m, &kek, &due, &key, err))
        return false;
    bool begins = plain.len >= key.len && bytes_equal(plain.data, key.len, key.value, key.len);
    if (!begins || plain.len > (key.len + 7) / 8 * 8 ||
        !bytes_all(&plain.data[key.len], plain.len - key.len, 0))
        return examine_unsafe(x, err, "wraps another value of %zu bytes", plain.len);
    return plain.len == key.len || examine_remark(x, "leaves with zeros behind it, %zu bytes", plain.len);
}

/* RFC 5649 section 6: 20 and 7 bytes under a 192-bit key. */
static bool kwp_answers(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t kek_value[24] = {0x58, 0x40, 0xDF, 0x6E, 0x29, 0xB0, 0x2A, 0xF1,
                                          0xAB, 0x49, 0x3B, 0x70, 0x5B, 0xF1, 0x6E, 0xA1,
                                          0xAE, 0x83, 0x38, 0xF4, 0xDC, 0xC1, 0x76, 0xA8};
    static const struct blob wrapped[] = {
        {{0x13, 0x8B, 0xDE, 0xAA, 0x9B, 0x8F, 0xA7, 0xFC, 0x61, 0xF9, 0x77, 0x42, 0xE7, 0x22, 0x48, 0xEE,
          0x5A, 0xE6, 0xAE, 0x53, 0x60, 0xD1, 0xAE, 0x6A, 0x5F, 0x54, 0xF3, 0x73, 0xFA, 0x54, 0x3B, 0x6A},
         32},
        {{0xAF, 0xBE, 0xB0, 0xF0, 0x7D, 0xFB, 0xF5, 0x41, 0x92, 0x00, 0xF2, 0xCC, 0xB5, 0x0B, 0xB2, 0x4F},
         16}};
    static const struct known plain[] = {{{0, HSM_GENERIC},
                                          {0xC3, 0x7B, 0x7E, 0x64, 0x92, 0x58, 0x43, 0x40, 0xBE, 0xD1,
                                           0x22, 0x07, 0x80, 0x89, 0x41, 0x15, 0x50, 0x68, 0xF7, 0x38},
                                          20},
                                         {{0, HSM_GENERIC}, {0x46, 0x6F, 0x72, 0x50, 0x61, 0x73, 0x69}, 7}};
    struct hsm_template tp;
    struct kek kek;
    CK_MECHANISM m;
    (void)with;
    examine_template(&tp, HSM_AES192, HSM_CREATED, 0, PROBE_UNWRAP | PROBE_SENSITIVE);
    if (!examine_kwp(x, &m, err) ||
        !examine_create(x, &tp, HSM_AES192, kek_value, sizeof kek_value, &kek.unwraps, err))
        return false;
    return comes_back(x, &m, &kek, &wrapped[0], &plain[0], err) &&
           comes_back(x, &m, &kek, &wrapped[1], &plain[1], err);
}

static bool kwp_changed(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct kek kek;
    struct hsm_template tp;
    struct blob wrapped;
    CK_MECHANISM m;
    CK_OBJECT_HANDLE handle = 0;
    uint8_t value[16] = {7};
    if (!examine_kwp(x, &m, err)) return examine_skip(x, err, "without RFC 5649");
    if (!make_kek(x, with->by, &kek, err) ||
        !reference_kwp(kek.wraps.value, kek.wraps.len, value, sizeof value, &wrapped, err))
        return false;
    wrapped.data[5] ^= 1;
    examine_template(&tp, HSM_AES128, HSM_UNWRAPPED, 0, PROBE_SENSITIVE);
    CK_RV rv = x->t->fn->C_UnwrapKey(x->t->session, &m, kek.unwraps.handle, wrapped.data, wrapped.len,
                                     tp.attr, tp.count, &handle);
    if (rv == CKR_OK) examine_keep(x, handle);
    return examine_must_refuse(x, "C_UnwrapKey", rv, "a changed blob unwraps", err);
}

/* Without padding, ECB or CBC, by the cipher of `by`: equal to encrypting the value. */
static bool wraps_plainly(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    bool cbc = with->mechanism == CKM_AES_CBC || with->mechanism == CKM_DES3_CBC;
    CK_MECHANISM m = {with->mechanism, cbc ? hsm_bytes(iv) : NULL,
                      !cbc                             ? 0
                      : hsm_algorithm_is_aes(with->by) ? 16
                                                       : 8};
    struct known kek, key;
    struct blob is;
    uint8_t due[EXAMINE_KEY_MAX];
    if (!examine_known(x, with->by, PROBE_WRAP | PROBE_SENSITIVE, SEED_KEK, 0, &kek, err) ||
        !examine_known(x, with->key, passing(with->key), SEED_KEY, 0, &key, err) ||
        !examine_wrap(x, &m, &kek.key, &key.key, &is, err))
        return false;
    if (key.len % (hsm_algorithm_is_aes(with->by) ? 16 : 8) != 0) /* no definition to compare with */
        return examine_remark(x, "not a whole number of blocks, %zu bytes come out", is.len);
    return reference_encrypt(with->by, kek.value, cbc ? iv : NULL, key.value, key.len, due, err) &&
           (bytes_equal(is.data, is.len, due, key.len) ||
            examine_unsafe(x, err, "other bytes than the cipher gives (%zu)", is.len));
}

static bool unwraps_plainly(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    bool cbc = with->mechanism == CKM_AES_CBC || with->mechanism == CKM_DES3_CBC;
    CK_MECHANISM m = {with->mechanism, cbc ? hsm_bytes(iv) : NULL,
                      !cbc                             ? 0
                      : hsm_algorithm_is_aes(with->by) ? 16
                                                       : 8};
    struct kek kek;
    struct known key;
    struct blob wrapped = {.len = hsm_algorithm_len(with->key)};
    return make_kek(x, with->by, &kek, err) &&
           examine_known(x, with->key, passing(with->key), SEED_KEY, 0, &key, err) &&
           reference_encrypt(with->by, kek.wraps.value, cbc ? iv : NULL, key.value, key.len, wrapped.data,
                             err) &&
           comes_back(x, &m, &kek, &wrapped, &key, err);
}

/* CBC with PKCS padding, there and back. */
static bool wraps_padded(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    CK_MECHANISM m = {with->mechanism, hsm_bytes(iv), hsm_algorithm_is_aes(with->by) ? 16 : 8};
    struct kek kek;
    struct known key;
    struct blob wrapped;
    return make_kek(x, with->by, &kek, err) &&
           examine_known(x, with->key, passing(with->key), SEED_KEY, 0, &key, err) &&
           examine_wrap(x, &m, &kek.wraps.key, &key.key, &wrapped, err) &&
           comes_back(x, &m, &kek, &wrapped, &key, err);
}

/* libcrypto encrypts for the token's pair, the token unwraps; then the token wraps and unwraps. `number`: SHA-256? */
static bool oaep(struct examiner *x, const struct trial_case *with, struct err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS parameter = {with->number ? CKM_SHA256 : CKM_SHA_1,
                                         with->number ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED,
                                         NULL, 0};
    CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &parameter, sizeof parameter};
    struct pair pair;
    struct known key;
    struct blob n, e, wrapped;
    if (!examine_pair(x, 2048, 65537, CKA_UNWRAP, &pair, err) ||
        !examine_read(x, &pair.public_key, CKA_MODULUS, n.data, sizeof n.data, &n.len, err) ||
        !examine_read(x, &pair.public_key, CKA_PUBLIC_EXPONENT, e.data, sizeof e.data, &e.len, err) ||
        !examine_known(x, with->key, passing(with->key), SEED_KEY, 0, &key, err))
        return false;
    struct kek kek = {.unwraps = pair.private_key};
    return reference_oaep(&n, &e, with->number != 0, key.value, key.len, &wrapped, err) &&
           comes_back(x, &m, &kek, &wrapped, &key, err) &&
           examine_wrap(x, &m, &pair.public_key, &key.key, &wrapped, err) &&
           comes_back(x, &m, &kek, &wrapped, &key, err);
}

/* Two components of a key: the base in the token, the other as data. */
static bool xors(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t data[16], due[16];
    CK_KEY_DERIVATION_STRING_DATA parameter = {data, sizeof data};
    CK_MECHANISM m = {CKM_XOR_BASE_AND_DATA, &parameter, sizeof parameter};
    struct hsm_template tp;
    struct known base;
    struct hsm_key key;
    if (!examine_known(x, with->key, PROBE_DERIVE | PROBE_SENSITIVE, SEED_KEY, 0, &base, err)) return false;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(0xC3 ^ (17 * i));
        due[i] = base.value[i] ^ data[i];
    }
    examine_template(&tp, with->key, HSM_DERIVED, 0, PROBE_ENCRYPT | PROBE_SENSITIVE);
    return examine_derive(x, &m, &base.key, &tp, with->key, &key, err) &&
           examine_is(x, &key, due, sizeof due, err);
}

/* The template with which a key that has travelled comes to stay. MODIFIABLE=false stands last. */
static bool unwrap_for_good(struct examiner *x, const struct hsm_key *by, const struct blob *wrapped,
                            bool forever, struct hsm_key *out, struct err *err)
{
    struct hsm_template tp;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err)) return false;
    examine_template(&tp, HSM_AES256, HSM_UNWRAPPED, 0, PROBE_SIGN | PROBE_SENSITIVE);
    if (x->t->profile.takes_copyable) hsm_template_bool(&tp, CKA_COPYABLE, false);
    if (forever) hsm_template_bool(&tp, CKA_DESTROYABLE, false);
    hsm_template_bool(&tp, CKA_MODIFIABLE, false);
    return examine_unwrap(x, &m, by, wrapped, &tp, HSM_AES256, out, err);
}

/* Is it the same key, and can it not be wrapped again? */
static bool stays(struct examiner *x, const struct hsm_key *key, const struct hsm_key *last,
                  const struct hsm_key *partner, struct err *err)
{
    uint8_t a[16], b[16], text[16] = {1};
    struct blob wrapped;
    struct err refused = ERR_INIT;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err) || !hsm_cmac(x->t, key, text, sizeof text, a, err) ||
        !hsm_cmac(x->t, last, text, sizeof text, b, err))
        return false;
    if (!bytes_equal(a, sizeof a, b, sizeof b)) return examine_unsafe(x, err, "another key comes back");
    if (examine_wrap(x, &m, partner, last, &wrapped, &refused))
        return examine_unsafe(x, err, "the key on the token can be wrapped again");
    return true;
}

/* A key that must travel: made in the session, wrapped for the partner, then unwrapped for good under a key that nobody
 * has (here not onto the token, so that nothing stays; the rest of the template is what the token would get). */
static bool export_once_inside(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct hsm_key partner, ephemeral, key, last;
    struct blob wrapped, own;
    struct err refused = ERR_INIT;
    CK_MECHANISM m;
    (void)with;
    if (!examine_kwp(x, &m, err) ||
        !examine_random_key(x, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE, &partner, err) ||
        !examine_random_key(x, HSM_AES256, PROBE_WRAP | PROBE_UNWRAP | PROBE_SENSITIVE, &ephemeral, err) ||
        !examine_random_key(x, HSM_AES256, PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err))
        return false;
    if (!examine_wrap(x, &m, &partner, &key, &wrapped, err) ||
        !examine_wrap(x, &m, &ephemeral, &key, &own, err))
        return false;
    bool forever = unwrap_for_good(x, &ephemeral, &own, true, &last, &refused);
    if (!forever && !unwrap_for_good(x, &ephemeral, &own, false, &last, err)) return false;
    return stays(x, &key, &last, &partner, err) &&
           (forever || examine_remark(x, "not with DESTROYABLE=false"));
}

static bool export_once(struct examiner *x, const struct trial_case *with, struct err *err)
{
    return examine_in_own_session(x, with, export_once_inside, err);
}

#define P             HSM_FOR_PREP
#define K             HSM_FOR_CEREMONY
#define B             HSM_FOR_BUREAU
#define NO_WAY        "no way round: another token"
#define NOBODY        "(nothing here needs it)"
#define OTHER_KEYS    "use key kinds that it wraps"
#define OTHER_PROFILE "let the profile use RFC 5649"
#define TRANSLATED    "cards keep working: the bureau translates in memory"
/* clang-format off */
static const struct trial rows[] = {
    {{"kwp-des2", "wrap", P | B, 0, HSM_REQUIRED, "RFC 5649, DES2: cards' TDES keys", NO_WAY}, kwp, {0, HSM_AES256, HSM_DES2, 0, 0}},
    {{"kwp-des3", "wrap", 0, P | B, HSM_OPTIONAL, "RFC 5649, DES3", OTHER_KEYS}, kwp, {0, HSM_AES256, HSM_DES3, 0, 0}},
    {{"kwp-aes128", "wrap", P | B, 0, HSM_REQUIRED, "RFC 5649, AES-128: cards' AES keys", NO_WAY}, kwp, {0, HSM_AES256, HSM_AES128, 0, 0}},
    {{"kwp-aes192", "wrap", 0, P | B, HSM_OPTIONAL, "RFC 5649, AES-192", OTHER_KEYS}, kwp, {0, HSM_AES256, HSM_AES192, 0, 0}},
    {{"kwp-aes256", "wrap", P | K | B, 0, HSM_REQUIRED, "RFC 5649, AES-256: MAC keys, keys handed over", NO_WAY}, kwp, {0, HSM_AES256, HSM_AES256, 0, 0}},
    {{"kwp-generic-5", "wrap", 0, B, HSM_OPTIONAL, "RFC 5649, 5 bytes", NULL}, kwp_odd, {0, HSM_AES256, HSM_GENERIC, 5, 0}},
    {{"kwp-generic-13", "wrap", 0, B, HSM_OPTIONAL, "RFC 5649, 13 bytes", NULL}, kwp_odd, {0, HSM_AES256, HSM_GENERIC, 13, 0}},
    {{"kwp-generic-20", "wrap", 0, B, HSM_OPTIONAL, "RFC 5649, 20 bytes", NULL}, kwp_odd, {0, HSM_AES256, HSM_GENERIC, 20, 0}},
    {{"kwp-known-answers", "wrap", 0, K | B, HSM_OPTIONAL, "unwraps the examples of RFC 5649", "see kwp-generic-5"}, kwp_answers, {0, HSM_AES192, HSM_GENERIC, 0, 0}},
    {{"kwp-changed", "wrap", 0, K | B, HSM_SAFETY, "refuses a wrapped key with one bit changed", "do not unwrap on this token"}, kwp_changed, {0, HSM_AES256, HSM_AES128, 0, 0}},
    {{"oaep-sha1", "wrap", 0, K, HSM_OPTIONAL, "RSA-OAEP, SHA-1: key exchange without paper", "bring transport keys as components"}, oaep, {0, HSM_RSA, HSM_AES256, 0, 0}},
    {{"oaep-sha256", "wrap", 0, K, HSM_OPTIONAL, "RSA-OAEP, SHA-256", "use SHA-1 in OAEP, or components"}, oaep, {0, HSM_RSA, HSM_AES256, 1, 0}},
    {{"export-once", "wrap", 0, K, HSM_OPTIONAL, "a key leaves wrapped once, then never again", "bring the key to both sides as components"}, export_once, {0, HSM_AES256, HSM_AES256, 0, 0}},
    {{"components-xor", "wrap", 0, K, HSM_OPTIONAL, "combines key components inside the token", "the ceremony combines them in locked memory"}, xors, {0, HSM_AES128, HSM_AES128, 0, 0}},
    {{"wrap-tdes-ecb-des2", "wrap", 0, P | B, HSM_OPTIONAL, "method 11; DES2 under an SCP02 data key", OTHER_PROFILE "; " TRANSLATED}, wraps_plainly, {CKM_DES3_ECB, HSM_DES2, HSM_DES2, 0, 0}},
    {{"wrap-tdes-ecb-des3", "wrap", 0, P | B, HSM_OPTIONAL, "method 11; DES3 under an SCP02 data key", OTHER_PROFILE "; " TRANSLATED}, wraps_plainly, {CKM_DES3_ECB, HSM_DES2, HSM_DES3, 0, 0}},
    {{"wrap-tdes-ecb-aes128", "wrap", 0, P, HSM_OPTIONAL, "method 11, AES-128", OTHER_PROFILE}, wraps_plainly, {CKM_DES3_ECB, HSM_DES3, HSM_AES128, 0, 0}},
    {{"wrap-tdes-cbc-des2", "wrap", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, wraps_plainly, {CKM_DES3_CBC, HSM_DES3, HSM_DES2, 0, 0}},
    {{"wrap-aes-cbc-des2", "wrap", 0, P | B, HSM_OPTIONAL, "method 12; DES2 under an SCP03 data key", OTHER_PROFILE "; " TRANSLATED}, wraps_plainly, {CKM_AES_CBC, HSM_AES128, HSM_DES2, 0, 0}},
    {{"wrap-aes-cbc-aes128", "wrap", 0, P | B, HSM_OPTIONAL, "method 12; AES-128 under an SCP03 data key", OTHER_PROFILE "; " TRANSLATED}, wraps_plainly, {CKM_AES_CBC, HSM_AES128, HSM_AES128, 0, 0}},
    {{"wrap-aes-cbc-aes192", "wrap", 0, 0, HSM_OPTIONAL, "24 bytes without padding " NOBODY, NULL}, wraps_plainly, {CKM_AES_CBC, HSM_AES128, HSM_AES192, 0, 0}},
    {{"wrap-aes-cbc-aes256", "wrap", 0, P | B, HSM_OPTIONAL, "method 12; AES-256 under an SCP03 data key", OTHER_PROFILE "; " TRANSLATED}, wraps_plainly, {CKM_AES_CBC, HSM_AES256, HSM_AES256, 0, 0}},
    {{"unwrap-tdes-ecb-des2", "wrap", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, unwraps_plainly, {CKM_DES3_ECB, HSM_DES2, HSM_DES2, 0, 0}},
    {{"unwrap-aes-cbc-aes128", "wrap", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, unwraps_plainly, {CKM_AES_CBC, HSM_AES128, HSM_AES128, 0, 0}},
    {{"wrap-aes-cbc-pad", "wrap", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, wraps_padded, {CKM_AES_CBC_PAD, HSM_AES256, HSM_AES128, 0, 0}},
    {{"wrap-tdes-cbc-pad", "wrap", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, wraps_padded, {CKM_DES3_CBC_PAD, HSM_DES3, HSM_DES3, 0, 0}},
};
/* clang-format on */

const struct trial *examine_wrap_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
