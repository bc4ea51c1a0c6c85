/* ceremony/component_entry.h - one component of a key, from wherever the plan says: typed hidden by its custodian, read from
 * a file of mode 0600, drawn by the token's generator and printed to a letter, or, in TEST plans, from the plan itself.
 * Part of named exception 2: see components.c. */
#ifndef CEREMONY_COMPONENT_ENTRY_H
#define CEREMONY_COMPONENT_ENTRY_H

#include "ceremony/ceremony.h"

/* Fills `part`, whose room is the key's length, with the index-th component. A mistyped one is asked for again, three times
 * in all; its check value is compared with the plan's, shown, and confirmed by the custodian. Who entered it is written
 * into the journal before it is used.
 * False, with nothing in part: not hex, another length (ERR_INPUT); another check value (ERR_TOKEN); a custodian who knows
 * another component of this key, TEST text in a plan that is not TEST, a file that others may read (ERR_CONFIG); the letter
 * cannot be printed (ERR_FILE); left (ERR_INTERRUPTED). */
MUST_CHECK bool component_take(struct ceremony *c, const struct plan_key *key, size_t index,
                               enum hsm_algorithm algorithm, struct secret *part, struct err *err);

#endif
