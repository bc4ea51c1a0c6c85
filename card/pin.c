/* VERIFY (EMV Book 3, 6.5.12): plaintext PIN, and PIN enciphered with the card's key pair (Book 2, 7). */
#include <string.h>

#include "card/inside.h"

enum { PIN_BLOCK_LEN = 8, DGI_PIN = 0x8010, PLAINTEXT = 0x80, ENCIPHERED = 0x88 };

/* 7F ‖ PIN block ‖ the challenge that the card gave ‖ filling. */
static uint16_t decipher(struct card *card, const struct apdu *cmd, uint8_t block[static PIN_BLOCK_LEN])
{
    enum { HEADER = 0x7F };
    uint8_t clear[CARD_MODULUS_MAX];
    struct card_rsa key;

    if (!card->has_challenge) return SW_CONDITIONS;
    card->has_challenge = false;
    if (!card_app_rsa(card, (size_t)card->selected, &key)) return SW_CONDITIONS;
    size_t len = card_rsa_len(&key);
    if (cmd->len != len || len > sizeof(clear)) return SW_LENGTH;
    if (!card_rsa_private(&key, cmd->data, clear, &card->err)) return SW_DATA;
    bool right = clear[0] == HEADER &&
                 memcmp(clear + 1 + PIN_BLOCK_LEN, card->challenge, sizeof(card->challenge)) == 0;
    memcpy(block, clear + 1, PIN_BLOCK_LEN);
    wipe(clear, sizeof(clear));
    return right ? SW_OK : SW_DATA;
}

/* The try is counted before the PIN is compared. */
static uint16_t compare(struct card *card, const uint8_t *block, const struct card_group *reference)
{
    struct card_app *app = card_selected_app(card);
    uint8_t differs = 0;

    if (app->pin_left == 0) return SW_BLOCKED;
    app->pin_left--;
    if (!card_commit(card)) return SW_MEMORY;
    for (size_t i = 0; i < PIN_BLOCK_LEN; i++)
        differs |= (uint8_t)(block[i] ^ reference->value[i]);
    card->pin_verified = differs == 0;
    if (differs) return (uint16_t)(SW_TRIES_LEFT | app->pin_left);
    app->pin_left = app->pin_limit;
    card->changed = true;
    return SW_OK;
}

uint16_t card_verify(struct card *card, const struct apdu *cmd, struct buf *out)
{
    uint8_t block[PIN_BLOCK_LEN];
    struct card_group reference;

    (void)out;
    if (cmd->p1 || (cmd->p2 != PLAINTEXT && cmd->p2 != ENCIPHERED)) return SW_P1P2;
    if (!state_find(&card->now, (size_t)card->selected, DGI_PIN, &reference)) return SW_NO_DATA;
    if (cmd->p2 == ENCIPHERED) {
        uint16_t sw = decipher(card, cmd, block);
        if (sw != SW_OK) return sw;
    } else {
        if (cmd->len != PIN_BLOCK_LEN) return SW_LENGTH;
        memcpy(block, cmd->data, PIN_BLOCK_LEN);
    }
    uint16_t sw = compare(card, block, &reference);
    wipe(block, sizeof(block));
    return sw;
}
