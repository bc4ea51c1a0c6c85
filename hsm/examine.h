/* hsm/examine.h - the long examination of a token: one trial per operation that cardprep, cardkeys and cardbureau need, and
 * per attack that a token should refuse. `cardkeys doctor` prints it; the short probe of every start is hsm/probe.h.
 *
 * A trial works on session keys of published values (or random ones where that is the point), compares what comes out
 * with libcrypto's result, and destroys what it made. Nothing is written to the token, and no wrong PIN is tried. */
#ifndef HSM_EXAMINE_H
#define HSM_EXAMINE_H

#include "hsm/token.h"

/* Programs, as a set. */
enum { HSM_FOR_PREP = 1, HSM_FOR_CEREMONY = 2, HSM_FOR_BUREAU = 4, HSM_FOR_ALL = 7, HSM_PROGRAM_COUNT = 3 };

enum hsm_severity {
    HSM_REQUIRED, /* without it a program named in required_by does not run, whatever its job */
    HSM_OPTIONAL, /* some jobs, plans or cards need it, or it saves a named exception; or nobody does (no program named) */
    HSM_SAFETY /* works: the token refuses what it should refuse */
};
struct hsm_trial {
    const char *name; /* stable: "kwp-des2" */
    const char
        *group; /* stable: "derive", "wrap", "rsa", "mac", "channel", "attributes", "attacks", "processes" */
    unsigned required_by, used_by; /* sets of programs */
    enum hsm_severity severity;
    const char *help;   /* what it is, and what of this software needs it */
    const char *advice; /* what to do where it does not work; NULL: nothing */
};

enum hsm_verdict {
    HSM_NOT_TRIED,
    HSM_WORKS,
    HSM_REFUSED, /* the cause is a call and its return value */
    HSM_UNSAFE   /* works, but with another result than it should, or lets an attack through */
};
enum { HSM_CAUSE_MAX = 96 };
struct hsm_outcome {
    enum hsm_verdict verdict;
    char cause[HSM_CAUSE_MAX]; /* for HSM_WORKS a remark, or "" */
};

/* The table of trials, in groups. */
size_t hsm_trial_count(void);
const struct hsm_trial *hsm_trial_at(size_t index);
/* False: no trial has this name. */
bool hsm_trial_find(const char *name, size_t *index);
/* "works", "refused", "unsafe", "not-tried"; "required", "optional", "safety". */
const char *hsm_verdict_name(enum hsm_verdict verdict);
const char *hsm_severity_name(enum hsm_severity severity);

/* Runs the trials that concern one of `programs` (all of them: every trial) and fills outcomes[], which has
 * hsm_trial_count() entries and is all zero, or filled by hsm_examine_processes, before. A second or two; RSA pairs of
 * 1024 to 2048 bits are generated. False (ERR_TOKEN): the session broke, which no trial explains. */
MUST_CHECK bool hsm_examine(struct hsm_token *t, unsigned programs, struct hsm_outcome *outcomes,
                            struct err *err);
/* One trial. False as above, and for a name that there is not (ERR_INTERNAL). */
MUST_CHECK bool hsm_examine_one(struct hsm_token *t, const char *name, struct hsm_outcome *out,
                                struct err *err);
/* The trials of group "processes": two processes side by side, and what a forked child finds. Forks, so it comes before
 * any token of the module is open in this process; the children do the work. The first of them tries the PIN; only when
 * that is right do others log in. False (ERR_TOKEN, with hsm_token_open's words): it could not open the token;
 * ERR_INTERNAL: no process could be made. What fails later is an outcome. */
MUST_CHECK bool hsm_examine_processes(const struct hsm_token_choice *choice, struct secret *pin,
                                      struct hsm_outcome *outcomes, struct err *err);

/* Can the program (one of HSM_FOR_…) run? Whether every trial that it requires works. */
bool hsm_examined_can_run(const struct hsm_outcome *outcomes, unsigned program);

/* Named exceptions (docs/THREATS.md): where secret values pass through a process because the token lacks a step. */
struct hsm_exception {
    const char *name; /* stable: "components" */
    unsigned program;
    const char *text;
    const char *unless; /* the trial that makes it needless; NULL: taken on every token */
};
size_t hsm_exception_count(void);
const struct hsm_exception *hsm_exception_at(size_t index);
/* Would it be taken on this token? */
bool hsm_exception_taken(const struct hsm_outcome *outcomes, size_t index);

#endif
