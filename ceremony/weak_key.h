/* ceremony/weak_key.h - a secret key that nobody should use, whoever brought it: from components or in a key block. */
#ifndef CEREMONY_WEAK_KEY_H
#define CEREMONY_WEAK_KEY_H

#include "base/secret.h"
#include "hsm/role.h"

enum weak_key {
    WEAK_KEY_NOT,
    WEAK_KEY_ZERO,      /* in all its bytes */
    WEAK_KEY_SINGLE_DES /* two neighbouring 8-byte parts are equal */
};
/* Compares in constant time. A DES key that is not zero gets odd parity on the way: equal parts are those that are equal then. */
enum weak_key weak_key_look(enum hsm_algorithm algorithm, struct secret *key);

#endif
