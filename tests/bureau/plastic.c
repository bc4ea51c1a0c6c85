#include "plastic.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "card: %s\n", what);
    abort();
}

/* ---- ciphers ---- */

static void cipher(const EVP_CIPHER *type, bool encrypt, const uint8_t *key, const uint8_t *iv,
                   const uint8_t *in, size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    must(ctx && EVP_CipherInit_ex(ctx, type, NULL, key, iv, encrypt) == 1, "cipher");
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && (size_t)n == len, "cipher");
    EVP_CIPHER_CTX_free(ctx);
}

void plastic_tdes_cbc(bool encrypt, const uint8_t key[16], const uint8_t iv[8], const uint8_t *in, size_t len,
                      uint8_t *out)
{
    cipher(EVP_des_ede_cbc(), encrypt, key, iv, in, len, out);
}

void plastic_tdes_ecb(bool encrypt, const uint8_t key[16], const uint8_t *in, size_t len, uint8_t *out)
{
    cipher(EVP_des_ede_ecb(), encrypt, key, NULL, in, len, out);
}

static const EVP_CIPHER *aes_cbc(size_t key_len)
{
    return key_len == 16 ? EVP_aes_128_cbc() : key_len == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

void plastic_aes_cbc(bool encrypt, const uint8_t *key, size_t key_len, const uint8_t iv[16],
                     const uint8_t *in, size_t len, uint8_t *out)
{
    cipher(aes_cbc(key_len), encrypt, key, iv, in, len, out);
}

void plastic_cmac(const uint8_t *key, size_t key_len, const uint8_t *in, size_t len, uint8_t out[16])
{
    char name[16];
    size_t n = 0;
    snprintf(name, sizeof name, "AES-%zu-CBC", key_len * 8);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    must(EVP_MAC_init(ctx, key, key_len, params) == 1 && EVP_MAC_update(ctx, in, len) == 1 &&
             EVP_MAC_final(ctx, out, &n, 16) == 1,
         "CMAC");
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

static const uint8_t zero[16];

/* ---- keys ---- */

static void cps(const uint8_t kmc[16], const uint8_t key_data[10], uint8_t which, uint8_t out[16])
{
    uint8_t d[16];
    memcpy(d, &key_data[4], 6);
    d[6] = 0xF0;
    d[7] = which;
    memcpy(&d[8], &key_data[4], 6);
    d[14] = 0x0F;
    d[15] = which;
    plastic_tdes_ecb(true, kmc, d, 16, out);
}

static void aes_kdf(const uint8_t *kmc, size_t kmc_len, const uint8_t key_data[10], uint8_t which,
                    uint8_t *out)
{
    uint8_t d[16] = {0}, block[16];
    d[4] = which;
    memcpy(&d[6], key_data, 10);
    for (uint8_t i = 0; i < (kmc_len + 15) / 16; i++) {
        d[0] = (uint8_t)(i + 1);
        plastic_cmac(kmc, kmc_len, d, 16, block);
        memcpy(&out[16 * i], block, kmc_len - 16U * i < 16 ? kmc_len - 16U * i : 16);
    }
}

void plastic_keys_from(struct plastic_keys *keys, int protocol, uint8_t version, const uint8_t *kmc,
                       size_t kmc_len, const uint8_t key_data[10])
{
    uint8_t *const into[] = {keys->enc, keys->mac, keys->dek};
    keys->version = version;
    keys->len = kmc_len;
    for (uint8_t i = 0; i < 3; i++) {
        if (protocol == 2)
            cps(kmc, key_data, (uint8_t)(i + 1), into[i]);
        else
            aes_kdf(kmc, kmc_len, key_data, (uint8_t)(i + 1), into[i]);
    }
}

void plastic_init(struct plastic *p, int protocol, uint8_t options)
{
    static const uint8_t key_data[10] = {0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 0x11, 0x22};
    memset(p, 0, sizeof *p);
    p->protocol = protocol;
    p->options = options;
    p->life_cycle = 7;
    memcpy(p->key_data, key_data, sizeof key_data);
}

struct plastic_app *plastic_add(struct plastic *p, const uint8_t *aid, size_t len)
{
    struct plastic_app *a = &p->apps[p->app_count++];
    memcpy(a->aid, aid, len);
    a->aid_len = len;
    return a;
}

const struct plastic_dgi *plastic_got(const struct plastic_app *app, uint16_t id)
{
    for (size_t i = 0; i < app->dgi_count; i++) {
        if (app->dgis[i].id == id) return &app->dgis[i];
    }
    return NULL;
}

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

static void cryptogram(const struct plastic *p, bool of_card, uint8_t out[8])
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

/* ---- secure messaging ---- */

static void retail_mac(const uint8_t key[16], const uint8_t icv[8], const uint8_t *in, size_t len,
                       uint8_t out[8])
{
    uint8_t left[16], text[512], last[8];
    memcpy(left, key, 8);
    memcpy(&left[8], key, 8);
    memcpy(last, icv, 8);
    if (len > 8) {
        plastic_tdes_cbc(true, left, last, in, len - 8, text);
        memcpy(last, &text[len - 16], 8);
    }
    plastic_tdes_cbc(true, key, last, &in[len - 8], 8, out);
}

struct command {
    uint8_t cla, ins, p1, p2;
    uint8_t data[256];
    size_t len;
};

static bool mac_is_right(struct plastic *p, struct command *c)
{
    uint8_t in[512], mac[16], left[16];
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

static bool decrypt_command(struct plastic *p, struct command *c)
{
    uint8_t iv[16], out[256];
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

static bool secured(struct plastic *p, struct command *c)
{
    /* SCP02 MACs what was said before it was encrypted. */
    struct command plain = *c;
    if (!(c->cla & 4) || !p->authenticated || c->len < 8) return false;
    p->counter++;
    if (p->protocol == 2 && (p->level & 2) && c->len > 8) {
        plain.len = c->len - 8;
        if (!decrypt_command(p, &plain)) return false;
        memcpy(&plain.data[plain.len], &c->data[c->len - 8], 8);
        plain.len += 8;
        if (!mac_is_right(p, &plain)) return false;
        *c = plain;
        return true;
    }
    return mac_is_right(p, c) && (!(p->level & 2) || decrypt_command(p, c));
}

/* Adds encryption and MAC to a good answer. */
static size_t protect_answer(struct plastic *p, uint8_t *answer, size_t len, unsigned sw)
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

/* ---- commands ---- */

static unsigned do_select(struct plastic *p, const struct command *c)
{
    p->open = p->authenticated = false;
    p->level = 0;
    p->selected = p->target = NULL;
    if (c->len == 0) return 0x9000;
    for (size_t i = 0; i < p->app_count; i++) {
        struct plastic_app *a = &p->apps[i];
        if (a->aid_len == c->len && memcmp(a->aid, c->data, c->len) == 0) {
            p->selected = p->target = a;
            return 0x9000;
        }
    }
    return 0x6A82;
}

static unsigned do_initialize(struct plastic *p, const struct command *c, uint8_t *answer, size_t *len)
{
    if (c->len != 8) return 0x6700;
    p->initialize_updates++;
    if (++p->sequence[p->protocol == 2 ? 1 : 2] == 0) p->sequence[0]++;
    memcpy(p->host, c->data, 8);
    for (uint8_t i = 0; i < 8; i++)
        p->card[i] = (uint8_t)(0xA0 + i + p->initialize_updates);
    memset(p->icv, 0, 8);
    memset(p->chain, 0, 16);
    p->counter = 0;
    p->authenticated = false;
    p->level = 0;
    if (p->protocol == 2)
        session_scp02(p);
    else
        session_scp03(p);
    p->open = true;
    size_t n = 0;
    memcpy(answer, p->key_data, 10);
    n = 10;
    answer[n++] = p->keys.version;
    answer[n++] = (uint8_t)p->protocol;
    if (p->protocol == 2) {
        memcpy(&answer[n], p->sequence, 2);
        memcpy(&answer[n + 2], p->card, 6);
        n += 8;
    } else {
        answer[n++] = p->options;
        memcpy(&answer[n], p->card, 8);
        n += 8;
    }
    cryptogram(p, true, &answer[n]);
    if (p->wrong_cryptogram) answer[n] ^= 1;
    n += 8;
    if (p->protocol == 3 && (p->options & 0x10)) {
        memcpy(&answer[n], p->sequence, 3);
        n += 3;
    }
    *len = n;
    return 0x9000;
}

static unsigned do_authenticate(struct plastic *p, struct command *c)
{
    uint8_t due[8];
    p->authentications++;
    if (!p->open || c->cla != 0x84) return 0x6985;
    p->open = false;
    if (!mac_is_right(p, c) || c->len != 8) return 0x6982;
    cryptogram(p, false, due);
    if (memcmp(due, c->data, 8) != 0) return 0x6300;
    p->authenticated = true;
    p->level = c->p1;
    return 0x9000;
}

/* Keys 1 to 3 in one command, with their check values; the card answers with them. */
static unsigned do_put_key(struct plastic *p, const struct command *c, uint8_t *answer, size_t *len)
{
    struct plastic_keys k = {.version = c->data[0], .len = p->keys.len};
    uint8_t *const into[] = {k.enc, k.mac, k.dek};
    uint8_t ones[16], kcv[16];
    const bool aes = p->protocol == 3;
    size_t at = 1, n = 1;
    if (p->selected || c->p1 != (p->keys.version > 0x7F ? 0 : p->keys.version) || c->p2 != 0x81)
        return 0x6A86;
    memset(ones, aes ? 1 : 0, sizeof ones);
    answer[0] = k.version;
    for (size_t i = 0; i < 3; i++) {
        if (c->data[at++] != (aes ? 0x88 : 0x80)) return 0x6A80;
        const size_t block = c->data[at++];
        if (block != k.len + (aes ? 1 : 0)) return 0x6A80;
        if (aes && c->data[at++] != k.len) return 0x6A80;
        if (aes) {
            plastic_aes_cbc(false, p->s_dek, p->keys.len, zero, &c->data[at], k.len, into[i]);
            plastic_aes_cbc(true, into[i], k.len, zero, ones, 16, kcv);
        } else {
            plastic_tdes_ecb(false, p->s_dek, &c->data[at], 16, into[i]);
            plastic_tdes_ecb(true, into[i], ones, 8, kcv);
        }
        at += k.len;
        if (c->data[at++] != 3 || memcmp(&c->data[at], kcv, 3) != 0) return 0x9485;
        at += 3;
        memcpy(&answer[n], kcv, 3);
        n += 3;
    }
    if (at != c->len) return 0x6A80;
    p->keys = k;
    *len = n;
    return 0x9000;
}

static unsigned do_install(struct plastic *p, const struct command *c)
{
    if (p->selected || c->p1 != 0x20 || c->len < 6) return 0x6A86;
    for (size_t i = 0; i < p->app_count; i++) {
        struct plastic_app *a = &p->apps[i];
        if (a->aid_len == c->data[2] && c->len == 6 + a->aid_len &&
            memcmp(a->aid, &c->data[3], a->aid_len) == 0) {
            p->target = a;
            return 0x9000;
        }
    }
    return 0x6A88;
}

static bool keep(struct plastic *p, struct plastic_app *a, uint8_t p1, uint16_t id, const uint8_t *value,
                 size_t len)
{
    struct plastic_dgi *d = &a->dgis[a->dgi_count];
    const size_t block = p->protocol == 3 ? 16 : 8;
    if (a->dgi_count == PLASTIC_DGIS || len > PLASTIC_VALUE) return false;
    *d = (struct plastic_dgi){.id = id, .p1 = p1 & 0x60, .len = len};
    memcpy(d->value, value, len);
    if (d->p1 && len % block != 0) return false;
    const uint8_t *key = d->p1 == 0x20 ? p->keys.dek : p->s_dek;
    if (d->p1 && p->protocol == 3) plastic_aes_cbc(false, key, p->keys.len, zero, value, len, d->value);
    if (d->p1 && p->protocol == 2) plastic_tdes_ecb(false, key, value, len, d->value);
    a->dgi_count++;
    return true;
}

static unsigned do_store(struct plastic *p, const struct command *c)
{
    struct plastic_app *a = p->target;
    if (!a || p->life_cycle >= 0x0F) return 0x6985;
    if (c->p2 == 0) {
        a->dgi_count = a->pending_len = 0; /* the same record again */
        a->next_block = 0;
        a->personalized = false;
    }
    if (c->p2 != a->next_block || a->personalized) return 0x6A86;
    a->next_block++;
    if (a->pending_len + c->len > sizeof a->pending) return 0x6A84;
    memcpy(&a->pending[a->pending_len], c->data, c->len);
    a->pending_len += c->len;
    while (a->pending_len >= 3) {
        const uint8_t *q = a->pending;
        const bool two = q[2] == 0xFF;
        if (two && a->pending_len < 5) break;
        const size_t head = two ? 5 : 3, len = two ? (size_t)q[3] << 8 | q[4] : q[2];
        if (a->pending_len < head + len) break;
        if (!keep(p, a, c->p1, (uint16_t)(q[0] << 8 | q[1]), &q[head], len)) return 0x6A80;
        memmove(a->pending, &q[head + len], a->pending_len - head - len);
        a->pending_len -= head + len;
    }
    if (c->p1 & 0x80) {
        if (a->pending_len > 0) return 0x6A80;
        a->personalized = true;
    }
    return 0x9000;
}

static unsigned do_status(struct plastic *p, const struct command *c)
{
    if (p->selected || c->p1 != 0x80) return 0x6A86;
    if (c->p2 == 0x07 && p->life_cycle != 1) return 0x6985;
    if (c->p2 == 0x0F && p->life_cycle != 7) return 0x6985;
    p->life_cycle = c->p2;
    return 0x9000;
}

static unsigned dispatch(struct plastic *p, struct command *c, uint8_t *answer, size_t *len)
{
    if (c->ins == 0xA4) return do_select(p, c);
    if (c->ins == 0x50) return do_initialize(p, c, answer, len);
    if (c->ins == 0x82) return do_authenticate(p, c);
    if (!secured(p, c)) {
        p->authenticated = false;
        return 0x6982;
    }
    unsigned sw = 0x6D00;
    if (c->ins == 0xD8) sw = do_put_key(p, c, answer, len);
    if (c->ins == 0xE6) sw = do_install(p, c);
    if (c->ins == 0xE2) sw = do_store(p, c);
    if (c->ins == 0xF0) sw = do_status(p, c);
    if (sw == 0x9000) *len = protect_answer(p, answer, *len, sw);
    return sw;
}

static size_t finish(uint8_t *answer, size_t len, unsigned sw)
{
    answer[len] = (uint8_t)(sw >> 8);
    answer[len + 1] = (uint8_t)sw;
    return len + 2;
}

/* As a T=0 card: the answer waits behind 61xx, and GET RESPONSE needs the right length. */
static size_t get_response(struct plastic *p, const uint8_t *bytes, size_t len, uint8_t *answer)
{
    if (len != 5 || p->waiting_len == 0) return finish(answer, 0, 0x6985);
    if (bytes[4] != p->waiting_len) return finish(answer, 0, 0x6C00 | (unsigned)p->waiting_len);
    const size_t n = p->waiting_len;
    memcpy(answer, p->waiting, n);
    p->waiting_len = 0;
    return finish(answer, n, p->waiting_sw);
}

size_t plastic_command(struct plastic *p, const uint8_t *bytes, size_t len, uint8_t answer[PLASTIC_ANSWER])
{
    struct command c = {.len = 0};
    size_t n = 0;
    if (p->asks_for_le && len == 5 && bytes[1] == 0xC0) return get_response(p, bytes, len, answer);
    p->commands++;
    must(len >= 4 && len <= 4 + 1 + 255 + 1, "a command of an impossible length");
    c.cla = bytes[0];
    c.ins = bytes[1];
    c.p1 = bytes[2];
    c.p2 = bytes[3];
    if (len > 5) {
        c.len = bytes[4];
        must(len == 5 + c.len || len == 6 + c.len, "Lc does not agree");
        memcpy(c.data, &bytes[5], c.len);
    }
    if (p->fail_at == p->commands && !p->done_but_mute) return p->fail_sw ? finish(answer, 0, p->fail_sw) : 0;
    const unsigned sw = dispatch(p, &c, answer, &n);
    if (p->fail_at == p->commands) return 0;
    if (p->asks_for_le && n > 0) {
        memcpy(p->waiting, answer, n);
        p->waiting_len = n;
        p->waiting_sw = sw;
        return finish(answer, 0, 0x6100 | (unsigned)n);
    }
    return finish(answer, n, sw);
}
