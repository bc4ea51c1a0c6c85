#include "formats/character_set.h"

#include <string.h>

enum { ASCII_LAST = 0x7E, LATIN1_FIRST = 0xA0, LATIN1_LAST = 0xFF, UNICODE_LAST = 0x10FFFF };

struct character_set {
    const char *name;
    uint32_t last; /* highest character */
    bool as_utf8;  /* kept in UTF-8; else one byte each */
};
static const struct character_set sets[] = {
    {"ascii", ASCII_LAST, false},
    {"iso8859-1", LATIN1_LAST, false},
    {"utf-8", UNICODE_LAST, true},
};

static const struct character_set *find(const char *name)
{
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (strcmp(sets[i].name, name ? name : "ascii") == 0) return &sets[i];
    }
    return NULL;
}

bool character_set_is_known(const char *name)
{
    return find(name) != NULL;
}

/* How many bytes the sequence that starts so has, which bits of the start count, and the least character that
 * may be written so (RFC 3629: no longer form than needed). */
struct utf8_row {
    uint8_t mask, start;
    size_t len;
    uint32_t least;
};

/* Reads one character at text[0]; 0 bytes if it is no UTF-8. */
static size_t utf8_read(const uint8_t *text, size_t left, uint32_t *out)
{
    static const struct utf8_row forms[] = {
        {0x80, 0x00, 1, 0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((text[0] & forms[i].mask) != forms[i].start) continue;
        if (left < forms[i].len) return 0;
        uint32_t c = text[0] & (uint8_t)~forms[i].mask;
        for (size_t k = 1; k < forms[i].len; k++) {
            if ((text[k] & 0xC0) != 0x80) return 0;
            c = c << 6 | (text[k] & 0x3FU);
        }
        bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
        if (c < forms[i].least || c > UNICODE_LAST || is_surrogate) return 0;
        *out = c;
        return forms[i].len;
    }
    return 0;
}

bool character_set_put(const char *name, const char *text, size_t len, struct buf *out, struct err *err)
{
    const struct character_set *set = find(name);
    const uint8_t *bytes = (const uint8_t *)text;
    size_t begin = out->len, used;
    uint32_t c = 0;

    if (!set) return err_set(err, ERR_CONFIG, "character set '%s' is unknown", name);
    for (size_t at = 0, number = 1; at < len; at += used, number++) {
        used = utf8_read(bytes + at, len - at, &c);
        bool is_control = c < 0x20 || (c > ASCII_LAST && c < LATIN1_FIRST);
        if (used == 0 || is_control || c > set->last) {
            buf_truncate(out, begin);
            return err_set(err, ERR_INPUT, "character %zu %s", number,
                           used == 0    ? "is no UTF-8"
                           : is_control ? "is a control character"
                                        : "is not in the element's character set");
        }
        if (set->as_utf8)
            buf_put(out, bytes + at, used);
        else
            buf_put_u8(out, (uint8_t)c);
    }
    if (!buf_ok(out, "text", err)) {
        buf_truncate(out, begin);
        return false;
    }
    return true;
}
