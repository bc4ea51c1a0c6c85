/* ceremony/audit_check.h - a plan's audit log, verified with the signers that the plan names and, where a token is open, with
 * the end that the token keeps (closing.h). */
#ifndef CEREMONY_AUDIT_CHECK_H
#define CEREMONY_AUDIT_CHECK_H

#include "audit/verify.h"
#include "ceremony/ceremony.h"

enum { AUDIT_CHECK_TEXT = 240 };
struct audit_check {
    struct audit_verified found;
    bool anchored; /* the token's anchor was found in the log */
};
/* Signers are the public files of the plan's signing pairs, as far as they are there. False: as audit_verify; there is no log
 * (ERR_FILE). */
MUST_CHECK bool audit_check_plan(struct ceremony *c, struct audit_check *out, struct err *err);
/* Before a sitting adds to the log: does it still hold the line at which the token keeps that it was closed? Without an open
 * token of this site's signing pair, or without such a line on it: true. False: ERR_INTEGRITY; as audit_read_next; ERR_FILE. */
MUST_CHECK bool audit_check_continues(struct ceremony *c, struct err *err);
/* One line of words. */
void audit_check_describe(const struct audit_check *check, char text[static AUDIT_CHECK_TEXT]);

/* The token of the pair that signs here; NULL: it is not open, or the plan has no such pair here. */
struct hsm_token *audit_check_token(const struct ceremony *c);
/* What that token keeps as the log's end; *found stays false where it is not open, or keeps none.
 * False: ERR_TOKEN; ERR_INTEGRITY: what it keeps is no such thing. */
MUST_CHECK bool audit_check_anchor(struct ceremony *c, struct audit_head *anchor, bool *found,
                                   struct err *err);

#endif
