#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_calloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p) {
        fputs("mic_reader: out of memory\n", stderr);
        abort();
    }
    return p;
}

struct span span_of(const void *at, size_t len)
{
    return (struct span){at, len};
}

struct span span_text(const char *text)
{
    return span_of(text, strlen(text));
}

bool span_is_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int span_compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = shorter ? memcmp(x->at, y->at, shorter) : 0;
    if (order) return order;
    return (x->len > y->len) - (x->len < y->len);
}

bool span_is_zero(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i]) return false;
    }
    return true;
}

struct span span_take(struct span *rest, size_t len)
{
    struct span taken = {rest->at, len};
    *rest = span_of(rest->at + len, rest->len - len);
    return taken;
}

uint64_t span_number(struct span s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | s.at[i];
    return n;
}

bool span_is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < 0x20 || s.at[i] > 0x7E) return false;
    }
    return true;
}

void span_list_add(struct span_list *list, struct span s)
{
    if ((list->count & (list->count - 1)) == 0) { /* full at each power of two */
        size_t room = list->count ? 2 * list->count : 1;
        struct span *items = must_calloc(room, sizeof(*items));
        if (list->count) memcpy(items, list->items, list->count * sizeof(*items));
        free(list->items);
        list->items = items;
    }
    list->items[list->count++] = s;
}

size_t span_list_find(const struct span_list *list, struct span s)
{
    size_t i = 0;
    while (i < list->count && !span_is_equal(list->items[i], s))
        i++;
    return i;
}

void span_list_release(struct span_list *list)
{
    free(list->items);
    *list = (struct span_list){0};
}

static bool take_tag(struct span *rest, uint32_t *tag, const char **why)
{
    uint32_t value = rest->at[0];
    size_t len = 1;
    bool more = (rest->at[0] & 0x1F) == 0x1F;

    *why = "tag 00";
    if (value == 0) return false;
    while (more) {
        *why = "a tag longer than three bytes";
        if (len == 3) return false;
        *why = "a tag that ends short";
        if (len == rest->len) return false;
        value = value << 8 | rest->at[len];
        more = rest->at[len++] & 0x80;
    }
    (void)span_take(rest, len);
    *tag = value;
    return true;
}

static bool take_length(struct span *rest, size_t *len, const char **why)
{
    *why = "a length that ends short";
    if (rest->len == 0) return false;
    uint8_t first = span_take(rest, 1).at[0];
    if (first < 0x80) {
        *len = first;
        return true;
    }
    size_t bytes = first & 0x7F;
    if (bytes == 0 || bytes > 4) {
        *why = "an indefinite or oversized length";
        return false;
    }
    if (bytes > rest->len) return false;
    struct span digits = span_take(rest, bytes);
    *len = (size_t)span_number(digits);
    *why = "a length that is not in its shortest form";
    return *len >= 0x80 && digits.at[0] != 0;
}

bool tlv_next(struct span *rest, struct tlv *tlv, const char **why)
{
    struct span left = *rest;
    struct tlv found = {.start = left.at};
    size_t len;

    *why = "no TLV";
    if (left.len == 0) return false;
    if (!take_tag(&left, &found.tag, why) || !take_length(&left, &len, why)) return false;
    if (len > left.len) {
        *why = "a TLV that is longer than what holds it";
        return false;
    }
    found.value = span_take(&left, len);
    *tlv = found;
    *rest = left;
    return true;
}

struct span tlv_find(struct span data, uint32_t tag)
{
    const char *why;
    struct tlv tlv;
    while (data.len && tlv_next(&data, &tlv, &why)) {
        if (tlv.tag == tag) return tlv.value;
    }
    return (struct span){0};
}

bool tlv_is_list(struct span data)
{
    const char *why;
    struct tlv tlv;
    if (data.len == 0) return false;
    while (data.len) {
        if (!tlv_next(&data, &tlv, &why)) return false;
    }
    return true;
}

bool tlv_is_constructed(const struct tlv *tlv)
{
    return tlv->start[0] & 0x20;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *text, uint8_t **bytes, size_t *len)
{
    size_t digits = strlen(text);
    if (digits % 2) return false;
    uint8_t *out = must_calloc(digits / 2, 1);
    for (size_t i = 0; i < digits / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            free(out);
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    *bytes = out;
    *len = digits / 2;
    return true;
}
