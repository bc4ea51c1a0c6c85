/* Bytes: conversion, length, maximum, decimals and character set, then the text. A refusal appends nothing, a value
 * has the length that was asked for, and BCD gives its digits back. */
#include <stdlib.h>
#include <string.h>

#include "formats/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTINGS = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const sets[] = {NULL, "ascii", "iso8859-1", "utf-8"};
    struct err err = ERR_INIT;
    struct buf out, digits;
    size_t count = 0;
    const struct convert_row *rows = convert_rows(&count);

    if (size < SETTINGS) return 0;
    struct convert_options o = {.len = data[1] & 0x1F,
                                .max_len = data[2],
                                .exponent = data[3] & 0x0F,
                                .character_set = sets[data[4] & 3],
                                .minimum = data[3] & 0x10 ? "10" : NULL,
                                .maximum = data[3] & 0x20 ? "1000" : NULL};
    buf_init(&out, CONVERT_VALUE_MAX + 1);
    buf_init(&digits, 2 * CONVERT_VALUE_MAX);
    buf_put_u8(&out, 0xEE);
    bool ok = rows[data[0] % count].run((const char *)data + SETTINGS, size - SETTINGS, &o, &out, &err);
    if (out.data[0] != 0xEE || (!ok && out.len != 1)) abort();
    if (ok && o.len && out.len != 1 + o.len) abort();
    if (ok && o.max_len && out.len > 1 + o.max_len) abort();
    if (!bcd_digits(out.data + 1, out.len - 1, &digits, &err) && digits.len != 0) abort();
    buf_release(&out);
    buf_release(&digits);
    return 0;
}
