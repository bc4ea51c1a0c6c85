/* formats/afl.h - application file locator (tag 94), EMV Book 3 §10.2, and the static data to be authenticated,
 * Book 3 §10.3: the records that it marks, in its order, then the AIP if tag 9F4A asks for it. */
#ifndef FORMATS_AFL_H
#define FORMATS_AFL_H

#include "base/buf.h"

struct afl_range {
    uint8_t sfi, first, last, signed_count;
};
enum { AFL_RANGES_MAX = 63 };
/* out has room for AFL_RANGES_MAX. False (ERR_INPUT): not a multiple of 4, too many entries, SFI 0 or over 30 or its low bits set, first 0 or over last, more signed records than records. */
MUST_CHECK bool afl_read(const uint8_t *value, size_t len, struct afl_range *out, size_t *count,
                         struct err *err);
/* Is the record part of the static data? And is it named at all? */
bool afl_is_signed(const struct afl_range *ranges, size_t count, uint8_t sfi, uint8_t record);
bool afl_is_named(const struct afl_range *ranges, size_t count, uint8_t sfi, uint8_t record);

/* Gives the bytes of a record's grouping (template 70 and all); NULL value: the record is not there. */
typedef void afl_record_fn(void *context, uint8_t sfi, uint8_t record, const uint8_t **value, size_t *len);
/* Appends the static data. aip is NULL where no 9F4A asks for it. False (ERR_INPUT): a marked record is missing, or one
 * of SFI 1–10 is no template 70. */
MUST_CHECK bool afl_static_data(const struct afl_range *ranges, size_t count, afl_record_fn *record,
                                void *context, const uint8_t aip[2], struct buf *out, struct err *err);

#endif
