/* Values as text. PANs keep six and four digits here, whatever the visitor. */
#include "prep/commands/inspect.h"

#include <string.h>

#include "base/hex.h"
#include "formats/entry.h"

enum { KEEP_FRONT = 6, KEEP_BACK = 4, PAN_LIKE = 13, TEXT_SHOWN = 1024 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Characters of a run of digits that begins at `at`: single spaces and hyphens between digits belong to it, as embossers
 * write card numbers. *digits counts the digits. */
static size_t digit_run(const uint8_t *text, size_t len, size_t at, size_t *digits)
{
    size_t end = at;
    *digits = 0;
    for (size_t i = at; i < len; i++) {
        if (is_digit(text[i])) {
            (*digits)++;
            end = i + 1;
        } else if ((text[i] != ' ' && text[i] != '-') || i != end) {
            break;
        }
    }
    return end - at;
}

static void put_masked_run(struct buf *out, const uint8_t *text, size_t len, size_t digits)
{
    size_t seen = 0;
    for (size_t i = 0; i < len; i++) {
        bool hide = false;
        if (is_digit(text[i])) {
            hide = digits >= PAN_LIKE && seen >= KEEP_FRONT && seen < digits - KEEP_BACK;
            seen++;
        }
        buf_put_u8(out, hide ? '*' : text[i]);
    }
}

static void put_text(struct buf *out, const uint8_t *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t digits = 0, run = is_digit(text[at]) ? digit_run(text, len, at, &digits) : 1;
        if (digits)
            put_masked_run(out, &text[at], run, digits);
        else
            buf_put_u8(out, text[at]);
        at += run;
    }
}

static bool is_printable(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7E) return false;
    }
    return true;
}

static void put_hex(struct buf *out, const uint8_t *value, size_t len, size_t most)
{
    const size_t shown = len < most ? len : most;
    hex_put(out, value, shown);
    if (shown < len) buf_put_format(out, "… (%zu more bytes)", len - shown);
}

static uint8_t nibble(const uint8_t *value, size_t index)
{
    return index % 2 ? value[index / 2] & 0x0F : value[index / 2] >> 4;
}

/* Digits, then only F to the end. */
static bool count_bcd(const uint8_t *value, size_t len, size_t *digits)
{
    size_t i = 0;
    while (i < 2 * len && nibble(value, i) <= 9)
        i++;
    *digits = i;
    while (i < 2 * len && nibble(value, i) == 0x0F)
        i++;
    return i == 2 * len;
}

static void put_digits(struct buf *out, const uint8_t *value, size_t digits)
{
    for (size_t i = 0; i < digits; i++) {
        const bool hide = digits >= PAN_LIKE ? i >= KEEP_FRONT && i < digits - KEEP_BACK : false;
        buf_put_u8(out, hide ? '*' : (uint8_t)('0' + nibble(value, i)));
    }
}

/* Derivation data may be bytes that are no card number: shown as they are. */
static void put_pan(struct buf *out, const uint8_t *value, size_t len, size_t most)
{
    size_t digits = 0;
    if (count_bcd(value, len, &digits))
        put_digits(out, value, digits);
    else
        put_hex(out, value, len, most);
}

static void put_track2(struct buf *out, const uint8_t *value, size_t len)
{
    enum { SHOWN_BEHIND = 7 /* YYMM and service code */ };
    size_t pan = 0;
    while (pan < 2 * len && nibble(value, pan) <= 9)
        pan++;
    put_digits(out, value, pan);
    if (pan == 2 * len) return;
    buf_put_u8(out, '=');
    for (size_t i = pan + 1; i < 2 * len; i++) {
        const uint8_t n = nibble(value, i);
        if (n > 9) break;
        buf_put_u8(out, i <= pan + SHOWN_BEHIND ? (uint8_t)('0' + n) : '*');
    }
}

static void put_number(struct buf *out, const uint8_t *value, size_t len)
{
    if (len == 0 || len > 8) {
        put_hex(out, value, len, len);
        return;
    }
    buf_put_format(out, "%llu", (unsigned long long)bytes_be(value, len));
}

static void put_meaning(struct buf *out, const struct inspect_item *item)
{
    const unsigned number =
        item->value_len >= 1 && item->value_len <= 2 ? (unsigned)bytes_be(item->value, item->value_len) : 0;
    char text[64] = "unknown";
    const struct secret_kind_row *kind = secret_kind_row(number);

    switch (item->form) {
    case FORM_KIND:
        if (kind) snprintf(text, sizeof(text), "%s", kind->name);
        break;
    case FORM_METHOD:
        if (number == METHOD_KWP) snprintf(text, sizeof(text), "AES key wrap with padding under the KEK");
        if (number == METHOD_CARD_TDES_ECB) snprintf(text, sizeof(text), "TDES-ECB under the card's own key");
        if (number == METHOD_CARD_AES_CBC) snprintf(text, sizeof(text), "AES-CBC under the card's own key");
        break;
    case FORM_DGI:
        inspect_dgi_name((uint16_t)number, text, sizeof(text));
        break;
    default:
        if (number == SIGNATURE_RSA_SHA256) snprintf(text, sizeof(text), "RSASSA-PKCS1-v1_5 with SHA-256");
        if (number == SIGNATURE_ECDSA_P256_SHA256) snprintf(text, sizeof(text), "ECDSA P-256 with SHA-256");
        break;
    }
    hex_put(out, item->value, item->value_len);
    buf_put_format(out, " (%s)", text);
}

void inspect_value(const struct inspect_item *item, size_t most, struct buf *out)
{
    const uint8_t *v = item->value;
    const size_t len = item->value_len;

    switch (item->form) {
    case FORM_PARTS:
        break;
    case FORM_HEX:
        put_hex(out, v, len, most);
        break;
    case FORM_TEXT:
    case FORM_MODULE:
        if (is_printable(v, len) && len <= TEXT_SHOWN)
            put_text(out, v, len);
        else if (item->form == FORM_TEXT)
            put_hex(out, v, len, most);
        else
            buf_put_format(out, "(%zu bytes)", len);
        break;
    case FORM_NUMBER:
        put_number(out, v, len);
        break;
    case FORM_PAN:
        put_pan(out, v, len, most);
        break;
    case FORM_TRACK2:
        put_track2(out, v, len);
        break;
    case FORM_HIDDEN:
        buf_put_format(out, "(%zu bytes, not shown)", len);
        break;
    default:
        put_meaning(out, item);
        break;
    }
}
