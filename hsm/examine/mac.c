/* hsm/examine/mac.c - ciphers, MACs and random numbers. In a row `key` is the key, `mechanism` the MAC, `number` says
 * whether a cipher is tried with an IV (CBC). */
#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

enum { SEED_KEY = 0x67, TEXT_LEN = 48 };

static void fill(uint8_t text[TEXT_LEN])
{
    for (size_t i = 0; i < TEXT_LEN; i++)
        text[i] = (uint8_t)(3 * i + 1);
}

static bool encrypts(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t iv[16] = {0xF0, 0xE1, 0xD2};
    uint8_t text[TEXT_LEN], is[TEXT_LEN], due[TEXT_LEN];
    struct known key;
    fill(text);
    return examine_known(x, with->key, PROBE_ENCRYPT | PROBE_SENSITIVE, SEED_KEY, 0, &key, err) &&
           examine_encrypt(x, &key.key, with->number ? iv : NULL, text, sizeof text, is, err) &&
           reference_encrypt(with->key, key.value, with->number ? iv : NULL, text, sizeof text, due, err) &&
           (bytes_equal(is, sizeof is, due, sizeof due) || examine_unsafe(x, err, "another ciphertext"));
}

static bool cmac(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const size_t lengths[] = {16, 23, TEXT_LEN}; /* whole blocks, and not */
    uint8_t text[TEXT_LEN], is[16], due[16];
    size_t len = 0, due_len = hsm_algorithm_is_aes(with->key) ? 16 : 8;
    struct known key;
    fill(text);
    if (!examine_known(x, with->key, PROBE_SIGN | PROBE_SENSITIVE, SEED_KEY, 0, &key, err)) return false;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (!hsm_sign_once(x->t, with->mechanism, key.key.handle, text, lengths[i], is, sizeof is, &len,
                           err) ||
            !reference_cmac(with->key, key.value, text, lengths[i], due, err))
            return false;
        if (!bytes_equal(is, len, due, due_len)) return examine_unsafe(x, err, "another MAC than CMAC");
    }
    return true;
}

static bool hmac(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t text[TEXT_LEN], is[32], due[32];
    size_t len = 0;
    struct known key;
    fill(text);
    return examine_known(x, with->key, PROBE_SIGN | PROBE_SENSITIVE, SEED_KEY, 32, &key, err) &&
           hsm_sign_once(x->t, with->mechanism, key.key.handle, text, sizeof text, is, sizeof is, &len,
                         err) &&
           reference_hmac_sha256(key.value, key.len, text, sizeof text, due, err) &&
           (bytes_equal(is, len, due, sizeof due) || examine_unsafe(x, err, "another MAC than HMAC"));
}

/* Says nothing about quality; only that two answers are no constant. */
static bool random_bytes(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t a[32], b[32];
    (void)with;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    return hsm_random(x->t, a, sizeof a, err) && hsm_random(x->t, b, sizeof b, err) &&
           (!bytes_equal(a, sizeof a, b, sizeof b) || examine_unsafe(x, err, "the same numbers twice"));
}

#define P           HSM_FOR_PREP
#define K           HSM_FOR_CEREMONY
#define B           HSM_FOR_BUREAU
#define NO_WAY      "no way round: another token"
#define ONLY(cards) "no cards with " cards
#define NOBODY      "(nothing here needs it)"
/* clang-format off */
static const struct trial rows[] = {
    {{"encrypt-tdes-ecb", "mac", P | B, 0, HSM_REQUIRED, "check values of TDES keys; SCP02", NO_WAY}, encrypts, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"encrypt-tdes-cbc", "mac", B, 0, HSM_REQUIRED, "SCP02: cryptograms, MACs, encryption", ONLY("SCP02")}, encrypts, {0, HSM_DES2, HSM_DES2, 1, 0}},
    {{"encrypt-aes-ecb", "mac", B, P, HSM_REQUIRED, "check values on cards; SCP03", NO_WAY}, encrypts, {0, HSM_AES128, HSM_AES128, 0, 0}},
    {{"encrypt-aes-cbc", "mac", B, 0, HSM_REQUIRED, "SCP03: encryption", ONLY("SCP03")}, encrypts, {0, HSM_AES256, HSM_AES256, 1, 0}},
    {{"cmac-aes128", "mac", P | K | B, 0, HSM_REQUIRED, "check values of AES keys; SCP03", NO_WAY}, cmac, {CKM_AES_CMAC, HSM_AES128, HSM_AES128, 0, 0}},
    {{"cmac-aes192", "mac", 0, P | B, HSM_OPTIONAL, "the same, 192-bit keys", ONLY("AES-192")}, cmac, {CKM_AES_CMAC, HSM_AES192, HSM_AES192, 0, 0}},
    {{"cmac-aes256", "mac", P | K | B, 0, HSM_REQUIRED, "MACs of records; check values of KEKs", NO_WAY}, cmac, {CKM_AES_CMAC, HSM_AES256, HSM_AES256, 0, 0}},
    {{"cmac-des2", "mac", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, cmac, {CKM_DES3_CMAC, HSM_DES2, HSM_DES2, 0, 0}},
    {{"cmac-des3", "mac", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, cmac, {CKM_DES3_CMAC, HSM_DES3, HSM_DES3, 0, 0}},
    {{"hmac-sha256", "mac", 0, 0, HSM_OPTIONAL, NOBODY, NULL}, hmac, {CKM_SHA256_HMAC, HSM_GENERIC, HSM_GENERIC, 0, 0}},
    {{"random", "mac", P | K | B, 0, HSM_REQUIRED, "random numbers: job ids, components, challenges", NO_WAY}, random_bytes, {0, HSM_GENERIC, HSM_GENERIC, 0, 0}},
};
/* clang-format on */

const struct trial *examine_mac_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
