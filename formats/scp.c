#include "formats/scp.h"

#include <string.h>

enum { SECURE_MESSAGING = 0x04, OPTIONS_SCP02 = 0x15, KEY_TYPE_DES = 0x80, KEY_TYPE_AES = 0x88 };

/* ---- INITIALIZE UPDATE ---- */

static bool read_fixed(struct cur *c, uint8_t *out, size_t len, struct err *err)
{
    const uint8_t *bytes = NULL;
    if (!cur_take(c, len, &bytes, "answer to INITIALIZE UPDATE", err)) return false;
    memcpy(out, bytes, len);
    return true;
}

static bool read_scp02(struct cur *c, struct scp_answer *a, struct err *err)
{
    a->options = OPTIONS_SCP02;
    a->sequence_len = 2;
    a->challenge_len = 6;
    return read_fixed(c, a->sequence, a->sequence_len, err) &&
           read_fixed(c, a->challenge, a->challenge_len, err) &&
           read_fixed(c, a->cryptogram, sizeof a->cryptogram, err);
}

static bool check_options(uint8_t i, struct err *err)
{
    if (i & SCP03_S16) return err_set(err, ERR_INPUT, "the card speaks SCP03 in its S16 mode (i = %02X)", i);
    if ((i & ~(SCP03_PSEUDO_RANDOM | SCP03_R_MAC | SCP03_R_ENC)) != 0 ||
        ((i & SCP03_R_ENC) && !(i & SCP03_R_MAC)))
        return err_set(err, ERR_INPUT, "the card speaks SCP03 with unknown options (i = %02X)", i);
    return true;
}

static bool read_scp03(struct cur *c, struct scp_answer *a, struct err *err)
{
    a->challenge_len = SCP_CHALLENGE;
    if (!cur_take_u8(c, &a->options, "answer to INITIALIZE UPDATE", err) || !check_options(a->options, err))
        return false;
    a->sequence_len = (a->options & SCP03_PSEUDO_RANDOM) ? 3 : 0;
    return read_fixed(c, a->challenge, a->challenge_len, err) &&
           read_fixed(c, a->cryptogram, sizeof a->cryptogram, err) &&
           read_fixed(c, a->sequence, a->sequence_len, err);
}

bool scp_answer_read(const uint8_t *data, size_t len, struct scp_answer *out, struct err *err)
{
    struct scp_answer a = {.protocol = SCP02};
    struct cur c = cur_make(data, len, 0);
    uint8_t protocol = 0;
    if (!read_fixed(&c, a.key_data, sizeof a.key_data, err) ||
        !cur_take_u8(&c, &a.key_version, "answer to INITIALIZE UPDATE", err) ||
        !cur_take_u8(&c, &protocol, "answer to INITIALIZE UPDATE", err))
        return false;
    if (protocol != SCP02 && protocol != SCP03)
        return err_set(err, ERR_INPUT, "the card speaks SCP%02X; SCP02 and SCP03 are known", protocol);
    a.protocol = protocol == SCP02 ? SCP02 : SCP03;
    if (!(a.protocol == SCP02 ? read_scp02(&c, &a, err) : read_scp03(&c, &a, err))) return false;
    if (cur_left(&c) > 0)
        return err_set(err, ERR_INPUT, "answer to INITIALIZE UPDATE: %zu bytes too many", cur_left(&c));
    *out = a;
    return true;
}

uint8_t scp_level(const struct scp_answer *answer, bool encrypt, bool response_mac)
{
    unsigned level = SCP_C_MAC | (encrypt ? SCP_C_ENC : 0U);
    if (answer->protocol == SCP03 && response_mac && (answer->options & SCP03_R_MAC)) {
        level |= SCP_R_MAC;
        if (encrypt && (answer->options & SCP03_R_ENC)) level |= SCP_R_ENC;
    }
    return (uint8_t)level;
}

size_t scp_block(enum scp_protocol protocol)
{
    return protocol == SCP02 ? SCP02_BLOCK : SCP03_BLOCK;
}

size_t scp_data_max(enum scp_protocol protocol, uint8_t level, size_t lc_max)
{
    const size_t block = scp_block(protocol), room = lc_max - SCP_MAC;
    return (level & SCP_C_ENC) ? room / block * block - 1 : room;
}

/* ---- padding ---- */

void scp_pad(struct buf *b, size_t begin, size_t block)
{
    buf_put_u8(b, 0x80);
    const size_t over = (b->len - begin) % block;
    if (over > 0) buf_put_fill(b, 0, block - over);
}

bool scp_unpad(const uint8_t *data, size_t *len, struct err *err)
{
    size_t n = *len;
    while (n > 0 && data[n - 1] == 0)
        n--;
    if (n == 0 || data[n - 1] != 0x80) return err_set(err, ERR_INTEGRITY, "the padding is wrong");
    *len = n - 1;
    return true;
}

/* ---- derivation and cryptograms ---- */

void scp02_session_data(enum scp02_constant constant, const uint8_t sequence[2], uint8_t out[16])
{
    memset(out, 0, 16);
    out[0] = (uint8_t)((unsigned)constant >> 8);
    out[1] = (uint8_t)constant;
    memcpy(&out[2], sequence, 2);
}

void scp02_cryptogram_input(const struct scp_answer *answer, const uint8_t host[SCP_CHALLENGE], bool of_card,
                            uint8_t out[24])
{
    uint8_t card[8];
    memcpy(card, answer->sequence, 2);
    memcpy(&card[2], answer->challenge, 6);
    memset(out, 0, 24);
    memcpy(out, of_card ? host : card, 8);
    memcpy(&out[8], of_card ? card : host, 8);
    out[16] = 0x80;
}

void scp03_kdf_input(const struct scp03_derivation *d, const uint8_t host[SCP_CHALLENGE],
                     const uint8_t card[SCP_CHALLENGE], uint8_t out[SCP03_KDF])
{
    memset(out, 0, SCP03_KDF);
    out[11] = (uint8_t)d->constant;
    out[13] = (uint8_t)(d->bits >> 8);
    out[14] = (uint8_t)d->bits;
    out[15] = d->counter;
    memcpy(&out[16], host, SCP_CHALLENGE);
    memcpy(&out[24], card, SCP_CHALLENGE);
}

/* ---- commands and answers ---- */

static bool put_mac_header(const struct apdu *command, struct buf *out, struct err *err)
{
    const size_t len = command->len + SCP_MAC;
    if (len > APDU_DATA_MAX)
        return err_set(err, ERR_INPUT, "%zu bytes and a MAC do not fit a command", command->len);
    buf_put_u8(out, command->cla | SECURE_MESSAGING);
    buf_put_u8(out, command->ins);
    buf_put_u8(out, command->p1);
    buf_put_u8(out, command->p2);
    buf_put_be(out, len, len > APDU_SHORT_DATA_MAX ? 3 : 1);
    if (command->len > 0) buf_put(out, command->data, command->len);
    return true;
}

bool scp02_mac_input(const struct apdu *command, struct buf *out, struct err *err)
{
    const size_t begin = out->len;
    if (!put_mac_header(command, out, err)) return false;
    scp_pad(out, begin, SCP02_BLOCK);
    return buf_ok(out, "what C-MAC covers", err);
}

bool scp03_mac_input(const uint8_t chain[16], const struct apdu *command, struct buf *out, struct err *err)
{
    buf_put(out, chain, 16);
    return put_mac_header(command, out, err) && buf_ok(out, "what C-MAC covers", err);
}

bool scp_put_secured(struct buf *b, const struct apdu *command, const uint8_t mac[SCP_MAC], struct err *err)
{
    if (!put_mac_header(command, b, err)) return false;
    buf_put(b, mac, SCP_MAC);
    const size_t le_bytes = command->len + SCP_MAC > APDU_SHORT_DATA_MAX ? 2 : 1;
    if (command->le > 0) buf_put_be(b, command->le & (le_bytes == 2 ? 0xFFFF : 0xFF), le_bytes);
    return buf_ok(b, "command", err);
}

void scp03_counter_block(uint64_t counter, bool of_answer, uint8_t out[SCP03_BLOCK])
{
    memset(out, 0, SCP03_BLOCK);
    for (size_t i = 0; i < 8; i++)
        out[SCP03_BLOCK - 1 - i] = (uint8_t)(counter >> (8 * i));
    if (of_answer) out[0] = 0x80;
}

static void put_answer(struct buf *out, const struct apdu_answer *answer)
{
    if (answer->len > 0) buf_put(out, answer->data, answer->len);
    buf_put_be(out, answer->sw, 2);
}

void scp02_rmac_input(const struct apdu *command, const struct apdu_answer *answer, struct buf *out)
{
    const size_t begin = out->len;
    struct apdu stripped = *command;
    stripped.le = 0;
    apdu_put(out, &stripped);
    buf_put_u8(out, (uint8_t)answer->len);
    put_answer(out, answer);
    scp_pad(out, begin, SCP02_BLOCK);
}

void scp03_rmac_input(const uint8_t chain[16], const struct apdu_answer *answer, struct buf *out)
{
    buf_put(out, chain, 16);
    put_answer(out, answer);
}

void scp_new_key_put(struct buf *b, const struct scp_new_key *key)
{
    buf_put_u8(b, key->aes ? KEY_TYPE_AES : KEY_TYPE_DES);
    buf_put_be(b, key->len + (key->aes ? 1 : 0), 1);
    if (key->aes) buf_put_be(b, key->key_len, 1);
    buf_put(b, key->encrypted, key->len);
    buf_put_u8(b, sizeof key->check);
    buf_put(b, key->check, sizeof key->check);
}
