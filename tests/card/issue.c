#include "issue.h"

#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tlv.h"
#include "host_cipher.h"
#include "vectors.h"

static void must(bool holds)
{
    if (!holds) abort();
}

static void number(const struct vector_block *block, const char *name, uint8_t *out, size_t *len)
{
    struct buf b;
    buf_init(&b, 256);
    must(vector_hex(block, name, &b));
    memcpy(out, b.data, b.len);
    *len = b.len;
    buf_release(&b);
}

void pair_read(struct pair *out, size_t block_of_crt_txt)
{
    static const char *const names[] = {"qinv", "dq", "dp", "q", "p"};
    struct vector_file *f = NULL;
    struct vector_block block;
    struct err err = ERR_INIT;
    bool end = false;

    must(vector_file_open(&f, "crt.txt", &err));
    for (size_t i = 0; i <= block_of_crt_txt; i++)
        must(vector_next(f, &block, &end, &err) && !end);
    for (size_t i = 0; i < 5; i++)
        number(&block, names[i], out->part[i], &out->part_len[i]);
    number(&block, "n", out->key.modulus, &out->key.modulus_len);
    number(&block, "e", out->key.exponent, &out->key.exponent_len);
    number(&block, "d", out->d, &out->d_len);
    vector_file_free(f);
}

void pair_sign(const struct pair *p, const uint8_t *in, uint8_t *out)
{
    int len = (int)p->key.modulus_len;
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(p->key.modulus, len, NULL), *d = BN_bin2bn(p->d, (int)p->d_len, NULL);
    BIGNUM *m = BN_bin2bn(in, len, NULL);
    must(BN_mod_exp(m, m, d, n, ctx) == 1 && BN_bn2binpad(m, out, len) == len);
    BN_free(n);
    BN_free(d);
    BN_free(m);
    BN_CTX_free(ctx);
}

struct group *issue_find(struct issue *o, uint16_t dgi)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->groups[i].dgi == dgi) return &o->groups[i];
    }
    abort();
}

void issue_add(struct issue *o, uint16_t dgi, enum how how, const void *value, size_t len)
{
    struct group *g = &o->groups[o->count++];
    must(o->count <= GROUPS_MAX && len + 16 <= GROUP_ROOM);
    *g = (struct group){.dgi = dgi, .how = how, .len = len};
    memcpy(g->value, value, len);
}

static void padded(struct group *g, size_t block)
{
    g->value[g->len++] = 0x80;
    while (g->len % block)
        g->value[g->len++] = 0;
}

static void add_record(struct issue *o, uint16_t dgi, const struct buf *inner, bool is_static)
{
    struct buf record;
    buf_init(&record, 256);
    tlv_put(&record, 0x70, inner->data, inner->len);
    issue_add(o, dgi, IN_CLEAR, record.data, record.len);
    if (is_static) buf_put(&o->static_data, inner->data, inner->len);
    buf_release(&record);
}

static void add_tag_record(struct issue *o, uint16_t dgi, uint32_t tag, const uint8_t *value, size_t len)
{
    struct buf inner;
    buf_init(&inner, 256);
    tlv_put(&inner, tag, value, len);
    add_record(o, dgi, &inner, false);
    buf_release(&inner);
}

static void add_keys(struct issue *o)
{
    uint8_t check[9];
    uint8_t joined[48];

    for (size_t k = 0; k < 3; k++) {
        for (size_t n = 0; n < 16; n++)
            o->keys[k][n] = (uint8_t)(0x10 * (k + 1) + n);
        host_kcv(o->aes, o->keys[k], 16, check + 3 * k);
        memcpy(joined + 16 * k, o->keys[k], 16);
    }
    issue_add(o, 0x8000, BY_CHANNEL, joined, sizeof(joined));
    issue_add(o, 0x9000, IN_CLEAR, check, sizeof(check));
    for (size_t i = 0; i < 5; i++) {
        issue_add(o, (uint16_t)(0x8201 + i), BY_CHANNEL, o->card.part[i], o->card.part_len[i]);
        padded(&o->groups[o->count - 1], o->block);
    }
}

static void begin(struct issue *o, const char *aid, bool aes, size_t block)
{
    *o = (struct issue){.aid = aid, .aes = aes, .block = block, .chunk = 231};
    buf_init(&o->static_data, 1024);
}

void issue_release(struct issue *o)
{
    buf_release(&o->static_data);
}

/* 8F, 9F32, 92, 90, 9F46, 9F47, 9F48 in records of SFI 3. */
static void add_certificates(struct issue *o)
{
    struct emv_certificate c = {
        .subject = {0x54, 0x13, 0x33, 0xFF}, .expiry = {0x12, 0x35}, .serial = {0, 0, 1}};
    struct buf block, rest, inner;
    struct err err = ERR_INIT;
    uint8_t made[256];

    buf_init(&block, 256);
    buf_init(&rest, 256);
    buf_init(&inner, 256);
    c.key = o->issuer.key;
    must(emv_issuer_template(&c, o->ca.key.modulus_len, &block, &rest, &err));
    pair_sign(&o->ca, block.data, made);
    tlv_put(&inner, 0x8F, (const uint8_t[]){0x92}, 1);
    tlv_put(&inner, 0x9F32, o->issuer.key.exponent, o->issuer.key.exponent_len);
    tlv_put(&inner, 0x92, rest.data, rest.len);
    add_record(o, 0x0301, &inner, false);
    add_tag_record(o, 0x0302, 0x90, made, o->ca.key.modulus_len);
    memcpy(c.subject, (const uint8_t[]){0x54, 0x13, 0x33, 0x00, 0x89, 0x02, 0x00, 0x11, 0xFF, 0xFF}, 10);
    c.key = o->card.key;
    buf_clear(&block);
    buf_clear(&rest);
    must(emv_icc_template(&c, o->static_data.data, o->static_data.len, o->issuer.key.modulus_len, &block,
                          &rest, &err));
    pair_sign(&o->issuer, block.data, made);
    add_tag_record(o, 0x0304, 0x9F46, made, o->issuer.key.modulus_len);
    buf_clear(&inner);
    tlv_put(&inner, 0x9F47, o->card.key.exponent, o->card.key.exponent_len);
    if (rest.len) tlv_put(&inner, 0x9F48, rest.data, rest.len);
    tlv_put(&inner, 0x9F49, (const uint8_t[]){0x9F, 0x37, 0x04}, 3);
    add_record(o, 0x0305, &inner, false);
    buf_release(&block);
    buf_release(&rest);
    buf_release(&inner);
}

static void add_account(struct issue *o)
{
    static const uint8_t cdol1[] = {0x9F, 0x02, 0x06, 0x9F, 0x03, 0x06, 0x9F, 0x1A, 0x02, 0x95, 0x05,
                                    0x5F, 0x2A, 0x02, 0x9A, 0x03, 0x9C, 0x01, 0x9F, 0x37, 0x04, 0x9F,
                                    0x35, 0x01, 0x9F, 0x45, 0x02, 0x9F, 0x4C, 0x08, 0x9F, 0x34, 0x03};
    static const uint8_t cdol2[] = {0x8A, 0x02, 0x9F, 0x02, 0x06, 0x9F, 0x03, 0x06, 0x9F,
                                    0x1A, 0x02, 0x95, 0x05, 0x5F, 0x2A, 0x02, 0x9A, 0x03,
                                    0x9C, 0x01, 0x9F, 0x37, 0x04, 0x9F, 0x4C, 0x08};
    struct buf inner;

    buf_init(&inner, 256);
    tlv_put(&inner, 0x57, "\x54\x13\x33\x00\x89\x02\x00\x11\xD3\x51\x22\x01\x0F", 13);
    tlv_put(&inner, 0x5F20, "TEST/CARD", 9);
    add_record(o, 0x0101, &inner, false);
    buf_clear(&inner);
    tlv_put(&inner, 0x5A, "\x54\x13\x33\x00\x89\x02\x00\x11", 8);
    tlv_put(&inner, 0x5F34, "\x01", 1);
    tlv_put(&inner, 0x5F24, "\x35\x12\x31", 3);
    tlv_put(&inner, 0x9F4A, "\x82", 1);
    add_record(o, 0x0201, &inner, true);
    buf_clear(&inner);
    tlv_put(&inner, 0x8C, cdol1, sizeof(cdol1));
    tlv_put(&inner, 0x8D, cdol2, sizeof(cdol2));
    add_record(o, 0x0202, &inner, true);
    buf_put(&o->static_data, "\x7C\x00", 2);
    buf_release(&inner);
}

void issue_emv(struct issue *o, bool aes, size_t block)
{
    static const uint8_t fci[] = {0xA5, 0x0B, 0x50, 0x06, 'C', 'R', 'E', 'D', 'I', 'T', 0x87, 0x01, 0x01};
    static const uint8_t options[] = {0x82, 0x02, 0x7C, 0x00, 0x94, 0x0C, 0x08, 0x01, 0x01,
                                      0x00, 0x10, 0x01, 0x02, 0x02, 0x18, 0x01, 0x05, 0x00};
    static const uint8_t pin[] = {0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

    begin(o, "A0000000031010", aes, block);
    pair_read(&o->ca, 1);
    pair_read(&o->issuer, 2);
    pair_read(&o->card, 3);
    add_account(o);
    add_certificates(o);
    add_keys(o);
    issue_add(o, 0x8010, BY_CHANNEL, pin, sizeof(pin));
    if (block == 16) padded(&o->groups[o->count - 1], block);
    issue_add(o, 0x9010, IN_CLEAR, "\x03\x03", 2);
    issue_add(o, 0x9102, IN_CLEAR, fci, sizeof(fci));
    issue_add(o, 0x9104, IN_CLEAR, options, sizeof(options));
}

void issue_purse(struct issue *o, bool aes, size_t block)
{
    struct buf inner;

    begin(o, "A000000003101001", aes, block);
    pair_read(&o->card, 4);
    buf_init(&inner, 256);
    tlv_put(&inner, 0xDF08, "\x60\x00\x00\x00\x00\x00\x00\x01", 8);
    tlv_put(&inner, 0xDF04, "\x00\x00\x00\x00", 4);
    add_record(o, 0x0101, &inner, false);
    add_keys(o);
    buf_release(&inner);
}

void issue_loyalty(struct issue *o)
{
    struct buf inner;

    begin(o, "F04C4F59414C5459", false, 8);
    buf_init(&inner, 256);
    tlv_put(&inner, 0xDF21, "\x00\x00\x00\x12\x34\x56", 6);
    tlv_put(&inner, 0xDF23, "basic", 5);
    add_record(o, 0x0101, &inner, false);
    buf_release(&inner);
}

static void put_group(const struct group *g, const struct host *h, struct buf *out)
{
    uint8_t value[GROUP_ROOM];

    memcpy(value, g->value, g->len);
    if (g->how != IN_CLEAR) host_encrypt(h, g->how == BY_APPLICATION, g->value, g->len, value);
    buf_put_be(out, g->dgi, 2);
    if (g->len >= 255) {
        buf_put_u8(out, 0xFF);
        buf_put_be(out, g->len, 2);
    } else {
        buf_put_u8(out, (uint8_t)g->len);
    }
    buf_put(out, value, g->len);
}

/* Commands of one kind of encryption each, cut anywhere. */
size_t issue_commands(const struct issue *o, const struct host *h, struct issue_command *out, size_t max)
{
    struct buf run;
    size_t n = 0;

    buf_init(&run, 1 << 16);
    for (size_t i = 0; i < o->count; i++) {
        put_group(&o->groups[i], h, &run);
        if (i + 1 < o->count && o->groups[i + 1].how == o->groups[i].how) continue;
        for (size_t at = 0; at < run.len; at += o->chunk) {
            must(n < max);
            struct issue_command *c = &out[n];
            c->len = run.len - at < o->chunk ? run.len - at : o->chunk;
            c->p1 = (uint8_t)o->groups[i].how;
            c->p2 = (uint8_t)n++;
            memcpy(c->data, run.data + at, c->len);
        }
        buf_clear(&run);
    }
    if (n) out[n - 1].p1 |= 0x80;
    buf_release(&run);
    return n;
}

unsigned issue_store(const struct issue *o, struct host *h)
{
    enum { MAX = 2048 };
    struct issue_command *commands = calloc(MAX, sizeof(*commands));
    unsigned sw = 0x9000;

    must(commands != NULL);
    size_t count = issue_commands(o, h, commands, MAX);
    for (size_t i = 0; i < count && sw == 0x9000; i++) {
        const uint8_t head[4] = {0x80, 0xE2, commands[i].p1, commands[i].p2};
        sw = host_send(h, head, commands[i].data, commands[i].len);
    }
    free(commands);
    return sw;
}

unsigned issue_all(const struct issue *o, struct host *h, uint8_t level)
{
    unsigned sw = host_select(h, o->aid);
    if (sw == 0x9000) sw = host_open(h, 0, level);
    return sw == 0x9000 ? issue_store(o, h) : sw;
}
