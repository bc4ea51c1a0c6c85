/* card/state_file.h - a card's image in a file: whole or as it was before (base/outfile.h), mode 0600. Beside it PATH.lock, held
 * while a program uses the card. */
#ifndef CARD_STATE_FILE_H
#define CARD_STATE_FILE_H

#include "card/card.h"

/* A file for a new card. False (ERR_FILE): PATH exists already, or cannot be written. */
MUST_CHECK bool state_file_create(const char *path, const struct card *card, struct err *err);

struct state_file {
    const char *path;
    int lock;
    bool cut_power; /* the next keeping is cut in its middle and fails: power loss */
};
/* Locks, removes what an interrupted writing left, and reads. False: ERR_FILE (not there, in use), ERR_INPUT (damaged). */
MUST_CHECK bool state_file_open(struct state_file *f, const char *path, struct card **out, struct err *err);
/* A card_keep_fn with a struct state_file as its context. */
bool state_file_keep(void *context, const struct card *card, struct err *err);
void state_file_close(struct state_file *f);

#endif
