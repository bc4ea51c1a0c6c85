/* prep/commands/set_aside.h - the file of refused records (on_bad_record: set-aside): number, place and reason of each, and the record
 * as it stood in the input, so that it can be mended and prepared by a job of its own.
 *
 * Text; a comment line begins with "# ". For tables the header row comes first, so that the file, without its comments, is an
 * input again. */
#ifndef PREP_SET_ASIDE_H
#define PREP_SET_ASIDE_H

#include "prep/commands/session.h"

struct set_aside;

/* Notes only; nothing is written before set_aside_commit. A shard writes what it refused itself, to PATH.K-of-N.
 * False: path missing (ERR_CONFIG) or the file exists (ERR_FILE). */
MUST_CHECK bool set_aside_new(struct set_aside **out, const char *path, const struct job_group *job,
                              struct err *err);
const char *set_aside_path(const struct set_aside *s);
/* A record that a worker refused; those that the survey refused are known. */
MUST_CHECK bool set_aside_add(struct set_aside *s, uint64_t number, const struct err *reason,
                              struct err *err);
/* Reads the input once more for the refused records from `first` to `last` and writes the file; no file when there are none. */
MUST_CHECK bool set_aside_commit(struct set_aside *s, struct session *session, uint64_t first, uint64_t last,
                                 struct err *err);
/* Removes the file again: the run that it belongs to has failed after all. */
void set_aside_undo(struct set_aside *s);
/* Removes the file again, if one was written: the run that it belongs to has failed after all. */
void set_aside_undo(struct set_aside *s);
void set_aside_free(struct set_aside *s);

#endif
