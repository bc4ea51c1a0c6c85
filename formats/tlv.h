/* formats/tlv.h - BER-TLV as docs/formats/mic-file.md restricts it (ISO/IEC 7816-4): tags of 1–3 bytes, tag 00
 * refused, definite length in its shortest form. No padding between objects. */
#ifndef FORMATS_TLV_H
#define FORMATS_TLV_H

#include "base/buf.h"

enum { TLV_TAG_MAX = 0xFFFFFF, TLV_VALUE_MAX = 0xFFFFFF };

struct tlv {
    uint32_t tag;         /* the tag bytes as a number: 5A, 9F46, DF8129 */
    const uint8_t *value; /* borrowed from the cursor's bytes */
    size_t len;
    uint64_t offset; /* of the tag's first byte, in the file */
};

/* Reads one object and moves on. False (ERR_INPUT with the offset, cursor unmoved): truncated, tag 00 or
 * longer than 3 bytes, length indefinite, not shortest, or past the end. */
MUST_CHECK bool tlv_read(struct cur *c, struct tlv *out, struct err *err);
/* Appends tag, length and value. A tag that is no valid BER tag marks the buf failed. */
void tlv_put(struct buf *b, uint32_t tag, const void *value, size_t len);
void tlv_put_be(struct buf *b, uint32_t tag, uint64_t value, size_t bytes);
/* Tag and length alone; len bytes are to follow. */
void tlv_put_head(struct buf *b, uint32_t tag, size_t len);
/* Bytes of the whole object. */
size_t tlv_size(uint32_t tag, size_t len);
/* Is it a tag that tlv_read would give? */
bool tlv_is_tag(uint32_t tag);
/* Bit 6 of the first tag byte: the value holds objects. */
bool tlv_is_constructed(uint32_t tag);
/* Finds the first object with this tag in a flat list. False with *found unset only on a malformed list. */
MUST_CHECK bool tlv_find(struct cur list, uint32_t tag, struct tlv *out, bool *found, struct err *err);
/* Reads a tag from hex text such as "9F46". False (ERR_CONFIG): not one valid tag. */
MUST_CHECK bool tlv_tag_from_text(const char *text, uint32_t *tag, struct err *err);

/* EMV data (Book 3, Annex B) as cards hold it, where 00 bytes may stand between objects. */
MUST_CHECK bool tlv_read_emv(struct cur *c, struct tlv *out, bool *end, struct err *err);

#endif
