#include "formats/afl.h"

#include "formats/tlv.h"

enum { AFL_ENTRY_LEN = 4, SFI_MAX = 30, SFI_PLAIN_MAX = 10, TEMPLATE_TAG = 0x70 };

static bool read_entry(const uint8_t entry[AFL_ENTRY_LEN], size_t number, struct afl_range *out,
                       struct err *err)
{
    struct afl_range range = {entry[0] >> 3, entry[1], entry[2], entry[3]};

    if (entry[0] & 0x07)
        return err_set(err, ERR_INPUT, "AFL entry %zu: low bits of the SFI byte are set", number);
    if (range.sfi == 0 || range.sfi > SFI_MAX)
        return err_set(err, ERR_INPUT, "AFL entry %zu: SFI %u is not 1 to %d", number, range.sfi, SFI_MAX);
    if (range.first == 0 || range.first > range.last)
        return err_set(err, ERR_INPUT, "AFL entry %zu: records %u to %u are no range", number, range.first,
                       range.last);
    if (range.signed_count > range.last - range.first + 1)
        return err_set(err, ERR_INPUT, "AFL entry %zu: %u records signed, but only %u to %u named", number,
                       range.signed_count, range.first, range.last);
    *out = range;
    return true;
}

bool afl_read(const uint8_t *value, size_t len, struct afl_range *out, size_t *count, struct err *err)
{
    struct afl_range ranges[AFL_RANGES_MAX];
    size_t entries = len / AFL_ENTRY_LEN;

    if (len % AFL_ENTRY_LEN != 0)
        return err_set(err, ERR_INPUT, "AFL has %zu bytes, which is no multiple of %d", len, AFL_ENTRY_LEN);
    if (entries > AFL_RANGES_MAX)
        return err_set(err, ERR_INPUT, "AFL has %zu entries, more than %d", entries, AFL_RANGES_MAX);
    for (size_t i = 0; i < entries; i++) {
        if (!read_entry(value + i * AFL_ENTRY_LEN, i + 1, &ranges[i], err)) return false;
    }
    for (size_t i = 0; i < entries; i++)
        out[i] = ranges[i];
    *count = entries;
    return true;
}

bool afl_is_signed(const struct afl_range *ranges, size_t count, uint8_t sfi, uint8_t record)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].sfi == sfi && record >= ranges[i].first &&
            record - ranges[i].first < ranges[i].signed_count)
            return true;
    }
    return false;
}

bool afl_is_named(const struct afl_range *ranges, size_t count, uint8_t sfi, uint8_t record)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].sfi == sfi && record >= ranges[i].first && record <= ranges[i].last) return true;
    }
    return false;
}

static bool put_record(const uint8_t *value, size_t len, uint8_t sfi, struct buf *out, struct err *err)
{
    struct cur c = cur_make(value, len, 0);
    struct tlv tlv;

    if (sfi > SFI_PLAIN_MAX) {
        buf_put(out, value, len);
        return true;
    }
    if (!tlv_read(&c, &tlv, err)) return false;
    if (tlv.tag != TEMPLATE_TAG || cur_left(&c) != 0)
        return err_set(err, ERR_INPUT, "is not one template %X and nothing else", TEMPLATE_TAG);
    buf_put(out, tlv.value, tlv.len);
    return true;
}

bool afl_static_data(const struct afl_range *ranges, size_t count, afl_record_fn *record, void *context,
                     const uint8_t aip[2], struct buf *out, struct err *err)
{
    size_t begin = out->len;
    bool ok = false;

    for (size_t i = 0; i < count; i++) {
        for (unsigned n = 0; n < ranges[i].signed_count; n++) {
            uint8_t number = (uint8_t)(ranges[i].first + n);
            const uint8_t *value = NULL;
            size_t len = 0;
            record(context, ranges[i].sfi, number, &value, &len);
            if (!value) {
                err_set(err, ERR_INPUT, "record %u of SFI %u is static data by the AFL, but is not there",
                        number, ranges[i].sfi);
                goto out;
            }
            if (!put_record(value, len, ranges[i].sfi, out, err)) {
                err_prefix(err, "record %u of SFI %u", number, ranges[i].sfi);
                goto out;
            }
        }
    }
    if (aip) buf_put(out, aip, 2);
    ok = buf_ok(out, "static data to be authenticated", err);
out:
    if (!ok) buf_truncate(out, begin);
    return ok;
}
