/* bureau/supplied.h - a supplier's books (`books:` of its settings): every card that was listed, and in which list, so that no card and
 * no serial number stands in two of them. One SQLite file, as the bureau's (registry.h); every change is on disk when its function
 * returns, and runs in several readers may share it. */
#ifndef BUREAU_SUPPLIED_H
#define BUREAU_SUPPLIED_H

#include <time.h>

#include "bureau/registry.h"
#include "formats/scp.h"

struct supplied_card {
    uint8_t key_data[SCP_KEY_DATA];
    const uint8_t *serial; /* in key_data */
    size_t serial_len;
};

/* To be closed with registry_close. False: as registry_open. */
MUST_CHECK bool supplied_open(struct registry **out, const char *path, struct err *err);
/* False: ERR_INPUT, the card or another one with its serial number is in a list, which is named; ERR_FILE. */
MUST_CHECK bool supplied_is_new(struct registry *r, const struct supplied_card *card, struct err *err);
/* Before its line is written. False: as supplied_is_new. */
MUST_CHECK bool supplied_note(struct registry *r, const struct supplied_card *card, const char *list,
                              time_t now, struct err *err);
/* Its line could not be written. */
MUST_CHECK bool supplied_forget(struct registry *r, const struct supplied_card *card, struct err *err);

#endif
