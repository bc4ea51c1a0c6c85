#include "bench/bureau/setup.h"

#include <string.h>

#include "bench/setup.h"

const uint8_t bureau_setup_challenge[SCP_CHALLENGE] = {0x42, 0x45, 0x4E, 0x43, 0x48, 0x00, 0x00, 0x01};
static const uint8_t key_data[SCP_KEY_DATA] = {0x00, 0x00, 0x40, 0x00, 0x01, 0x42, 0x45, 0x4E, 0x43, 0x48};
static const uint8_t card_challenge[SCP_CHALLENGE] = {0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8};

bool bureau_setup_has(const struct bureau *settings, enum scp_protocol protocol)
{
    for (size_t i = 0; i < settings->card_key_count; i++) {
        const bool aes = strncmp(settings->card_keys[i].key.algorithm, "aes", 3) == 0;
        if (aes == (protocol == SCP03)) return true;
    }
    return false;
}

static bool choose_card(struct bureau_setup *s, enum scp_protocol protocol, struct err *err)
{
    const struct ring_card_key *newest = NULL;
    const bool aes = protocol == SCP03;

    for (size_t i = 0; i < s->ring->card_key_count; i++) {
        const struct ring_card_key *k = &s->ring->card_keys[i];
        if (!ring_card_key_fits(k, aes)) continue;
        if (!newest || k->settings->key_version > newest->settings->key_version) newest = k;
    }
    if (!newest) return err_set(err, ERR_CONFIG, "no KMC for cards of SCP%02X", (unsigned)protocol);
    s->card = (struct scp_answer){.protocol = protocol,
                                  .key_version = (uint8_t)newest->settings->key_version,
                                  .options = aes ? 0 : 0x15,
                                  .sequence = {0, 1},
                                  .sequence_len = aes ? 0 : 2,
                                  .challenge_len = aes ? 8 : 6};
    memcpy(s->card.key_data, key_data, sizeof(key_data));
    memcpy(s->card.challenge, card_challenge, s->card.challenge_len);
    return true;
}

bool bureau_setup_open(struct bureau_setup *s, const struct bureau *settings, enum scp_protocol protocol,
                       struct err *err)
{
    *s = (struct bureau_setup){.token = NULL};
    bool ok = setup_token(&s->token, &settings->token, err) && ring_open(&s->ring, settings, s->token, err) &&
              choose_card(s, protocol, err);
    if (!ok) bureau_setup_close(s);
    return ok;
}

void bureau_setup_close(struct bureau_setup *s)
{
    ring_free(s->ring);
    hsm_token_close(s->token);
    *s = (struct bureau_setup){.token = NULL};
}

bool bureau_setup_session(struct bureau_setup *s, struct bureau_line *line, struct err *err)
{
    /* Which bytes does not matter here: the token takes the same time for all. */
    static const uint8_t block[3][2 * SCP03_KDF] = {{1}, {2}, {3}};
    const struct hsm_channel_data data = {block[0], block[1], NULL, block[2]};
    return hsm_channel_open(s->token, &line->keys, &data, &line->channel, err);
}

bool bureau_setup_keys(struct bureau_setup *s, struct hsm_card_keys *keys, struct err *err)
{
    const struct ring_card card = {s->card.key_data, s->card.protocol == SCP03};
    return ring_derive(s->ring, ring_card_key(s->ring, s->card.key_version), &card, keys, err);
}

bool bureau_setup_call(struct bureau_setup *s, struct bureau_line *line, struct err *err)
{
    *line = (struct bureau_line){.keys = HSM_CARD_KEYS_NONE};
    if (bureau_setup_keys(s, &line->keys, err) && bureau_setup_session(s, line, err)) return true;
    bureau_setup_hang_up(s, line);
    return false;
}

void bureau_setup_hang_up(struct bureau_setup *s, struct bureau_line *line)
{
    hsm_channel_close(s->token, &line->channel);
    hsm_card_keys_destroy(s->token, &line->keys);
}

bool bureau_setup_record(struct bureau_setup *s, const struct bureau_records *records, size_t i,
                         struct open_record **out, struct err *err)
{
    const struct hsm_span record = {&records->bytes.data[records->at[i]], records->len[i]};
    return open_record_new(out, s->ring, NULL, &record, 0, err);
}
