/* formats/card_record.h - one card record of an output file against its JOB group: docs/formats/mic-file.md as far as
 * they need neither keys nor the other records. What prep writes passes here before it is written. */
#ifndef FORMATS_CARD_RECORD_H
#define FORMATS_CARD_RECORD_H

#include "formats/entry.h"

struct card_record { /* everything borrowed lives as long as the record's bytes */
    struct card_group card;
    struct seal_group seal;
    struct entry entries[ENTRIES_MAX]; /* of the chip group; none if there is no such group */
    size_t entry_count;
};

/* False: CARD not first, SEAL not last, one of our groups or the chip group too often, what the readers of groups and
 * entries refuse (ERR_INPUT); a CARD or SEAL of another pass, a binding to another record, a KEK that JOB does not
 * list, a number above the planned ones (ERR_INTEGRITY). *out then means nothing. Allocates nothing. */
MUST_CHECK bool card_record_read(const struct mic_record *record, const struct job_group *job,
                                 struct card_record *out, struct err *err);

#endif
