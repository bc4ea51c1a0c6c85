/* Bytes: method, kind, cipher, which key, then the derivation data. What is made fits its cipher and its key. */
#include <stdlib.h>

#include "formats/derivation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTINGS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct derivation_block block;
    struct buf out;

    if (size < SETTINGS) return 0;
    struct derivation_input in = {(enum derivation_method)(data[0] % (DERIVATION_METHOD_COUNT + 1)),
                                  data + SETTINGS, size - SETTINGS, (enum secret_kind)(data[1] & 0x0F),
                                  (enum card_key_which)(data[3] & 0x07)};
    enum derivation_cipher cipher = data[2] & 1 ? CIPHER_AES : CIPHER_TDES;
    if (derivation_make(&in, cipher, &block, &err)) {
        size_t cipher_block = cipher == CIPHER_AES ? 16 : 8;
        if (block.cipher != cipher || block.len > sizeof(block.data) || block.len % cipher_block != 0)
            abort();
        if (block.key_len > block.len || block.key_len < 16) abort();
    }

    buf_init(&out, 16);
    size_t psn_len = data[0] % 4 < size - SETTINGS ? data[0] % 4 : 0;
    const char *text = (const char *)data + SETTINGS;
    if (derivation_data_emv(text + psn_len, size - SETTINGS - psn_len, text, psn_len, &out, &err)) {
        if (out.len < 5 || out.len > 11) abort();
    } else if (out.len) {
        abort();
    }
    buf_release(&out);
    return 0;
}
