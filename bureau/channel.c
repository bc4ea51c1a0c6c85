#include "bureau/channel.h"

#include <string.h>

#include "bureau/translate.h"

enum { CLA_GP = 0x80, INS_EXTERNAL_AUTHENTICATE = 0x82, TEXT_MAX = HSM_CHANNEL_TEXT_MAX };
_Static_assert(BUREAU_COMMAND_DATA_MAX + 2 * SCP03_BLOCK + 16 <= TEXT_MAX,
               "a chaining value, a header, data and padding");

void channel_init(struct channel *c, struct ring *r)
{
    memset(c, 0, sizeof(*c));
    c->ring = r;
}

static void forget_keys(struct channel *c)
{
    hsm_card_keys_destroy(c->ring->t, &c->keys);
    c->keys = (struct hsm_card_keys)HSM_CARD_KEYS_NONE;
    c->origin = (struct channel_origin){.from = NULL};
}

void channel_hang_up(struct channel *c)
{
    const struct channel kept = *c;
    hsm_channel_close(c->ring->t, &c->session);
    channel_init(c, kept.ring);
    c->due_kmc = kept.due_kmc;
    c->keys = kept.keys;
    c->origin = kept.origin;
}

void channel_close(struct channel *c)
{
    channel_hang_up(c);
    forget_keys(c);
}

/* ---- opening ---- */

static void kdf(const struct channel *c, enum scp03_constant constant, size_t bits, const uint8_t *host,
                uint8_t out[2 * SCP03_KDF])
{
    for (uint8_t n = 0; n < 2; n++) {
        const struct scp03_derivation d = {constant, bits, (uint8_t)(n + 1)};
        scp03_kdf_input(&d, host, c->answer.challenge, &out[SCP03_KDF * n]);
    }
}

static bool open_scp02(struct channel *c, struct err *err)
{
    const uint8_t *sequence = c->answer.sequence;
    uint8_t enc[16], mac[16], dek[16];
    const struct hsm_channel_data data = {enc, mac, NULL, dek};
    scp02_session_data(SCP02_ENC, sequence, enc);
    scp02_session_data(SCP02_C_MAC, sequence, mac);
    scp02_session_data(SCP02_DEK, sequence, dek);
    return hsm_channel_open(c->ring->t, &c->keys, &data, &c->session, err);
}

static bool open_scp03(struct channel *c, const uint8_t *host, struct err *err)
{
    const size_t bits = hsm_algorithm_len(c->keys.enc.algorithm) * 8;
    uint8_t enc[2 * SCP03_KDF], mac[2 * SCP03_KDF], rmac[2 * SCP03_KDF];
    const struct hsm_channel_data data = {enc, mac, (c->level & SCP_R_MAC) ? rmac : NULL, NULL};
    kdf(c, SCP03_S_ENC, bits, host, enc);
    kdf(c, SCP03_S_MAC, bits, host, mac);
    kdf(c, SCP03_S_RMAC, bits, host, rmac);
    return hsm_channel_open(c->ring->t, &c->keys, &data, &c->session, err);
}

static bool cryptogram(struct channel *c, const uint8_t *host, bool of_card, uint8_t out[SCP_CRYPTOGRAM],
                       struct err *err)
{
    struct hsm_token *t = c->ring->t;
    uint8_t in[2 * SCP03_KDF], text[24];
    if (c->answer.protocol == SCP02) {
        scp02_cryptogram_input(&c->answer, host, of_card, in);
        if (!hsm_channel_encrypt(t, &c->session, NULL, in, sizeof(text), text, err)) return false;
        memcpy(out, &text[16], SCP_CRYPTOGRAM);
        return true;
    }
    kdf(c, of_card ? SCP03_CARD_CRYPTOGRAM : SCP03_HOST_CRYPTOGRAM, SCP03_CRYPTOGRAM_BITS, host, in);
    if (!hsm_channel_cmac(t, &c->session, HSM_CHANNEL_COMMAND, in, SCP03_KDF, text, err)) return false;
    memcpy(out, text, SCP_CRYPTOGRAM);
    return true;
}

static bool check_card(struct channel *c, const uint8_t *host, struct err *err)
{
    uint8_t due[SCP_CRYPTOGRAM], differs = 0;
    if (!cryptogram(c, host, true, due, err)) return false;
    for (size_t i = 0; i < sizeof(due); i++)
        differs = (uint8_t)(differs | (due[i] ^ c->answer.cryptogram[i]));
    if (differs == 0) return true;
    return err_set(err, ERR_INTEGRITY,
                   "the card's cryptogram does not verify: it has other keys than %s (key version %u) gives",
                   c->from->name, (unsigned)c->answer.key_version);
}

/* Each application of a card opens a channel with the same static keys. */
static bool derive_keys(struct channel *c, const struct ring_card *card, struct err *err)
{
    const struct channel_origin *o = &c->origin;
    if (o->from == c->from && o->aes == card->aes &&
        memcmp(o->key_data, card->key_data, sizeof(o->key_data)) == 0)
        return true;
    forget_keys(c);
    if (!ring_derive(c->ring, c->from, card, &c->keys, err)) return false;
    c->origin = (struct channel_origin){.from = c->from, .aes = card->aes};
    memcpy(c->origin.key_data, card->key_data, sizeof(c->origin.key_data));
    return true;
}

static bool choose_keys(struct channel *c, struct err *err)
{
    const struct scp_answer *a = &c->answer;
    const struct ring_card_key *from = ring_card_key(c->ring, a->key_version);
    if (!from)
        return err_set(err, ERR_CONFIG, "the card's keys have version %u, for which the settings have no KMC",
                       (unsigned)a->key_version);
    if (c->due_kmc && (from->published || from->settings->key.version != c->due_kmc))
        return err_set(err, ERR_INPUT,
                       "the card's keys come from %s, and the record is for a card of version %u", from->name,
                       c->due_kmc);
    const struct ring_card card = {a->key_data, a->protocol != SCP02};
    if (!ring_card_key_fits(from, card.aes))
        return err_set(err, ERR_CONFIG, "the card speaks SCP%02X, and %s is a key of %s",
                       (unsigned)a->protocol, from->name, hsm_algorithm_name(from->master.algorithm));
    c->from = from;
    return derive_keys(c, &card, err);
}

static bool derive_session(struct channel *c, const uint8_t *host, struct err *err)
{
    return choose_keys(c, err) &&
           (c->answer.protocol == SCP02 ? open_scp02(c, err) : open_scp03(c, host, err));
}

static bool open_with(struct channel *c, const uint8_t *host, struct buf *command, struct err *err)
{
    uint8_t own[SCP_CRYPTOGRAM];
    if (!derive_session(c, host, err)) return false;
    if (!check_card(c, host, err) || !cryptogram(c, host, false, own, err)) return false;
    const uint8_t level = c->level;
    const struct apdu a = {CLA_GP, INS_EXTERNAL_AUTHENTICATE, level, 0, own, sizeof(own), 0};
    c->level = SCP_C_MAC; /* this command itself is never encrypted, and its answer has no MAC */
    bool ok = channel_secure(c, &a, command, err);
    c->level = level;
    c->counter = 0;
    return ok;
}

static void begin(struct channel *c, const struct scp_answer *answer)
{
    const struct bureau *s = c->ring->settings;
    channel_hang_up(c);
    c->answer = *answer;
    c->level = scp_level(answer, s->level == BUREAU_LEVEL_MAC_ENCRYPTION, s->response_mac);
}

bool channel_card_cryptogram(struct channel *c, const struct scp_answer *answer,
                             const uint8_t host[SCP_CHALLENGE], uint8_t out[SCP_CRYPTOGRAM], struct err *err)
{
    begin(c, answer);
    bool ok = derive_session(c, host, err) && cryptogram(c, host, true, out, err);
    channel_close(c);
    return ok;
}

bool channel_open(struct channel *c, const struct scp_answer *answer, const uint8_t host[SCP_CHALLENGE],
                  struct buf *command, struct err *err)
{
    begin(c, answer);
    if (!open_with(c, host, command, err)) {
        channel_close(c);
        return false;
    }
    c->due_kmc = 0;
    return true;
}

/* ---- commands ---- */

static bool mac_scp02(struct channel *c, const struct apdu *command, uint8_t mac[SCP_MAC], struct err *err)
{
    struct hsm_token *t = c->ring->t;
    struct buf in;
    buf_init(&in, TEXT_MAX);
    bool ok = scp02_mac_input(command, &in, err);
    const struct hsm_span span = {in.data, in.len};
    ok = ok && hsm_channel_retail_mac(t, &c->session, HSM_CHANNEL_COMMAND, c->icv, &span, mac, err) &&
         hsm_channel_next_iv(t, &c->session, mac, c->icv, err);
    buf_release(&in);
    return ok;
}

static bool mac_scp03(struct channel *c, const struct apdu *command, uint8_t mac[SCP_MAC], struct err *err)
{
    struct buf in;
    buf_init(&in, TEXT_MAX);
    bool ok = scp03_mac_input(c->chain, command, &in, err) &&
              hsm_channel_cmac(c->ring->t, &c->session, HSM_CHANNEL_COMMAND, in.data, in.len, c->chain, err);
    if (ok) memcpy(mac, c->chain, SCP_MAC);
    buf_release(&in);
    return ok;
}

/* Replaces what stands in b by its ciphertext. */
static bool encrypt(struct channel *c, struct buf *b, struct err *err)
{
    uint8_t counter[SCP03_BLOCK], iv[SCP03_BLOCK] = {0};
    struct hsm_token *t = c->ring->t;
    scp_pad(b, 0, scp_block(c->answer.protocol));
    if (!buf_ok(b, "data of a command", err)) return false;
    scp03_counter_block(c->counter, false, counter);
    if (c->session.aes && !hsm_channel_encrypt_block(t, &c->session, counter, iv, err)) return false;
    return hsm_channel_encrypt(t, &c->session, c->session.aes ? iv : NULL, b->data, b->len, b->data, err);
}

static bool secure(struct channel *c, const struct apdu *command, struct buf *data, struct buf *out,
                   struct err *err)
{
    struct apdu sent = *command;
    uint8_t mac[SCP_MAC];
    const bool encrypts = (c->level & SCP_C_ENC) && command->len > 0, scp02 = c->answer.protocol == SCP02;
    /* SCP02 MACs what the command says, SCP03 what is sent. */
    if (scp02 && !mac_scp02(c, command, mac, err)) return false;
    if (encrypts) {
        buf_put(data, command->data, command->len);
        if (!encrypt(c, data, err)) return false;
        sent.data = data->data;
        sent.len = data->len;
    }
    return (scp02 || mac_scp03(c, &sent, mac, err)) && scp_put_secured(out, &sent, mac, err);
}

bool channel_secure(struct channel *c, const struct apdu *command, struct buf *out, struct err *err)
{
    struct buf data;
    if (!c->from) return err_set(err, ERR_INTERNAL, "no channel is open");
    if (command->ins != INS_EXTERNAL_AUTHENTICATE) c->counter++;
    buf_init(&data, TEXT_MAX);
    bool ok = secure(c, command, &data, out, err);
    buf_release(&data);
    return ok;
}

/* ---- answers ---- */

static bool check_rmac(struct channel *c, const struct apdu_answer *body, const uint8_t mac[SCP_MAC],
                       struct err *err)
{
    uint8_t due[SCP03_BLOCK], differs = 0;
    struct buf in;
    buf_init(&in, APDU_ANSWER_MAX + SCP03_BLOCK);
    scp03_rmac_input(c->chain, body, &in);
    bool ok = buf_ok(&in, "what R-MAC covers", err) &&
              hsm_channel_cmac(c->ring->t, &c->session, HSM_CHANNEL_ANSWER, in.data, in.len, due, err);
    buf_release(&in);
    for (size_t i = 0; ok && i < SCP_MAC; i++)
        differs = (uint8_t)(differs | (due[i] ^ mac[i]));
    if (!ok) return false;
    return differs == 0 || err_set(err, ERR_INTEGRITY, "the MAC of the card's answer does not verify");
}

static bool decrypt(struct channel *c, const struct apdu_answer *body, struct buf *data, struct err *err)
{
    uint8_t counter[SCP03_BLOCK], iv[SCP03_BLOCK];
    const size_t at = data->len;
    size_t len = body->len;
    if (len % SCP03_BLOCK != 0) return err_set(err, ERR_INTEGRITY, "the card's answer is no whole blocks");
    buf_reserve(data, len);
    scp03_counter_block(c->counter, true, counter);
    bool ok = buf_ok(data, "the card's answer", err) &&
              hsm_channel_encrypt_block(c->ring->t, &c->session, counter, iv, err) &&
              hsm_channel_decrypt(c->ring->t, &c->session, iv, body->data, len, &data->data[at], err) &&
              scp_unpad(&data->data[at], &len, err);
    buf_truncate(data, ok ? at + len : at);
    return ok;
}

bool channel_answer(struct channel *c, const struct apdu_answer *answer, struct buf *data, struct err *err)
{
    struct apdu_answer body = *answer;
    const bool good = answer->sw == SW_OK || apdu_sw_is_warning(answer->sw);
    if (!c->from) return err_set(err, ERR_INTERNAL, "no channel is open");
    if ((c->level & SCP_R_MAC) && good) {
        if (answer->len < SCP_MAC) return err_set(err, ERR_INTEGRITY, "the card's answer has no MAC");
        body.len -= SCP_MAC;
        if (!check_rmac(c, &body, &answer->data[body.len], err)) return false;
        if ((c->level & SCP_R_ENC) && body.len > 0) return decrypt(c, &body, data, err);
    }
    if (body.len > 0) buf_put(data, body.data, body.len);
    return buf_ok(data, "the card's answer", err);
}

/* ---- what the conversation asks ---- */

static bool ask_random(void *context, uint8_t out[SCP_CHALLENGE], struct err *err)
{
    struct channel *c = context;
    return hsm_random(c->ring->t, out, SCP_CHALLENGE, err);
}

static bool ask_open(void *context, const struct scp_answer *answer, const uint8_t host[SCP_CHALLENGE],
                     struct buf *command, struct err *err)
{
    return channel_open(context, answer, host, command, err);
}

static bool ask_secure(void *context, const struct apdu *command, struct buf *out, struct err *err)
{
    return channel_secure(context, command, out, err);
}

static bool ask_answer(void *context, const struct apdu_answer *answer, struct buf *data, struct err *err)
{
    return channel_answer(context, answer, data, err);
}

static size_t ask_data_max(void *context, size_t lc_max)
{
    const struct channel *c = context;
    return scp_data_max(c->answer.protocol, c->level, lc_max);
}

/* The key version whose keys the card has at this moment, against the one that the issuer encrypted under. */
static bool is_under_this_key(const struct channel *c, const struct open_item *item, struct err *err)
{
    for (size_t i = 0; i < item->secret_count; i++) {
        const char *own = item->secrets[i].wrapped.card_key;
        const size_t len = strlen(c->from->name);
        if (strncmp(own, c->from->name, len) == 0 && own[len] == '/') continue;
        return err_set(err, ERR_CONFIG, "secret %s is under %s, and the card's keys come from %s",
                       item->secrets[i].wrapped.name, own, c->from->name);
    }
    return true;
}

static bool ask_protect(void *context, const struct open_item *item, struct buf *dgis, bool *application_key,
                        struct err *err)
{
    struct channel *c = context;
    *application_key = item->secrets[0].wrapped.method != METHOD_KWP;
    if (*application_key && !is_under_this_key(c, item, err)) return false;
    return translate_item(c->ring, &c->session, item, dgis, err);
}

static bool ask_new_keys(void *context, struct card_new_keys *out, struct err *err)
{
    struct channel *c = context;
    const struct ring_card_key *newest = ring_newest_card_key(c->ring, c->session.aes);
    const struct translate_new_keys keys = {newest, c->answer.key_data};
    if (!newest)
        return err_set(err, ERR_CONFIG, "the KMCs of the settings do not go with this card's channel");
    out->needed = newest != c->from;
    if (!out->needed && !out->checks_wanted) return true;
    out->old_version = c->answer.key_version;
    out->version = (uint8_t)newest->settings->key_version;
    buf_put_u8(&out->data, out->version);
    buf_put_u8(&out->checks, out->version);
    return translate_new_keys(c->ring, &c->session, &keys, &out->data, &out->checks, err);
}

static void ask_hang_up(void *context)
{
    channel_hang_up(context);
}

static void ask_close(void *context)
{
    channel_close(context);
}

struct card_crypto channel_crypto(struct channel *c)
{
    return (struct card_crypto){.context = c,
                                .random = ask_random,
                                .open = ask_open,
                                .secure = ask_secure,
                                .answer = ask_answer,
                                .data_max = ask_data_max,
                                .protect = ask_protect,
                                .new_keys = ask_new_keys,
                                .hang_up = ask_hang_up,
                                .close = ask_close};
}
