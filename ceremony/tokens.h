/* ceremony/tokens.h - a plan's tokens: made where the plan says so, opened when a step first needs them. */
#ifndef CEREMONY_TOKENS_H
#define CEREMONY_TOKENS_H

#include "ceremony/ceremony.h"

/* Where the plan would initialise the token: is it still to be? Sets c->tokens[index].absent. False (ERR_TOKEN): the
 * module cannot be loaded. */
MUST_CHECK bool tokens_look(struct ceremony *c, size_t index, struct err *err);
/* Makes the absent token: label, security officer's PIN, user PIN. Before any token of that module is open. */
MUST_CHECK bool tokens_initialise(struct ceremony *c, size_t index, struct err *err);
/* The open, logged-in token, owned by the ceremony. False: as hsm_token_open, naming the token. */
MUST_CHECK bool tokens_open(struct ceremony *c, size_t index, struct hsm_token **out, struct err *err);
/* The same by the plan's name for it. */
MUST_CHECK bool tokens_open_named(struct ceremony *c, const char *name, struct hsm_token **out,
                                  struct err *err);

#endif
