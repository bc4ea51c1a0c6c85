/* image.h - makes files that are wrong in one place: changes bytes of the sample, then puts right what
 * would otherwise be refused first. Holds the sample's private TEST keys. */
#ifndef READER_IMAGE_H
#define READER_IMAGE_H

#include "reader.h"

struct image {
    uint8_t *bytes; /* owned */
    size_t len;
};

/* What image_seal makes again. */
enum seal { SEAL_ENTRIES = 1, SEAL_RECORDS = 2, SEAL_END = 4, SEAL_ALL = 7 };

/* The sample. Ends the program if it cannot be read. */
struct image image_load(void);
void image_release(struct image *image);
/* Offset of occurrence `nth` (from 0) of `len` bytes; ends the program if there is none. */
size_t image_find(const struct image *image, const char *pattern, size_t len, size_t nth);
/* The same for a text constant. */
#define FIND(image, pattern, nth) image_find(image, pattern, sizeof(pattern) - 1, nth)
/* Replaces `drop` bytes by `len` others, and adds the difference to RLEN, LEN and, within an entry's DATA, to ELEN, DLEN and the
 * length of the outermost TLV (of at most 127 bytes) around the place. */
void image_splice(struct image *image, size_t offset, size_t drop, const void *bytes, size_t len);
void image_swap(struct image *image, size_t a, size_t b, size_t len);
/* MACs under the MAC keys of the file; hash and signature by `signer`. */
void image_seal(struct image *image, const struct keys *keys, EVP_PKEY *signer, unsigned what);
/* A key from "private" in the sample's keys file: "ca", "issuer", "signer". The caller frees. */
EVP_PKEY *image_private(const char *name);

#endif
