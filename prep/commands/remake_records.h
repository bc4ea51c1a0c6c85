/* prep/commands/remake_records.h - the records that `cardprep remake --records` names:
 *
 *   2,5-9,12=0001A2B3C4     numbers, ranges, and numbers with the serial number of the card that is to be replaced
 *
 * Commas or line feeds stand between them. */
#ifndef PREP_REMAKE_RECORDS_H
#define PREP_REMAKE_RECORDS_H

#include "formats/remake_list.h"

/* Entries with rising numbers, all for this reason; to be freed. False (ERR_CONFIG): another form, a number twice, more than
 * REMAKE_ENTRIES_MAX. */
MUST_CHECK bool remake_records_read(const char *text, const char *reason, struct remake_entry **out,
                                    size_t *count, struct err *err);
/* The numbers as ranges, "2, 5-9", as far as the buf takes them; more is shown as "…". */
void remake_records_text(const struct remake_entry *entries, size_t count, struct buf *out);

#endif
