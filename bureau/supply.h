/* bureau/supply.h - the supplier's step: a blank card gets keys of its own, proves them, and is listed in the batch.
 *
 *   open a channel with the keys of blank cards → PUT KEY: ENC, MAC, DEK out of the KMC and the card's KEYDATA
 *   → open a channel with the new ones → a line of the batch list
 *
 * The card's side is a card_order of PURPOSE_SUPPLY or PURPOSE_PROVE (token_process.h), played by a station. Here is what the batch says of the card:
 * before anything on it changes, and at its end. A card whose line is not written is not in the batch, whatever is on it. */
#ifndef BUREAU_SUPPLY_H
#define BUREAU_SUPPLY_H

#include "bureau/batch.h"
#include "bureau/turns.h"

/* May this card get keys, or prove them? False (ERR_INPUT): it tells no KEYDATA, or batch_is_new. */
MUST_CHECK bool supply_known(const struct batch *b, const struct card_id *id, struct err *err);
/* It is made: its line. False (ERR_FILE): it has its keys, and the line cannot be written; no more cards should be begun. */
MUST_CHECK bool supply_made(struct batch *b, const struct card_id *id, const struct turns_result *made,
                            struct err *err);

#endif
