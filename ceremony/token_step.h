/* ceremony/token_step.h - the first steps: a plan's tokens are initialised where the plan says so, then opened. */
#ifndef CEREMONY_TOKEN_STEP_H
#define CEREMONY_TOKEN_STEP_H

#include "ceremony/step.h"

size_t token_count(const struct plan *p);
void token_describe(const struct plan *p, size_t index, char *text, size_t size);
bool token_is_at(const struct plan *p, size_t index, const char *site);
void token_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool token_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool token_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
void login_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool login_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool login_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

#endif
