/* Bytes: length of the AFL, the AFL, then what every record holds. */
#include <stdlib.h>

#include "formats/afl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_record(void *context, uint8_t sfi, uint8_t record, const uint8_t **value, size_t *len)
{
    const struct cur *all = context;
    (void)sfi;
    *value = record % 7 == 6 ? NULL : all->data;
    *len = all->len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t aip[2] = {0x3C, 0x00};
    struct err err = ERR_INIT;
    struct afl_range ranges[AFL_RANGES_MAX];
    struct buf out;
    size_t count = 0;

    if (size < 1) return 0;
    size_t len = data[0] < size - 1 ? data[0] : size - 1;
    if (!afl_read(data + 1, len, ranges, &count, &err)) return 0;
    for (size_t i = 0; i < count; i++) {
        if (!afl_is_named(ranges, count, ranges[i].sfi, ranges[i].last)) abort();
        if (ranges[i].signed_count && !afl_is_signed(ranges, count, ranges[i].sfi, ranges[i].first)) abort();
    }
    struct cur record = cur_make(data + 1 + len, size - 1 - len, 0);
    buf_init(&out, 1 << 16);
    bool ok = afl_static_data(ranges, count, give_record, &record, data[0] & 1 ? aip : NULL, &out, &err);
    if (!ok && out.len) abort();
    buf_release(&out);
    return 0;
}
