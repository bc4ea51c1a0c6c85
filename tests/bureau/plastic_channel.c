#include "plastic_channel.h"

#include <string.h>

static const uint8_t zero[16];

/* ---- session keys ---- */

static void session_scp02(struct plastic *p)
{
    static const uint8_t constants[] = {0x82, 0x01, 0x02, 0x81};
    const uint8_t *const from[] = {p->keys.enc, p->keys.mac, p->keys.mac, p->keys.dek};
    uint8_t *const into[] = {p->s_enc, p->s_mac, p->s_rmac, p->s_dek};
    for (size_t i = 0; i < 4; i++) {
        uint8_t d[16] = {0x01, constants[i], p->sequence[0], p->sequence[1]};
        plastic_tdes_cbc(true, from[i], zero, d, 16, into[i]);
    }
}

static void kdf(const struct plastic *p, const uint8_t *key, uint8_t constant, size_t bits, uint8_t *out)
{
    uint8_t in[32] = {0}, block[16];
    in[11] = constant;
    in[13] = (uint8_t)(bits >> 8);
    in[14] = (uint8_t)bits;
    memcpy(&in[16], p->host, 8);
    memcpy(&in[24], p->card, 8);
    for (size_t done = 0, i = 1; done < bits / 8; done += 16, i++) {
        in[15] = (uint8_t)i;
        plastic_cmac(key, p->keys.len, in, 32, block);
        memcpy(&out[done], block, bits / 8 - done < 16 ? bits / 8 - done : 16);
    }
}

static void session_scp03(struct plastic *p)
{
    const size_t bits = p->keys.len * 8;
    kdf(p, p->keys.enc, 4, bits, p->s_enc);
    kdf(p, p->keys.mac, 6, bits, p->s_mac);
    kdf(p, p->keys.mac, 7, bits, p->s_rmac);
    memcpy(p->s_dek, p->keys.dek, p->keys.len);
}

void plastic_cryptogram(const struct plastic *p, bool of_card, uint8_t out[8])
{
    uint8_t in[24] = {0}, text[24];
    if (p->protocol == 3) {
        kdf(p, p->s_mac, of_card ? 0 : 1, 64, out);
        return;
    }
    memcpy(&in[of_card ? 8 : 0], p->sequence, 2);
    memcpy(&in[of_card ? 10 : 2], p->card, 6);
    memcpy(&in[of_card ? 0 : 8], p->host, 8);
    in[16] = 0x80;
    plastic_tdes_cbc(true, p->s_enc, zero, in, 24, text);
    memcpy(out, &text[16], 8);
}

void plastic_session(struct plastic *p)
{
    if (p->protocol == 2)
        session_scp02(p);
    else
        session_scp03(p);
}

/* ---- secure messaging ---- */

static void retail_mac(const uint8_t key[16], const uint8_t icv[8], const uint8_t *in, size_t len,
                       uint8_t out[8])
{
    uint8_t left[16], text[PLASTIC_DATA + 32], last[8];
    memcpy(left, key, 8);
    memcpy(&left[8], key, 8);
    memcpy(last, icv, 8);
    if (len > 8) {
        plastic_tdes_cbc(true, left, last, in, len - 8, text);
        memcpy(last, &text[len - 16], 8);
    }
    plastic_tdes_cbc(true, key, last, &in[len - 8], 8, out);
}

bool plastic_mac_is_right(struct plastic *p, struct plastic_message *c)
{
    uint8_t in[PLASTIC_DATA + 32], mac[16], left[16];
    size_t n = 0;
    if (c->len < 8) return false;
    const size_t body = c->len - 8;
    if (p->protocol == 3) {
        memcpy(in, p->chain, 16);
        n = 16;
    }
    in[n++] = c->cla;
    in[n++] = c->ins;
    in[n++] = c->p1;
    in[n++] = c->p2;
    if (c->len > 255) {
        in[n++] = 0;
        in[n++] = (uint8_t)(c->len >> 8);
    }
    in[n++] = (uint8_t)c->len;
    memcpy(&in[n], c->data, body);
    n += body;
    if (p->protocol == 3) {
        plastic_cmac(p->s_mac, p->keys.len, in, n, mac);
        if (memcmp(mac, &c->data[body], 8) != 0) return false;
        memcpy(p->chain, mac, 16);
    } else {
        in[n++] = 0x80;
        while (n % 8 != 0)
            in[n++] = 0;
        retail_mac(p->s_mac, p->icv, in, n, mac);
        if (memcmp(mac, &c->data[body], 8) != 0) return false;
        memcpy(left, p->s_mac, 8);
        memcpy(&left[8], p->s_mac, 8);
        plastic_tdes_ecb(true, left, mac, 8, p->icv);
    }
    c->len = body;
    return true;
}

static void counter_iv(const struct plastic *p, bool answer, uint8_t iv[16])
{
    uint8_t block[16] = {0};
    for (size_t i = 0; i < 8; i++)
        block[15 - i] = (uint8_t)(p->counter >> (8 * i));
    if (answer) block[0] = 0x80;
    plastic_aes_cbc(true, p->s_enc, p->keys.len, zero, block, 16, iv);
}

static bool unpad(uint8_t *data, size_t *len)
{
    size_t n = *len;
    while (n > 0 && data[n - 1] == 0)
        n--;
    if (n == 0 || data[n - 1] != 0x80) return false;
    *len = n - 1;
    return true;
}

static bool decrypt_command(struct plastic *p, struct plastic_message *c)
{
    uint8_t iv[16], out[PLASTIC_DATA];
    if (c->len == 0) return true;
    if (c->len % (p->protocol == 3 ? 16 : 8) != 0) return false;
    if (p->protocol == 3) {
        counter_iv(p, false, iv);
        plastic_aes_cbc(false, p->s_enc, p->keys.len, iv, c->data, c->len, out);
    } else {
        plastic_tdes_cbc(false, p->s_enc, zero, c->data, c->len, out);
    }
    memcpy(c->data, out, c->len);
    return unpad(c->data, &c->len);
}

bool plastic_secured(struct plastic *p, struct plastic_message *c)
{
    /* SCP02 MACs what was said before it was encrypted. */
    struct plastic_message plain = *c;
    if (!(c->cla & 4) || !p->authenticated || c->len < 8) return false;
    p->counter++;
    if (p->protocol == 2 && (p->level & 2) && c->len > 8) {
        plain.len = c->len - 8;
        if (!decrypt_command(p, &plain)) return false;
        memcpy(&plain.data[plain.len], &c->data[c->len - 8], 8);
        plain.len += 8;
        if (!plastic_mac_is_right(p, &plain)) return false;
        *c = plain;
        return true;
    }
    return plastic_mac_is_right(p, c) && (!(p->level & 2) || decrypt_command(p, c));
}

size_t plastic_protect_answer(struct plastic *p, uint8_t *answer, size_t len, unsigned sw)
{
    uint8_t in[512], iv[16], mac[16], out[300];
    if (!(p->level & 0x10)) return len;
    if ((p->level & 0x20) && len > 0) {
        answer[len++] = 0x80;
        while (len % 16 != 0)
            answer[len++] = 0;
        counter_iv(p, true, iv);
        plastic_aes_cbc(true, p->s_enc, p->keys.len, iv, answer, len, out);
        memcpy(answer, out, len);
    }
    memcpy(in, p->chain, 16);
    memcpy(&in[16], answer, len);
    in[16 + len] = (uint8_t)(sw >> 8);
    in[17 + len] = (uint8_t)sw;
    plastic_cmac(p->s_rmac, p->keys.len, in, 18 + len, mac);
    memcpy(&answer[len], mac, 8);
    return len + 8;
}
