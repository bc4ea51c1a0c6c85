/* formats/public_key_evp.h - inside formats/ only: a public key as libcrypto's object. */
#ifndef FORMATS_PUBLIC_KEY_EVP_H
#define FORMATS_PUBLIC_KEY_EVP_H

#include <openssl/evp.h>

#include "formats/public_key.h"

/* For EVP_PKEY_free. False (ERR_INTEGRITY): the bytes are not the one DER form of a key. libcrypto's error queue is the
 * caller's to clear. */
MUST_CHECK bool public_key_evp(const struct public_key *key, EVP_PKEY **out, struct err *err);

#endif
