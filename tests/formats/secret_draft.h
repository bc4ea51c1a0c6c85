/* One wrapped secret of each kind, right in itself, for the tests of secrets and of the DATA that holds them. */
#ifndef TESTS_FORMATS_SECRET_DRAFT_H
#define TESTS_FORMATS_SECRET_DRAFT_H

#include <stdio.h>

#include "formats/entry.h"

static const uint8_t ciphertext[2048];

/* A secret in one line: what differs from KDL under the KEK is set by the test. */
static inline struct wrapped_secret secret_of(const char *name, uint16_t dgi)
{
    struct wrapped_secret s = {.kind = SECRET_DES2,
                               .kcv = {1, 2, 3},
                               .kcv_len = 3,
                               .method = METHOD_KWP,
                               .master = "KML/2",
                               .ciphertext = ciphertext,
                               .ciphertext_len = 24,
                               .dgi = dgi};
    snprintf(s.name, sizeof(s.name), "%s", name);
    return s;
}

static inline struct wrapped_secret rsa_of(const char *name)
{
    struct wrapped_secret s = secret_of(name, 0x8201);
    s.kind = SECRET_RSA;
    s.master[0] = '\0';
    s.ciphertext_len = 496;
    return s;
}

static inline struct wrapped_secret opaque_of(const char *name, uint16_t dgi)
{
    struct wrapped_secret s = secret_of(name, dgi);
    s.kind = SECRET_OPAQUE;
    s.master[0] = '\0';
    s.kcv_len = 0;
    s.true_len = 10;
    return s;
}

static inline struct wrapped_secret card_key_secret_of(const char *name, uint16_t dgi)
{
    struct wrapped_secret s = secret_of(name, dgi);
    s.method = METHOD_CARD_AES_CBC;
    s.ciphertext_len = 16;
    snprintf(s.card_key, sizeof(s.card_key), "KMC/3/DEK");
    return s;
}

#endif
