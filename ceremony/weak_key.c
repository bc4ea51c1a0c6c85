#include "ceremony/weak_key.h"

#include "formats/derivation.h"

static bool parts_are_equal(const uint8_t *a, const uint8_t *b)
{
    unsigned any = 0;
    for (size_t i = 0; i < 8; i++)
        any |= (unsigned)(a[i] ^ b[i]);
    return any == 0;
}

enum weak_key weak_key_look(enum hsm_algorithm algorithm, struct secret *key)
{
    unsigned any = 0;
    for (size_t i = 0; i < key->len; i++)
        any |= key->data[i];
    if (any == 0) return WEAK_KEY_ZERO;
    if (algorithm != HSM_DES2 && algorithm != HSM_DES3) return WEAK_KEY_NOT;
    des_parity(key->data, key->len);
    for (size_t i = 8; i < key->len; i += 8) {
        if (parts_are_equal(key->data + i - 8, key->data + i)) return WEAK_KEY_SINGLE_DES;
    }
    return WEAK_KEY_NOT;
}
