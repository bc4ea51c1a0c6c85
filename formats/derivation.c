#include "formats/derivation.h"

#include <string.h>

#include "base/digest.h"
#include "formats/pan.h"

enum {
    PSN_DIGITS = 2,
    EMV_DATA_MIN = (PAN_DIGITS_MIN + PSN_DIGITS + 1) / 2,
    EMV_DATA_MAX = (PAN_DIGITS_MAX + PSN_DIGITS + 1) / 2,
    EMV_A_DATA_MAX = 9, /* 16 digits of PAN and 2 of PSN: beyond it options A and B part */
    KEYDATA_LEN = 10,
    DES_BLOCK = 8,
    AES_BLOCK = 16,
};

static const struct derivation_row rows[DERIVATION_METHOD_COUNT] = {
    {DERIVE_COMPLEMENT, "complement", true, false, 8, 8},
    {DERIVE_DIRECT, "direct", true, true, 16, 32},
    {DERIVE_EMV_A, "emv-a", true, false, EMV_DATA_MIN, EMV_DATA_MAX},
    {DERIVE_EMV_B, "emv-b", true, false, EMV_DATA_MIN, EMV_DATA_MAX},
    {DERIVE_EMV_C, "emv-c", false, true, EMV_DATA_MIN, EMV_DATA_MAX},
    {DERIVE_KMC_CPS, "kmc-cps", true, false, KEYDATA_LEN, KEYDATA_LEN},
    {DERIVE_KMC_VISA2, "kmc-visa2", true, false, KEYDATA_LEN, KEYDATA_LEN},
    {DERIVE_KMC_AES, "kmc-aes", false, true, KEYDATA_LEN, KEYDATA_LEN},
};

/* Which key kinds come from which cipher, and how many bytes they have. */
struct kind_row {
    enum secret_kind kind;
    enum derivation_cipher cipher;
    size_t key_len;
};
static const struct kind_row kinds[] = {
    {SECRET_DES2, CIPHER_TDES, 16},  {SECRET_DES3, CIPHER_TDES, 24},  {SECRET_AES128, CIPHER_AES, 16},
    {SECRET_AES192, CIPHER_AES, 24}, {SECRET_AES256, CIPHER_AES, 32},
};

const struct derivation_row *derivation_find(const char *name)
{
    for (size_t i = 0; i < DERIVATION_METHOD_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    return NULL;
}

const struct derivation_row *derivation_row(enum derivation_method method)
{
    return (unsigned)method < DERIVATION_METHOD_COUNT ? &rows[method] : NULL;
}

static void complement(const uint8_t *in, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = in[i] ^ 0xFF;
}

static bool check_bcd(const uint8_t *data, size_t len, struct err *err)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] >> 4 > 9 || (data[i] & 0x0F) > 9)
            return err_set(err, ERR_INPUT, "derivation data: byte %zu is not two decimal digits", i + 1);
    }
    return true;
}

void derivation_decimalise(const uint8_t hash[20], uint8_t digits[8])
{
    uint8_t picked[16] = {0};
    size_t count = 0;

    /* First the decimal digits from the left, then the letters from the left as 0 to 5. */
    for (unsigned letters = 0; letters < 2; letters++) {
        for (size_t i = 0; i < 2 * SHA1_LEN && count < sizeof(picked); i++) {
            uint8_t nibble = i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 0x0F;
            if ((nibble > 9) == (letters == 1)) picked[count++] = letters ? (uint8_t)(nibble - 10) : nibble;
        }
    }
    for (size_t i = 0; i < 8; i++)
        digits[i] = (uint8_t)(picked[2 * i] << 4 | picked[2 * i + 1]);
}

/* Each shaper fills the block; lengths, kind and master are already known to fit the row. */
typedef bool shape_fn(const struct derivation_input *in, struct derivation_block *out, struct err *err);

static bool shape_complement(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    (void)err;
    memcpy(out->data, in->data, DES_BLOCK);
    complement(out->data, DES_BLOCK, out->data + DES_BLOCK);
    out->len = 2 * DES_BLOCK;
    return true;
}

static bool shape_direct(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    if (in->kind == SECRET_AES192)
        return err_set(err, ERR_CONFIG,
                       "method 'direct' makes no AES-192 key: 24 bytes are no whole AES blocks");
    if (in->len != out->key_len)
        return err_set(err, ERR_INPUT, "derivation data has %zu bytes, 'direct' needs %zu for this key",
                       in->len, out->key_len);
    memcpy(out->data, in->data, in->len);
    out->len = in->len;
    return true;
}

static bool shape_emv_a(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    if (!check_bcd(in->data, in->len, err)) return false;
    size_t digits_len = in->len < DES_BLOCK ? in->len : DES_BLOCK;
    memcpy(out->data + DES_BLOCK - digits_len, in->data + in->len - digits_len, digits_len);
    complement(out->data, DES_BLOCK, out->data + DES_BLOCK);
    out->len = 2 * DES_BLOCK;
    return true;
}

static bool shape_emv_b(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    uint8_t hash[SHA1_LEN];

    if (in->len <= EMV_A_DATA_MAX) return shape_emv_a(in, out, err);
    if (!check_bcd(in->data, in->len, err)) return false;
    if (!sha1(in->data, in->len, hash, err)) return false;
    derivation_decimalise(hash, out->data);
    complement(out->data, DES_BLOCK, out->data + DES_BLOCK);
    out->len = 2 * DES_BLOCK;
    return true;
}

static bool shape_emv_c(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    if (!check_bcd(in->data, in->len, err)) return false;
    memcpy(out->data + AES_BLOCK - in->len, in->data, in->len);
    out->len = AES_BLOCK;
    if (out->key_len > AES_BLOCK) {
        complement(out->data, AES_BLOCK, out->data + AES_BLOCK);
        out->len = 2 * AES_BLOCK;
    }
    return true;
}

/* The two halves of a DES2 key's data: card data(6) ‖ F0 or 0F ‖ n. */
static void put_kmc_halves(const uint8_t card_data[6], enum card_key_which which,
                           struct derivation_block *out)
{
    static const uint8_t marks[2] = {0xF0, 0x0F};
    for (size_t half = 0; half < 2; half++) {
        memcpy(out->data + half * DES_BLOCK, card_data, 6);
        out->data[half * DES_BLOCK + 6] = marks[half];
        out->data[half * DES_BLOCK + 7] = (uint8_t)which;
    }
    out->len = 2 * DES_BLOCK;
}

static bool shape_kmc_cps(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    (void)err;
    put_kmc_halves(in->data + 4, in->which, out);
    return true;
}

static bool shape_kmc_visa2(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    uint8_t card_data[6];
    (void)err;
    memcpy(card_data, in->data, 2);
    memcpy(card_data + 2, in->data + 4, 4);
    put_kmc_halves(card_data, in->which, out);
    return true;
}

static bool shape_kmc_aes(const struct derivation_input *in, struct derivation_block *out, struct err *err)
{
    (void)err;
    out->len = out->key_len > AES_BLOCK ? 2 * AES_BLOCK : AES_BLOCK;
    for (size_t block = 0; block < out->len / AES_BLOCK; block++) {
        uint8_t *at = out->data + block * AES_BLOCK;
        at[0] = (uint8_t)(block + 1);
        at[4] = (uint8_t)in->which;
        memcpy(at + 6, in->data, KEYDATA_LEN);
    }
    out->xor_k1 = true;
    return true;
}

static shape_fn *const shapes[DERIVATION_METHOD_COUNT] = {
    [DERIVE_COMPLEMENT] = shape_complement, [DERIVE_DIRECT] = shape_direct,
    [DERIVE_EMV_A] = shape_emv_a,           [DERIVE_EMV_B] = shape_emv_b,
    [DERIVE_EMV_C] = shape_emv_c,           [DERIVE_KMC_CPS] = shape_kmc_cps,
    [DERIVE_KMC_VISA2] = shape_kmc_visa2,   [DERIVE_KMC_AES] = shape_kmc_aes,
};

static bool is_kmc(enum derivation_method method)
{
    return method == DERIVE_KMC_CPS || method == DERIVE_KMC_VISA2 || method == DERIVE_KMC_AES;
}

/* Do method, master and key kind go together? Gives the key's length. */
static bool check_request(const struct derivation_input *in, enum derivation_cipher master_cipher,
                          size_t *key_len, struct err *err)
{
    static const char *const cipher_names[] = {[CIPHER_TDES] = "TDES", [CIPHER_AES] = "AES"};
    const struct derivation_row *row = derivation_row(in->method);
    const struct kind_row *kind = NULL;

    if (!row) return err_set(err, ERR_CONFIG, "unknown derivation method");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == in->kind) kind = &kinds[i];
    }
    if (!kind) return err_set(err, ERR_CONFIG, "method '%s' makes DES and AES keys only", row->name);
    if (master_cipher == CIPHER_TDES ? !row->tdes_master : !row->aes_master)
        return err_set(err, ERR_CONFIG, "method '%s' does not go with a %s master key", row->name,
                       cipher_names[master_cipher]);
    if (kind->cipher != master_cipher)
        return err_set(err, ERR_CONFIG, "a %s master key makes no %s card key", cipher_names[master_cipher],
                       cipher_names[kind->cipher]);
    if (kind->kind == SECRET_DES3 && in->method != DERIVE_DIRECT)
        return err_set(err, ERR_CONFIG, "method '%s' makes double-length DES keys only", row->name);
    if (is_kmc(in->method) && (in->which < CARD_KEY_ENC || in->which > CARD_KEY_DEK))
        return err_set(err, ERR_CONFIG, "method '%s' needs to know which key: ENC, MAC or DEK", row->name);
    *key_len = kind->key_len;
    return true;
}

bool derivation_make(const struct derivation_input *in, enum derivation_cipher master_cipher,
                     struct derivation_block *out, struct err *err)
{
    struct derivation_block made = {.cipher = master_cipher};

    if (!check_request(in, master_cipher, &made.key_len, err)) return false;
    const struct derivation_row *row = derivation_row(in->method);
    if (in->len < row->data_min || in->len > row->data_max)
        return err_set(err, ERR_INPUT, "derivation data has %zu bytes, '%s' needs %zu to %zu", in->len,
                       row->name, row->data_min, row->data_max);
    if (bytes_all(in->data, in->len, 0)) return err_set(err, ERR_INPUT, "derivation data is all zero");
    if (!shapes[in->method](in, &made, err)) return false;

    /* A zero block would give key bytes that the master's check value, or its K1, tells. */
    size_t block_len = master_cipher == CIPHER_TDES ? DES_BLOCK : AES_BLOCK;
    for (size_t at = 0; at < made.len; at += block_len) {
        if (bytes_all(made.data + at, block_len, 0))
            return err_set(err, ERR_INPUT,
                           "derivation data makes a cipher block of zeros, whose result is no secret");
    }
    *out = made;
    return true;
}

bool derivation_data_emv(const char *pan, size_t pan_len, const char *psn, size_t psn_len, struct buf *out,
                         struct err *err)
{
    char digits[1 + PAN_DIGITS_MAX + PSN_DIGITS + 1] = "0";
    size_t begin = out->len;

    if (!pan_check(pan, pan_len, false, err)) return false;
    if (psn_len == 0) {
        psn = "00";
        psn_len = PSN_DIGITS;
    }
    if (psn_len != PSN_DIGITS || psn[0] < '0' || psn[0] > '9' || psn[1] < '0' || psn[1] > '9')
        return err_set(err, ERR_INPUT, "card sequence number is not two digits");

    size_t pad = (pan_len + psn_len) % 2;
    memcpy(digits + pad, pan, pan_len);
    memcpy(digits + pad + pan_len, psn, psn_len);
    for (size_t i = 0; i < pad + pan_len + psn_len; i += 2)
        buf_put_u8(out, (uint8_t)((digits[i] - '0') << 4 | (digits[i + 1] - '0')));
    if (!buf_ok(out, "derivation data", err)) {
        buf_truncate(out, begin);
        return false;
    }
    return true;
}

void derivation_double(const uint8_t in[16], uint8_t out[16])
{
    uint8_t doubled[AES_BLOCK];
    uint8_t reduce = (uint8_t)(0 - (in[0] >> 7)) & 0x87;

    for (size_t i = 0; i < AES_BLOCK; i++) {
        uint8_t carry = i + 1 < AES_BLOCK ? in[i + 1] >> 7 : 0;
        doubled[i] = (uint8_t)(in[i] << 1 | carry);
    }
    doubled[AES_BLOCK - 1] ^= reduce;
    memcpy(out, doubled, AES_BLOCK);
}

void des_parity(uint8_t *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned ones = 0;
        for (unsigned bit = 1; bit < 8; bit++)
            ones += key[i] >> bit & 1;
        key[i] = (uint8_t)((key[i] & 0xFE) | (ones % 2 == 0));
    }
}
