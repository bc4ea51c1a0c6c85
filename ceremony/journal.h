/* ceremony/journal.h - what a ceremony writes down in the plan's audit log (docs/formats/audit-log.md): who did what to
 * which key, with check values, never with a secret. Each call appends one line and is on disk when it returns. In front of a
 * sitting's first line comes "begin": the plan and the program with their hashes, site and people. A sitting in which nothing
 * happens leaves no line.
 *
 * With a journal of NULL every call is true and writes nothing. */
#ifndef CEREMONY_JOURNAL_H
#define CEREMONY_JOURNAL_H

#include "ceremony/ceremony.h"
#include "ceremony/check_value.h"
#include "ceremony/dual_control.h"

struct journal;

/* Opens the log, or begins it, after its whole chain was checked. False: broken (ERR_INTEGRITY), in use, not writable; of a
 * TEST plan, and this one is not, or the reverse (ERR_CONFIG). */
MUST_CHECK bool journal_open(struct journal **out, const struct plan *plan, const char *site,
                             struct err *err);
void journal_close(struct journal *j); /* NULL is fine */

/* A step was done, left or refused: `outcome` is "made", "left", "failed"; detail may be empty. */
MUST_CHECK bool journal_step(struct journal *j, size_t number, const char *what, const char *outcome,
                             const char *detail, struct err *err);
/* May this custodian get to know the index-th component of the key? False (ERR_CONFIG): had another one of it before. */
MUST_CHECK bool journal_custodian_may(const struct ceremony *c, const struct plan_key *key, size_t index,
                                      struct err *err);
MUST_CHECK bool journal_component(const struct ceremony *c, const struct plan_key *key, size_t index,
                                  const struct check_value *check, const char *origin, struct err *err);
/* The key is on this token. Its dates are the plan's, unless the log has some for it already (journal_key_dates). */
struct journal_key {
    const struct plan_key *key;
    const char *token, *role, *origin; /* "generated", "components", "hand-over", "key block", "found" */
    const struct check_value *check;
};
MUST_CHECK bool journal_key(struct journal *j, const struct journal_key *k, struct err *err);
/* The same of one that a sitting finds there, unless the log has it: the program that made it was killed before it could write
 * that down, or it was made by somebody else. Outside of sittings nothing is written. */
MUST_CHECK bool journal_key_found(struct ceremony *c, const struct journal_key *k, struct err *err);
/* *has: in a sitting, by the log this key is on this token, and was not destroyed there. */
MUST_CHECK bool journal_has_copy(const struct ceremony *c, const struct plan_key *key, const char *token,
                                 bool *has, struct err *err);
/* What the log says of a key: the check value last recorded, of length 0 when it knows none. */
MUST_CHECK bool journal_known_check(const struct ceremony *c, const struct plan_key *key,
                                    struct check_value *check, struct err *err);
/* *destroyed: officers took every copy of it off its tokens. */
MUST_CHECK bool journal_is_destroyed(const struct ceremony *c, const struct plan_key *key, bool *destroyed,
                                     struct err *err);
/* The plan's dates for a key that the log knows with others. */
MUST_CHECK bool journal_key_dates(struct journal *j, const struct plan_key *key, const struct officers *two,
                                  struct err *err);
/* *known: the log has these dates, or does not know the key at all. */
MUST_CHECK bool journal_dates_are_known(const struct ceremony *c, const struct plan_key *key, bool *known,
                                        struct err *err);
/* A copy of the key leaves: *serial is the hand-over's number, this line's own in the log. */
MUST_CHECK bool journal_export(struct journal *j, const struct plan_key *key, const struct plan_hand_over *h,
                               const struct check_value *check, uint64_t *serial, struct err *err);
struct journal_import {
    const char *sender, *key, *role;
    unsigned version;
    uint64_t serial;
    const struct check_value *check;
};
/* Is the serial higher than any accepted from this sender for this key? False (ERR_INTEGRITY): it was seen before. */
MUST_CHECK bool journal_serial_is_new(const struct ceremony *c, const struct journal_import *i,
                                      struct err *err);
MUST_CHECK bool journal_import(struct journal *j, const struct journal_import *i, struct err *err);
/* fingerprint: 64 hex digits. */
MUST_CHECK bool journal_trust(struct journal *j, const char *sender, const char *signer,
                              const char *fingerprint, struct err *err);
/* The fingerprint under which the signer was last trusted; "" where the log does not say. */
MUST_CHECK bool journal_trusted(const struct ceremony *c, const char *sender, const char *signer,
                                char fingerprint[static 65], struct err *err);
/* The limit that is in force, by this log; blocks is 0 where none was set. */
MUST_CHECK bool journal_limit_in_force(const struct ceremony *c, const struct plan_key *key,
                                       struct plan_limit *limit, struct err *err);
MUST_CHECK bool journal_limit(struct journal *j, const struct plan_key *key, const struct officers *two,
                              struct err *err);
MUST_CHECK bool journal_destroy(struct journal *j, const struct plan_key *key, const char *token,
                                const struct officers *two, struct err *err);
/* Texts of `two` are empty where nobody was asked. */
MUST_CHECK bool journal_rotate(struct journal *j, const struct plan_key *from, unsigned to,
                               const struct officers *two, struct err *err);
/* A line of another kind with one text. */
MUST_CHECK bool journal_note(struct journal *j, const char *event, const char *name, const char *value,
                             struct err *err);

/* Number and hash of the last line; seq 0: there is no log. */
struct journal_head {
    uint64_t seq;
    uint8_t hash[32];
    bool closed; /* the last line is a signed closing */
    bool
        ceremonies_closed; /* behind the last signed closing there is nothing but uses of keys by night runs */
};
MUST_CHECK bool journal_head(const struct ceremony *c, struct journal_head *head, struct err *err);
/* The signed closing. The pair is a signing pair of this site. */
MUST_CHECK bool journal_sign(struct journal *j, struct hsm_token *t, const struct hsm_pair *pair,
                             struct err *err);

#endif
