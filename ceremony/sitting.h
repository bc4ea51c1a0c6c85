/* ceremony/sitting.h - what every command that changes keys begins and ends with: a terminal whose echo comes back whatever
 * happens, signals that end prompts, the people, the journal. */
#ifndef CEREMONY_SITTING_H
#define CEREMONY_SITTING_H

#include "ceremony/ceremony.h"
#include "ceremony/terminal_guard.h"

struct sitting_options {
    const char *site; /* NULL: every site */
    bool yes;         /* ask nothing: TEST plans alone */
    bool log_is_lost; /* go on, by two officers, with an audit log of which the token knows more */
    bool goes_on;     /* the same people are at it already: they are not asked again whether to begin */
};
struct sitting {
    struct terminal_guard guard;
};
#define SITTING_NONE                                                                                         \
    {                                                                                                        \
        {                                                                                                    \
            -1, -1                                                                                           \
        }                                                                                                    \
    }

/* Opens terminal and journal, says what plan it is and who is expected, and asks whether to begin. c is then initialised.
 * False, both to be released all the same: --yes with a plan that is not TEST, no terminal (ERR_CONFIG); not begun
 * (ERR_INTERRUPTED); as journal_open. */
MUST_CHECK bool sitting_begin(struct sitting *s, struct ceremony *c, const struct plan *plan,
                              const struct sitting_options *o, struct err *err);
void sitting_end(struct sitting *s, struct ceremony *c);

#endif
