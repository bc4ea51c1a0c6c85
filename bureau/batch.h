/* bureau/batch.h - the list of cards that a supplier has given their keys: one line a card, as jobs join it (docs/formats/batch-list.md).
 *
 * A batch list is made for one run and never goes on. Its lines are in the order in which the cards have proven their keys. Each line is one write, and on the disk before the next card; a line that
 * is not whole is what a cut of power left, and its card is not in the batch. */
#ifndef BUREAU_BATCH_H
#define BUREAU_BATCH_H

#include "config/bureau.h"
#include "formats/scp.h"

struct batch;

enum { BATCH_CHECK = 3 };
struct batch_card {
    uint8_t key_data[SCP_KEY_DATA];
    uint8_t key_version;            /* that the card reports */
    uint8_t checks[3][BATCH_CHECK]; /* of ENC, MAC, DEK */
};

/* Makes the file, with its line of names. The settings (a supplier's) say where the serial number lies, the KMC's version, and where the
 * books of earlier lists are (supplied.h), if there are any; they are borrowed. False (ERR_FILE): it exists, or cannot be written; the
 * books cannot be opened. */
MUST_CHECK bool batch_create(struct batch **out, const char *path, const struct bureau *settings,
                             struct err *err);
/* Closes it. NULL is fine. */
void batch_free(struct batch *b);
/* False (ERR_INPUT): this KEYDATA, or the serial number in it, is in the batch, or in another one by the books. ERR_FILE. */
MUST_CHECK bool batch_is_new(const struct batch *b, const uint8_t key_data[SCP_KEY_DATA], struct err *err);
/* Are these two cards, with a serial number each? */
bool batch_is_other(const struct batch *b, const uint8_t key_data[SCP_KEY_DATA],
                    const uint8_t other[SCP_KEY_DATA]);
/* Writes a card's line and syncs it. False: batch_is_new; ERR_FILE, it cannot be written: the file is as it was, if it can be. */
MUST_CHECK bool batch_add(struct batch *b, const struct batch_card *card, struct err *err);
/* Cards in it. */
size_t batch_count(const struct batch *b);

#endif
