/* ceremony/key_story.h - what people are told of a key: what its role is for, and how it comes to be. */
#ifndef CEREMONY_KEY_STORY_H
#define CEREMONY_KEY_STORY_H

#include "ceremony/check_value.h"
#include "ceremony/step.h"

/* The story of making this key (a pair or a secret key). */
void key_story_make(const struct plan *p, const struct plan_key *key, struct step_story *s);
/* "KML/1 on issuer", the tokens that get it without a hand-over; written to text. */
void key_story_describe(const struct plan_key *key, char *text, size_t size);
/* One sentence on what a key of this role is for; the plan's own `purpose` if it has one. */
const char *key_story_purpose(const struct plan_key *key);

/* "check value 1A2B3C" as the step's detail. */
void key_story_check(const struct check_value *check, struct step_result *r);

#endif
