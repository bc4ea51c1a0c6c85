/* tests/support/tlv_edit.h - makes a good list of TLVs bad in one respect. */
#ifndef TESTS_SUPPORT_TLV_EDIT_H
#define TESTS_SUPPORT_TLV_EDIT_H

#include "formats/tlv.h"

/* Copies `list` to out (emptied first), with the first object `tag` left out, written twice, or with another value. */
static inline void tlv_edit(struct buf *out, struct cur list, uint32_t tag, unsigned copies,
                            const void *value, size_t len)
{
    struct tlv tlv;
    struct err err = ERR_INIT;
    bool done = false;
    buf_clear(out);
    while (cur_left(&list) > 0 && tlv_read(&list, &tlv, &err)) {
        bool hit = tlv.tag == tag && !done;
        for (unsigned i = 0; i < (hit ? copies : 1); i++)
            tlv_put(out, tlv.tag, hit && value ? value : tlv.value, hit && value ? len : tlv.len);
        done = done || hit;
    }
}

static inline void tlv_without(struct buf *out, struct cur list, uint32_t tag)
{
    tlv_edit(out, list, tag, 0, NULL, 0);
}

static inline void tlv_twice(struct buf *out, struct cur list, uint32_t tag)
{
    tlv_edit(out, list, tag, 2, NULL, 0);
}

static inline void tlv_replaced(struct buf *out, struct cur list, uint32_t tag, const void *value, size_t len)
{
    tlv_edit(out, list, tag, 1, value, len);
}

#endif
