/* base/digest.h - SHA-256 and SHA-1 (FIPS 180-4), whole or in pieces. Public data only: the state is
 * ordinary memory. SHA-1 is here because EMV names it, not as a choice. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum digest_kind { DIGEST_SHA1, DIGEST_SHA256 };
enum { SHA1_LEN = 20, SHA256_LEN = 32, DIGEST_LEN_MAX = SHA256_LEN };

struct digest;

/* A running digest, to be freed. Every function here is false only if libcrypto refuses or memory is
 * exhausted (ERR_INTERNAL). */
MUST_CHECK bool digest_new(struct digest **out, enum digest_kind kind, struct err *err);
MUST_CHECK bool digest_add(struct digest *d, const void *data, size_t len, struct err *err);
/* Writes digest_len bytes and starts over, for the next message. */
MUST_CHECK bool digest_final(struct digest *d, uint8_t *out, struct err *err);
/* The digest of what was added so far; more may be added after it. */
MUST_CHECK bool digest_peek(const struct digest *d, uint8_t *out, struct err *err);
void digest_free(struct digest *d); /* NULL is fine */
/* Bytes of a digest of this kind. */
size_t digest_len(enum digest_kind kind);

MUST_CHECK bool sha256(const void *data, size_t len, uint8_t out[static SHA256_LEN], struct err *err);
MUST_CHECK bool sha1(const void *data, size_t len, uint8_t out[static SHA1_LEN], struct err *err);

#endif
