/* audit/verify.h - is this log whole? The chain shows a line that was changed, removed, repeated or moved. What a chain cannot
 * show, since anybody can compute hashes, is a log written anew from some line on, or cut at its end: against the first stand
 * the signed closings, against the second an anchor, which is a line's number and hash known from elsewhere. */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "audit/line.h"
#include "base/reader.h"
#include "formats/signature.h"

struct audit_verify_settings {
    const struct public_key *signers; /* formats/signers.h reads PEM files */
    size_t signer_count;
    const struct audit_head *anchor; /* NULL: none */
};
struct audit_verified {
    struct audit_head head;    /* the last line; head.seq is the number of lines */
    uint64_t closings;         /* lines "close" */
    uint64_t closings_unknown; /* of these: by none of the given signers, so not verified */
    uint64_t closings_good;    /* verified */
    uint64_t last_good;        /* number of the last line whose closing verified; 0: none */
    char last_good_time[21];   /* its time */
    uint64_t behind;           /* lines behind it, which no signature covers yet */
    uint64_t cut_lines;        /* lines "cut-line": how often a program or machine fell while it wrote */
};

/* Reads the whole log. False: ERR_INTEGRITY, `PATH:LINE: what is wrong` (with the sequence numbers expected and found) for a
 * line that audit/read.h refuses, a last line that is cut, a closing of a given signer that does not verify or lacks its
 * signature, an anchor that is another line there, or lies behind the log's end; ERR_FILE. */
MUST_CHECK bool audit_verify(const char *path, const struct audit_verify_settings *settings,
                             struct audit_verified *out, struct err *err);
/* Over an open reader, which it takes over. */
MUST_CHECK bool audit_verify_over(struct reader *reader, const struct audit_verify_settings *settings,
                                  struct audit_verified *out, struct err *err);

#endif
