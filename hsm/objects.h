/* hsm/objects.h - what is on a token: every key, for the question whether there is one too many; and removing. */
#ifndef HSM_OBJECTS_H
#define HSM_OBJECTS_H

#include "hsm/key.h"

enum hsm_object_class { HSM_OBJECT_SECRET, HSM_OBJECT_PRIVATE, HSM_OBJECT_PUBLIC };
/* "secret key", "private key", "public key" */
const char *hsm_object_class_name(enum hsm_object_class class);

/* Text is the token's: control characters stand as '?', labels end after 64 bytes. Valid during the call. */
struct hsm_object_seen {
    const char *label; /* "" for none */
    enum hsm_object_class class;
    const char
        *type; /* "AES-256" ("AES" where the token does not say), "DES2", "RSA-2048", "generic", "type 0x…" */
};
/* False (err set) ends the walk. */
typedef bool hsm_object_fn(void *context, const struct hsm_object_seen *seen, struct err *err);
/* Each key object of the token that this session sees, secret keys first; objects of the session are not among them.
 * False: the token's answer (ERR_TOKEN), more than 1024 of one class (ERR_TOKEN), or fn's. */
MUST_CHECK bool hsm_objects_each(struct hsm_token *t, hsm_object_fn *fn, void *context, struct err *err);

/* Destroys every key object of this label on the token: the secret key, or private and public part.
 * False (ERR_TOKEN): there is none; the token refuses, a kept key by name (`may not be destroyed: …`). Of a pair whose
 * second part cannot be destroyed the first is gone. */
MUST_CHECK bool hsm_key_remove(struct hsm_token *t, const char *label, struct err *err);

#endif
