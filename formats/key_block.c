/* formats/key_block.c - the text of a key block, read and written. */
#include "formats/key_block.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

static const char digits[] = "0123456789";
static const char hex_digits[] = "0123456789ABCDEF";
static const char alphanumeric[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

enum {
    OPTIONAL_HEAD = 4,  /* id, length */
    EXTENDED_HEAD = 10, /* id, "00", "04", length in four digits */
    SHORT_MAX = 0xFF
};

struct version_row {
    char id;
    size_t block; /* bytes of the cipher's block; 0: not supported */
    const char *why;
};
static const struct version_row versions[] = {
    {'A', 0, "version A (keys made by XOR) is not supported: ask for version B or D"},
    {'B', 8, NULL},
    {'C', 0, "version C (keys made by XOR) is not supported: ask for version B or D"},
    {'D', 16, NULL},
};

static const struct version_row *version_row(char id)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (versions[i].id == id) return &versions[i];
    }
    return NULL;
}

/* `count` characters, each of `allowed`, into out as a string, if out is given. */
static bool take_text(struct cur *c, size_t count, const char *allowed, const char *what, char *out,
                      struct err *err)
{
    const uint8_t *text = NULL;
    size_t at = c->pos;
    if (!cur_take(c, count, &text, what, err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (text[i] && strchr(allowed, text[i])) continue;
        return err_set(err, ERR_INPUT, "%s at offset %zu: '%c' has no place there", what, at + i,
                       text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
    if (out) {
        memcpy(out, text, count);
        out[count] = 0;
    }
    return true;
}

static bool take_char(struct cur *c, const char *allowed, const char *what, char *out, struct err *err)
{
    char text[2];
    if (!take_text(c, 1, allowed, what, text, err)) return false;
    *out = text[0];
    return true;
}

static bool take_hex_number(struct cur *c, size_t count, const char *what, size_t *out, struct err *err)
{
    char text[9];
    size_t value = 0;
    if (!take_text(c, count, hex_digits, what, text, err)) return false;
    for (size_t i = 0; i < count; i++)
        value = value << 4 | (size_t)(strchr(hex_digits, text[i]) - hex_digits);
    *out = value;
    return true;
}

static bool take_version(struct cur *c, char *out, struct err *err)
{
    char id;
    if (!take_char(c, alphanumeric, "version of the block", &id, err)) return false;
    const struct version_row *row = version_row(id);
    if (!row) return err_set(err, ERR_INPUT, "version of the block at offset 0: '%c' is none", id);
    if (row->why) return err_set(err, ERR_INPUT, "%s", row->why);
    *out = id;
    return true;
}

static bool take_length(struct cur *c, struct err *err)
{
    uint64_t length = 0;
    if (!cur_take_digits(c, 4, &length, "length of the block", err)) return false;
    return length == c->len || err_set(err, ERR_INPUT,
                                       "length of the block at offset 1: it says %llu characters, there are "
                                       "%zu",
                                       (unsigned long long)length, c->len);
}

/* The first may be 'c': then the key is a component, of the number that follows. */
static bool take_key_version(struct cur *c, char out[3], struct err *err)
{
    static const char first[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZc";
    return take_char(c, first, "key version", &out[0], err) &&
           take_text(c, 1, alphanumeric, "key version", out + 1, err);
}

static bool read_header(struct cur *c, struct key_block_header *h, size_t *optional_count, struct err *err)
{
    uint64_t count = 0;
    char reserved;
    if (!take_version(c, &h->version, err) || !take_length(c, err) ||
        !take_text(c, 2, alphanumeric, "usage", h->usage, err) ||
        !take_char(c, "ADEHRST", "algorithm", &h->algorithm, err) ||
        !take_char(c, "BCDEGNSTVXY", "mode of use", &h->mode, err) ||
        !take_key_version(c, h->key_version, err) ||
        !take_char(c, "ENS", "exportability", &h->exportability, err) ||
        !cur_take_digits(c, 2, &count, "number of optional blocks", err) ||
        !take_char(c, "012", "key context", &h->context, err) ||
        !take_char(c, "0", "reserved character", &reserved, err))
        return false;
    *optional_count = (size_t)count;
    return true;
}

/* Of the whole optional block, with all that stands before its data. */
static bool take_optional_len(struct cur *c, size_t *out, struct err *err)
{
    size_t count = 0, at = c->pos;
    if (!take_hex_number(c, 2, "length of an optional block", out, err)) return false;
    if (*out != 0) return true;
    if (!take_hex_number(c, 2, "length of an optional block's length", &count, err)) return false;
    if (count != 4)
        return err_set(err, ERR_INPUT,
                       "length of an optional block's length at offset %zu: 04 is the one in use", at + 2);
    return take_hex_number(c, 4, "extended length of an optional block", out, err);
}

static bool read_optional(struct cur *c, struct key_block *b, struct err *err)
{
    struct key_block_optional *o = &b->optional[b->optional_count];
    size_t at = c->pos, len = 0;
    const uint8_t *data = NULL;
    if (!take_text(c, 2, alphanumeric, "id of an optional block", o->id, err)) return false;
    if (!take_optional_len(c, &len, err)) return false;
    size_t head = c->pos - at;
    if (len < head)
        return err_set(err, ERR_INPUT, "optional block %s at offset %zu: %zu characters are too few", o->id,
                       at, len);
    if (!cur_take(c, len - head, &data, "data of an optional block", err)) return false;
    if (key_block_optional(b, o->id))
        return err_set(err, ERR_INPUT, "optional block %s at offset %zu stands there twice", o->id, at);
    if (key_block_optional(b, "PB"))
        return err_set(err, ERR_INPUT, "optional block %s at offset %zu: PB must be the last", o->id, at);
    for (size_t i = 0; i < len - head; i++) {
        if (data[i] < ' ' || data[i] > '~')
            return err_set(err, ERR_INPUT, "optional block %s at offset %zu: data that are no text", o->id,
                           at + head + i);
    }
    o->data = b->text + at + head;
    o->len = len - head;
    b->optional_count++;
    return true;
}

static bool read_sealed(struct cur *c, struct key_block *b, struct err *err)
{
    size_t at = c->pos, block = version_row(b->header.version)->block;
    if (at % block != 0)
        return err_set(err, ERR_INPUT,
                       "encrypted key at offset %zu: header and optional blocks are no multiple of %zu", at,
                       block);
    size_t left = cur_left(c);
    if (left % (2 * block) != 0 || left < 4 * block)
        return err_set(err, ERR_INPUT,
                       "encrypted key at offset %zu: %zu characters are no whole blocks of %zu bytes and a "
                       "MAC",
                       at, left, block);
    if (!take_text(c, left, hex_digits, "encrypted key and MAC", NULL, err)) return false;
    b->bound_len = at;
    b->mac_len = block;
    b->cipher_len = left / 2 - block;
    return true;
}

bool key_block_read(const char *text, size_t len, struct key_block *out, struct err *err)
{
    struct cur c = cur_make(text, len, 0);
    struct key_block b = {.text = text};
    size_t count = 0;
    if (!read_header(&c, &b.header, &count, err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_optional(&c, &b, err)) return false;
    }
    if (!read_sealed(&c, &b, err)) return false;
    *out = b;
    return true;
}

const struct key_block_optional *key_block_optional(const struct key_block *block, const char *id)
{
    for (size_t i = 0; i < block->optional_count; i++) {
        if (strcmp(block->optional[i].id, id) == 0) return &block->optional[i];
    }
    return NULL;
}

bool key_block_sealed(const struct key_block *block, struct buf *out, struct err *err)
{
    return hex_read(block->text + block->bound_len, 2 * (block->cipher_len + block->mac_len), out, err);
}

bool key_block_check_value(const struct key_block_optional *optional, struct key_block_check_value *out,
                           struct err *err)
{
    struct cur c = cur_make(optional->data, optional->len, 0);
    struct key_block_check_value value = {.len = 0};
    if (!take_text(&c, 2, digits, "kind of check value", value.kind, err)) goto refused;
    value.len = cur_left(&c) / 2;
    if (cur_left(&c) % 2 != 0 || value.len < 2 || value.len > sizeof(value.bytes)) {
        err_set(err, ERR_INPUT, "a check value of %zu digits", cur_left(&c));
        goto refused;
    }
    if (!hex_read_exact(optional->data + c.pos, 2 * value.len, value.bytes, value.len, err)) goto refused;
    *out = value;
    return true;
refused:
    err_prefix(err, "optional block %s", optional->id);
    return false;
}

static size_t optional_len(const struct key_block_optional *o)
{
    return o->len + (o->len + OPTIONAL_HEAD > SHORT_MAX ? EXTENDED_HEAD : OPTIONAL_HEAD);
}

static void put_optional(struct buf *b, const struct key_block_optional *o)
{
    size_t len = optional_len(o);
    buf_put_format(b, len > SHORT_MAX ? "%s0004%04zX" : "%s%02zX", o->id, len);
    buf_put(b, o->data, o->len);
}

/* PB's data are '0's: what they say is nothing. `header_len` is that of all before it. */
static void put_padding(struct buf *b, size_t header_len, size_t block)
{
    size_t len = block - header_len % block;
    if (len < OPTIONAL_HEAD) len += block;
    buf_put_format(b, "PB%02zX", len);
    buf_put_fill(b, '0', len - OPTIONAL_HEAD);
}

static void put_header(struct buf *b, const struct key_block_header *h, size_t optional_count)
{
    buf_put_format(b, "%c0000%s%c%c%s%c%02zu%c0", h->version, h->usage, h->algorithm, h->mode, h->key_version,
                   h->exportability, optional_count, h->context);
}

static bool put_block(struct buf *b, const struct key_block_header *h, const struct key_block_optional *o,
                      size_t count, size_t plain_len, struct err *err)
{
    const struct version_row *row = version_row(h->version);
    char length[5];
    size_t len = KEY_BLOCK_HEADER_LEN;
    if (!row || !row->block) return err_set(err, ERR_CONFIG, "no key block of version '%c'", h->version);
    for (size_t i = 0; i < count; i++)
        len += optional_len(&o[i]);
    bool pads = len % row->block != 0;
    put_header(b, h, count + pads);
    for (size_t i = 0; i < count; i++)
        put_optional(b, &o[i]);
    if (pads) put_padding(b, len, row->block);
    size_t total = b->len + 2 * (plain_len + row->block);
    if (total > KEY_BLOCK_MAX) return err_set(err, ERR_CONFIG, "a key block of %zu characters", total);
    snprintf(length, sizeof(length), "%04zu", total);
    buf_set(b, 1, length, 4);
    return true;
}

bool key_block_put_header(const struct key_block_header *header, const struct key_block_optional *optional,
                          size_t optional_count, size_t plain_len, struct buf *dst, struct err *err)
{
    struct buf whole;
    struct key_block read;
    bool ok = false;
    buf_init(&whole, 2 * KEY_BLOCK_MAX);
    if (!put_block(&whole, header, optional, optional_count, plain_len, err)) goto out;
    size_t len = whole.len;
    buf_put_fill(&whole, '0', 2 * (plain_len + version_row(header->version)->block));
    if (!buf_ok(&whole, "key block", err)) goto out;
    if (!key_block_read((const char *)whole.data, whole.len, &read, err)) { /* as the receiver will */
        err->kind = ERR_CONFIG;
        goto out;
    }
    buf_put(dst, whole.data, len);
    ok = buf_ok(dst, "key block", err);
out:
    buf_release(&whole);
    return ok;
}
