/* bureau/commands/make_cards.h - the coordinator of a job: it gives each card its record, and writes everything down. */
#ifndef BUREAU_COMMANDS_MAKE_CARDS_H
#define BUREAU_COMMANDS_MAKE_CARDS_H

#include "bureau/bound.h"
#include "bureau/commands/posts.h"
#include "bureau/ledger.h"
#include "bureau/record_source.h"

enum { CARDS_PER_RECORD = 2 /* that stay untouched, before a record is left for a redo */ };

struct make_cards {
    const struct bureau *settings;
    struct ledger *ledger;
    struct record_source *source;
    unsigned retries;
    bool redo;
    struct bound_index *bound; /* NULL before it is needed */
    struct posts posts;        /* started; limit and failures_max set */
    /* How it went; posts has the rest. */
    uint64_t untouched, half_done, spoiled, modules_failed;
};

/* Makes cards until no record is left, or posts_work ends it. What a person should see goes to standard error. False: ERR_FILE, a book
 * cannot be written any more; ERR_INTEGRITY, the file has changed; ERR_TOKEN and others, no station is left. What is under way then is
 * broken off. */
MUST_CHECK bool make_cards(struct make_cards *m, struct err *err);

#endif
