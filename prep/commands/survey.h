/* prep/commands/survey.h - the first reading: the whole input parsed and planned without a token, before anything is written.
 *
 * It counts, finds repeated PANs, object ids and join keys over all shards (an index in a temporary SQLite file), checks
 * every value, date and certificate expiry, and notes which records are bad. */
#ifndef PREP_SURVEY_H
#define PREP_SURVEY_H

#include "prep/plan.h"
#include "prep/read.h"
#include "prep/usage.h"

struct survey {
    uint64_t planned; /* card records of the whole job */
    uint64_t *bad;    /* numbers of records to set aside, rising */
    size_t bad_count;
    uint64_t sealed_entries_copied, open_entries_copied, unnamed_entries;
    uint64_t *application_count; /* cards per application of the job */
    size_t application_total;
    struct buf messages; /* one line per bad record (at most 1000) */
    bool sealed_kek_used;
    struct usage
        *usage; /* of a job with an audit log: derivations planned for all its good records; else NULL */
    struct job_kek keks[JOB_KEKS_MAX]; /* KEKs of copied entries, from the earlier pass's JOB group */
    size_t kek_count;
};
/* Gives a card that card_reader_next gave its identity: number, counter value and CARD group. `position` counts what the reader
 * gave or refused since its start, from 1: in a first pass it is the record's number; a further pass keeps number and CARD.
 * False (ERR_INPUT): the job's object identifier field is empty or holds none. */
MUST_CHECK bool card_identify(struct card_input *in, const struct card_reader *reader, const struct job *job,
                              const struct job_identity *identity, uint64_t position, struct err *err);
/* Reads all. With on_bad_record: stop, the first bad record is the error. identity gives job id and first counter. */
MUST_CHECK bool survey_run(struct survey *out, struct card_reader *reader, const struct job *job,
                           struct planner *planner, const struct job_identity *identity, struct err *err);
void survey_release(struct survey *s);
bool survey_is_bad(const struct survey *s, uint64_t number);

#endif
