/* ceremony/evidence.h - what an auditor compares: the program's version and hash, and those of files. */
#ifndef CEREMONY_EVIDENCE_H
#define CEREMONY_EVIDENCE_H

#include "base/err.h"

enum { EVIDENCE_HASH_TEXT = 65 };
/* "cardkeys 0.1.0" */
const char *evidence_program(void);
/* SHA-256 of the program's file as it runs, in lower-case hex. False (ERR_FILE): it cannot be read. */
MUST_CHECK bool evidence_program_hash(char hex[static EVIDENCE_HASH_TEXT], struct err *err);
/* The same of any file; it may have any size. */
MUST_CHECK bool evidence_file_hash(const char *path, char hex[static EVIDENCE_HASH_TEXT], struct err *err);

/* The same of the plan as it was read: its file may be another one meanwhile. */
struct plan;
void evidence_plan_hash(const struct plan *plan, char hex[static EVIDENCE_HASH_TEXT]);

enum { EVIDENCE_GROUPS_TEXT = 80 };
/* The same digits in groups of four, for people who compare them; returns text. */
const char *evidence_groups(const char hex[static EVIDENCE_HASH_TEXT],
                            char text[static EVIDENCE_GROUPS_TEXT]);

#endif
