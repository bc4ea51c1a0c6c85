/* ceremony/make_keys.h - the plan's keys, each on each of its tokens in that token's role: RSA pairs that stay (a step each), then
 * secret keys and pairs that are handed over. A key that is there is checked against role, size and check value: right is "already there", wrong is
 * refused. Tokens that get a key by a hand-over are hand_over.h's; the copies for them are made here, in the sitting in
 * which the key is made, since afterwards it cannot leave (docs/KEYS.md, "Export once"). */
#ifndef CEREMONY_MAKE_KEYS_H
#define CEREMONY_MAKE_KEYS_H

#include "ceremony/step.h"

size_t make_pairs_count(const struct plan *p);
void make_pairs_describe(const struct plan *p, size_t index, char *text, size_t size);
bool make_pairs_is_at(const struct plan *p, size_t index, const char *site);
void make_pairs_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool make_pairs_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool make_pairs_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

size_t make_keys_count(const struct plan *p);
void make_keys_describe(const struct plan *p, size_t index, char *text, size_t size);
bool make_keys_is_at(const struct plan *p, size_t index, const char *site);
void make_keys_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool make_keys_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool make_keys_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

#endif
