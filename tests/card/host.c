#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "host_cipher.h"

static const uint8_t zeros[16];

static void must(bool holds)
{
    if (!holds) abort();
}

void host_init(struct host *h, struct card *card, unsigned scp, unsigned i, size_t key_len)
{
    *h = (struct host){.card = card, .scp = scp, .i = i, .key_len = key_len};
    for (size_t n = 0; n < key_len; n++)
        h->enc[n] = h->mac[n] = h->dek[n] = (uint8_t)(0x40 + n);
    buf_init(&h->answer, CARD_ANSWER_MAX);
}

void host_release(struct host *h)
{
    buf_release(&h->answer);
}

size_t host_block(const struct host *h)
{
    return h->scp == 2 ? 8 : 16;
}

void host_encrypt(const struct host *h, bool application, const uint8_t *in, size_t len, uint8_t *out)
{
    if (h->scp == 2)
        host_ecb(false, application ? h->dek : h->s_dek, 16, in, len, out);
    else
        host_cbc(true, h->dek, h->key_len, zeros, in, len, out);
}

/* Sends as it is and follows 61xx; the data so far are in h->answer. */
static unsigned exchange(struct host *h, const uint8_t *apdu, size_t len)
{
    struct buf got;
    unsigned sw = 0;

    buf_init(&got, CARD_ANSWER_MAX);
    buf_clear(&h->answer);
    for (size_t i = 0; h->script && i < len; i++)
        fprintf(h->script, "%02X%s", apdu[i], i + 1 < len ? "" : "\n");
    card_process(h->card, apdu, len, &got);
    for (;;) {
        must(got.len >= 2);
        sw = (unsigned)bytes_be(got.data + got.len - 2, 2);
        buf_put(&h->answer, got.data, got.len - 2);
        if (sw >> 8 != 0x61) break;
        uint8_t more[5] = {0x00, 0xC0, 0x00, 0x00, (uint8_t)sw};
        card_process(h->card, more, sizeof(more), &got);
    }
    buf_release(&got);
    return sw;
}

static size_t pad(uint8_t *data, size_t len, size_t block)
{
    data[len++] = 0x80;
    while (len % block)
        data[len++] = 0;
    return len;
}

enum { HEAD_MAX = 7, DATA_MAX = 4096 };
struct message {
    uint8_t bytes[HEAD_MAX + DATA_MAX];
    size_t len;
};

/* Header and Lc in front of `data`, which has room for them: Lc of one byte, or 00 and two. Gives where it begins. */
static uint8_t *put_head(uint8_t *data, const uint8_t head[4], size_t lc, bool extended)
{
    uint8_t *at = data - (extended ? HEAD_MAX : HEAD_MAX - 2);

    memcpy(at, head, 4);
    at[0] |= 4;
    if (extended) {
        at[4] = 0;
        at[5] = (uint8_t)(lc >> 8);
    }
    data[-1] = (uint8_t)lc;
    return at;
}

/* The MAC behind the data, and all of it to the front. */
static void finish(struct message *m, uint8_t *data, size_t len, const uint8_t *begin, const uint8_t mac[8])
{
    memcpy(data + len, mac, 8);
    m->len = (size_t)(data + len + 8 - begin);
    memmove(m->bytes, begin, m->len);
}

static void secure02(struct host *h, const uint8_t head[4], const uint8_t *data, size_t len,
                     struct message *m)
{
    uint8_t icv[8] = {0}, left[16], *at = m->bytes + HEAD_MAX;
    const bool encrypts = h->level & 2 && len;
    const bool extended = (encrypts ? len / 8 * 8 + 8 : len) + 8 > 255;

    if (len) memcpy(at, data, len);
    uint8_t *begin = put_head(at, head, len + 8, extended);
    memcpy(left, h->s_mac, 8);
    memcpy(left + 8, h->s_mac, 8);
    if (h->chained) host_ecb(false, left, 16, h->chain, 8, icv);
    host_retail_mac(h->s_mac, icv, begin, (size_t)(at - begin) + len, h->chain);
    h->chained = true;
    if (encrypts) {
        len = pad(at, len, 8);
        host_cbc(false, h->s_enc, 16, zeros, at, len, at);
        begin = put_head(at, head, len + 8, extended);
    }
    finish(m, at, len, begin, h->chain);
}

static void vector03(struct host *h, uint8_t first, uint8_t iv[16])
{
    uint8_t block[16] = {first};
    block[14] = (uint8_t)(h->counter >> 8);
    block[15] = (uint8_t)h->counter;
    host_ecb(true, h->s_enc, h->key_len, block, 16, iv);
}

static void secure03(struct host *h, const uint8_t head[4], const uint8_t *data, size_t len,
                     struct message *m)
{
    uint8_t iv[16], text[16 + sizeof(m->bytes)], *at = m->bytes + HEAD_MAX;

    if (len) memcpy(at, data, len);
    if (h->level & 2) {
        h->counter++;
        if (len) {
            len = pad(at, len, 16);
            vector03(h, 0, iv);
            host_cbc(true, h->s_enc, h->key_len, iv, at, len, at);
        }
    }
    const uint8_t *begin = put_head(at, head, len + 8, len + 8 > 255);
    const size_t macked = (size_t)(at - begin) + len;
    memcpy(text, h->chain, 16);
    memcpy(text + 16, begin, macked);
    host_cmac(h->s_mac, h->key_len, text, 16 + macked, h->chain);
    finish(m, at, len, begin, h->chain);
}

static void check_answer02(struct host *h, const uint8_t head[4], const uint8_t *data, size_t len,
                           unsigned sw)
{
    uint8_t text[1024], mac[8];
    size_t n = h->answer.len - 8, at = 5;

    memcpy(text, head, 4);
    text[4] = (uint8_t)len;
    if (len) memcpy(text + at, data, len);
    at += len;
    text[at++] = (uint8_t)n;
    if (n) memcpy(text + at, h->answer.data, n);
    at += n;
    text[at++] = (uint8_t)(sw >> 8);
    text[at++] = (uint8_t)sw;
    host_retail_mac(h->s_rmac, h->rchain, text, at, mac);
    memcpy(h->rchain, mac, 8);
    h->answer_right = memcmp(mac, h->answer.data + n, 8) == 0;
    buf_truncate(&h->answer, n);
}

static void decrypt_answer03(struct host *h)
{
    uint8_t iv[16];
    size_t n = h->answer.len;

    if (n == 0) return;
    must(n % 16 == 0);
    vector03(h, 0x80, iv);
    host_cbc_decrypt(true, h->s_enc, h->key_len, iv, h->answer.data, n, h->answer.data);
    while (n && h->answer.data[n - 1] == 0)
        n--;
    must(n && h->answer.data[n - 1] == 0x80);
    buf_truncate(&h->answer, n - 1);
}

static void check_answer03(struct host *h, unsigned sw)
{
    uint8_t text[1024], mac[16];
    size_t n = h->answer.len - 8;

    memcpy(text, h->chain, 16);
    if (n) memcpy(text + 16, h->answer.data, n);
    text[16 + n] = (uint8_t)(sw >> 8);
    text[17 + n] = (uint8_t)sw;
    host_cmac(h->s_rmac, h->key_len, text, 18 + n, mac);
    h->answer_right = memcmp(mac, h->answer.data + n, 8) == 0;
    buf_truncate(&h->answer, n);
    if (h->level & 0x20) decrypt_answer03(h);
}

static unsigned send_secured(struct host *h, const uint8_t head[4], const uint8_t *data, size_t len, bool le)
{
    struct message m;

    if (h->scp == 2)
        secure02(h, head, data, len, &m);
    else
        secure03(h, head, data, len, &m);
    if (h->spoil) m.bytes[m.len - 1] ^= 1;
    h->spoil = false;
    if (le) m.bytes[m.len++] = 0;
    if (le && m.bytes[4] == 0 && m.len > 6) m.bytes[m.len++] = 0; /* of two bytes */
    unsigned sw = exchange(h, m.bytes, m.len);
    bool good = sw == 0x9000 || sw >> 8 == 0x62 || sw >> 8 == 0x63;
    h->answer_right = true;
    if (h->open && h->level & 0x10 && good) {
        must(h->answer.len >= 8);
        if (h->scp == 2)
            check_answer02(h, head, data, len, sw);
        else
            check_answer03(h, sw);
    }
    return sw;
}

unsigned host_send(struct host *h, const uint8_t head[4], const void *data, size_t len)
{
    uint8_t plain[5 + 255 + 1];

    must(len <= DATA_MAX - 32);
    if (h->open && head[1] != 0xA4 && head[1] != 0x50) return send_secured(h, head, data, len, true);
    must(len <= 255);
    memcpy(plain, head, 4);
    plain[4] = (uint8_t)len;
    if (len) memcpy(plain + 5, data, len);
    size_t n = len ? 5 + len : 4;
    plain[n++] = 0;
    return exchange(h, plain, n);
}

unsigned host_hex(struct host *h, const char *hex)
{
    struct err err = ERR_INIT;
    char text[1200];
    struct buf bytes;
    size_t n = 0;

    for (; *hex; hex++) {
        if (*hex != ' ') text[n++] = *hex;
        must(n < sizeof(text));
    }
    buf_init(&bytes, 600);
    must(hex_read(text, n, &bytes, &err));
    unsigned sw = 0;
    if (h->open && bytes.data[1] != 0xA4 && bytes.data[1] != 0x50) {
        size_t len = bytes.len > 5 ? bytes.data[4] : 0;
        sw = send_secured(h, bytes.data, bytes.data + 5, len, bytes.len == 5 || bytes.len > 5 + len);
    } else {
        sw = exchange(h, bytes.data, bytes.len);
    }
    buf_release(&bytes);
    return sw;
}

unsigned host_select(struct host *h, const char *aid)
{
    char text[64];
    h->open = false;
    if (!aid[0]) return host_hex(h, "00A4040000");
    snprintf(text, sizeof(text), "00A40400%02zX%s00", strlen(aid) / 2, aid);
    return host_hex(h, text);
}

static void session_key02(const struct host *h, const uint8_t *from, uint8_t kind, uint8_t *out)
{
    uint8_t data[16] = {1, kind, h->card_challenge[0], h->card_challenge[1]};
    host_cbc(false, from, 16, zeros, data, 16, out);
}

static void kdf03(const struct host *h, const uint8_t *key, uint8_t constant, const uint8_t *host_challenge,
                  uint8_t *out, size_t len)
{
    uint8_t text[32] = {0}, mac[16];

    text[11] = constant;
    text[13] = (uint8_t)(len * 8 >> 8);
    text[14] = (uint8_t)(len * 8);
    memcpy(text + 16, host_challenge, 8);
    memcpy(text + 24, h->card_challenge, 8);
    for (size_t done = 0; done < len; done += 16) {
        text[15]++;
        host_cmac(key, h->key_len, text, 32, mac);
        memcpy(out + done, mac, len - done < 16 ? len - done : 16);
    }
}

static void cryptogram(const struct host *h, const uint8_t *first, const uint8_t *second, uint8_t constant,
                       const uint8_t *host_challenge, uint8_t out[8])
{
    uint8_t text[24] = {0};

    if (h->scp == 3) {
        kdf03(h, h->s_mac, constant, host_challenge, out, 8);
        return;
    }
    memcpy(text, first, 8);
    memcpy(text + 8, second, 8);
    text[16] = 0x80;
    host_cbc(false, h->s_enc, 16, zeros, text, 24, text);
    memcpy(out, text + 16, 8);
}

static void session_keys(struct host *h, const uint8_t *challenge)
{
    if (h->scp == 2) {
        session_key02(h, h->enc, 0x82, h->s_enc);
        session_key02(h, h->mac, 0x01, h->s_mac);
        session_key02(h, h->mac, 0x02, h->s_rmac);
        session_key02(h, h->dek, 0x81, h->s_dek);
    } else {
        kdf03(h, h->enc, 4, challenge, h->s_enc, h->key_len);
        kdf03(h, h->mac, 6, challenge, h->s_mac, h->key_len);
        kdf03(h, h->mac, 7, challenge, h->s_rmac, h->key_len);
    }
}

unsigned host_open(struct host *h, uint8_t version, uint8_t level)
{
    static const uint8_t challenge[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    uint8_t head[4] = {0x80, 0x50, version, 0}, expected[8], mine[8];
    size_t at = h->scp == 2 ? 12 : 13;

    h->open = h->chained = false;
    memset(h->chain, 0, sizeof(h->chain));
    h->counter = 0;
    unsigned sw = host_send(h, head, challenge, 8);
    if (sw != 0x9000) return sw;
    must(h->answer.len == (h->scp == 2 ? 28u : h->i & 0x10 ? 32u : 29u));
    memcpy(h->key_data, h->answer.data, 10);
    h->key_version = h->answer.data[10];
    must(h->answer.data[11] == h->scp && (h->scp == 2 || h->answer.data[12] == h->i));
    memcpy(h->card_challenge, h->answer.data + at, 8);
    if (h->answer.len == 32) memcpy(h->sequence, h->answer.data + 29, 3);
    session_keys(h, challenge);
    cryptogram(h, challenge, h->card_challenge, 0, challenge, expected);
    if (memcmp(expected, h->answer.data + at + 8, 8) != 0) return 0;
    cryptogram(h, h->card_challenge, challenge, 1, challenge, mine);
    h->level = 0;
    sw = send_secured(h, (const uint8_t[]){0x80, 0x82, level, 0}, mine, 8, false);
    if (sw != 0x9000) return sw;
    h->level = level;
    h->open = level != 0;
    memcpy(h->rchain, h->chain, 8);
    return sw;
}
