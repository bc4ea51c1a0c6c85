/* formats/dgi.h - data groupings (EMV CPS; GlobalPlatform): DGI(2) ‖ length ‖ value. The length is one
 * byte 00–FE, or FF and two bytes; not BER. 255 is FF 00FF. */
#ifndef FORMATS_DGI_H
#define FORMATS_DGI_H

#include "base/buf.h"

enum { DGI_VALUE_MAX = 0xFFFF, DGI_RECORD_VALUE_MAX = 254, DGI_CRT_FIRST = 0x8201, DGI_CRT_LAST = 0x8205 };

struct dgi {
    uint16_t id;
    const uint8_t *value;
    size_t len;
    uint64_t offset;
};

/* False (ERR_INPUT, cursor unmoved): truncated, or a two-byte length below 255. */
MUST_CHECK bool dgi_read(struct cur *c, struct dgi *out, struct err *err);
void dgi_put(struct buf *b, uint16_t id, const void *value, size_t len);

/* 01nn–1Enn with nn 01–FF: a record of a short file. */
bool dgi_is_record(uint16_t id);
uint8_t dgi_record_sfi(uint16_t id);
uint8_t dgi_record_number(uint16_t id);

#endif
