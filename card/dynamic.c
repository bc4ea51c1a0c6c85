/* INTERNAL AUTHENTICATE: dynamic data authentication with the card's key pair (EMV Book 2, 6.5). */
#include <string.h>

#include "base/digest.h"
#include "card/inside.h"
#include "formats/tlv.h"

enum { DYNAMIC_NUMBER_LEN = 8, OVERHEAD = 25, TAG_SIGNED = 0x80 };

/* 6A ‖ 05 ‖ 01 ‖ LDD ‖ dynamic data ‖ BB… ‖ SHA-1 ‖ BC; the hash also covers what the terminal sent. */
static bool make_block(struct card *card, const struct apdu *cmd, uint8_t *block, size_t len)
{
    enum { DATA_LEN = 1 + DYNAMIC_NUMBER_LEN, HASHED_FROM = 1 };
    struct digest *d = NULL;
    size_t hash_at = len - 1 - SHA1_LEN;

    memset(block, 0xBB, len);
    block[0] = 0x6A;
    block[1] = 0x05;
    block[2] = 0x01;
    block[3] = DATA_LEN;
    block[4] = DYNAMIC_NUMBER_LEN;
    block[len - 1] = 0xBC;
    bool ok = card_draw(card, block + 5, DYNAMIC_NUMBER_LEN) && digest_new(&d, DIGEST_SHA1, &card->err) &&
              digest_add(d, block + HASHED_FROM, hash_at - HASHED_FROM, &card->err) &&
              digest_add(d, cmd->data, cmd->len, &card->err) && digest_final(d, block + hash_at, &card->err);
    digest_free(d);
    return ok;
}

uint16_t card_internal_authenticate(struct card *card, const struct apdu *cmd, struct buf *out)
{
    enum { TAG_DDOL = 0x9F49 };
    uint8_t block[CARD_MODULUS_MAX], result[CARD_MODULUS_MAX];
    const uint8_t *ddol = NULL;
    size_t ddol_len = 0;
    struct card_rsa key;

    if (cmd->p1 || cmd->p2) return SW_P1P2;
    if (!card_app_rsa(card, (size_t)card->selected, &key)) return SW_CONDITIONS;
    bool asked = card_app_find(card, (size_t)card->selected, TAG_DDOL, &ddol, &ddol_len);
    if (cmd->len == 0 || (asked && cmd->len != card_dol_len(ddol, ddol_len))) return SW_LENGTH;
    size_t len = card_rsa_len(&key);
    if (len < OVERHEAD + 1 + DYNAMIC_NUMBER_LEN || len > CARD_MODULUS_MAX) return SW_CONDITIONS;
    if (!make_block(card, cmd, block, len) || !card_rsa_private(&key, block, result, &card->err))
        return card_broken(card);
    tlv_put(out, TAG_SIGNED, result, len);
    return SW_OK;
}
