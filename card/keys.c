/* The keys that an application was given: 8000 told apart and checked by 9000, the key pair of 8201–8205. */
#include <string.h>

#include "card/inside.h"
#include "formats/dgi.h"

enum { DGI_KEYS = 0x8000, DGI_CHECK_VALUES = 0x9000 };

/* Check values of AES keys are GlobalPlatform's, or the first bytes of CMAC over 16 zero bytes where the profile says so. */
static bool fits(const struct card_key *key, const uint8_t *expected)
{
    static const uint8_t zeros[16];
    struct err err = ERR_INIT;
    uint8_t kcv[CARD_KCV_LEN], mac[16];

    if (!card_key_is_sound(key)) return false;
    if (card_check_value(key, kcv, &err) && memcmp(kcv, expected, CARD_KCV_LEN) == 0) return true;
    return key->type == CARD_KEY_AES && card_cmac(key, NULL, zeros, sizeof(zeros), mac, &err) &&
           memcmp(mac, expected, CARD_KCV_LEN) == 0;
}

/* Key n (from 0) of `len` bytes that hold `count` keys of one length. */
static bool take(const uint8_t *keys, size_t len, size_t count, size_t n, const uint8_t *check,
                 struct card_key *out)
{
    static const uint8_t types[] = {CARD_KEY_DES, CARD_KEY_AES};
    size_t each = len / count;

    if (len % count || each == 0 || each > CARD_KEY_MAX) return false;
    for (size_t t = 0; t < sizeof(types); t++) {
        *out = (struct card_key){.type = types[t], .len = (uint8_t)each};
        memcpy(out->value, keys + n * each, each);
        if (fits(out, check + CARD_KCV_LEN * n)) return true;
    }
    wipe(out, sizeof(*out));
    return false;
}

size_t card_app_key_count(struct card *card, size_t app)
{
    struct card_group checks;
    return state_find(&card->now, app, DGI_CHECK_VALUES, &checks) && checks.len % CARD_KCV_LEN == 0
               ? checks.len / CARD_KCV_LEN
               : 0;
}

bool card_app_key(struct card *card, size_t app, size_t n, struct card_key *out)
{
    size_t count = card_app_key_count(card, app);
    struct card_group keys, checks;

    if (n == 0 || n > count || !state_find(&card->now, app, DGI_KEYS, &keys) ||
        !state_find(&card->now, app, DGI_CHECK_VALUES, &checks))
        return false;
    if (take(keys.value, keys.len, count, n - 1, checks.value, out)) return true;
    size_t len = keys.len; /* padded where the joined length was no multiple of the cipher's block */
    return card_unpad(keys.value, &len) && take(keys.value, len, count, n - 1, checks.value, out);
}

/* A part may end in 80 00… by padding or, where the profile pads only when needed, by chance. Primes and exponents are odd, so
 * for them the last byte tells; qinv follows the others, and card_rsa_len proves it. */
static void without_padding(struct card_rsa *key, bool of_qinv)
{
    for (size_t i = 0; i < CARD_RSA_PARTS; i++) {
        if (i == CARD_RSA_QINV && !of_qinv) continue;
        size_t len = key->len[i];
        bool even = len && (key->part[i][len - 1] & 1) == 0;
        if (even && card_unpad(key->part[i], &len)) key->len[i] = len;
    }
}

bool card_app_rsa(const struct card *card, size_t app, struct card_rsa *out)
{
    struct card_group group;

    for (size_t i = 0; i < CARD_RSA_PARTS; i++) {
        if (!state_find(&card->now, app, (uint16_t)(DGI_CRT_FIRST + i), &group)) return false;
        out->part[i] = group.value;
        out->len[i] = group.len;
    }
    struct card_rsa as_is = *out;
    without_padding(out, true);
    if (card_rsa_len(out) > 0) return true;
    *out = as_is;
    without_padding(out, false);
    return card_rsa_len(out) > 0;
}
