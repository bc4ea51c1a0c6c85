#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plastic_channel.h"

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "card: %s\n", what);
    abort();
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

/* ---- commands ---- */

static unsigned do_select(struct plastic *p, const struct plastic_message *c)
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

static unsigned do_initialize(struct plastic *p, const struct plastic_message *c, uint8_t *answer,
                              size_t *len)
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
    plastic_session(p);
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
    plastic_cryptogram(p, true, &answer[n]);
    if (p->wrong_cryptogram) answer[n] ^= 1;
    n += 8;
    if (p->protocol == 3 && (p->options & 0x10)) {
        memcpy(&answer[n], p->sequence, 3);
        n += 3;
    }
    *len = n;
    return 0x9000;
}

static unsigned do_authenticate(struct plastic *p, struct plastic_message *c)
{
    uint8_t due[8];
    p->authentications++;
    if (!p->open || c->cla != 0x84) return 0x6985;
    p->open = false;
    if (!plastic_mac_is_right(p, c) || c->len != 8) return 0x6982;
    plastic_cryptogram(p, false, due);
    if (memcmp(due, c->data, 8) != 0) return 0x6300;
    p->authenticated = true;
    p->level = c->p1;
    return 0x9000;
}

/* Keys 1 to 3 in one command, with their check values; the card answers with them. */
static unsigned do_put_key(struct plastic *p, const struct plastic_message *c, uint8_t *answer, size_t *len)
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

static unsigned do_install(struct plastic *p, const struct plastic_message *c)
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

static unsigned do_store(struct plastic *p, const struct plastic_message *c)
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

static unsigned do_status(struct plastic *p, const struct plastic_message *c)
{
    if (p->selected || c->p1 != 0x80) return 0x6A86;
    if (c->p2 == 0x07 && p->life_cycle != 1) return 0x6985;
    if (c->p2 == 0x0F && p->life_cycle != 7) return 0x6985;
    p->life_cycle = c->p2;
    return 0x9000;
}

static unsigned dispatch(struct plastic *p, struct plastic_message *c, uint8_t *answer, size_t *len)
{
    if (c->ins == 0xA4) return do_select(p, c);
    if (c->ins == 0x50) return do_initialize(p, c, answer, len);
    if (c->ins == 0x82) return do_authenticate(p, c);
    if (!plastic_secured(p, c)) {
        p->authenticated = false;
        return 0x6982;
    }
    unsigned sw = 0x6D00;
    if (c->ins == 0xD8) sw = do_put_key(p, c, answer, len);
    if (c->ins == 0xE6) sw = do_install(p, c);
    if (c->ins == 0xE2) sw = do_store(p, c);
    if (c->ins == 0xF0) sw = do_status(p, c);
    if (sw == 0x9000) *len = plastic_protect_answer(p, answer, *len, sw);
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
    struct plastic_message c = {.len = 0};
    size_t n = 0;
    if (p->asks_for_le && len == 5 && bytes[1] == 0xC0) return get_response(p, bytes, len, answer);
    p->commands++;
    const bool extended = p->takes_extended && len > 4 + 1 + 255 + 1 && bytes[4] == 0;
    must(len >= 4 && (extended ? len <= 7 + PLASTIC_DATA : len <= 4 + 1 + 255 + 1),
         "a command of an impossible length");
    c.cla = bytes[0];
    c.ins = bytes[1];
    c.p1 = bytes[2];
    c.p2 = bytes[3];
    if (extended) {
        p->extended++;
        c.len = (size_t)bytes[5] << 8 | bytes[6];
        p->longest = c.len > p->longest ? c.len : p->longest;
        must(len == 7 + c.len, "extended Lc does not agree");
        memcpy(c.data, &bytes[7], c.len);
    } else if (len > 5) {
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
