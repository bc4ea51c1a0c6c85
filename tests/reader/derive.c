/* docs/formats/derivation.md, "Methods": each method written out from its line of the table. */
#include <string.h>

#include "keys.h"

static const struct {
    size_t len;
    bool des;
} KINDS[] = {
    [KIND_DES2] = {16, true},    [KIND_DES3] = {24, true},    [KIND_AES128] = {16, false},
    [KIND_AES192] = {24, false}, [KIND_AES256] = {32, false}, [KIND_OPAQUE] = {0, false},
};

size_t kind_key_len(int kind)
{
    return KINDS[kind].len;
}

bool kind_is_des(int kind)
{
    return KINDS[kind].des;
}

/* TDES over Y ‖ Y⊕FF…FF. */
static bool encrypt_complement(struct span master, const uint8_t y[8], uint8_t out[16])
{
    uint8_t block[16];
    for (size_t i = 0; i < 8; i++) {
        block[i] = y[i];
        block[8 + i] = y[i] ^ 0xFF;
    }
    return crypto_tdes_ecb(master, true, span_of(block, 16), out);
}

static bool is_bcd(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] >> 4 > 9 || (s.at[i] & 0xF) > 9) return false;
    }
    return true;
}

static bool emv_a(struct span master, struct span digits, uint8_t out[16])
{
    uint8_t y[8] = {0};
    size_t len = digits.len < 8 ? digits.len : 8;
    memcpy(y + 8 - len, digits.at + digits.len - len, len);
    return encrypt_complement(master, y, out);
}

/* The decimal digits of the hash, then its letters A-F as 0-5, until there are sixteen. */
static bool emv_b(struct span master, struct span digits, uint8_t out[16])
{
    uint8_t hash[20], y[8] = {0};
    size_t made = 0;
    if (!crypto_sha1(&digits, 1, hash)) return false;
    for (int letters = 0; letters < 2; letters++) {
        for (size_t i = 0; i < 40 && made < 16; i++) {
            uint8_t nibble = i % 2 ? hash[i / 2] & 0xF : hash[i / 2] >> 4;
            if ((nibble > 9) != letters) continue;
            if (letters) nibble = (uint8_t)(nibble - 10);
            y[made / 2] = (uint8_t)(y[made / 2] << 4 | nibble);
            made++;
        }
    }
    return encrypt_complement(master, y, out);
}

static bool emv_c(struct span master, struct span digits, size_t key_len, uint8_t out[32])
{
    uint8_t y[32] = {0}, made[32];
    memcpy(y + 16 - digits.len, digits.at, digits.len);
    for (size_t i = 0; i < 16; i++)
        y[16 + i] = y[i] ^ 0xFF;
    if (!crypto_aes_ecb(master, span_of(y, 32), made)) return false;
    memcpy(out, made, key_len);
    return true;
}

static bool derive_emv(const struct master *master, int kind, struct span data, uint8_t out[32],
                       const char **why)
{
    *why = "derivation data is not PAN and PSN in decimal digits";
    if (data.len < 2 || data.len > 11 || !is_bcd(data)) return false;
    *why = "the method does not make keys of this kind";
    if (master->method == EMV_C)
        return !kind_is_des(kind) && master->key.len == kind_key_len(kind) &&
               emv_c(master->key, data, kind_key_len(kind), out);
    if (kind != KIND_DES2) return false;
    /* nine bytes hold a PAN of sixteen digits, or of fifteen and the padding */
    if (master->method == EMV_B && data.len > 9) return emv_b(master->key, data, out);
    return emv_a(master->key, data, out);
}

bool derive_card_key(const struct master *master, int kind, struct span data, uint8_t out[32],
                     const char **why)
{
    size_t len = kind_key_len(kind);
    *why = "derivation data is all zero";
    if (span_is_zero(data)) return false;

    switch (master->method) {
    case COMPLEMENT:
        *why = "complement takes 8 bytes and makes kind 01";
        return kind == KIND_DES2 && data.len == 8 && encrypt_complement(master->key, data.at, out);
    case DIRECT:
        *why = "direct takes as many bytes as the key has, whole cipher blocks";
        if (data.len != len || kind == KIND_AES192) return false;
        return kind_is_des(kind) ? crypto_tdes_ecb(master->key, true, data, out)
                                 : crypto_aes_ecb(master->key, data, out);
    case EMV_A:
    case EMV_B:
    case EMV_C:
        return derive_emv(master, kind, data, out, why);
    default:
        *why = "this master makes cards' own keys only";
        return false;
    }
}

static bool kmc_aes(const struct master *kmc, struct span keydata, uint8_t n, uint8_t out[32], size_t len)
{
    uint8_t block[16] = {0}, mac[16];
    block[4] = n;
    memcpy(block + 6, keydata.at, 10);
    for (size_t made = 0; made < len; made += 16) {
        block[0] = (uint8_t)(made / 16 + 1);
        if (!crypto_cmac(kmc->key, span_of(block, 16), mac)) return false;
        memcpy(out + made, mac, len - made < 16 ? len - made : 16);
    }
    return true;
}

bool derive_static_key(const struct master *kmc, struct span keydata, uint8_t n, uint8_t out[32], size_t *len)
{
    uint8_t block[16];
    *len = 16;
    if (kmc->method == KMC_AES) {
        *len = kmc->key.len;
        return *len <= 32 && kmc_aes(kmc, keydata, n, out, *len);
    }
    if (kmc->method == KMC_CPS) {
        memcpy(block, keydata.at + 4, 6);
    } else if (kmc->method == KMC_VISA2) {
        memcpy(block, keydata.at, 2);
        memcpy(block + 2, keydata.at + 4, 4);
    } else {
        return false;
    }
    memcpy(block + 8, block, 6);
    block[6] = 0xF0;
    block[14] = 0x0F;
    block[7] = block[15] = n;
    return crypto_tdes_ecb(kmc->key, true, span_of(block, 16), out);
}
