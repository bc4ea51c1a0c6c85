/* bureau/trust.h - whose files are taken: the keys of the settings' PEM files, and those that a ceremony put on the token. MIC files
 * and remake lists come from the same issuers. */
#ifndef BUREAU_TRUST_H
#define BUREAU_TRUST_H

#include "bureau/token_process.h"
#include "formats/signers.h"

enum { TRUSTED_MAX = 16, TRUST_SPKIS_MAX = TRUSTED_MAX * (2 + PUBLIC_KEY_SPKI_MAX) };

struct trust {
    struct signers files;
    struct buf spkis;
    struct public_key keys[SIGNERS_MAX + TRUSTED_MAX]; /* of both */
    size_t count;
};
/* `p` gives the keys of settings->trusted_labels; it may be NULL when there are none. False: ERR_FILE, ERR_CONFIG: a signer's file,
 * too many of them; ERR_TOKEN. */
MUST_CHECK bool trust_new(struct trust **out, const struct bureau *settings, struct token_process *p,
                          struct err *err);
void trust_free(struct trust *t); /* NULL is fine */

#endif
