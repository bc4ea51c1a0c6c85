/* hsm/uri.h - which token, which object: RFC 7512 URIs through p11-kit, labels and serials. Internal to hsm/. */
#ifndef HSM_URI_H
#define HSM_URI_H

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "hsm/token.h"

/* A choice ready to be compared; module and names are borrowed from choice and uri. */
struct hsm_selector {
    const struct hsm_token_choice *choice;
    P11KitUri *uri; /* or NULL */
    const char *module;
};
/* False (ERR_CONFIG): the URI is none, nothing is given, or no module is named. */
MUST_CHECK bool hsm_selector_init(struct hsm_selector *s, const struct hsm_token_choice *choice,
                                  struct err *err);
void hsm_selector_release(struct hsm_selector *s);
bool hsm_selector_fits(const struct hsm_selector *s, const CK_TOKEN_INFO *info);

/* Parses an object URI. Free with p11_kit_uri_free. */
MUST_CHECK bool hsm_uri_parse(const char *text, bool object, P11KitUri **out, struct err *err);
/* A blank-padded field of Cryptoki as text. */
void hsm_unpad(char *text, size_t text_size, const unsigned char *field, size_t field_len);

#endif
