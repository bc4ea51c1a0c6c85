/* prep/write.h - FIG. 2, step 322: the output file. JOB record, card records in rising order, END record, signed.
 *
 * The unfinished file is the run's only journal: every append is one whole record, so that a later run can resume behind
 * the last one. Until END is there the file is called OUTPUT.partial and is recognised as incomplete by every reader. */
#ifndef PREP_WRITE_H
#define PREP_WRITE_H

#include "formats/groups.h"

struct record_writer;

MUST_CHECK bool record_writer_create(struct record_writer **out, const char *path,
                                     const struct job_group *job, struct err *err);
/* Checks that the record is whole, has the number that is due and this job's (or an earlier pass's) CARD group, notes its MAC keys' hashes,
 * and appends it. */
MUST_CHECK bool record_writer_append(struct record_writer *w, const uint8_t *record, size_t len,
                                     struct err *err);
/* A record that will not come, in this pass or an earlier one: its number stands in END CC. */
MUST_CHECK bool record_writer_set_aside(struct record_writer *w, uint64_t number, struct err *err);
/* Makes the signature over bytes that formats/groups.h prescribes. */
struct record_signer {
    bool (*sign)(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err);
    void *context;
    uint8_t id[SHA256_LEN];
    enum signature_algorithm algorithm;
};
/* END, fsync, rename. */
MUST_CHECK bool record_writer_finish(struct record_writer *w, const struct record_signer *signer,
                                     struct err *err);
uint64_t record_writer_count(const struct record_writer *w);
const char *record_writer_partial_path(const struct record_writer *w);
/* Frees; an unfinished file is kept as OUTPUT.partial if `keep`, else removed. */
void record_writer_free(struct record_writer *w, bool keep);

#endif
