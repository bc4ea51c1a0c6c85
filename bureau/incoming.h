/* bureau/incoming.h - a MIC file that has arrived at the bureau. Nothing of it is handed out before its END record has
 * verified under a signer that the settings name, and before every KEK that it lists (JOB D7) is known to be the one held. */
#ifndef BUREAU_INCOMING_H
#define BUREAU_INCOMING_H

#include "bureau/token_process.h"
#include "formats/mic_file.h"

struct incoming;

/* `p` gives the public keys of settings->trusted_labels; it may be NULL when there are none. False: what mic_file_open refuses; a
 * KEK that the bureau does not hold (ERR_INPUT), or with another check value (ERR_INTEGRITY); ERR_FILE, ERR_CONFIG: a signer's
 * file. Messages name the file, the record and the offset. */
MUST_CHECK bool incoming_open(struct incoming **out, const struct bureau *settings, struct token_process *p,
                              const char *path, struct err *err);
/* The same over a reader, which it takes over, also when the result is false. */
MUST_CHECK bool incoming_open_reader(struct incoming **out, const struct bureau *settings,
                                     struct token_process *p, struct reader *reader, struct err *err);
void incoming_free(struct incoming *in); /* NULL is fine */

const struct mic_file_summary *incoming_summary(const struct incoming *in);
/* As mic_file_next and mic_file_rewind: each record is compared with its digest again. */
MUST_CHECK bool incoming_next(struct incoming *in, struct mic_record *record, struct card_group *card,
                              bool *end, struct err *err);
MUST_CHECK bool incoming_rewind(struct incoming *in, struct err *err);

#endif
