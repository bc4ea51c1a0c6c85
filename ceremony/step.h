/* ceremony/step.h - a ceremony is a list of steps, one table (steps.c): what `run` does, `check` looks at. */
#ifndef CEREMONY_STEP_H
#define CEREMONY_STEP_H

#include "ceremony/ceremony.h"

enum step_state {
    STEP_TO_DO,   /* not there yet (only from look) */
    STEP_THERE,   /* was there already, and is right */
    STEP_MADE,    /* made now */
    STEP_READY,   /* nothing is made: a token is open */
    STEP_WAITING, /* for somebody outside: a scheme's certificate */
};
const char *step_state_text(enum step_state state);

struct step_result {
    enum step_state state;
    char detail[256]; /* "check value 1A2B3C"; may be empty */
};

typedef bool step_fn(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
struct step_row {
    const char *name; /* "key" */
    size_t (*count)(const struct plan *p);
    /* What this one is about: "KML/1 on issuer". */
    void (*describe)(const struct plan *p, size_t index, char *text, size_t size);
    step_fn *look; /* changes nothing; false: what is there is wrong */
    step_fn *run;  /* does it, unless it is done; false: refused, with everything as it was */
};

/* The rows in the order of a ceremony. */
size_t step_row_count(void);
const struct step_row *step_row(size_t index);

/* Called after each step with its number from 1, of so many, and its words. */
typedef void step_done_fn(void *context, size_t number, size_t count, const char *what,
                          const struct step_result *r);
enum step_verb { STEP_LOOK, STEP_RUN };
/* All steps of the plan, in order; stops at the first that fails, naming it ("step 3 (key KML/1 on issuer): …"). */
MUST_CHECK bool steps_each(struct ceremony *c, enum step_verb verb, step_done_fn *done, void *context,
                           struct err *err);

#endif
