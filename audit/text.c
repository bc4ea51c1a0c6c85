#include "audit/text.h"

#include <string.h>

/* The next character, and its length in bytes; 0 if it is no UTF-8 (RFC 3629: shortest form, no surrogates). */
static size_t next(const char *text, uint32_t *out)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    uint8_t first = (uint8_t)text[0];

    for (size_t more = 0; more < sizeof(forms) / sizeof(forms[0]); more++) {
        if ((first & forms[more].mask) != forms[more].lead) continue;
        uint32_t c = first & (uint8_t)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            uint8_t byte = (uint8_t)text[i];
            if ((byte & 0xC0) != 0x80) return 0;
            c = c << 6 | (byte & 0x3F);
        }
        if (c < forms[more].least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
        *out = c;
        return more + 1;
    }
    return 0;
}

struct range {
    uint32_t from, to;
};

static bool is_unprintable(uint32_t c)
{
    static const struct range ranges[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C}, {0x200B, 0x200F},
        {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i].from && c <= ranges[i].to) return true;
    }
    return false;
}

bool audit_text_is_printable(const char *text)
{
    const char *at = text;
    while (*at) {
        uint32_t c = 0;
        if (*at >= ' ' && *at <= '~') { /* nearly all there is, and logs have millions of lines */
            at++;
            continue;
        }
        size_t len = next(at, &c);
        if (len == 0 || is_unprintable(c)) return false;
        at += len;
    }
    return (size_t)(at - text) <= AUDIT_TEXT_MAX;
}

/* Letters of a range, and where their small forms are: so many places on, or, in ranges of pairs, at the next odd or even one. */
static uint32_t small_letter(uint32_t c)
{
    static const struct {
        struct range range;
        uint32_t add; /* 0: pairs, the capital first */
    } capitals[] = {
        {{'A', 'Z'}, 32},       {{0xC0, 0xD6}, 32},     {{0xD8, 0xDE}, 32},     {{0x0100, 0x012F}, 0},
        {{0x0132, 0x0137}, 0},  {{0x0139, 0x0148}, 0},  {{0x014A, 0x0177}, 0},  {{0x0179, 0x017E}, 0},
        {{0x0391, 0x03A1}, 32}, {{0x03A3, 0x03AB}, 32}, {{0x0400, 0x040F}, 80}, {{0x0410, 0x042F}, 32},
        {{0x0460, 0x0481}, 0},  {{0x048A, 0x04BF}, 0},  {{0x04D0, 0x052F}, 0},  {{0x1E00, 0x1E95}, 0},
        {{0x1EA0, 0x1EFF}, 0},
    };
    for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++) {
        const struct range *r = &capitals[i].range;
        if (c < r->from || c > r->to) continue;
        if (capitals[i].add) return c + capitals[i].add;
        return (c - r->from) % 2 == 0 ? c + 1 : c;
    }
    return c;
}

static void put(uint32_t c, struct buf *out)
{
    if (c < 0x80) {
        buf_put_u8(out, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        buf_put_u8(out, (uint8_t)(0xC0 | c >> 6));
    } else {
        buf_put_u8(out, (uint8_t)(c < 0x10000 ? 0xE0 | c >> 12 : 0xF0 | c >> 18));
        if (c >= 0x10000) buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
        buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
    }
    buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || c == 0xA0 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}

void audit_text_fold(const char *text, struct buf *out)
{
    bool blank = false, any = false;
    uint32_t c = 0;
    for (size_t len = 0; *text && (len = next(text, &c)) > 0; text += len) {
        if (is_blank(c)) {
            blank = true;
            continue;
        }
        if (blank && any) buf_put_u8(out, ' ');
        blank = false;
        any = true;
        put(small_letter(c), out);
    }
}
