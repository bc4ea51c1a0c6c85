/* hsm/token.h - one PKCS#11 token in this process: module, choice, login, the control session.
 *
 * Starting and logging in happens under a lock file shared by all our processes, because simultaneous starts fail on
 * soft tokens (C_Login: CKR_GENERAL_ERROR; C_OpenSession: CKR_TOKEN_NOT_RECOGNIZED); on these errors it finalizes and
 * tries again until a deadline. pkcs11-helper loads and initialises the module and lists tokens; everything with keys
 * is raw Cryptoki (the helper has no call for it). See the head of token.c for the division and its reasons. */
#ifndef HSM_TOKEN_H
#define HSM_TOKEN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

struct hsm_token;

/* Which token: an RFC 7512 URI, or label and/or serial; all that is given must fit exactly one token. */
struct hsm_token_choice {
    const char *module;     /* path of the module; NULL: the URI's module-path */
    const char *uri;        /* "pkcs11:token=issuer;serial=…", or NULL */
    const char *label;      /* or NULL */
    const char *serial;     /* or NULL */
    const char *parameters; /* for modules that want them (NSS: "configdir='…' …"), or NULL */
};
/* Strings of a choice that a URI holds, for messages ("token 'issuer'"); writes at most size bytes. */
void hsm_token_choice_name(const struct hsm_token_choice *choice, char *text, size_t size);
/* Checks a URI without a token. False (ERR_CONFIG): not RFC 7512, or not one that can name a token (or, with `object`,
 * an object). */
MUST_CHECK bool hsm_uri_check(const char *uri, bool object, struct err *err);

enum hsm_login { HSM_LOGIN_NONE, HSM_LOGIN_USER, HSM_LOGIN_SO };
enum { HSM_READ_WRITE = 1 /* a session that may create token objects: ceremonies only */ };

/* Loads, finds, logs in. False (ERR_TOKEN): module cannot be loaded, no or more than one token fits, PIN wrong or
 * locked, deadline passed. On false nothing stays loaded. */
MUST_CHECK bool hsm_token_open(struct hsm_token **out, const struct hsm_token_choice *choice,
                               enum hsm_login login, const struct secret *pin, unsigned flags,
                               struct err *err);
/* Closes the session (its objects die with it), finalizes the module. NULL is fine. */
void hsm_token_close(struct hsm_token *t);

const char *hsm_token_label(const struct hsm_token *t);
const char *hsm_token_serial(const struct hsm_token *t);
const char *hsm_token_model(const struct hsm_token *t); /* manufacturer, model, library version: one line */

/* The session was lost, or something could not be destroyed: close the token and open it anew. */
bool hsm_token_is_broken(const struct hsm_token *t);
/* What broke it: "C_DestroyObject: CKR_DEVICE_ERROR"; "" while it is sound. */
const char *hsm_token_why_broken(const struct hsm_token *t);

/* A second token of the same module in the same process (master token and card-key token may share a module). The
 * new one shares the module with `first`; close in any order. */
MUST_CHECK bool hsm_token_open_beside(struct hsm_token **out, struct hsm_token *first,
                                      const struct hsm_token_choice *choice, const struct secret *pin,
                                      unsigned flags, struct err *err);

/* Initialises an empty token for tests, demos and ceremonies: C_InitToken, then the user PIN.
 * False: the label has not 1 to 32 bytes (ERR_CONFIG); a PIN is shorter or longer than the token wants (nothing is made), a token
 * of this label is there, or the token refuses (ERR_TOKEN). After a user PIN that it refuses another call goes on. */
struct hsm_token_init {
    const char *module;
    const char *parameters;
    const char *label;
    const struct secret *so_pin, *user_pin;
};
MUST_CHECK bool hsm_token_initialise(const struct hsm_token_init *init, struct err *err);
/* Is there a token of this label that needs nothing of the above any more? Before any token of the module is open. */
MUST_CHECK bool hsm_token_is_initialised(const char *module, const char *parameters, const char *label,
                                         bool *is, struct err *err);

/* Counts objects on the token that this session sees: all, and those with CKA_TOKEN true. */
MUST_CHECK bool hsm_token_count_objects(struct hsm_token *t, size_t *all, size_t *on_token, struct err *err);

/* C_GenerateRandom. */
MUST_CHECK bool hsm_random(struct hsm_token *t, uint8_t *out, size_t len, struct err *err);

#endif
