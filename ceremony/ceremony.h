/* ceremony/ceremony.h - one ceremony: a plan, its tokens, the people before it, and what its steps share. */
#ifndef CEREMONY_CEREMONY_H
#define CEREMONY_CEREMONY_H

#include "ceremony/dialogue.h"
#include "config/plan.h"
#include "hsm/key.h"
#include "hsm/token.h"

/* A plan's token in this process. */
struct ceremony_token {
    struct hsm_token *open; /* NULL until first needed */
    struct secret pin;      /* fetched once, kept locked until the end */
    bool absent;            /* seen to be missing; a plan may initialise it */
    bool refused;           /* it was not opened; commands that only look do not try again */
};

struct journal;

struct ceremony {
    const struct plan *plan;
    struct ceremony_token *tokens; /* plan->token_count of them, in the plan's order */
    const char *site;              /* only what is done at this site; NULL: everything */
    struct dialogue dialogue;
    struct journal *journal; /* NULL: nothing is written down (commands that change nothing) */
    bool no_log;             /* the audit log is not whole: nothing is compared with it */
    bool changes;            /* sessions may create objects (run), or not (check, list) */
    bool log_is_lost;  /* two officers may go on where the token knows more of the audit log than there is */
    bool log_given_up; /* and they did */
};

/* The plan stays the caller's; so does `site`. False: no memory, or no token of the plan is at that site (ERR_CONFIG). */
MUST_CHECK bool ceremony_init(struct ceremony *c, const struct plan *plan, const char *site, bool changes,
                              struct err *err);
/* Closes tokens, wipes PINs, ends the dialogue and the journal. */
void ceremony_release(struct ceremony *c);

enum { PLAN_KEY_NAME_MAX = 96, PLAN_PEOPLE_TEXT_MAX = 2048 /* all that a plan can name */ };
/* "KML/1", or the name alone for a key without versions; written to text, which it returns. */
const char *plan_key_name(const struct plan_key *key, char text[static PLAN_KEY_NAME_MAX]);
/* Index of the plan's token, or of its key, of this name; the plan's size when there is none. */
size_t plan_token_index(const struct plan *p, const char *name);
size_t plan_key_index(const struct plan *p, const char *name);
/* The key of "NAME" (its newest version) or "NAME/VERSION". False (ERR_CONFIG): the plan has none. */
MUST_CHECK bool plan_key_find(const struct plan *p, const char *name, const struct plan_key **out,
                              struct err *err);
/* False (ERR_CONFIG): `site` is given and no token of the plan is there. */
MUST_CHECK bool plan_site_exists(const struct plan *p, const char *site, struct err *err);
/* Where this token of the plan stands. */
const char *plan_token_site(const struct plan *p, const char *token);
/* Is the token at this site? Every token is where `site` is NULL. */
bool plan_token_is_at(const struct plan *p, const char *token, const char *site);
/* Has the key this role on its first token? */
bool plan_key_has_role(const struct plan_key *key, enum hsm_role role);
/* Are components of it drawn and printed when it is made? Then nobody can be asked for them in that plan again. */
bool plan_key_has_letters(const struct plan_key *key);
/* The first pair of this role that is kept at `site` (NULL: anywhere); NULL: none. */
const struct plan_key *plan_pair_at(const struct plan *p, enum hsm_role role, const char *site);
/* Names of all people with this duty, parted by commas, or "nobody named"; written to text, which it returns. */
const char *plan_people(const struct plan *p, enum plan_duty duty, char text[static PLAN_PEOPLE_TEXT_MAX]);
/* The index-th person of a duty; where the plan names none, "the first officer" and so on. */
const char *plan_person(const struct plan *p, enum plan_duty duty, size_t index);

#endif
