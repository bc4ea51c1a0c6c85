/* bureau/commands/card_run.h - what commands that read a MIC file or make cards have in common: settings, file, readers. */
#ifndef BUREAU_COMMANDS_CARD_RUN_H
#define BUREAU_COMMANDS_CARD_RUN_H

#include "base/args.h"
#include "bureau/incoming.h"
#include "bureau/journal.h"
#include "bureau/pin_once.h"

/* "5", or "5-9"; NULL: all. False (ERR_CONFIG): another form. */
MUST_CHECK bool range_read(const char *text, uint64_t *first, uint64_t *last, struct err *err);

/* Those that are named, or else those of the settings; none: any reader. */
struct arg_list reader_patterns(const struct arg_list *named, const struct bureau *settings);
/* Settings, and the file, verified. Signers that are on the token alone are asked of a token process that ends again. A PIN that
 * comes once (pin_once.h) is kept for the processes that are started next, until card_file_forget_pin. */
struct card_file {
    struct bureau *settings;
    struct secret pin;
    struct incoming *file;
};
MUST_CHECK bool card_file_open(struct card_file *f, const char *settings_path, const char *path,
                               struct err *err);
void card_file_forget_pin(struct card_file *f);
void card_file_close(struct card_file *f); /* harmless on zero */

/* Before a PIN is asked for. False (ERR_CONFIG): they name no return key. */
MUST_CHECK bool has_return_key(const struct bureau *settings, struct err *err);

/* For commands that make nothing from the file: its END is looked at without its signature. */
MUST_CHECK bool unsigned_file_open(struct mic_file **out, const char *path, struct err *err);
/* Where the journal of the job is, which the caller frees; *there false: no card of the job was begun. */
MUST_CHECK bool journal_find(const struct bureau *settings, const struct job_group *job, char **path,
                             bool *there, struct err *err);

#endif
