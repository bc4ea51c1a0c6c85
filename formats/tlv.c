#include "formats/tlv.h"

#include <string.h>

#include "base/hex.h"

enum {
    TAG_BYTES_MAX = 3,
    TAG_NUMBER = 0x1F,      /* all of these set in the first byte: the tag goes on */
    TAG_MORE = 0x80,        /* in a following byte: the tag goes on */
    TAG_CONSTRUCTED = 0x20, /* in the first byte */
    LENGTH_LONG = 0x80,     /* above: the low bits count the length's bytes */
    LENGTH_BYTES_MAX = 3,
};

static size_t tag_bytes(uint32_t tag)
{
    if (tag > 0xFFFF) return 3;
    return tag > 0xFF ? 2 : 1;
}

static uint8_t tag_byte(uint32_t tag, size_t index)
{
    return (uint8_t)(tag >> (8 * (tag_bytes(tag) - 1 - index)));
}

bool tlv_is_tag(uint32_t tag)
{
    size_t bytes = tag_bytes(tag);
    if (tag == 0 || tag > TLV_TAG_MAX) return false;
    if (((tag_byte(tag, 0) & TAG_NUMBER) == TAG_NUMBER) != (bytes > 1)) return false;
    for (size_t i = 1; i < bytes; i++) {
        bool more = tag_byte(tag, i) & TAG_MORE;
        if (more != (i + 1 < bytes)) return false;
    }
    return true;
}

bool tlv_is_constructed(uint32_t tag)
{
    return tag_byte(tag, 0) & TAG_CONSTRUCTED;
}

static bool read_tag(struct cur *c, uint32_t *tag, struct err *err)
{
    unsigned long long offset = cur_offset(c);
    uint8_t byte = 0;
    if (!cur_take_u8(c, &byte, "tag", err)) return false;
    if (byte == 0) return err_set(err, ERR_INPUT, "tag 00 at offset %llu", offset);
    *tag = byte;
    bool more = (byte & TAG_NUMBER) == TAG_NUMBER;
    for (size_t i = 1; more; i++) {
        if (i == TAG_BYTES_MAX)
            return err_set(err, ERR_INPUT, "tag at offset %llu is longer than %d bytes", offset,
                           TAG_BYTES_MAX);
        if (!cur_take_u8(c, &byte, "tag", err)) return false;
        *tag = *tag << 8 | byte;
        more = byte & TAG_MORE;
    }
    return true;
}

enum length_rule { LENGTH_SHORTEST, LENGTH_ANY };

static bool read_length(struct cur *c, enum length_rule rule, size_t *len, struct err *err)
{
    unsigned long long offset = cur_offset(c);
    uint8_t first = 0;
    uint64_t value = 0;
    if (!cur_take_u8(c, &first, "length", err)) return false;
    if (first < LENGTH_LONG) {
        *len = first;
        return true;
    }
    size_t bytes = first & (LENGTH_LONG - 1u);
    if (bytes == 0) return err_set(err, ERR_INPUT, "length at offset %llu is indefinite", offset);
    if (bytes > LENGTH_BYTES_MAX)
        return err_set(err, ERR_INPUT, "length at offset %llu has %zu bytes", offset, bytes);
    if (!cur_take_be(c, bytes, &value, "length", err)) return false;
    bool shortest = bytes == 1 ? value >= LENGTH_LONG : value >> (8 * (bytes - 1)) != 0;
    if (rule == LENGTH_SHORTEST && !shortest)
        return err_set(err, ERR_INPUT, "length at offset %llu is not in its shortest form", offset);
    *len = (size_t)value;
    return true;
}

static bool read_object(struct cur *c, enum length_rule rule, struct tlv *out, struct err *err)
{
    struct cur ahead = *c;
    struct tlv object = {.offset = cur_offset(c)};
    if (!read_tag(&ahead, &object.tag, err)) return false;
    if (!read_length(&ahead, rule, &object.len, err) ||
        !cur_take(&ahead, object.len, &object.value, "value", err)) {
        err_prefix(err, "tag %02X", (unsigned)object.tag);
        return false;
    }
    *c = ahead;
    *out = object;
    return true;
}

bool tlv_read(struct cur *c, struct tlv *out, struct err *err)
{
    return read_object(c, LENGTH_SHORTEST, out, err);
}

bool tlv_read_emv(struct cur *c, struct tlv *out, bool *end, struct err *err)
{
    struct cur ahead = *c;
    const uint8_t *filler = NULL;
    while (cur_left(&ahead) > 0 && ahead.data[ahead.pos] == 0) {
        if (!cur_take(&ahead, 1, &filler, "filler", err)) return false;
    }
    bool nothing = cur_left(&ahead) == 0;
    if (!nothing && !read_object(&ahead, LENGTH_ANY, out, err)) return false;
    *end = nothing;
    *c = ahead;
    return true;
}

bool tlv_find(struct cur list, uint32_t tag, struct tlv *out, bool *found, struct err *err)
{
    struct tlv object;
    bool hit = false;
    while (!hit && cur_left(&list) > 0) {
        if (!tlv_read(&list, &object, err)) return false;
        hit = object.tag == tag;
    }
    if (hit) *out = object;
    *found = hit;
    return true;
}

static size_t length_bytes(size_t len)
{
    if (len < LENGTH_LONG) return 1;
    if (len <= 0xFF) return 2;
    return len <= 0xFFFF ? 3 : 4;
}

size_t tlv_size(uint32_t tag, size_t len)
{
    return tag_bytes(tag) + length_bytes(len) + len;
}

void tlv_put_head(struct buf *b, uint32_t tag, size_t len)
{
    /* A number that does not fit its bytes marks the buf as failed, which is what a bad tag should do. */
    buf_put_be(b, tag, tlv_is_tag(tag) ? tag_bytes(tag) : 0);
    size_t bytes = length_bytes(len);
    if (bytes > 1) buf_put_u8(b, (uint8_t)(LENGTH_LONG | (bytes - 1)));
    buf_put_be(b, len, bytes > 1 ? bytes - 1 : 1);
}

void tlv_put(struct buf *b, uint32_t tag, const void *value, size_t len)
{
    tlv_put_head(b, tag, len);
    buf_put(b, value, len);
}

void tlv_put_be(struct buf *b, uint32_t tag, uint64_t value, size_t bytes)
{
    tlv_put_head(b, tag, bytes);
    buf_put_be(b, value, bytes);
}

bool tlv_tag_from_text(const char *text, uint32_t *tag, struct err *err)
{
    uint8_t bytes[TAG_BYTES_MAX] = {0};
    struct err unused = ERR_INIT;
    size_t digits = strnlen(text, 2 * TAG_BYTES_MAX + 1);
    uint32_t value = 0;
    if (digits <= 2 * TAG_BYTES_MAX && hex_read_exact(text, digits, bytes, digits / 2, &unused))
        value = (uint32_t)bytes_be(bytes, digits / 2);
    /* Leading zero digits would let two texts name one tag. */
    if (!tlv_is_tag(value) || tag_bytes(value) != digits / 2)
        return err_set(err, ERR_CONFIG, "'%s' is not a tag of 1 to %d bytes in hexadecimal", text,
                       TAG_BYTES_MAX);
    *tag = value;
    return true;
}
