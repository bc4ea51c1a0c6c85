/* SCP03 (GlobalPlatform Card Specification 2.3, Amendment D 1.1), S8 mode: i bit 10 a card challenge that the host can compute,
 * 20 R-MAC, 60 R-MAC and encrypted answers. */
#include <string.h>

#include "card/inside.h"

enum {
    I_PSEUDO_RANDOM = 0x10,
    BLOCK = 16,
    CONSTANT_CARD = 0x00,
    CONSTANT_HOST = 0x01,
    CONSTANT_CHALLENGE = 0x02,
    CONSTANT_ENC = 0x04,
    CONSTANT_MAC = 0x06,
    CONSTANT_RMAC = 0x07,
    CONTEXT_MAX = 32,
};

struct context {
    uint8_t bytes[CONTEXT_MAX];
    size_t len;
};

/* 4.1.5: label (11 zeros, constant) ‖ 00 ‖ bits ‖ counter ‖ context, in counter mode. */
static bool kdf(struct card *card, const struct card_key *key, uint8_t constant,
                const struct context *context, uint8_t *out, size_t out_len)
{
    uint8_t text[BLOCK + CONTEXT_MAX] = {0}, mac[BLOCK];
    size_t bits = 8 * out_len;
    bool ok = true;

    text[11] = constant;
    text[13] = (uint8_t)(bits >> 8);
    text[14] = (uint8_t)bits;
    memcpy(text + BLOCK, context->bytes, context->len);
    for (size_t done = 0; ok && done < out_len; done += BLOCK) {
        text[15]++;
        ok = card_cmac(key, NULL, text, BLOCK + context->len, mac, &card->err);
        size_t left = out_len - done;
        memcpy(out + done, mac, left < BLOCK ? left : BLOCK);
    }
    wipe(mac, sizeof(mac));
    return ok;
}

static struct context both_challenges(const struct channel *c)
{
    struct context context = {.len = sizeof(c->host_challenge) + sizeof(c->card_challenge)};

    memcpy(context.bytes, c->host_challenge, sizeof(c->host_challenge));
    memcpy(context.bytes + sizeof(c->host_challenge), c->card_challenge, sizeof(c->card_challenge));
    return context;
}

static bool session_key(struct card *card, const struct card_key *from, uint8_t constant,
                        struct card_key *out)
{
    struct context context = both_challenges(&card->channel);

    *out = (struct card_key){.type = CARD_KEY_AES, .len = from->len};
    return kdf(card, from, constant, &context, out->value, from->len);
}

/* 6.2.2.1: made of the sequence counter and the AID of who is selected. */
static bool known_challenge(struct card *card, const struct card_key *enc)
{
    static const uint8_t domain[] = {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00};
    const struct card_app *app = card_selected_app(card);
    uint32_t n = card->channel.sequence;
    struct context context = {.bytes = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
    size_t aid_len = app ? app->aid_len : sizeof(domain);

    memcpy(context.bytes + 3, app ? app->aid : domain, aid_len);
    context.len = 3 + aid_len;
    return kdf(card, enc, CONSTANT_CHALLENGE, &context, card->channel.card_challenge, 8);
}

static bool start(struct card *card, const struct card_keyset *set)
{
    struct channel *c = &card->channel;

    c->sequence = set->sequence;
    c->dek = c->static_dek = set->key[KEY_DEK];
    if (card->now.i & I_PSEUDO_RANDOM) {
        if (!known_challenge(card, &set->key[KEY_ENC])) return false;
    } else if (!card_draw(card, c->card_challenge, sizeof(c->card_challenge))) {
        return false;
    }
    return session_key(card, &set->key[KEY_ENC], CONSTANT_ENC, &c->enc) &&
           session_key(card, &set->key[KEY_MAC], CONSTANT_MAC, &c->mac) &&
           session_key(card, &set->key[KEY_MAC], CONSTANT_RMAC, &c->rmac);
}

static bool cryptogram(struct card *card, bool host, uint8_t out[static 8])
{
    struct context context = both_challenges(&card->channel);

    return kdf(card, &card->channel.mac, host ? CONSTANT_HOST : CONSTANT_CARD, &context, out, 8);
}

/* 6.2.4: over the chaining value, the header, the length as sent, and the data as sent. */
static bool mac_is_right(struct card *card, const struct apdu *cmd)
{
    struct channel *c = &card->channel;
    size_t len = cmd->len - CARD_MAC_LEN, head_len = 4;
    uint8_t mac[BLOCK];
    uint8_t *text = card->work;

    memcpy(text, (const uint8_t[]){cmd->cla, cmd->ins, cmd->p1, cmd->p2}, 4);
    if (cmd->extended) {
        text[head_len++] = 0;
        text[head_len++] = (uint8_t)(cmd->len >> 8);
    }
    text[head_len++] = (uint8_t)cmd->len;
    if (len) memcpy(text + head_len, cmd->data, len);
    if (!card_cmac(&c->mac, c->chain, text, head_len + len, mac, &card->err)) return false;
    uint8_t differs = 0;
    for (size_t i = 0; i < CARD_MAC_LEN; i++)
        differs |= (uint8_t)(cmd->data[len + i] ^ mac[i]);
    memcpy(c->chain, mac, BLOCK);
    return differs == 0;
}

/* 6.2.6, 6.2.7: the counter of encrypted commands under S-ENC; an answer's has its first bit set. */
static bool initial_vector(struct card *card, uint8_t first, uint8_t out[static BLOCK])
{
    uint32_t n = card->channel.counter;

    memset(out, 0, BLOCK);
    out[0] = first;
    for (size_t i = 0; i < 4; i++)
        out[BLOCK - 1 - i] = (uint8_t)(n >> (8 * i));
    return card_ecb(&card->channel.enc, CARD_ENCRYPT, out, BLOCK, &card->err);
}

static bool decrypt(struct card *card, uint8_t *data, size_t *len)
{
    uint8_t iv[BLOCK];

    card->channel.counter++;
    if (*len == 0) return true;
    return *len % BLOCK == 0 && initial_vector(card, 0, iv) &&
           card_cbc(&card->channel.enc, CARD_DECRYPT, iv, data, *len, &card->err) && card_unpad(data, len);
}

static bool unwrap(struct card *card, const struct apdu *cmd, struct apdu *plain, uint16_t *sw)
{
    *sw = SW_SECURITY;
    *plain = *cmd;
    if (cmd->len < CARD_MAC_LEN) return false;
    if (!mac_is_right(card, cmd)) return false;
    plain->len = cmd->len - CARD_MAC_LEN;
    memcpy(card->work, cmd->data, plain->len);
    plain->data = card->work;
    return !(card->channel.level & LEVEL_ENC) || decrypt(card, card->work, &plain->len);
}

static bool encrypt_answer(struct card *card, struct buf *out)
{
    uint8_t iv[BLOCK];

    if (out->len == 0) return true;
    buf_put_u8(out, 0x80);
    buf_put_fill(out, 0, (BLOCK - out->len % BLOCK) % BLOCK);
    return !out->failed && initial_vector(card, 0x80, iv) &&
           card_cbc(&card->channel.enc, CARD_ENCRYPT, iv, out->data, out->len, &card->err);
}

static bool wrap(struct card *card, const struct apdu *plain, struct buf *out, uint16_t sw)
{
    struct channel *c = &card->channel;
    uint8_t mac[BLOCK];

    (void)plain;
    if (c->level & LEVEL_RENC && !encrypt_answer(card, out)) return false;
    size_t len = out->len;
    buf_put_be(out, sw, 2);
    if (out->failed || !card_cmac(&c->rmac, c->chain, out->data, out->len, mac, &card->err)) return false;
    buf_truncate(out, len);
    buf_put(out, mac, CARD_MAC_LEN);
    return !out->failed;
}

const struct scp scp03 = {start, cryptogram, unwrap, wrap};
