/* hsm/examine/channel.c - the secure channel to a card with every key in the token: SCP02 (GlobalPlatform Card
 * Specification 2.2 appendix E) and SCP03 (amendment D). In a row `by` is a card's static key, `key` a session key. */
#include "hsm/examine/examiner.h"
#include "hsm/examine/reference.h"

enum { SEED_STATIC = 0x40, SEED_DEK = 0x71, COMMAND_LEN = 24 };

static const uint8_t no_iv[16];

/* ---- SCP02 ---- */

/* constant ‖ counter ‖ zeros: what an SCP02 session key is derived over. */
static void session_data(uint8_t constant, uint8_t out[16])
{
    memset(out, 0, 16);
    out[0] = 1;
    out[1] = constant;
    out[3] = 5; /* counter */
}

static bool session_value(const struct known *card, uint8_t constant, uint8_t out[16], struct err *err)
{
    uint8_t data[16];
    session_data(constant, data);
    if (!reference_encrypt(HSM_DES2, card->value, no_iv, data, sizeof data, out, err)) return false;
    reference_set_parity(out, 16);
    return true;
}

static bool card_key(struct examiner *x, const struct trial_case *with, unsigned uses, struct known *out,
                     struct err *err)
{
    return examine_known(x, with->by, uses | PROBE_SENSITIVE, SEED_STATIC, 0, out, err);
}

static bool session_key(struct examiner *x, const struct known *card, uint8_t constant, unsigned uses,
                        struct hsm_key *out, struct err *err)
{
    uint8_t data[16];
    session_data(constant, data);
    return examine_derive_data(x, &(struct over){card, no_iv, data, sizeof data}, HSM_DES2,
                               uses | PROBE_SENSITIVE, out, err);
}

static bool scp02_keys(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t constants[] = {0x01, 0x02, 0x81, 0x82}; /* C-MAC, R-MAC, DEK, ENC */
    struct known card;
    struct hsm_key key;
    uint8_t due[16];
    bool ok = card_key(x, with, PROBE_DERIVE, &card, err);
    for (size_t i = 0; ok && i < sizeof constants; i++)
        ok = session_value(&card, constants[i], due, err) &&
             session_key(x, &card, constants[i], PROBE_ENCRYPT, &key, err) &&
             examine_is(x, &key, due, sizeof due, err);
    return ok;
}

/* The first block of the session key twice: as a TDES key it is single DES under the left half. */
static bool left_half(struct examiner *x, const struct known *card, uint8_t constant, struct hsm_key *out,
                      struct err *err)
{
    uint8_t data[16];
    session_data(constant, data);
    memcpy(&data[8], data, 8);
    return examine_derive_data(x, &(struct over){card, NULL, data, sizeof data}, HSM_DES2,
                               PROBE_ENCRYPT | PROBE_SENSITIVE, out, err);
}

static bool scp02_single(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known card;
    struct hsm_key key;
    uint8_t due[16];
    if (!card_key(x, with, PROBE_DERIVE, &card, err) || !session_value(&card, 1, due, err)) return false;
    memcpy(&due[8], due, 8);
    return left_half(x, &card, 1, &key, err) && examine_is(x, &key, due, sizeof due, err);
}

/* All blocks but the last under the left half, the last under the whole key; then the next command's ICV. */
static bool scp02_mac(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known card;
    struct hsm_key left, whole;
    uint8_t command[COMMAND_LEN] = {0x84, 0x82, 1, 0, 0x10, 9, 8, 7, 6, 5, 4, 3, 2, 0x80};
    uint8_t chain[COMMAND_LEN], mac[8], icv[8], value[16], due[8];
    if (!card_key(x, with, PROBE_DERIVE, &card, err) || !left_half(x, &card, 1, &left, err) ||
        !session_key(x, &card, 1, PROBE_ENCRYPT, &whole, err))
        return false;
    if (!examine_encrypt(x, &left, no_iv, command, COMMAND_LEN - 8, chain, err) ||
        !examine_encrypt(x, &whole, &chain[COMMAND_LEN - 16], &command[COMMAND_LEN - 8], 8, mac, err) ||
        !examine_encrypt(x, &left, NULL, mac, 8, icv, err))
        return false;
    if (!session_value(&card, 1, value, err) ||
        !reference_retail_mac(value, no_iv, command, COMMAND_LEN, due, err))
        return false;
    if (!bytes_equal(mac, 8, due, 8))
        return examine_unsafe(x, err, "another MAC than ISO 9797-1 algorithm 3");
    memcpy(&value[8], value, 8);
    return reference_encrypt(HSM_DES2, value, NULL, mac, 8, due, err) &&
           (bytes_equal(icv, 8, due, 8) || examine_unsafe(x, err, "another ICV"));
}

/* The last block of a CBC text under the session ENC key. */
static bool scp02_cryptogram(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known card;
    struct hsm_key key;
    uint8_t challenges[24] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 5, 9, 9, 9, 9, 9, 9, 0x80}, is[24], due[24],
            value[16];
    return card_key(x, with, PROBE_DERIVE, &card, err) &&
           session_key(x, &card, 0x82, PROBE_ENCRYPT, &key, err) &&
           examine_encrypt(x, &key, no_iv, challenges, sizeof challenges, is, err) &&
           session_value(&card, 0x82, value, err) &&
           reference_encrypt(HSM_DES2, value, no_iv, challenges, sizeof challenges, due, err) &&
           (bytes_equal(is, sizeof is, due, sizeof due) || examine_unsafe(x, err, "another cryptogram"));
}

static bool scp02_data(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known card, key;
    struct hsm_key dek;
    struct blob is;
    uint8_t value[16], due[16];
    CK_MECHANISM m = hsm_mechanism(CKM_DES3_ECB);
    return card_key(x, with, PROBE_DERIVE, &card, err) &&
           session_key(x, &card, 0x81, PROBE_WRAP, &dek, err) &&
           examine_known(x, with->key, PROBE_SENSITIVE | PROBE_EXTRACTABLE, SEED_DEK, 0, &key, err) &&
           examine_wrap(x, &m, &dek, &key.key, &is, err) && session_value(&card, 0x81, value, err) &&
           reference_encrypt(HSM_DES2, value, NULL, key.value, key.len, due, err) &&
           (bytes_equal(is.data, is.len, due, key.len) ||
            examine_unsafe(x, err, "other bytes than TDES-ECB"));
}

/* ---- SCP03 ---- */

/* SP 800-108 counter mode: label, L and counter in the first block, both challenges in the second. */
static void kdf_input(uint8_t constant, uint8_t counter, size_t key_len, uint8_t out[32])
{
    memset(out, 0, 32);
    out[11] = constant;
    out[13] = (uint8_t)(key_len >> 5); /* bits, big-endian */
    out[14] = (uint8_t)(key_len << 3);
    out[15] = counter;
    for (uint8_t i = 0; i < 16; i++)
        out[16 + i] = (uint8_t)(0x30 + 11 * i);
}

/* CMAC of two blocks is E(E(B1) ^ B2 ^ K1): the inner value is no key, and what is derived over it is. */
static bool scp03_keys(struct examiner *x, const struct trial_case *with, struct err *err)
{
    static const uint8_t constants[] = {0x04, 0x06, 0x07}; /* ENC, MAC, RMAC */
    size_t len = hsm_algorithm_len(with->key), blocks = (len + 15) / 16;
    uint8_t l[16], k1[16], zeros[16] = {0}, in[32], inner[32], due[32];
    struct known card;
    struct hsm_key key;
    bool ok = card_key(x, with, PROBE_DERIVE | PROBE_ENCRYPT, &card, err) &&
              examine_encrypt(x, &card.key, NULL, zeros, sizeof zeros, l, err);
    if (!ok) return false;
    hsm_cmac_double(l, k1, 16);
    for (size_t c = 0; ok && c < sizeof constants; c++) {
        for (size_t b = 0; ok && b < blocks; b++) {
            kdf_input(constants[c], (uint8_t)(b + 1), len, in);
            ok = examine_encrypt(x, &card.key, NULL, in, 16, &inner[16 * b], err) &&
                 reference_cmac(with->by, card.value, in, sizeof in, &due[16 * b], err);
            for (size_t i = 0; i < 16; i++)
                inner[16 * b + i] = inner[16 * b + i] ^ in[16 + i] ^ k1[i];
        }
        ok = ok &&
             examine_derive_data(x, &(struct over){&card, NULL, inner, 16 * blocks}, with->key,
                                 PROBE_ENCRYPT | PROBE_SIGN | PROBE_SENSITIVE, &key, err) &&
             examine_is(x, &key, due, len, err);
    }
    return ok;
}

/* MAC chaining and the encrypted counter as IV, under a derived key. */
static bool scp03_command(struct examiner *x, const struct trial_case *with, struct err *err)
{
    uint8_t data[16] = {3, 1, 4, 1, 5, 9, 2, 6}, value[16], text[40] = {0x84, 0xE2}, counter[16] = {[15] = 1};
    uint8_t mac[16], due[16], iv[16], is[32], expected[32];
    size_t len = 0;
    struct known card;
    struct hsm_key key;
    if (!card_key(x, with, PROBE_DERIVE, &card, err) ||
        !examine_derive_data(x, &(struct over){&card, NULL, data, sizeof data}, with->key,
                             PROBE_ENCRYPT | PROBE_SIGN | PROBE_SENSITIVE, &key, err) ||
        !reference_encrypt(with->by, card.value, NULL, data, sizeof data, value, err))
        return false;
    if (!hsm_sign_once(x->t, CKM_AES_CMAC, key.handle, text, sizeof text, mac, sizeof mac, &len, err) ||
        !reference_cmac(with->key, value, text, sizeof text, due, err))
        return false;
    if (!bytes_equal(mac, len, due, sizeof due)) return examine_unsafe(x, err, "another C-MAC");
    return examine_encrypt(x, &key, NULL, counter, sizeof counter, iv, err) &&
           examine_encrypt(x, &key, iv, text, sizeof is, is, err) &&
           reference_encrypt(with->key, value, NULL, counter, sizeof counter, due, err) &&
           reference_encrypt(with->key, value, due, text, sizeof is, expected, err) &&
           (bytes_equal(is, sizeof is, expected, sizeof is) || examine_unsafe(x, err, "another ciphertext"));
}

/* Two keys of one grouping: the IV of the second is the last block of the first. */
static bool scp03_data(struct examiner *x, const struct trial_case *with, struct err *err)
{
    struct known dek, key;
    struct blob first, second;
    uint8_t both[32], due[32], iv[16] = {0};
    CK_MECHANISM m = {CKM_AES_CBC, iv, sizeof iv};
    if (!examine_known(x, with->by, PROBE_WRAP | PROBE_SENSITIVE, SEED_DEK, 0, &dek, err) ||
        !examine_known(x, with->key, PROBE_SENSITIVE | PROBE_EXTRACTABLE, SEED_STATIC, 0, &key, err) ||
        !examine_wrap(x, &m, &dek.key, &key.key, &first, err))
        return false;
    if (first.len != 16) return examine_unsafe(x, err, "%zu bytes for a key of 16", first.len);
    memcpy(iv, first.data, sizeof iv);
    memcpy(both, key.value, 16);
    memcpy(&both[16], key.value, 16);
    return examine_wrap(x, &m, &dek.key, &key.key, &second, err) &&
           reference_encrypt(with->by, dek.value, no_iv, both, sizeof both, due, err) &&
           ((bytes_equal(first.data, 16, due, 16) && bytes_equal(second.data, second.len, &due[16], 16)) ||
            examine_unsafe(x, err, "other bytes than AES-CBC"));
}

#define B          HSM_FOR_BUREAU
#define SCP02_ONLY "personalize with SCP03 cards only, or another token"
#define SCP03_ONLY "personalize with SCP02 cards only, or another token"
#define TRANSLATED "the bureau translates in memory (docs/THREATS.md)"
/* clang-format off */
static const struct trial rows[] = {
    {{"scp02-session-keys", "channel", B, 0, HSM_REQUIRED, "SCP02: session keys by CBC derivation", SCP02_ONLY}, scp02_keys, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"scp02-single-des", "channel", B, 0, HSM_REQUIRED, "SCP02: the left half twice, as single DES", SCP02_ONLY}, scp02_single, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"scp02-mac", "channel", B, 0, HSM_REQUIRED, "SCP02: retail MAC and next ICV", SCP02_ONLY}, scp02_mac, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"scp02-cryptogram", "channel", B, 0, HSM_REQUIRED, "SCP02: cryptograms, command encryption", SCP02_ONLY}, scp02_cryptogram, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"scp02-data", "channel", 0, B, HSM_OPTIONAL, "SCP02: a key wrapped under the session data key", TRANSLATED}, scp02_data, {0, HSM_DES2, HSM_DES2, 0, 0}},
    {{"scp03-session-128", "channel", B, 0, HSM_REQUIRED, "SCP03: session keys over the inner value", SCP03_ONLY}, scp03_keys, {0, HSM_AES128, HSM_AES128, 0, 0}},
    {{"scp03-session-192", "channel", 0, B, HSM_OPTIONAL, "SCP03: the same, 192 bits", SCP03_ONLY}, scp03_keys, {0, HSM_AES192, HSM_AES192, 0, 0}},
    {{"scp03-session-256", "channel", 0, B, HSM_OPTIONAL, "SCP03: the same, 256 bits", SCP03_ONLY}, scp03_keys, {0, HSM_AES256, HSM_AES256, 0, 0}},
    {{"scp03-command", "channel", B, 0, HSM_REQUIRED, "SCP03: C-MAC, encrypted counter, encryption", SCP03_ONLY}, scp03_command, {0, HSM_AES128, HSM_AES128, 0, 0}},
    {{"scp03-data", "channel", 0, B, HSM_OPTIONAL, "SCP03: keys wrapped under the data key, IV chained", TRANSLATED}, scp03_data, {0, HSM_AES128, HSM_AES128, 0, 0}},
};
/* clang-format on */

const struct trial *examine_channel_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
