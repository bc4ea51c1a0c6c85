/* ceremony/letter_step.h - a component that the token's generator draws, printed to a letter for its custodian. */
#ifndef CEREMONY_LETTER_STEP_H
#define CEREMONY_LETTER_STEP_H

#include "ceremony/ceremony.h"

/* Fills part (its room is the key's length; DES components get odd parity) and prints the letter where the plan says. The
 * custodian names themself at the printer first. The component is never on the screen.
 * False, part wiped: as letter_write and printer_open; left (ERR_INTERRUPTED); the token has no generator (ERR_TOKEN). */
MUST_CHECK bool letter_step_draw(struct ceremony *c, const struct plan_key *key, size_t index,
                                 enum hsm_algorithm algorithm, struct secret *part, struct err *err);

#endif
