/* formats/mic.h - framing of the MIC file, docs/formats/mic-file.md (FIGS. 5A and 5B):
 *
 *   record := RLEN(7 digits) ‖ group+        group := MIC(7, space-padded) ‖ LEN(7 digits) ‖ data
 *
 * This layer knows records and groups; what our own groups hold is formats/groups.h. */
#ifndef FORMATS_MIC_H
#define FORMATS_MIC_H

#include "base/buf.h"
#include "base/reader.h"

enum {
    MIC_NAME_MAX = 7,
    MIC_DIGITS = 7,
    MIC_GROUP_HEAD = 14,
    MIC_RECORD_MAX = 9999999, /* what seven digits can say */
    MIC_GROUPS_MAX = 64,
};

#define MIC_JOB          "JOB"
#define MIC_CARD         "CARD"
#define MIC_SEAL         "SEAL"
#define MIC_END          "END"
#define MIC_CHIP_DEFAULT "CHIP"

struct mic_group {
    char name[MIC_NAME_MAX + 1]; /* without padding */
    const uint8_t *data;         /* borrowed */
    size_t len;
    uint64_t offset; /* of the MIC's first byte, in the file */
};

struct mic_record {
    const uint8_t *bytes; /* RLEN (if the framing has it) and all groups; borrowed */
    size_t len;
    uint64_t offset; /* of bytes[0] in the file */
    struct mic_group groups[MIC_GROUPS_MAX];
    size_t group_count;
};

/* How an input parts its records; output always has RLEN. */
enum mic_framing_kind { MIC_FRAMING_RLEN, MIC_FRAMING_NEWLINE, MIC_FRAMING_FIRST_MIC };
struct mic_framing {
    enum mic_framing_kind kind;
    char first_mic[MIC_NAME_MAX + 1]; /* FIRST_MIC only */
};

/* 1–7 characters of A–Z 0–9 # - _ */
bool mic_is_name(const char *name);
/* JOB, CARD, SEAL, END */
bool mic_is_reserved(const char *name);

/* Reads the next record; everything borrowed lives until the next call. At the end of the file *end is true.
 * False (ERR_INPUT with the byte offset): wrong digit, bad MIC, length past the record, a record that ends
 * short, empty record, more than MIC_GROUPS_MAX groups; ERR_FILE: reading failed. */
MUST_CHECK bool mic_read_record(struct reader *r, const struct mic_framing *framing, struct mic_record *out,
                                bool *end, struct err *err);
/* The same over the bytes of one record with RLEN, nothing behind it. */
MUST_CHECK bool mic_parse_record(const uint8_t *bytes, size_t len, uint64_t offset, struct mic_record *out,
                                 struct err *err);
/* The first group with this name, or NULL. */
const struct mic_group *mic_find(const struct mic_record *record, const char *name);

/* Writing: begin, groups, end. mic_put_record_end fills in RLEN. Failures stick to the buf. */
size_t mic_put_record_begin(struct buf *b);
void mic_put_record_end(struct buf *b, size_t begin);
void mic_put_group(struct buf *b, const char *name, const void *data, size_t len);
/* For a group that is built in place: begin writes MIC and room for LEN, end fills LEN in. */
size_t mic_put_group_begin(struct buf *b, const char *name);
void mic_put_group_end(struct buf *b, size_t begin);

#endif
