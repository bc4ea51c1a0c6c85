/* plastic_cipher.h - ciphers without padding and CMAC, by OpenSSL alone, for plastic.h and for tests that encrypt as a card does. What
 * fails ends the program. */
#ifndef TESTS_BUREAU_PLASTIC_CIPHER_H
#define TESTS_BUREAU_PLASTIC_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void plastic_tdes_cbc(bool encrypt, const uint8_t key[16], const uint8_t iv[8], const uint8_t *in, size_t len,
                      uint8_t *out);
void plastic_tdes_ecb(bool encrypt, const uint8_t key[16], const uint8_t *in, size_t len, uint8_t *out);
void plastic_aes_cbc(bool encrypt, const uint8_t *key, size_t key_len, const uint8_t iv[16],
                     const uint8_t *in, size_t len, uint8_t *out);
void plastic_cmac(const uint8_t *key, size_t key_len, const uint8_t *in, size_t len, uint8_t out[16]);

#endif
