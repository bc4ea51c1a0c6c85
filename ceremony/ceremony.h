/* ceremony/ceremony.h - one ceremony: a plan, its tokens, and what its steps share. */
#ifndef CEREMONY_CEREMONY_H
#define CEREMONY_CEREMONY_H

#include <stdio.h>

#include "config/plan.h"
#include "hsm/key.h"
#include "hsm/token.h"

/* A plan's token in this process. */
struct ceremony_token {
    struct hsm_token *open; /* NULL until first needed */
    struct secret pin;      /* fetched once, kept locked until the end */
    bool absent;            /* seen to be missing; a plan may initialise it */
};

struct ceremony {
    const struct plan *plan;
    struct ceremony_token *tokens; /* plan->token_count of them, in the plan's order */
    FILE *people;                  /* what people read while it runs; NULL: silent */
    bool changes;                  /* sessions may create objects (run), or not (check, list) */
};

/* The plan stays the caller's. False: no memory. */
MUST_CHECK bool ceremony_init(struct ceremony *c, const struct plan *plan, FILE *people, bool changes,
                              struct err *err);
/* Closes tokens, wipes PINs. */
void ceremony_release(struct ceremony *c);

enum { PLAN_KEY_NAME_MAX = 96 };
/* "KML/1", or the name alone for a key without versions; written to text, which it returns. */
const char *plan_key_name(const struct plan_key *key, char text[static PLAN_KEY_NAME_MAX]);
/* Index of the plan's token, or of its key, of this name; the plan's size when there is none. */
size_t plan_token_index(const struct plan *p, const char *name);
size_t plan_key_index(const struct plan *p, const char *name);

#endif
