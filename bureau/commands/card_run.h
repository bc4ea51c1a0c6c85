/* bureau/commands/card_run.h - what `personalize`, `redo`, `status` and `script` have in common: settings, file, books. */
#ifndef BUREAU_COMMANDS_CARD_RUN_H
#define BUREAU_COMMANDS_CARD_RUN_H

#include "bureau/incoming.h"

/* "5", or "5-9"; NULL: all. False (ERR_CONFIG): another form. */
MUST_CHECK bool range_read(const char *text, uint64_t *first, uint64_t *last, struct err *err);

/* Settings, and the file, verified. Signers that are on the token alone are asked of a token process that ends again. */
struct card_file {
    struct bureau *settings;
    struct incoming *file;
};
MUST_CHECK bool card_file_open(struct card_file *f, const char *settings_path, const char *path,
                               struct err *err);
void card_file_close(struct card_file *f); /* harmless on zero */

#endif
