/* ceremony/step.h - a ceremony is a list of steps, one table (steps.c): what `script` prints, `run` leads through and does,
 * `check` and `verify` look at. Every site numbers them alike, also those that are done elsewhere. */
#ifndef CEREMONY_STEP_H
#define CEREMONY_STEP_H

#include "ceremony/ceremony.h"

enum step_state {
    STEP_TO_DO,     /* not there yet (only from look) */
    STEP_THERE,     /* was there already, and is right */
    STEP_MADE,      /* made now */
    STEP_READY,     /* nothing is made: a token is open */
    STEP_WAITING,   /* for somebody outside: a scheme's certificate, a hand-over file */
    STEP_ELSEWHERE, /* done at another site */
};
const char *step_state_text(enum step_state state);

struct step_result {
    enum step_state state;
    char detail[256]; /* "check value 1A2B3C"; may be empty */
};

/* A step in words, for the script and for the screen. Who does it, what happens, why, what is typed or read aloud, and what
 * comes of it. `types` may be empty. */
struct step_story {
    char who[PLAN_PEOPLE_TEXT_MAX + 256], what[512], why[384], types[384], next[256];
};
/* Fills one member of a story. */
#define STORY(member, ...) snprintf(member, sizeof(member), __VA_ARGS__)

typedef bool step_fn(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
struct step_row {
    const char *name; /* "key" */
    size_t (*count)(const struct plan *p);
    /* What this one is about: "KML/1 on issuer". */
    void (*describe)(const struct plan *p, size_t index, char *text, size_t size);
    bool (*is_at)(const struct plan *p, size_t index, const char *site); /* NULL: at every site */
    void (*tell)(const struct plan *p, size_t index, struct step_story *s);
    step_fn *look; /* changes nothing; false: what is there is wrong */
    step_fn *run;  /* does it, unless it is done; false: refused, with everything as it was */
    /* Of a row that stands twice, before the keys and after them: which of its steps are late? NULL: the row has all. */
    bool (*is_late)(const struct plan *p, size_t index);
    bool late; /* this one has the late ones */
};

/* One step of a plan. */
struct step {
    const struct step_row *row;
    size_t index, number, count; /* index within the row; number from 1, of so many */
    char what[200];              /* "key KML/1 on issuer" */
    bool here;                   /* done at this ceremony's site */
};
/* Walks through a plan's steps: begin with a zeroed walk; false at the end. */
struct step_walk {
    size_t row, index, number;
};
bool step_next(const struct plan *p, const char *site, struct step_walk *walk, struct step *s);
/* "17/28  key KML/1 on issuer   made: check value 1A2B3C" to stdout, as dialogue_result. */
void step_print(const struct step *s, const struct step_result *r);

typedef void step_done_fn(void *context, const struct step *s, const struct step_result *r);
enum step_verb { STEP_LOOK, STEP_RUN };
/* All steps of the plan that are done here, in order, each reported when it is done; stops at the first that fails, naming
 * it ("step 3 (key KML/1 on issuer): …"). Does not talk with anybody: lead.h does. */
MUST_CHECK bool steps_each(struct ceremony *c, enum step_verb verb, step_done_fn *done, void *context,
                           struct err *err);
/* One of them. A step of another site is STEP_ELSEWHERE. */
MUST_CHECK bool step_do(struct ceremony *c, enum step_verb verb, const struct step *s, struct step_result *r,
                        struct err *err);

#endif
