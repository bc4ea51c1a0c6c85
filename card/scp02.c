/* SCP02 (GlobalPlatform Card Specification 2.3, Annex E): i = 15 with a random card challenge, 55 with one that the host can
 * compute; 35 and 75 the same with R-MAC. */
#include <string.h>

#include "card/inside.h"

enum { I_PSEUDO_RANDOM = 0x40, SEQUENCE_MAX = 0xFFFF, DES_BLOCK = 8, CHALLENGE_LEN = 6, HEAD_MAX = 7 };

static const uint8_t zeros[DES_BLOCK];

static bool session_key(struct card *card, const struct card_key *from, uint8_t kind, struct card_key *out)
{
    const uint8_t data[16] = {0x01, kind, (uint8_t)(card->channel.sequence >> 8),
                              (uint8_t)card->channel.sequence};

    *out = (struct card_key){.type = CARD_KEY_DES, .len = 16};
    memcpy(out->value, data, sizeof(data));
    return card_cbc(from, CARD_ENCRYPT, NULL, out->value, sizeof(data), &card->err);
}

/* E.4.2.3: the MAC over the AID of who is selected, under the session's C-MAC key. */
static bool known_challenge(struct card *card, uint8_t out[static CHALLENGE_LEN])
{
    static const uint8_t domain[] = {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00};
    const struct card_app *app = card_selected_app(card);
    uint8_t mac[CARD_MAC_LEN];

    if (!card_retail_mac(&card->channel.mac, zeros, app ? app->aid : domain,
                         app ? app->aid_len : sizeof(domain), mac, &card->err))
        return false;
    memcpy(out, mac, CHALLENGE_LEN);
    return true;
}

/* The challenge field is sequence counter (2) ‖ challenge (6). */
static bool start(struct card *card, const struct card_keyset *set)
{
    struct channel *c = &card->channel;

    if (set->sequence > SEQUENCE_MAX)
        return err_set(&card->err, ERR_INTERNAL, "card: sequence counter used up");
    c->sequence = set->sequence;
    c->card_challenge[0] = (uint8_t)(c->sequence >> 8);
    c->card_challenge[1] = (uint8_t)c->sequence;
    c->static_dek = set->key[KEY_DEK];
    if (!session_key(card, &set->key[KEY_ENC], 0x82, &c->enc) ||
        !session_key(card, &set->key[KEY_MAC], 0x01, &c->mac) ||
        !session_key(card, &set->key[KEY_MAC], 0x02, &c->rmac) ||
        !session_key(card, &set->key[KEY_DEK], 0x81, &c->dek))
        return false;
    if (card->now.i & I_PSEUDO_RANDOM) return known_challenge(card, c->card_challenge + 2);
    return card_draw(card, c->card_challenge + 2, CHALLENGE_LEN);
}

static bool cryptogram(struct card *card, bool host, uint8_t out[static 8])
{
    const struct channel *c = &card->channel;
    uint8_t text[24];

    memcpy(text, host ? c->card_challenge : c->host_challenge, 8);
    memcpy(text + 8, host ? c->host_challenge : c->card_challenge, 8);
    memset(text + 16, 0, 8);
    text[16] = 0x80;
    if (!card_cbc(&c->enc, CARD_ENCRYPT, NULL, text, sizeof(text), &card->err)) return false;
    memcpy(out, text + 16, 8);
    return true;
}

/* The C-MAC is over the plain data, which stand in card->work behind room for the head, with the length that the command had before
 * encryption, in the form in which it came. */
static bool mac_is_right(struct card *card, const struct apdu *cmd, size_t len)
{
    struct channel *c = &card->channel;
    uint8_t icv[DES_BLOCK], mac[CARD_MAC_LEN];
    const size_t with_mac = len + CARD_MAC_LEN, head_len = cmd->extended ? HEAD_MAX : 5;
    uint8_t *text = card->work + HEAD_MAX - head_len;

    memcpy(icv, zeros, sizeof(icv));
    memcpy(text, (const uint8_t[]){cmd->cla, cmd->ins, cmd->p1, cmd->p2, 0, (uint8_t)(with_mac >> 8)},
           head_len - 1);
    text[head_len - 1] = (uint8_t)with_mac;
    bool ok = (!c->chained || card_single_des(&c->mac, c->chain, icv, &card->err)) &&
              card_retail_mac(&c->mac, icv, text, head_len + len, mac, &card->err);
    if (!ok) return false;
    const uint8_t *given = cmd->data + cmd->len - CARD_MAC_LEN;
    uint8_t differs = 0;
    for (size_t i = 0; i < CARD_MAC_LEN; i++)
        differs |= (uint8_t)(given[i] ^ mac[i]);
    memcpy(c->chain, mac, CARD_MAC_LEN);
    c->chained = true;
    return differs == 0;
}

static bool decrypt(struct card *card, uint8_t *data, size_t *len)
{
    return *len == 0 || (*len % DES_BLOCK == 0 &&
                         card_cbc(&card->channel.enc, CARD_DECRYPT, NULL, data, *len, &card->err) &&
                         card_unpad(data, len));
}

static bool unwrap(struct card *card, const struct apdu *cmd, struct apdu *plain, uint16_t *sw)
{
    uint8_t *data = card->work + HEAD_MAX;

    *sw = SW_SECURITY;
    *plain = *cmd;
    if (cmd->len < CARD_MAC_LEN) return false;
    size_t len = cmd->len - CARD_MAC_LEN;
    memcpy(data, cmd->data, len);
    if (card->channel.level & LEVEL_ENC && !decrypt(card, data, &len)) return false;
    plain->data = data;
    plain->len = len;
    return mac_is_right(card, cmd, len);
}

/* E.4.5: over the command without secure messaging, the length of the answer's data, the data and the status word. */
static bool wrap(struct card *card, const struct apdu *plain, struct buf *out, uint16_t sw)
{
    struct channel *c = &card->channel;
    struct secret text = SECRET_NONE;
    size_t len = 5 + plain->len + 1 + out->len + 2;
    uint8_t head[5] = {plain->cla, plain->ins, plain->p1, plain->p2, (uint8_t)plain->len};

    if (!secret_init(&text, len, &card->err)) return false;
    uint8_t *at = text.data;
    memcpy(at, head, 5);
    if (plain->len) memcpy(at + 5, plain->data, plain->len);
    at += 5 + plain->len;
    *at++ = (uint8_t)out->len;
    if (out->len) memcpy(at, out->data, out->len);
    at += out->len;
    *at++ = (uint8_t)(sw >> 8);
    *at = (uint8_t)sw;
    bool ok = card_retail_mac(&c->rmac, c->rchain, text.data, len, c->rchain, &card->err);
    secret_release(&text);
    if (!ok) return false;
    buf_put(out, c->rchain, CARD_MAC_LEN);
    return true;
}

const struct scp scp02 = {start, cryptogram, unwrap, wrap};
