#include "bureau/reader_properties.h"

#include "base/buf.h"

enum { NUMBER_MAX = 4 };

/* The value behind a tag in a list of tag ‖ length ‖ value, both of one byte. */
static bool find(const uint8_t *list, size_t len, uint8_t tag, const uint8_t **value, uint8_t *value_len)
{
    struct cur c = cur_make(list, len, 0);
    struct err unread = ERR_INIT;
    uint8_t found = 0;

    while (cur_left(&c) > 0) {
        if (!cur_take_u8(&c, &found, "tag", &unread) || !cur_take_u8(&c, value_len, "length", &unread) ||
            !cur_take(&c, *value_len, value, "value", &unread))
            return false;
        if (found == tag) return *value_len > 0 && *value_len <= NUMBER_MAX;
    }
    return false;
}

bool reader_feature(const uint8_t *list, size_t len, uint8_t feature, uint32_t *code)
{
    const uint8_t *value = NULL;
    uint8_t value_len = 0;

    if (!find(list, len, feature, &value, &value_len) || value_len != NUMBER_MAX) return false;
    *code = (uint32_t)bytes_be(value, value_len);
    return true;
}

bool reader_property(const uint8_t *list, size_t len, uint8_t property, uint32_t *value)
{
    const uint8_t *bytes = NULL;
    uint8_t bytes_len = 0;

    if (!find(list, len, property, &bytes, &bytes_len)) return false;
    *value = 0;
    for (size_t i = bytes_len; i > 0; i--)
        *value = *value << 8 | bytes[i - 1];
    return true;
}
