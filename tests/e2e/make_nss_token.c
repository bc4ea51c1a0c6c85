/* make_nss_token MODULE PARAMETERS LABEL PIN-FILE: an NSS database with a user PIN. NSS wants an empty PIN of the security
 * officer, which no source of cardkeys gives. */
#include <stdio.h>

#include "base/secret.h"
#include "hsm/pin.h"
#include "hsm/token.h"

static bool make(char **argv, struct err *err)
{
    struct secret so = SECRET_NONE, user = SECRET_NONE;
    struct hsm_pin_source source;
    char text[1024];
    snprintf(text, sizeof(text), "file:%s", argv[4]);
    struct hsm_token_init init = {argv[1], argv[2], argv[3], &so, &user};
    bool ok = secret_copy(&so, "", 0, err) && hsm_pin_source_read(text, &source, err) &&
              hsm_pin_get(&source, argv[3], &user, err) && hsm_token_initialise(&init, err);
    secret_release(&so);
    secret_release(&user);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    if (argc != 5) {
        fputs("usage: make_nss_token MODULE PARAMETERS LABEL PIN-FILE\n", stderr);
        return 2;
    }
    if (secret_start(&err) && make(argv, &err)) return 0;
    fprintf(stderr, "make_nss_token: %s\n", err.text);
    return 1;
}
