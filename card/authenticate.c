/* INITIALIZE UPDATE and EXTERNAL AUTHENTICATE (GlobalPlatform E.5.1, E.5.2; Amendment D 7.1.1, 7.1.2). */
#include <string.h>

#include "card/inside.h"

enum {
    CHALLENGE_LEN = 8,
    CRYPTOGRAM_LEN = 8,
    I_SCP03_PSEUDO_RANDOM = 0x10,
    SEQUENCE_MAX_02 = 0xFFFF,
    SEQUENCE_MAX_03 = 0xFFFFFF
};

static bool is_used_up(const struct card *card, const struct card_keyset *set)
{
    return set->sequence >= (card->now.scp == 2 ? (uint32_t)SEQUENCE_MAX_02 : (uint32_t)SEQUENCE_MAX_03);
}

static void put_answer(struct card *card, const uint8_t *cryptogram, struct buf *out)
{
    const struct channel *c = &card->channel;

    buf_put(out, card->now.key_data, CARD_KEY_DATA_LEN);
    buf_put_u8(out, c->version);
    buf_put_u8(out, card->now.scp);
    if (card->now.scp == 3) buf_put_u8(out, card->now.i);
    buf_put(out, c->card_challenge, sizeof(c->card_challenge));
    buf_put(out, cryptogram, CRYPTOGRAM_LEN);
    if (card->now.scp == 3 && card->now.i & I_SCP03_PSEUDO_RANDOM) buf_put_be(out, c->sequence, 3);
}

uint16_t card_initialize_update(struct card *card, const struct apdu *cmd, struct buf *out)
{
    uint8_t cryptogram[CRYPTOGRAM_LEN];

    if (cmd->p2 != 0) return SW_P1P2;
    if (cmd->len != CHALLENGE_LEN) return SW_LENGTH;
    const struct card_keyset *set = state_keyset(&card->now, cmd->p1);
    if (!set) return SW_NO_DATA;
    if (set->failures >= CARD_ATTEMPTS_MAX) return SW_BLOCKED;
    if (is_used_up(card, set)) return SW_CONDITIONS;
    card->channel.version = set->version;
    memcpy(card->channel.host_challenge, cmd->data, CHALLENGE_LEN);
    if (!card_scp(card)->start(card, set) || !card_scp(card)->cryptogram(card, false, cryptogram))
        return card_broken(card);
    if (card->lies) cryptogram[0] ^= 0xFF;
    card->channel.phase = CHANNEL_CHALLENGED;
    put_answer(card, cryptogram, out);
    return SW_OK;
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t differs = 0;
    for (size_t i = 0; i < len; i++)
        differs |= (uint8_t)(a[i] ^ b[i]);
    return differs == 0;
}

/* The try is counted before anything is compared, and taken back when it was right. */
static uint16_t try_host(struct card *card, const struct apdu *cmd, struct card_keyset *set)
{
    uint8_t expected[CRYPTOGRAM_LEN];
    struct apdu plain;
    uint16_t sw = SW_OK;

    set->failures++;
    if (!card_commit(card)) return SW_MEMORY;
    if (!card_scp(card)->cryptogram(card, true, expected)) return card_broken(card);
    bool mac_right = card_scp(card)->unwrap(card, cmd, &plain, &sw);
    bool right = equal(expected, cmd->data, CRYPTOGRAM_LEN);
    if (!right) return SW_NOT_VERIFIED;
    if (!mac_right) return SW_SECURITY;
    set->failures = 0;
    set->sequence++;
    card->changed = true;
    return SW_OK;
}

uint16_t card_external_authenticate(struct card *card, const struct apdu *cmd, struct buf *out)
{
    (void)out;
    if (card->channel.phase != CHANNEL_CHALLENGED) return SW_CONDITIONS;
    struct card_keyset *set = state_keyset(&card->now, card->channel.version);
    uint16_t sw = SW_P1P2;
    if (cmd->p2 == 0 && card_level_is_offered(card, cmd->p1))
        sw = cmd->len == CRYPTOGRAM_LEN + CARD_MAC_LEN ? SW_OK : SW_LENGTH;
    if (sw == SW_OK) sw = set ? try_host(card, cmd, set) : SW_NO_DATA;
    if (sw != SW_OK) {
        channel_close(card);
        return sw;
    }
    card->channel.phase = CHANNEL_OPEN;
    card->channel.level = cmd->p1;
    memcpy(card->channel.rchain, card->channel.chain, sizeof(card->channel.rchain));
    return SW_OK;
}
