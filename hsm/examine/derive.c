/* hsm/examine/derive.c - keys derived from master keys. In a row `by` is the master, `key` the result, `mechanism` the
 * derivation, `number` the bytes of data where a trial needs that. */
#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

enum { DATA_MAX = 48, SEED_MASTER = 0x11, SEED_KEK = 0x53 };

static const uint8_t some_iv[16] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE, 1, 2, 3, 4, 5, 6, 7, 8};

/* Uses with which a derived key's value can be proved. */
static unsigned provable(enum hsm_algorithm a)
{
    return a == HSM_GENERIC ? PROBE_EXTRACTABLE : PROBE_ENCRYPT | PROBE_SENSITIVE | PROBE_EXTRACTABLE;
}

/* Derives over `data` and compares with the cipher's output. */
static bool prove(struct examiner *x, const struct known *master, const uint8_t *iv, const uint8_t *data,
                  size_t len, enum hsm_algorithm a, struct err *err)
{
    uint8_t due[DATA_MAX];
    struct hsm_key key;
    size_t due_len = a == HSM_GENERIC ? PROBE_GENERIC_LEN : hsm_algorithm_len(a);
    return reference_encrypt(master->key.algorithm, master->value, iv, data, len, due, err) &&
           examine_derive_data(x, &(struct over){master, iv, data, len}, a, provable(a), &key, err) &&
           examine_is(x, &key, due, due_len, err);
}

static bool derives(struct examiner *x, const struct trial_case *with, struct err *err)
{
    bool aes = hsm_algorithm_is_aes(with->by);
    size_t len = with->key == HSM_GENERIC ? PROBE_GENERIC_LEN : hsm_algorithm_len(with->key);
    size_t block = aes ? 16 : 8;
    bool cbc = with->mechanism == CKM_DES3_CBC_ENCRYPT_DATA || with->mechanism == CKM_AES_CBC_ENCRYPT_DATA;
    uint8_t data[DATA_MAX];
    struct known master;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(0xA0 + 7 * i);
    len = (len + block - 1) / block * block;
    return examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, SEED_MASTER, 0, &master, err) &&
           prove(x, &master, cbc ? some_iv : NULL, data, len, with->key, err);
}

/* A block and its complement behind it: `complement` and `emv-c`. */
static bool complements(struct examiner *x, const struct trial_case *with, struct err *err)
{
    size_t half = hsm_algorithm_is_aes(with->by) ? 16 : 8;
    uint8_t data[32];
    struct known master;
    for (size_t i = 0; i < half; i++) {
        data[i] = (uint8_t)(0x45 + 13 * i);
        data[half + i] = data[i] ^ 0xFF;
    }
    return examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, SEED_MASTER, 0, &master, err) &&
           prove(x, &master, NULL, data, 2 * half, with->key, err);
}

/* kmc-cps: six bytes, F0 or 0F, the key's number; three keys. */
static bool kmc_cps(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known master;
    uint8_t data[16] = {0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xF0, 0,
                        0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0x0F, 0};
    bool ok = examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, SEED_MASTER, 0, &master, err);
    for (uint8_t n = 1; ok && n <= 3; n++) {
        data[7] = n;
        data[15] = n;
        ok = prove(x, &master, NULL, data, sizeof data, with->key, err);
    }
    return ok;
}

/* L = ECB(master)[zeros], read from the token: a check-value derivation. */
static bool read_l(struct examiner *x, const struct known *master, uint8_t l[16], struct err *err)
{
    uint8_t due[16];
    static const uint8_t zeros[16];
    if (!hsm_derive_check(x->t, &master->key, zeros, l, 16, err)) return false;
    if (!reference_encrypt(master->key.algorithm, master->value, NULL, zeros, 16, due, err)) return false;
    return bytes_equal(l, 16, due, 16) || examine_unsafe(x, err, "another value of the zero block");
}

/* kmc-aes: CMAC of one whole block is ECB over the block XOR K1, so that KMC needs DERIVE alone. */
static bool kmc_aes(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known master;
    struct hsm_key key;
    uint8_t l[16], k1[16], data[32], due[32];
    size_t len = hsm_algorithm_len(with->key), blocks = (len + 15) / 16;
    if (!examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, SEED_MASTER, 0, &master, err))
        return false;
    if (!read_l(x, &master, l, err)) return false;
    hsm_cmac_double(l, k1, 16);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t block[16] = {(uint8_t)(b + 1), 0, 0, 0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        if (!reference_cmac(with->by, master.value, block, sizeof block, &due[16 * b], err)) return false;
        for (size_t i = 0; i < sizeof block; i++)
            data[16 * b + i] = block[i] ^ k1[i];
    }
    return examine_derive_data(x, &(struct over){&master, NULL, data, 16 * blocks}, with->key,
                               provable(with->key), &key, err) &&
           examine_is(x, &key, due, len, err);
}

/* The check value of a key that may only derive, as hsm/kcv.c takes it. */
static bool check_value(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known master;
    uint8_t is[HSM_KCV_MAX], due[16], zeros[16] = {0};
    size_t len = 0;
    if (!examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, SEED_MASTER, 0, &master, err))
        return false;
    if (!hsm_kcv(x->t, &master.key, HSM_ROLE_MASTER, is, &len, err)) return false;
    bool ok = hsm_algorithm_is_aes(with->by)
                  ? reference_cmac(with->by, master.value, zeros, 16, due, err)
                  : reference_encrypt(with->by, master.value, NULL, zeros, 8, due, err);
    if (!ok) return false;
    return bytes_equal(is, len, due, len) ||
           examine_unsafe(x, err, "another check value than the definition's");
}

/* Odd parity on what leaves the token: derived inside, wrapped, opened by libcrypto. */
static bool des_parity(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t data[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct known master, kek;
    struct hsm_key key;
    struct blob wrapped, plain;
    CK_MECHANISM m;
    if (!examine_kwp(x, &m, err)) return false;
    if (!examine_known(x, with->by, PROBE_DERIVE | PROBE_SENSITIVE, SEED_MASTER, 0, &master, err) ||
        !examine_known(x, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE, SEED_KEK, 0, &kek, err))
        return false;
    if (!examine_derive_data(x, &(struct over){&master, NULL, data, sizeof data}, with->key,
                             provable(with->key), &key, err) ||
        !examine_wrap(x, &m, &kek.key, &key, &wrapped, err) ||
        !reference_kwp_open(kek.value, kek.len, &wrapped, &plain, err))
        return false;
    for (size_t i = 0; i < plain.len; i++) {
        if (__builtin_parity(plain.data[i]) == 0)
            return examine_unsafe(x, err, "derived DES keys keep their parity as it falls");
    }
    return true;
}

#define P               HSM_FOR_PREP
#define K               HSM_FOR_CEREMONY
#define B               HSM_FOR_BUREAU
#define ANOTHER_PROFILE "use another derivation in the profile, or another token"
#define ROW(cipher, mode, what, mechanism, by, key, required, used, help)                                    \
    {                                                                                                        \
        {"derive-" cipher "-" mode "-" what,       "derive", required,       used,                           \
         (required) ? HSM_REQUIRED : HSM_OPTIONAL, help,     ANOTHER_PROFILE},                               \
            derives,                                                                                         \
        {                                                                                                    \
            mechanism, by, key, 0, 0                                                                         \
        }                                                                                                    \
    }
#define NOBODY "(nothing here needs it)"
/* clang-format off */
static const struct trial rows[] = {
    ROW("tdes", "ecb", "des2", CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES2, HSM_DES2, P | B, 0, "card keys from TDES masters"),
    ROW("tdes", "ecb", "des3", CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES3, HSM_DES3, 0, P, "triple-length card keys (direct)"),
    ROW("tdes", "ecb", "aes128", CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES3, HSM_AES128, 0, 0, NOBODY),
    ROW("tdes", "ecb", "aes192", CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES3, HSM_AES192, 0, 0, NOBODY),
    ROW("tdes", "ecb", "aes256", CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES3, HSM_AES256, 0, 0, NOBODY),
    ROW("tdes", "ecb", "generic", CKM_DES3_ECB_ENCRYPT_DATA, HSM_DES2, HSM_GENERIC, 0, P | K, "check values of masters"),
    ROW("tdes", "cbc", "des2", CKM_DES3_CBC_ENCRYPT_DATA, HSM_DES2, HSM_DES2, B, 0, "SCP02 session keys"),
    ROW("tdes", "cbc", "des3", CKM_DES3_CBC_ENCRYPT_DATA, HSM_DES3, HSM_DES3, 0, 0, NOBODY),
    ROW("tdes", "cbc", "aes128", CKM_DES3_CBC_ENCRYPT_DATA, HSM_DES3, HSM_AES128, 0, 0, NOBODY),
    ROW("tdes", "cbc", "aes192", CKM_DES3_CBC_ENCRYPT_DATA, HSM_DES3, HSM_AES192, 0, 0, NOBODY),
    ROW("tdes", "cbc", "aes256", CKM_DES3_CBC_ENCRYPT_DATA, HSM_DES3, HSM_AES256, 0, 0, NOBODY),
    ROW("tdes", "cbc", "generic", CKM_DES3_CBC_ENCRYPT_DATA, HSM_DES3, HSM_GENERIC, 0, 0, NOBODY),
    ROW("aes", "ecb", "des2", CKM_AES_ECB_ENCRYPT_DATA, HSM_AES128, HSM_DES2, 0, P, "DES2 card keys from AES masters (direct)"),
    ROW("aes", "ecb", "des3", CKM_AES_ECB_ENCRYPT_DATA, HSM_AES128, HSM_DES3, 0, 0, NOBODY),
    ROW("aes", "ecb", "aes128", CKM_AES_ECB_ENCRYPT_DATA, HSM_AES128, HSM_AES128, P | B, 0, "card keys from AES masters, SCP03 session keys"),
    ROW("aes", "ecb", "aes192", CKM_AES_ECB_ENCRYPT_DATA, HSM_AES192, HSM_AES192, 0, P | B, "192-bit card keys and SCP03 session keys"),
    ROW("aes", "ecb", "aes256", CKM_AES_ECB_ENCRYPT_DATA, HSM_AES256, HSM_AES256, 0, P | B, "256-bit card keys and SCP03 session keys"),
    ROW("aes", "ecb", "generic", CKM_AES_ECB_ENCRYPT_DATA, HSM_AES256, HSM_GENERIC, 0, P | K, "check values of masters"),
    ROW("aes", "cbc", "des2", CKM_AES_CBC_ENCRYPT_DATA, HSM_AES128, HSM_DES2, 0, 0, NOBODY),
    ROW("aes", "cbc", "des3", CKM_AES_CBC_ENCRYPT_DATA, HSM_AES128, HSM_DES3, 0, 0, NOBODY),
    ROW("aes", "cbc", "aes128", CKM_AES_CBC_ENCRYPT_DATA, HSM_AES128, HSM_AES128, 0, 0, NOBODY),
    ROW("aes", "cbc", "aes192", CKM_AES_CBC_ENCRYPT_DATA, HSM_AES192, HSM_AES192, 0, 0, NOBODY),
    ROW("aes", "cbc", "aes256", CKM_AES_CBC_ENCRYPT_DATA, HSM_AES256, HSM_AES256, 0, 0, NOBODY),
    ROW("aes", "cbc", "generic", CKM_AES_CBC_ENCRYPT_DATA, HSM_AES256, HSM_GENERIC, 0, 0, NOBODY),
    {{"derive-complement", "derive", 0, P, HSM_OPTIONAL, "methods complement, emv-a, emv-b", ANOTHER_PROFILE}, complements, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"derive-emv-c-192", "derive", 0, P, HSM_OPTIONAL, "method emv-c, 192-bit keys", ANOTHER_PROFILE}, complements, {0, HSM_AES192, HSM_AES192, 0, 0}},
    {{"derive-emv-c-256", "derive", 0, P, HSM_OPTIONAL, "method emv-c, 256-bit keys", ANOTHER_PROFILE}, complements, {0, HSM_AES256, HSM_AES256, 0, 0}},
    {{"derive-kmc-cps", "derive", B, P, HSM_REQUIRED, "method kmc-cps: a card's three TDES keys", ANOTHER_PROFILE}, kmc_cps, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"derive-kmc-aes-128", "derive", B, P, HSM_REQUIRED, "method kmc-aes: a card's three AES keys", ANOTHER_PROFILE}, kmc_aes, {0, HSM_AES128, HSM_AES128, 0, 0}},
    {{"derive-kmc-aes-256", "derive", 0, P | B, HSM_OPTIONAL, "method kmc-aes, 256-bit keys", ANOTHER_PROFILE}, kmc_aes, {0, HSM_AES256, HSM_AES256, 0, 0}},
    {{"check-value-tdes", "derive", P | K | B, 0, HSM_REQUIRED, "check value of a TDES key that may only derive", "no way round: another token"}, check_value, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"check-value-aes", "derive", P | K | B, 0, HSM_REQUIRED, "check value of an AES key that may only derive", "no way round: another token"}, check_value, {0, HSM_AES256, HSM_AES256, 0, 0}},
    {{"derive-des-parity", "derive", 0, P | B, HSM_OPTIONAL, "derived DES keys leave with odd parity", "ask whether the cards check parity"}, des_parity, {0, HSM_DES2, HSM_DES2, 0, 0}},
};
/* clang-format on */

const struct trial *examine_derive_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
