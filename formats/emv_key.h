/* formats/emv_key.h - inside formats/ only: what emv_cert.c needs of a public key. */
#ifndef FORMATS_EMV_KEY_H
#define FORMATS_EMV_KEY_H

#include "formats/emv_cert.h"

enum { EMV_BLOCK_MAX = 256 }; /* room for what emv_rsa_public gives */

/* 3 or 65537, in the bytes that 9F32 and 9F47 hold. */
bool emv_exponent_is_valid(const uint8_t *exponent, size_t len);

#endif
