/* bytes.h - spans of bytes, lists of them, and BER-TLV as MIC groups use it (definite length in its
 * shortest form, tags of 1 to 3 bytes, no tag that begins with 00).
 *
 * The reader is an independent check of the MIC format: it shares no line with the programs that it
 * checks, and so has its own of everything. It is a test tool: when memory ends, it ends. */
#ifndef READER_BYTES_H
#define READER_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* Borrowed bytes. at == NULL means absent; a present but empty span has an address. */
struct span {
    const uint8_t *at;
    size_t len;
};

/* Spans in the order in which they were added. Borrows what the spans point to. */
struct span_list {
    struct span *items;
    size_t count;
};

struct tlv {
    const uint8_t *start; /* of the tag */
    uint32_t tag;
    struct span value;
};

struct span span_of(const void *at, size_t len);
struct span span_text(const char *text);
bool span_is_equal(struct span a, struct span b);
/* <0, 0, >0 in dictionary order. */
int span_compare(const void *a, const void *b);
bool span_is_zero(struct span s);
/* Splits `len` bytes off the front of `rest`, which holds at least as many. */
struct span span_take(struct span *rest, size_t len);
/* Big-endian, at most 8 bytes. */
uint64_t span_number(struct span s);
bool span_is_printable(struct span s);

void span_list_add(struct span_list *list, struct span s);
/* The index of an equal span, or list->count. */
size_t span_list_find(const struct span_list *list, struct span s);
void span_list_release(struct span_list *list);

/* Splits one TLV off the front of `rest`. False, with *why a constant text: malformed or too short. */
MUST_CHECK bool tlv_next(struct span *rest, struct tlv *tlv, const char **why);
/* The first TLV with this tag in well-formed data; absent span if none. */
struct span tlv_find(struct span data, uint32_t tag);
/* Whether the span is nothing but well-formed TLVs, at least one. */
bool tlv_is_list(struct span data);
bool tlv_is_constructed(const struct tlv *tlv);

/* malloc'ed bytes of a hex text; false: not hex, or an odd number of digits. */
MUST_CHECK bool hex_decode(const char *text, uint8_t **bytes, size_t *len);
/* Zeroed memory; ends the program when there is none. */
void *must_calloc(size_t count, size_t size);

#endif
