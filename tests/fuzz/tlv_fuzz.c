/* What tlv_read accepts, tlv_put writes again with the same bytes. */
#include "formats/tlv.h"

#include "fuzz.h"

static void walk_emv(struct cur c, unsigned depth)
{
    struct err err = ERR_INIT;
    struct tlv tlv;
    bool end = false;
    while (depth < 16 && tlv_read_emv(&c, &tlv, &end, &err) && !end) {
        fuzz_must(tlv_is_tag(tlv.tag));
        if (tlv_is_constructed(tlv.tag)) walk_emv(cur_make(tlv.value, tlv.len, tlv.offset), depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct cur c = cur_make(data, size, 0);
    struct tlv tlv;
    struct buf b;
    bool found = false;
    buf_init(&b, size + 16);
    while (cur_left(&c) > 0 && tlv_read(&c, &tlv, &err)) {
        fuzz_must(tlv_is_tag(tlv.tag));
        tlv_put(&b, tlv.tag, tlv.value, tlv.len);
    }
    fuzz_must(!b.failed && bytes_equal(b.data, b.len, data, c.pos));
    walk_emv(cur_make(data, size, 0), 0);
    err_ignore(tlv_find(cur_make(data, size, 0), 0x5A, &tlv, &found, &err), "only memory errors matter here");
    buf_release(&b);
    return 0;
}
