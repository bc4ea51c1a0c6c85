/* ceremony/hand_over.h - keys and pairs from one token of the plan to another: written as signed hand-over files in the sitting in which
 * the key is made (docs/formats/handover.md), and taken in by the receiver.
 *
 * The receiver accepts a file when a signer that its token trusts (trust.h) signed it, and when every line is what the plan
 * says of this key and this token: so a KEK cannot come in as a KMC, nor a file a second time, nor one for somebody else. */
#ifndef CEREMONY_HAND_OVER_H
#define CEREMONY_HAND_OVER_H

#include "ceremony/place.h"
#include "ceremony/step.h"

struct travelling;

/* At the sender: wraps the session key for every receiver of the plan and writes the files. The pair that signs for the site
 * signs them; that pair's own are signed by itself, before it is on its token. False, with no file left: a transport key or
 * that pair is not there, the token refuses, a file cannot be written. */
MUST_CHECK bool hand_over_write(struct ceremony *c, const struct place *p, const struct travelling *k,
                                struct err *err);
/* Sets r to STEP_WAITING and for what, when a transport key or the pair that signs is not made yet, or a receiver's public key has
 * not come: the key cannot be made before. Else r stays as it is. False: as place_open. */
MUST_CHECK bool hand_over_waits(struct ceremony *c, const struct plan_key *key, struct step_result *r,
                                struct err *err);
/* Removes the files again: the key did not come to its token. */
void hand_over_take_back(const struct plan_key *key);

/* At the receiver, a step for each hand-over of the plan. */
size_t hand_over_count(const struct plan *p);
void hand_over_describe(const struct plan *p, size_t index, char *text, size_t size);
bool hand_over_is_at(const struct plan *p, size_t index, const char *site);
void hand_over_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool hand_over_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool hand_over_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

/* One hand-over of a plan. */
struct hand_over {
    const struct plan_key *key;
    const struct plan_hand_over *how;
    size_t place; /* the receiver among the key's tokens */
};
/* The index-th, over all keys. */
struct hand_over hand_over_at(const struct plan *p, size_t index);
/* Takes in one file, from `path`; the key is not there yet. False: ERR_INTEGRITY (signature, a line that is not the plan's, a
 * serial number that was seen), ERR_INPUT (no hand-over file), ERR_TOKEN, ERR_FILE; then nothing is on the token. */
MUST_CHECK bool hand_over_take_in(struct ceremony *c, const struct hand_over *h, const char *path,
                                  struct check_value *check, struct err *err);

#endif
