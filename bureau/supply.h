/* bureau/supply.h - the supplier's step: a blank card gets keys of its own, proves them, and is listed in the batch.
 *
 *   open a channel with the keys of blank cards → PUT KEY: ENC, MAC, DEK out of the KMC and the card's KEYDATA
 *   → open a channel with the new ones → a line of the batch list
 *
 * A card whose line is not written is not in the batch, whatever is on it. Keys are in the token process alone. */
#ifndef BUREAU_SUPPLY_H
#define BUREAU_SUPPLY_H

#include "bureau/batch.h"
#include "bureau/turns.h"

/* Everything is borrowed. */
struct supply {
    struct token_process *token;
    struct batch *batch;
    bool again; /* cards that have their own keys already are listed as well, once they have proven them */
    void *context;
    /* As in turns.h. */
    bool (*transmit)(void *context, const struct card_turn *turn, struct buf *answer, struct err *why);
};
/* One card; keys that do not fit are tried once. The result is CARD_MADE with its line written, or says why not. False (ERR_FILE):
 * the card has its keys, and the line cannot be written; no more cards should be begun. */
MUST_CHECK bool supply_card(const struct supply *s, struct turns_result *result, struct err *err);

#endif
