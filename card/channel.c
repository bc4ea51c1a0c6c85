#include <string.h>

#include "card/inside.h"

enum { CLA_SECURE = 0x04, CLA_CHANNEL = 0x03, INS_SELECT = 0xA4, INS_INITIALIZE = 0x50, INS_EXTERNAL = 0x82 };

const struct scp *card_scp(const struct card *card)
{
    return card->now.scp == 2 ? &scp02 : &scp03;
}

bool card_level_is_offered(const struct card *card, uint8_t level)
{
    uint8_t i = card->now.i;
    bool rmac = i & 0x20, renc = card->now.scp == 3 && i & 0x40;

    if (level & (uint8_t) ~(LEVEL_MAC | LEVEL_ENC | LEVEL_RMAC | LEVEL_RENC)) return false;
    if (level & LEVEL_ENC && !(level & LEVEL_MAC)) return false;
    if (level & LEVEL_RMAC && (!rmac || (card->now.scp == 3 && !(level & LEVEL_MAC)))) return false;
    return !(level & LEVEL_RENC) || (renc && level == (LEVEL_MAC | LEVEL_ENC | LEVEL_RMAC | LEVEL_RENC));
}

bool card_unpad(const uint8_t *data, size_t *len)
{
    size_t n = *len;
    while (n > 0 && data[n - 1] == 0x00)
        n--;
    if (n == 0 || data[n - 1] != 0x80) return false;
    *len = n - 1;
    return true;
}

void channel_close(struct card *card)
{
    wipe(&card->channel, sizeof(card->channel));
    wipe(&card->perso, sizeof(card->perso));
    card->perso.app = ISD;
}

bool channel_is_open(const struct card *card)
{
    return card->channel.phase == CHANNEL_OPEN && card->channel.level & LEVEL_MAC;
}

/* Commands that stand outside of any channel: they begin or end one. */
static bool is_outside(const struct card *card, const struct apdu *cmd)
{
    if (cmd->cla == 0x00 && cmd->ins == INS_SELECT) return true;
    if (cmd->cla == 0x80 && cmd->ins == INS_INITIALIZE) return true;
    return cmd->cla == 0x84 && cmd->ins == INS_EXTERNAL && card->channel.phase == CHANNEL_CHALLENGED;
}

uint16_t channel_unwrap(struct card *card, const struct apdu *cmd, struct apdu *plain)
{
    uint16_t sw = SW_SECURITY;
    bool secured = cmd->cla & CLA_SECURE;
    card->channel.answering = false;

    if (cmd->cla & CLA_CHANNEL) return SW_NO_CHANNEL;
    if (cmd->cla & 0x78) return SW_CLA;
    if (is_outside(card, cmd)) {
        if (cmd->ins == INS_INITIALIZE) channel_close(card);
        return SW_OK;
    }
    if (card->channel.phase == CHANNEL_CHALLENGED) channel_close(card);
    if (!channel_is_open(card)) {
        if (secured) return SW_SECURITY;
        card->channel.answering = card->channel.level & LEVEL_RMAC;
        return SW_OK;
    }
    if (!secured || !card_scp(card)->unwrap(card, cmd, plain, &sw)) {
        channel_close(card);
        return sw;
    }
    card->channel.answering = true;
    plain->cla &= (uint8_t)~CLA_SECURE;
    return SW_OK;
}

bool channel_wrap(struct card *card, const struct apdu *plain, struct buf *out, uint16_t sw)
{
    bool good = sw == SW_OK || sw >> 8 == 0x62 || sw >> 8 == 0x63;
    bool wanted =
        card->channel.phase == CHANNEL_OPEN && card->channel.answering && card->channel.level & LEVEL_RMAC;

    return !wanted || !good || card_scp(card)->wrap(card, plain, out, sw);
}
