/* formats/signers.h - the public keys that may have signed a file, out of PEM files (SubjectPublicKeyInfo, RFC 7468). */
#ifndef FORMATS_SIGNERS_H
#define FORMATS_SIGNERS_H

#include "formats/public_key.h"

enum { SIGNERS_MAX = 16 };
struct signers {
    struct public_key keys[SIGNERS_MAX]; /* into der */
    struct buf der[SIGNERS_MAX];
    size_t count;
};

/* False, and nothing to release: ERR_FILE, ERR_CONFIG (no public key in it, too many files); the file is named. */
MUST_CHECK bool signers_load(struct signers *out, const char *const *paths, size_t count, struct err *err);
void signers_release(struct signers *s);

#endif
