/* tests/card/host_cipher.h - ciphers without padding, MACs and check values for the other side of a card's channel, by OpenSSL: DES of
 * 16 or 24 bytes or AES. What fails ends the program. */
#ifndef TESTS_CARD_HOST_CIPHER_H
#define TESTS_CARD_HOST_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* _ecb and _cbc encrypt. */
void host_ecb(bool aes, const uint8_t *key, size_t key_len, const uint8_t *in, size_t len, uint8_t *out);
void host_cbc(bool aes, const uint8_t *key, size_t key_len, const uint8_t *iv, const uint8_t *in, size_t len,
              uint8_t *out);
void host_cbc_decrypt(bool aes, const uint8_t *key, size_t key_len, const uint8_t *iv, const uint8_t *in,
                      size_t len, uint8_t *out);
void host_retail_mac(const uint8_t key[16], const uint8_t icv[8], const uint8_t *data, size_t len,
                     uint8_t mac[8]);
void host_cmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t mac[16]);
/* 3 bytes, as GlobalPlatform has it. */
void host_kcv(bool aes, const uint8_t *key, size_t key_len, uint8_t kcv[3]);

#endif
