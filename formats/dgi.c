#include "formats/dgi.h"

enum {
    LENGTH_LONG = 0xFF, /* as the length byte: two bytes follow */
    RECORD_FIRST_SFI = 0x01,
    RECORD_LAST_SFI = 0x1E,
};

bool dgi_read(struct cur *c, struct dgi *out, struct err *err)
{
    struct cur ahead = *c;
    struct dgi dgi = {.offset = cur_offset(c)};
    uint64_t id = 0;
    uint64_t len = 0;
    if (!cur_take_be(&ahead, 2, &id, "DGI", err)) return false;
    dgi.id = (uint16_t)id;
    if (!cur_take_be(&ahead, 1, &len, "length", err)) goto out;
    if (len == LENGTH_LONG) {
        if (!cur_take_be(&ahead, 2, &len, "length", err)) goto out;
        if (len < LENGTH_LONG) {
            err_set(err, ERR_INPUT, "length %llu at offset %llu takes two bytes where one is enough",
                    (unsigned long long)len, (unsigned long long)dgi.offset + 2);
            goto out;
        }
    }
    dgi.len = (size_t)len;
    if (!cur_take(&ahead, dgi.len, &dgi.value, "value", err)) goto out;
    *c = ahead;
    *out = dgi;
    return true;
out:
    err_prefix(err, "DGI %04X", dgi.id);
    return false;
}

void dgi_put(struct buf *b, uint16_t id, const void *value, size_t len)
{
    buf_put_be(b, id, 2);
    if (len < LENGTH_LONG) {
        buf_put_be(b, len, 1);
    } else {
        buf_put_u8(b, LENGTH_LONG);
        buf_put_be(b, len, 2);
    }
    buf_put(b, value, len);
}

uint8_t dgi_record_sfi(uint16_t id)
{
    return (uint8_t)(id >> 8);
}

uint8_t dgi_record_number(uint16_t id)
{
    return (uint8_t)(id & 0xFF);
}

bool dgi_is_record(uint16_t id)
{
    return dgi_record_sfi(id) >= RECORD_FIRST_SFI && dgi_record_sfi(id) <= RECORD_LAST_SFI &&
           dgi_record_number(id) >= 1;
}
