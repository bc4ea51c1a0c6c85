/* ceremony/check_value.h - check values of components and of combined keys, before a token holds them (docs/KEYS.md).
 * DES: 3 bytes of TDES(00×8). AES: 5 bytes of CMAC(00×16). A form may give the first 3 bytes of the latter. */
#ifndef CEREMONY_CHECK_VALUE_H
#define CEREMONY_CHECK_VALUE_H

#include "hsm/key.h"

struct check_value {
    uint8_t bytes[HSM_KCV_MAX];
    size_t len;
};
enum { CHECK_VALUE_TEXT = 2 * HSM_KCV_MAX + 1 };

/* value has the algorithm's length. False: libcrypto refuses (ERR_INTERNAL), or the algorithm has no check value. */
MUST_CHECK bool check_value_of(enum hsm_algorithm algorithm, const struct secret *value,
                               struct check_value *out, struct err *err);
/* Of a pair: the first 3 bytes of SHA-256 of the modulus. */
MUST_CHECK bool check_value_of_pair(const struct hsm_pair *pair, struct check_value *out, struct err *err);
/* False (ERR_TOKEN): differs from the expected bytes, which may be fewer (0: nothing expected). Shows both. */
MUST_CHECK bool check_value_compare(const struct check_value *is, const uint8_t *expected,
                                    size_t expected_len, struct err *err);
/* Upper-case hex. */
void check_value_text(const struct check_value *v, char text[static CHECK_VALUE_TEXT]);

#endif
